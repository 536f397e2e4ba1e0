// What somebody asked for may stand above or below what was pressed: the page moves there, no further than it must.

import { sharedEntry } from "../scaffold/page.js"
import { isCalm } from "../scaffold/player.js"

const PATIENCE = 10_000
const EVERY = 50
// Charts take their height after the script has ended.
const SETTLED = 150
// Streamlit's header lies over the page.
const HEADER = 64

const isRunning = () => document.querySelector("[data-testid=stApp]")?.dataset.testScriptState === "running"

function move(name) {
  const part = document.querySelector(`.st-key-${CSS.escape(name)}`)
  if (!part) return
  part.style.scrollMarginBlock = `${HEADER}px 16px`
  const isLow = part.getBoundingClientRect().height < innerHeight - HEADER
  part.scrollIntoView({ behavior: isCalm() ? "auto" : "smooth", block: isLow ? "nearest" : "start" })
}

export default ({ data: { name, asked } }) => {
  const seen = sharedEntry("asked", `into_sight:${name}`, () => ({ asked: 0 }))
  if (asked <= seen.asked) return
  seen.asked = asked
  const end = performance.now() + PATIENCE
  const wait = () => {
    if (isRunning() && performance.now() < end) setTimeout(wait, EVERY)
    else setTimeout(move, SETTLED, name)
  }
  setTimeout(wait, EVERY)
}
