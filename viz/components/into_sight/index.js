// What somebody asked for may stand above or below what was pressed: the page moves there, no further than it must.

const PATIENCE = 10_000
const EVERY = 50
// Charts take their height after the script has ended: it is looked again, unless somebody has moved the page meanwhile.
const SETTLED = 150
const AGAIN = 900
// Streamlit's header lies over the page.
const HEADER = 64

const isRunning = () => document.querySelector("[data-testid=stApp]")?.dataset.testScriptState === "running"

const move = (part) => {
  part.style.scrollMarginBlock = `${HEADER}px 16px`
  const isCalm = matchMedia("(prefers-reduced-motion: reduce)").matches
  const isLow = part.getBoundingClientRect().height < innerHeight - HEADER
  part.scrollIntoView({ behavior: isCalm ? "auto" : "smooth", block: isLow ? "nearest" : "start" })
}

const moveAndLookAgain = (name) => {
  const part = document.querySelector(`.st-key-${CSS.escape(name)}`)
  if (!part) return
  const own = new AbortController()
  for (const done of ["wheel", "touchstart", "pointerdown", "keydown"]) addEventListener(done, () => own.abort(), { signal: own.signal, capture: true })
  const { height } = part.getBoundingClientRect()
  move(part)
  setTimeout(() => {
    if (!own.signal.aborted && part.isConnected && part.getBoundingClientRect().height !== height) move(part)
    own.abort()
  }, AGAIN)
}

export default ({ data: { name, asked } }) => {
  const shared = (globalThis.headlight ??= {})
  const seen = (shared.inSight ??= new Map())
  if (asked <= (seen.get(name) ?? 0)) return
  seen.set(name, asked)
  const end = performance.now() + PATIENCE
  const wait = () => {
    if (isRunning() && performance.now() < end) setTimeout(wait, EVERY)
    else setTimeout(moveAndLookAgain, SETTLED, name)
  }
  setTimeout(wait, EVERY)
}
