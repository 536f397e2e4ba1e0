// The cells: layers from top to bottom, tokens from left to right. Only what is in view is drawn.

import { canvasContext, element, rem, sharpContext } from "../scaffold/elements_and_canvases.js"
import { downloadPng } from "../scaffold/downloads.js"
import { ARROWS, keyList } from "../scaffold/keys.js"
import { ScrolledCanvas } from "../scaffold/scrolled_canvas.js"

const LEFT = 40
// Names of tokens lie flatter where there is room, and stand a line apart.
const COLUMN = { narrowest: 7, widest: 32, roomy: 16 }
const ROW = { lowest: 7, highest: 24 }
const GAP = 12
// In a picture that is not wide: letters, names of the columns, and all layers of self-attention.
const HEIGHTS = { letters: 12, names: 62, layers: 244 }
// From here on letters and rows grow with the picture, up to so many times.
const WIDE = { from: 600, most: 1.3 }
// Of a picture that is saved: at least so many dots to a pixel of the screen.
const FINEST = 2

export class CacheField extends ScrolledCanvas {
  show(view) {
    this.view = view
    const { given, hidden, mostSteps, steps, isDone, source, own, kinds, allocated } = view
    const drawn = isDone ? steps.length : mostSteps
    this.columns = Math.max(given - hidden + drawn, source.length, allocated ? allocated - hidden : 0)
    const width = this.root.clientWidth
    // On a wall all of it grows with the page.
    const size = rem()
    this.left = Math.round(LEFT * size)
    const widest = Math.min(COLUMN.widest * size, (width - this.left - 4) / this.columns)
    this.cell = Math.floor(Math.max(COLUMN.narrowest, widest))
    const scale = size * Math.max(1, Math.min(WIDE.most, width / (WIDE.from * size)))
    this.letters = Math.round(HEIGHTS.letters * scale)
    this.row = Math.max(ROW.lowest, Math.min(ROW.highest * size, Math.floor((HEIGHTS.layers * scale) / kinds.length)))
    this.names = Math.round(HEIGHTS.names * scale)
    const cross = kinds.length - own
    this.crossTop = this.names + own * this.row + (cross ? GAP + this.names : 0)
    this.spread(this.left + this.columns * this.cell + 4, this.crossTop + cross * this.row + 6)
    const stack = cross ? `${own} + ${cross} cross-attention layers` : `${own} layers`
    this.root.ariaLabel = `${stack}, ${view.shownPositions} columns: ${keyList(this.keyTable())}.`
    if (this.step !== view.shownStep || this.run !== view.run) this.reach(view.shownPositions - hidden)
    Object.assign(this, { step: view.shownStep, run: view.run })
    this.draw()
  }

  /** Bring a column into view. */
  reach(column) {
    const at = this.left + column * this.cell
    const { root } = this
    if (at + 2 * this.cell > root.scrollLeft + root.clientWidth) root.scrollLeft = at + 3 * this.cell - root.clientWidth
    else if (at < root.scrollLeft + this.left) root.scrollLeft = at - root.clientWidth / 2
  }

  /** What is drawn, in pixels from the left end; all of it while it is saved. */
  get viewport() {
    return this.whole ?? { left: this.root.scrollLeft, width: this.root.clientWidth }
  }

  x(column) {
    return this.left + column * this.cell - this.viewport.left
  }

  /** The whole picture as a file, on the ground of the page: as many columns as there are, not those to come. */
  save(name, lines, ends) {
    const { view, canvas: screen } = this
    const { hidden, shownPositions, source, allocated } = view
    // Beside the last one the token that was drawn, and room for its name, which leans to the right.
    const columns = Math.max(shownPositions - hidden + 1, source.length, allocated ? allocated - hidden : 0)
    this.canvas = element("canvas")
    this.whole = { left: 0, width: this.left + columns * this.cell + 4 * this.letters }
    this.paint()
    downloadPng(name, view, this.canvas, this.whole.width, lines, ends)
    this.whole = null
    this.canvas = screen
    this.paint()
  }

  y(layer) {
    const { own } = this.view
    return layer < own ? this.names + layer * this.row : this.crossTop + (layer - own) * this.row
  }

  placeOf(layer, position) {
    const box = this.root.getBoundingClientRect()
    const column = layer < this.view.own ? position - this.view.hidden : position
    return { x: box.left + this.x(column) + this.cell / 2, y: box.top + this.y(layer) + this.row / 2 }
  }

  at(event) {
    if (!this.view) return null
    const { kinds, own, hidden } = this.view
    const box = this.root.getBoundingClientRect()
    const x = event.clientX - box.left
    const column = Math.floor((x - this.left + this.root.scrollLeft) / this.cell)
    const y = event.clientY - box.top
    const layer = kinds.findIndex((_, place) => y >= this.y(place) && y < this.y(place) + this.row)
    if (x < this.left || column < 0 || layer < 0) return null
    const cell = [layer, layer < own ? column + hidden : column]
    return this.view.valueAt(...cell) ? cell : null
  }

  keyTable() {
    const { view } = this
    const from = view.hovered ?? view.pinned ?? [0, view.shownPositions - 1]
    const end = (from[0] < view.own ? view.shownPositions : view.source.length) - 1
    const start = from[0] < view.own ? view.hidden : 0
    const ends = { Home: [0, start - from[1]], End: [0, end - from[1]] }
    const move = (by) => this.goTo([from[0] + by[0], from[1] + by[1]])
    return [
      { name: "arrows", says: "go from cell to cell", keys: ARROWS, act: move },
      { name: "Home and End", says: "to the ends of a row", keys: ends, act: move },
      { name: "Enter", says: "selects", keys: { Enter: from }, act: (cell) => this.select(cell) },
      { name: "Esc", says: "lets go", keys: { Escape: null }, act: (cell) => this.hover(cell) },
    ]
  }

  goTo(cell) {
    const { view } = this
    if (!view.valueAt(...cell)) return
    this.reach(cell[0] < view.own ? cell[1] - view.hidden : cell[1])
    this.hover(cell)
  }

  paint() {
    const { view } = this
    const { left, width } = this.viewport
    if (!width || !view) return
    if (!this.whole && width !== this.width) {
      this.width = width
      this.show(view)
    }
    const context = this.whole
      ? canvasContext(this.canvas, width, this.height, Math.max(FINEST, window.devicePixelRatio || 1))
      : sharpContext(this.canvas, width, this.height)
    this.context = context
    this.font = getComputedStyle(this.root).fontFamily
    if (!view.steps.length) return this.drawWaiting()
    const { own, kinds, hidden, shownPositions, source, given } = view
    const first = Math.max(0, Math.floor((left - this.cell) / this.cell))
    const last = Math.ceil((left + width - this.left) / this.cell)
    const columns = shownPositions - hidden
    this.drawNames(first, Math.min(last, columns), this.names, (column) => view.pieceAt(column + hidden), (column) => column + hidden < given)
    for (let layer = 0; layer < kinds.length; layer++) {
      const isCross = layer >= own
      const end = Math.min(last, (isCross ? source.length : columns) - 1)
      for (let column = first; column <= end; column++) this.drawCell(layer, column, isCross ? column : column + hidden)
    }
    if (source.length) this.drawTitles()
    if (source.length) this.drawNames(first, Math.min(last, source.length - 1), this.crossTop, (column) => source[column], () => true)
    this.drawToCome(columns, first, last)
    this.drawEdges(columns)
    this.drawLayers()
  }

  /** Before the first token nothing has been read. */
  drawWaiting() {
    const { context, view } = this
    Object.assign(context, { font: `${this.letters}px ${this.font}`, fillStyle: view.colours.quiet, textBaseline: "middle" })
    context.fillText("The columns come with the first token.", this.letters, this.height / 2)
  }

  drawCell(layer, column, position) {
    const { view, context } = this
    const { colours, ramp } = view
    const [x, y, w, h] = [this.x(column), this.y(layer), this.cell - 1, this.row - 1]
    const held = view.steps[view.shownStep].layers[layer]
    if (!held) return
    const isKept = layer >= view.own || position >= view.shownPositions - held[2]
    if (!isKept) {
      context.strokeStyle = colours.hatch
      context.beginPath()
      context.moveTo(x + 1, y + h - 1)
      context.lineTo(x + w - 1, y + 1)
      context.stroke()
      return
    }
    context.fillStyle = `rgb(${ramp[Math.round(255 * (0.1 + 0.9 * view.amount(layer, position)))]})`
    context.fillRect(x, y, w, h)
  }

  drawNames(first, last, bottom, nameOf, isGiven) {
    const { context, view } = this
    context.textBaseline = "middle"
    context.textAlign = "left"
    // Where cells are narrower than a line is high, some are named; the one that is pointed at always is.
    const every = Math.ceil(this.letters / this.cell)
    const isHere = view.hovered && view.hovered[0] >= view.own === (bottom !== this.names)
    const at = isHere ? view.hovered[1] - (bottom === this.names ? view.hidden : 0) : null
    for (let column = first; column <= last; column++) {
      const isHovered = column === at
      const isNear = at !== null && Math.abs(column - at) * this.cell < this.letters
      if (!isHovered && (column % every || isNear)) continue
      context.font = `${isHovered ? "600 " : ""}${this.letters}px ${this.font}`
      context.fillStyle = isGiven(column) ? view.colours.quiet : view.colours.ink
      context.save()
      context.translate(this.x(column) + this.cell / 2, bottom - 5)
      context.rotate(this.cell < COLUMN.roomy ? -Math.PI / 2 : -Math.PI / 3.2)
      context.fillText(short(nameOf(column) ?? ""), 0, 0)
      context.restore()
    }
  }

  /** Two caches: which is which. */
  drawTitles() {
    const { context, view } = this
    context.font = `${this.letters}px ${this.font}`
    context.fillStyle = view.colours.quiet
    context.textAlign = "left"
    const left = this.x(0)
    context.fillText("output, grows", left, this.letters / 2 + 1)
    context.fillText("source, stands still", left, this.crossTop - this.names + 4)
  }

  /** The token that was just drawn: its key and value are computed when it is read. And room that is held for later ones. */
  drawToCome(columns, first, last) {
    const { context, view } = this
    const [x, y, w] = [this.x(columns), this.names, this.cell - 1]
    context.strokeStyle = view.colours.quiet
    context.setLineDash([3, 2])
    context.strokeRect(x + 0.5, y + 0.5, w - 1, view.own * this.row - 2)
    context.setLineDash([])
    if (!view.allocated) return
    context.fillStyle = view.colours.hatch
    for (let column = Math.max(first, columns + 1); column < Math.min(view.allocated - view.hidden, last + 1); column++)
      for (let layer = 0; layer < view.own; layer++)
        context.fillRect(this.x(column) + w / 2 - 1, this.y(layer) + this.row / 2 - 1, 2, 2)
  }

  /** Where the prompt ends, the newest column, what is pointed at and what is selected. */
  drawEdges(columns) {
    const { context, view } = this
    const { accent, ink, quiet } = view.colours
    const bottom = this.names + view.own * this.row
    if (!view.source.length) {
      context.fillStyle = quiet
      context.fillRect(this.x(view.given - view.hidden) - 1, this.names - 6, 1, bottom - this.names + 8)
    }
    const frame = (x, y, w, h, colour, line) => {
      context.strokeStyle = colour
      context.lineWidth = line
      context.strokeRect(x - 0.5, y - 0.5, w, h)
      context.lineWidth = 1
    }
    const newest = view.shownStep ? columns - 1 : 0
    const count = view.shownStep ? 1 : columns
    frame(this.x(newest), this.names, count * this.cell, view.own * this.row, accent, 2)
    const around = (cell, colour, line) => {
      const column = cell[0] < view.own ? cell[1] - view.hidden : cell[1]
      frame(this.x(column), this.y(cell[0]), this.cell, this.row, colour, line)
    }
    if (view.pinned && view.valueAt(...view.pinned)) around(view.pinned, accent, 3)
    if (view.hovered) around(view.hovered, ink, 2)
  }

  nameLayer(layer, place, colour) {
    this.context.fillStyle = colour
    this.context.fillText(`L${layer}`, this.left - 8, this.y(place) + this.row / 2)
  }

  drawLayers() {
    const { context, view } = this
    context.fillStyle = view.colours.ground
    context.fillRect(0, 0, this.left - 3, this.height)
    context.textAlign = "right"
    context.textBaseline = "middle"
    // Those that are pointed at and selected have their names for sure, and what has no room beside them has none.
    const told = [view.hovered, view.pinned]
      .filter((cell) => cell && cell[0] < view.layers.length)
      .map(([place]) => place)
    const isFree = (place, others) => others.every((other) => other === place || Math.abs(this.y(other) - this.y(place)) >= this.letters)
    const strong = told.filter((place, at) => isFree(place, told.slice(0, at)))
    const every = Math.ceil(this.letters / this.row)
    view.layers.forEach((layer, place) => {
      const isStrong = strong.includes(place)
      if (!isStrong && (layer % every || !isFree(place, strong))) return
      context.font = `${isStrong ? "600 " : ""}${this.letters}px ${this.font}`
      this.nameLayer(layer, place, isStrong ? view.colours.ink : view.colours.quiet)
    })
  }
}

const short = (text) => (text.length > 9 ? `${text.slice(0, 8)}…` : text)
