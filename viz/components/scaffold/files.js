// Files that are made in the browser and sent nowhere.

import { element } from "./drawing.js"

/** Hand a file to the person. */
export function download(name, blob) {
  const link = element("a")
  link.href = URL.createObjectURL(blob)
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000)
}

/** What is drawn on a canvas as a PNG, on this ground. */
export function downloadPng(name, canvas, ground) {
  const paper = element("canvas")
  Object.assign(paper, { width: canvas.width, height: canvas.height })
  const context = paper.getContext("2d")
  context.fillStyle = ground
  context.fillRect(0, 0, paper.width, paper.height)
  context.drawImage(canvas, 0, 0)
  paper.toBlob((blob) => download(name, blob))
}
