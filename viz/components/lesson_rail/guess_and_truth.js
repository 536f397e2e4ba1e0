// The truth over the guess.

import { element } from "../scaffold/elements_and_canvases.js"
import { barCell, nameCell } from "./bar_rows.js"

/** Bars of all options, the guess beside the truth; of a slider, two marks on its line. */
export function result({ kind, options, result: { guess, says, isRight, values, texts, right, ends } }) {
  const made = element("section", "result")
  made.setAttribute("role", "status")
  made.append(element("p", `gap ${isRight ? "hit" : ""}`, says))
  if (ends.length) {
    const line = element("div", "line")
    for (const [place, name] of ends.map((each, at) => [each, ["guess", "truth"][at]])) {
      const mark = element("i", name)
      mark.style.left = `${100 * Math.max(0, Math.min(1, place))}%`
      mark.title = name === "guess" ? "Your guess" : "What the model gave"
      line.append(mark)
    }
    made.append(line, element("p", "legend", "○ your guess   ● the model"))
  }
  if (!values.length && !(kind === "choose" && right.length)) return made
  const table = element("table")
  const shown = kind === "order" ? right : options.map((_, place) => place)
  for (const place of shown) {
    const row = element("tr", right.includes(place) && kind === "choose" ? "right" : "")
    const own = kind === "choose" && guess === place ? ["your guess"] : kind === "order" ? [`you: ${guess.indexOf(place) + 1}`] : []
    row.append(nameCell(options[place], ...own))
    if (values.length) {
      const guessed = kind === "draw" ? [[guess[place], "guess"]] : []
      row.append(barCell(...guessed, [values[place], "truth"]), element("td", "number", texts[place]))
    }
    table.append(row)
  }
  made.append(table)
  if (kind === "draw") made.append(element("p", "legend", "light: your guess, full: the model"))
  return made
}
