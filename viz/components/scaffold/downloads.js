// Files that are made in the browser and sent nowhere.

import { canvasContext, element, rem, wrapped } from "./elements_and_canvases.js"

// Letters below a picture in a file, and how wide it is at least so that they can be read.
const LETTER = 12
const NARROWEST = 420

/** Hand a file to the person. */
export function download(name, blob) {
  const link = element("a")
  link.href = URL.createObjectURL(blob)
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000)
}

/**
 * What a view drew on a canvas, `across` pixels of the page wide, as a PNG: on its ground, and below it what its colours
 * mean and the lines that stand there on the page. ends: of the ramp, a word for each; none where it has no part in it.
 */
export function downloadPng(name, view, canvas, across, lines, ends) {
  const ratio = canvas.width / across
  const down = canvas.height / ratio
  const letter = LETTER * rem()
  const paper = element("canvas")
  const width = Math.max(across, NARROWEST)
  const write = (high) => {
    const context = canvasContext(paper, width, high, ratio)
    context.fillStyle = view.colours.ground
    context.fillRect(0, 0, width, high)
    context.drawImage(canvas, 0, 0, across, down)
    Object.assign(context, { font: `${letter}px ${getComputedStyle(view.root).fontFamily}`, fillStyle: view.colours.quiet })
    let y = down + 1.6 * letter
    if (ends) {
      context.fillText(ends[0], letter, y)
      let x = 1.6 * letter + context.measureText(ends[0]).width
      for (const colour of view.ramp) {
        context.fillStyle = `rgb(${colour})`
        context.fillRect(x, y - 0.8 * letter, 1, 0.8 * letter)
        x += 0.5
      }
      context.fillStyle = view.colours.quiet
      context.fillText(ends[1], x + 0.6 * letter, y)
      y += 1.6 * letter
    }
    for (const line of lines.flatMap((text) => wrapped(context, text, width - 2 * letter))) {
      context.fillText(line, letter, y)
      y += 1.4 * letter
    }
    return y
  }
  write(write(1))
  paper.toBlob((blob) => download(name, blob))
}
