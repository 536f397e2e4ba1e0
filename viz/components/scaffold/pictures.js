// Pictures of a message: what came as a PNG or a JPEG, and maps as pictures of a dot for each cell.

import { element } from "./elements_and_canvases.js"
import { typedArray } from "./message_numbers.js"

/** What is not looked at is dark on any ground: pictures are lit, and not written on. */
export const VEIL = [17, 21, 29]
export const LIT = "#ffffff"
const DARKEST = 0.9

/** How dark the veil over a cell is that has this part of the most. */
export const veiled = (part) => [...VEIL, Math.round(255 * DARKEST * (1 - Math.max(0, Math.min(1, part))))]

/** A promise of a canvas with the picture that these bytes are. */
export const pictureOf = async (bytes) => {
  const image = await createImageBitmap(new Blob([typedArray(Uint8Array, bytes)]))
  const canvas = Object.assign(element("canvas"), { width: image.width, height: image.height })
  canvas.getContext("2d").drawImage(image, 0, 0)
  image.close()
  return canvas
}

/** A canvas with a dot for each cell; `colour(at)` gives its red, green, blue and how opaque it is. */
export function dotted(rows, columns, colour) {
  const canvas = element("canvas")
  if (!(rows * columns > 0)) return canvas
  Object.assign(canvas, { width: columns, height: rows })
  const drawing = canvas.getContext("2d")
  const dots = drawing.createImageData(columns, rows)
  for (let at = 0; at < rows * columns; at++) dots.data.set(colour(at), 4 * at)
  drawing.putImageData(dots, 0, 0)
  return canvas
}
