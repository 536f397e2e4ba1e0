// What somebody does who shows a page to others.
//
//   P    to the projector and back
//   H    covers all results, or uncovers them; where one of them has the focus, that one alone
//   Enter or a press uncovers one; Alt and a press covers one

import { isTyping } from "../scaffold/keys.js"
import { shared } from "../scaffold/shared_by_scripts.js"
import { Covers } from "./covers.js"

const PROJECTOR = ":is(.st-key-projector_button, .st-key-leave_projector) button"

export default () => {
  if (shared.covers) return
  const covers = (shared.covers = new Covers())
  addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.repeat || event.ctrlKey || event.metaKey || event.altKey || isTyping(event)) return
    const key = event.key.toLowerCase()
    if (key === "p") document.querySelector(PROJECTOR)?.click()
    else if (key === "h") covers.toggle(document.activeElement)
    else return
    event.preventDefault()
  })
  const pressed = (event) => {
    if (event.target.closest?.(".headlight-cover")) return covers.toggle()
    if (covers.press(event.target, event.altKey)) event.stopPropagation()
  }
  addEventListener("click", pressed, true)
  // A picture acts on the press and not on the click.
  for (const name of ["pointerdown", "mousedown"])
    addEventListener(name, (event) => covers.covered(event.target) && event.stopPropagation(), true)
  addEventListener("keydown", (event) => {
    if (!["Enter", " "].includes(event.key) || !covers.covered(event.target)) return
    event.preventDefault()
    event.stopPropagation()
    covers.press(event.target, false, true)
  }, true)
}
