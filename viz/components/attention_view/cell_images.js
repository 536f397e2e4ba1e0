// What several of the views paint with.

import { rampColours } from "../scaffold/colours.js"
import { element } from "../scaffold/elements_and_canvases.js"

/** Letters of labels, in pixels, and how long a label may be. */
export const LABEL_FONT = 12
export const LONGEST_LABEL = 110

export const pixel = ([r, g, b]) => ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0

/** 256 colours from the most that is missing, over nothing, to the most that is new. */
export const differenceColours = (palette) => rampColours(palette.difference)

/** A small opaque or clear picture with one pixel per cell; `colour(at)` gives a packed pixel, 0 for nothing. Null without cells. */
export function cellImage(rows, columns, colour) {
  if (!rows || !columns) return null
  const canvas = element("canvas")
  canvas.width = columns
  canvas.height = rows
  const words = new Uint32Array(rows * columns)
  for (let at = 0; at < words.length; at++) words[at] = colour(at)
  canvas.getContext("2d").putImageData(new ImageData(new Uint8ClampedArray(words.buffer), columns, rows), 0, 0)
  return canvas
}

/** Lines over what cannot be seen by a query. */
export function hatchPattern(context, colours) {
  const tile = new OffscreenCanvas(6, 6)
  const drawing = tile.getContext("2d")
  drawing.fillStyle = colours.ground
  drawing.fillRect(0, 0, 6, 6)
  drawing.strokeStyle = colours.hatch
  drawing.lineWidth = 1
  for (const shift of [-6, 0, 6]) {
    drawing.moveTo(shift, 6)
    drawing.lineTo(shift + 6, 0)
  }
  drawing.stroke()
  return context.createPattern ? context.createPattern(tile, "repeat") : colours.hatch
}
