// All boundaries at once, over the bytes of the text; only what is in view is drawn.

import { rem, sharpContext, shortened } from "../scaffold/elements_and_canvases.js"
import { ScrolledCanvas } from "../scaffold/scrolled_canvas.js"
import { SPECIAL, UNKNOWN, decoded, hex } from "./pieces.js"

// Pixels of a laptop; on a wall all of it grows with the page.
const BYTE = 14
const LANE = 13
// The marks above a Thai letter have their place.
const TOP = 46
const LABEL = 74

export class Ruler extends ScrolledCanvas {
  show(text, columns, stretches, colours, keys) {
    Object.assign(this, { text, columns, stretches, colours })
    this.characters = []
    for (let at = 0; at < text.length; ) {
      let end = at + 1
      while (end < text.length && (text[end] & 0xc0) === 0x80) end++
      this.characters.push([at, end, decoded(text.subarray(at, end)) ?? ""])
      at = end
    }
    this.firstOf = new Uint32Array(text.length + 1)
    this.characters.forEach(([at, end], place) => this.firstOf.fill(place, at, end))
    this.grow()
    this.root.ariaLabel =
      `Where the pieces of ${columns.map((each) => each.header.title).join(", ")} end, over ${text.length} bytes. ` +
      `They disagree on ${stretches.length / 2} stretch${stretches.length === 2 ? "" : "es"}. ${keys}.`
    this.draw()
  }

  grow() {
    this.zoom = rem()
    this.deep = TOP + this.columns.length * LANE + 8
    this.spread(this.zoom * (LABEL + this.text.length * BYTE + 8), this.zoom * this.deep)
  }

  get scrolled() {
    return this.root.scrollLeft / this.zoom
  }

  get wide() {
    return this.root.clientWidth / this.zoom
  }

  place(byte) {
    return LABEL + byte * BYTE - this.scrolled
  }

  /** Four bytes further along the text, or back. */
  scroll(by) {
    this.root.scrollLeft += by * 4 * BYTE * this.zoom
  }

  paint() {
    if (!this.wide || !this.text) return
    if (this.zoom !== rem()) this.grow()
    const width = this.wide
    const context = sharpContext(this.canvas, this.root.clientWidth, this.height)
    context.scale(this.zoom, this.zoom)
    const { ink, quiet, hatch, ground, accent } = this.colours
    const first = Math.max(0, Math.floor((this.scrolled - LABEL) / BYTE))
    const last = Math.min(this.text.length, Math.ceil((this.scrolled + width) / BYTE))
    const font = getComputedStyle(this.root).fontFamily
    context.textBaseline = "middle"
    context.textAlign = "center"
    for (let place = this.firstOf[first]; place < this.characters.length; place++) {
      const [at, end, character] = this.characters[place]
      if (at >= last) break
      context.font = `14px ${font}`
      context.fillStyle = ink
      const shown = { " ": "␣", "\n": "⏎", "\t": "⇥", "\r": "␍" }[character] ?? character
      if (shown !== character) context.fillStyle = quiet
      context.fillText(shown, this.place((at + end) / 2), 16, (end - at) * BYTE)
      context.font = `9.5px ui-monospace, monospace`
      context.fillStyle = quiet
      for (let byte = at; byte < end; byte++) context.fillText(hex([this.text[byte]]), this.place(byte + 0.5), 34)
    }
    this.columns.forEach((column, lane) => this.drawLane(context, column, lane, first, last))
    this.drawRings(context, first, last)
    this.outline(context, this.hovered, ink, 1.5)
    this.outline(context, this.pinned, accent, 2)
    context.fillStyle = ground
    context.fillRect(0, 0, LABEL - 4, this.deep)
    context.textAlign = "right"
    context.font = `11px ${font}`
    this.columns.forEach((column, lane) => {
      context.fillStyle = quiet
      context.fillText(shortened(context, column.header.title, LABEL - 10), LABEL - 8, TOP + (lane + 0.5) * LANE)
    })
    context.fillText("bytes", LABEL - 8, 34)
    context.strokeStyle = hatch
    context.strokeRect(LABEL - 3.5, -1, 0.01, this.deep + 2)
  }

  drawLane(context, column, lane, first, last) {
    const y = TOP + lane * LANE
    for (const piece of column.within(first, last)) {
      const [x, end] = [this.place(column.starts[piece]), this.place(column.ends[piece])]
      const look = column.look[piece]
      context.fillStyle = column.flags[look] & (SPECIAL | UNKNOWN) ? this.colours.hatch : this.colours.identity[column.hues[look]]
      context.fillRect(x + 1, y + 1, Math.max(1, end - x - 2), LANE - 3)
      context.fillStyle = this.colours.ink
      context.fillRect(end - 0.75, y, 1.5, LANE - 1)
    }
  }

  drawRings(context, first, last) {
    context.strokeStyle = this.colours.quiet
    context.lineWidth = 1
    context.setLineDash([3, 2])
    for (let at = 0; at < this.stretches.length; at += 2) {
      const [start, end] = [this.stretches[at], this.stretches[at + 1]]
      if (end < first || start > last) continue
      context.beginPath()
      context.roundRect(this.place(start) + 1.5, TOP - 3, (end - start) * BYTE - 3, this.columns.length * LANE + 5, 5)
      context.stroke()
    }
    context.setLineDash([])
  }

  outline(context, stretch, colour, line) {
    if (!stretch) return
    context.strokeStyle = colour
    context.lineWidth = line
    context.beginPath()
    context.roundRect(this.place(stretch[0]), 1, (stretch[1] - stretch[0]) * BYTE, this.deep - 3, 4)
    context.stroke()
  }

  /** The piece that the pointer is on, or the character above the lanes. */
  at(event) {
    const box = this.root.getBoundingClientRect()
    const [x, y] = [event.clientX - box.left, event.clientY - box.top].map((each) => each / this.zoom)
    const byte = Math.floor((x - LABEL + this.scrolled) / BYTE)
    if (byte < 0 || byte >= this.text.length || x < LABEL) return null
    const lane = Math.floor((y - TOP) / LANE)
    const column = this.columns[lane]
    if (!column) return this.characters[this.firstOf[byte]].slice(0, 2)
    const [piece] = column.within(byte, byte + 1)
    return piece === undefined ? null : [column.starts[piece], column.ends[piece]]
  }

  /** Bring a stretch into view. */
  reach([start, end]) {
    const [from, to] = [LABEL + start * BYTE, LABEL + end * BYTE]
    if (from < this.scrolled + LABEL || to > this.scrolled + this.wide)
      this.root.scrollLeft = this.zoom * (from - this.wide / 3)
  }
}
