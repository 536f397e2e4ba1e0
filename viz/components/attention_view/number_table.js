// A table of numbers, for those who do not see the picture.

import { element } from "../scaffold/elements_and_canvases.js"

export function tableOf(caption, heads, rows) {
  const table = element("table")
  table.append(element("caption", "", caption))
  const line = (cells, tag) => {
    const row = element("tr")
    row.append(...cells.map((text, place) => element(place && tag === "td" ? "td" : "th", "", text)))
    return row
  }
  table.append(line(heads, "th"), ...rows.map((cells) => line(cells, "td")))
  return table
}
