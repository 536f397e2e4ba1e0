// What the colours of a matrix mean.

import { element, sharpContext } from "../scaffold/elements_and_canvases.js"
import { differenceColours, hatchPattern } from "./cell_images.js"
import { differenceText, weightText } from "./weight_text.js"

export function legendOf({ shell, main, header, panels }) {
  const { colours } = shell
  const bar = (of) => {
    const canvas = element("canvas")
    const context = sharpContext(canvas, 96, 10)
    of.forEach((colour, step) => {
      context.fillStyle = `rgb(${colour})`
      context.fillRect((step * 96) / 256, 0, 1, 10)
    })
    return canvas
  }
  const said = (text) => element("span", "", text)
  const parts = []
  if (!main.isDifference) {
    const lowest = `${header.unit} ${header.isLog ? weightText(main.most / 1000, header) : 0}`
    parts.push(said(lowest), bar(shell.ramp), said(weightText(main.most, header)))
    if (header.isLog) parts.push(said("logarithmic"))
    if (header.least > 0) parts.push(said(`below ${weightText(header.least, header)} is left blank`))
  }
  const difference = panels.find((panel) => panel.isDifference)
  if (difference?.most === 0) parts.push(said("no difference at all"))
  else if (difference) {
    const most = differenceText(difference.most, header)
    const scale = element("span", "pair scale")
    scale.append(said(`less by ${most.split("\u00a0")[0]}`), bar(differenceColours(colours)), said(`more by ${most}`))
    parts.push(scale)
  }
  if (panels.some((panel) => panel.hasUnseen)) {
    const sample = element("canvas")
    const drawing = sharpContext(sample, 18, 10)
    drawing.fillStyle = hatchPattern(drawing, colours)
    drawing.fillRect(0, 0, 18, 10)
    const pair = element("span", "pair")
    pair.append(sample, said(header.unseenMeans))
    parts.push(pair)
  }
  return parts
}
