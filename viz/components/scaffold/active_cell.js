// Which cell of a picture the keys are at, for a screen reader: the active descendant of the element with the focus.

import { element } from "./elements_and_canvases.js"

let count = 0

/** What is operated by keys inside of `root` and has the focus now, else null. */
export function operatedIn(root) {
  const found = root.getRootNode().activeElement
  return found && root.contains(found) && found.matches("[role=application]") ? found : null
}

/**
 * `said` of the cell that is active in `operated`. It is an element of its own each time: the same one is not read again.
 * A canvas has it inside, where it is never drawn.
 */
export function setActive(operated, said) {
  const before = operated.querySelector(":scope > .active-cell")
  if (before?.ariaLabel === said) return
  before?.remove()
  const cell = Object.assign(element("span", "active-cell"), { id: `active-cell-${++count}`, role: "img", ariaLabel: said })
  // Beside what scrolls, it takes no room.
  cell.style.cssText = "position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%)"
  operated.append(cell)
  operated.setAttribute("aria-activedescendant", cell.id)
}

export function clearActive(root) {
  for (const each of root.querySelectorAll("[role=application][aria-activedescendant]")) {
    each.removeAttribute("aria-activedescendant")
    each.querySelector(":scope > .active-cell")?.remove()
  }
}
