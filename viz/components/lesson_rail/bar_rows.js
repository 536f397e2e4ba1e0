// Rows of bars, a name before each.

import { element } from "../scaffold/elements_and_canvases.js"

/** A cell with bars of these lengths, 0 to 1, one below the other: [length, class]. */
export function barCell(...bars) {
  const cell = element("td", "cell")
  for (const [part, className] of bars) {
    const made = element("span", className)
    made.style.width = `${100 * Math.max(0, Math.min(1, part))}%`
    cell.append(made)
  }
  return cell
}

/** The cell that names a row, with small words behind its name. */
export function nameCell(name, ...words) {
  const cell = element("th")
  cell.scope = "row"
  cell.append(element("bdi", "", name), ...words.map((each) => element("small", "", ` ${each}`)))
  return cell
}
