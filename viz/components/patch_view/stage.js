// The picture, once for each query that is held, and over it where the chosen head looks from there.

import { canvasContext, element, rem, sharpContext, shortened } from "../scaffold/elements_and_canvases.js"
import { dotted, LIT, VEIL, veiled } from "../scaffold/pictures.js"
import { borders, fewest } from "./looks.js"

const SHADE = `rgb(${VEIL})`
const GAP = 8
const TITLE = 20
const LETTER = 12

export class Stage {
  constructor(view) {
    this.view = view
    this.canvas = view.part("stage")
  }

  /** Lays out so many pictures within this room. */
  layOut(width, high) {
    const { size, queries } = this.view
    const scale = rem()
    const across = queries.length > 1 ? 2 : 1
    const down = Math.ceil(queries.length / across)
    this.title = queries.length > 1 ? Math.round(TITLE * scale) : 0
    const wide = (width - GAP * (across - 1)) / across
    const tall = (high - GAP * (down - 1)) / down - this.title
    const ratio = Math.min(wide / size[0], tall / size[1])
    this.panel = [Math.floor(size[0] * ratio), Math.floor(size[1] * ratio)]
    this.across = across
    this.width = across * this.panel[0] + (across - 1) * GAP
    this.height = down * (this.panel[1] + this.title) + (down - 1) * GAP
  }

  corner(place) {
    const [wide, high] = this.panel
    const column = place % this.across
    return [column * (wide + GAP), Math.floor(place / this.across) * (high + this.title + GAP) + this.title]
  }

  get cell() {
    const { rows, columns } = this.view
    return [this.panel[0] / columns, this.panel[1] / rows]
  }

  /** The place of a query among those that are shown, and the patch, under the pointer. */
  at(event) {
    const box = this.canvas.getBoundingClientRect()
    const [x, y] = [event.clientX - box.left, event.clientY - box.top]
    for (const place of this.view.queries.keys()) {
      const [left, top] = this.corner(place)
      if (x < left || y < top || x >= left + this.panel[0] || y >= top + this.panel[1]) continue
      const [wide, high] = this.cell
      return { place, patch: Math.floor((y - top) / high) * this.view.columns + Math.floor((x - left) / wide) }
    }
    return null
  }

  /** The middle of a patch, in pixels of the window. */
  placeOf(patch, place = this.view.queries.length - 1) {
    const box = this.canvas.getBoundingClientRect()
    const [left, top] = this.corner(place)
    const [wide, high] = this.cell
    const { columns } = this.view
    return {
      x: box.left + left + ((patch % columns) + 0.5) * wide,
      y: box.top + top + (Math.floor(patch / columns) + 0.5) * high,
    }
  }

  paint() {
    this.draw(sharpContext(this.canvas, this.width, this.height))
  }

  draw(context) {
    const { view } = this
    context.imageSmoothingQuality = "high"
    view.queries.forEach((query, place) => {
      const [x, y] = this.corner(place)
      this.drawPanel(context, x, y, this.panel, view.head, query)
      if (this.title) {
        const isChosen = place === view.queries.length - 1
        context.font = `${isChosen ? "600 " : ""}${Math.round(LETTER * rem())}px ${getComputedStyle(view.root).fontFamily}`
        context.fillStyle = isChosen ? view.colours.accent : view.colours.ink
        context.textAlign = "left"
        context.textBaseline = "middle"
        context.fillText(shortened(context, view.nameOf(query), this.panel[0]), x, y - this.title / 2)
      }
      this.frame(context, x, y, query, view.colours.accent, 2.5)
      const { hovered } = view
      if (hovered !== null) this.frame(context, x, y, view.firsts.length + hovered, LIT, 1.5)
    })
  }

  /** One picture: where this head looks from this query; with outlines those of the heads that are `drawn`. */
  drawPanel(context, x, y, [wide, high], head, query, drawn = [...Array(this.view.heads).keys()]) {
    const { view } = this
    const { image, rows, columns } = view
    const row = view.looks.row(head, query)
    const patches = row?.subarray(view.firsts.length)
    if (view.way !== "map" || !patches) context.drawImage(image, 0, 0, image.width, image.height, x, y, wide, high)
    if (!patches) return
    if (view.way === "outlines") return this.drawOutlines(context, x, y, wide, high, query, drawn)
    const most = patches.reduce((one, other) => Math.max(one, other), 0) || 1
    const colour = view.way === "map" ? (part) => [...view.ramp[Math.round(255 * part)], 255] : veiled
    context.save()
    context.imageSmoothingEnabled = false
    context.drawImage(dotted(rows, columns, (at) => colour(patches[at] / most)), 0, 0, columns, rows, x, y, wide, high)
    context.restore()
  }

  /** Round the fewest patches that hold most of the weight, for each head in its colour. */
  drawOutlines(context, x, y, wide, high, query, drawn) {
    const { view } = this
    const { rows, columns } = view
    const [cellWide, cellHigh] = [wide / columns, high / rows]
    // The chosen one over the others.
    for (const head of [...drawn].sort((one, other) => (one === view.head) - (other === view.head))) {
      const row = view.looks.row(head, query)
      if (!row) continue
      context.strokeStyle = view.colourOf(head)
      context.lineWidth = head === view.head && drawn.length > 1 ? 4 : 2
      context.beginPath()
      for (const [x0, y0, x1, y1] of borders(fewest(row.subarray(view.firsts.length)), rows, columns)) {
        context.moveTo(x + x0 * cellWide, y + y0 * cellHigh)
        context.lineTo(x + x1 * cellWide, y + y1 * cellHigh)
      }
      context.stroke()
    }
  }

  /** A frame round a query, where that is a patch. */
  frame(context, x, y, query, colour, thick) {
    const { view } = this
    const patch = query - view.firsts.length
    if (patch < 0) return
    const [wide, high] = this.cell
    const [left, top] = [x + (patch % view.columns) * wide, y + Math.floor(patch / view.columns) * high]
    context.lineWidth = thick + 2
    context.strokeStyle = SHADE
    context.strokeRect(left, top, wide, high)
    context.lineWidth = thick
    context.strokeStyle = colour
    context.strokeRect(left, top, wide, high)
  }

  /** One head as a small picture, on a canvas of its own. */
  paintTile(canvas, head, query, wide) {
    const { size } = this.view
    const high = Math.round((wide * size[1]) / size[0])
    const context = sharpContext(canvas, wide, high)
    this.drawPanel(context, 0, 0, [wide, high], head, query, [head])
  }

  /** All of it on a canvas for a file. */
  asCanvas(ratio) {
    const canvas = element("canvas")
    this.draw(canvasContext(canvas, this.width, this.height, ratio))
    return canvas
  }
}
