// The cells: layers from left to right, heads from top to bottom, one map below the other. Only what is in view is drawn.

import { rem, sharpContext, shortened } from "../scaffold/elements_and_canvases.js"
import { readableOn } from "../scaffold/text_on_colour.js"
import { ARROWS, keyList } from "../scaffold/keys.js"
import { ScrolledCanvas } from "../scaffold/scrolled_canvas.js"

const LEFT = 44
// Names of rows that are no heads are cut at this.
const LONGEST_NAME = 110
const NARROWEST = 9
const WIDEST = 54
const LOWEST = 7
const HIGHEST = 30
const FONT = 12
// The height of the cells of one map, and of several together, where they need not be lower than a row can be; and of
// what stands over each.
const ALONE = 232
const HEIGHT = 280
const NAMES = 20
const TITLE = 20
// Between the heads and what else a layer has, and between two maps.
const APART = 5
const GAP = 10
// From so many pixels on a cell has room for the letters of its role.
const ROOMY = [17, 13]

export class AtlasField extends ScrolledCanvas {
  show(view) {
    this.view = view
    const { layers, mostHeads, rows, titles } = view
    const scale = rem()
    const width = this.root.clientWidth
    this.letters = Math.round(FONT * scale)
    this.left = Math.round(this.widestName(scale))
    const maps = titles.length || 1
    const fitting = Math.floor((width - this.left - 4) / Math.max(1, layers.length))
    this.cell = Math.max(NARROWEST, Math.min(WIDEST * scale, fitting))
    // A name of a token needs the height of its letters; narrow cells need not be low.
    const lowest = view.names.length > 1 ? this.letters + 1 : LOWEST
    this.row = Math.max(lowest, Math.min(HIGHEST * scale, this.cell, Math.floor(((maps > 1 ? HEIGHT / maps : ALONE) * scale) / Math.max(1, rows))))
    this.title = titles.length ? Math.round(TITLE * scale) : 0
    this.names = Math.round(NAMES * scale)
    this.apart = rows > mostHeads && mostHeads ? APART : 0
    // What stands below the heads is named in each row.
    this.rowBelow = Math.max(this.row, this.letters + 1)
    this.block = this.title + this.names + mostHeads * this.row + (rows - mostHeads) * this.rowBelow + this.apart
    this.spread(this.left + layers.length * this.cell + 4, maps * this.block + (maps - 1) * GAP + 2)
    this.root.ariaLabel = `${view.name}: ${keyList(this.keyTable())}.`
    this.width = width
    this.draw()
  }

  widestName(scale) {
    const { names } = this.view
    if (!names.length) return LEFT * scale
    const context = this.canvas.getContext("2d")
    context.font = `600 ${this.letters}px ${getComputedStyle(this.root).fontFamily}`
    const widest = Math.max(...names.map((name) => context.measureText(name).width))
    return Math.max(LEFT * scale, Math.min(LONGEST_NAME * scale, widest) + 12)
  }

  x(layer) {
    return this.left + layer * this.cell - this.root.scrollLeft
  }

  y(part, map = 0) {
    const { mostHeads } = this.view
    const inner = part < mostHeads ? part * this.row : mostHeads * this.row + this.apart + (part - mostHeads) * this.rowBelow
    return map * (this.block + GAP) + this.title + this.names + inner
  }

  heightOf(part) {
    return part < this.view.mostHeads ? this.row : this.rowBelow
  }

  placeOf(layer, part, map = 0) {
    const box = this.root.getBoundingClientRect()
    return { x: box.left + this.x(layer) + this.cell / 2, y: box.top + this.y(part, map) + this.heightOf(part) / 2 }
  }

  at(event) {
    if (!this.view) return null
    const { view } = this
    const box = this.root.getBoundingClientRect()
    const x = event.clientX - box.left
    const y = event.clientY - box.top
    const layer = Math.floor((x - this.left + this.root.scrollLeft) / this.cell)
    if (x < this.left || layer < 0 || layer >= view.layers.length) return null
    for (let map = 0; map < (view.titles.length || 1); map++)
      for (let part = 0; part < view.rows; part++) {
        const top = this.y(part, map)
        if (y >= top && y < top + this.heightOf(part)) return view.isThere(layer, part) ? [layer, part, map] : null
      }
    return null
  }

  keyTable() {
    const { view } = this
    const from = view.hovered ?? view.selected ?? [0, 0]
    const ends = { Home: [0, -from[0]], End: [0, view.layers.length - 1 - from[0]] }
    const move = (by) => this.goTo([from[0] + by[1], from[1] + by[0], from[2] ?? 0], by)
    return [
      { name: "arrows", says: "go from head to head", keys: ARROWS, act: move },
      { name: "Home and End", says: "to the first and the last layer", keys: ends, act: move },
      { name: "Enter", says: "selects", keys: { Enter: from }, act: (cell) => view.isThere(cell[0], cell[1]) && this.select(cell) },
      { name: "Esc", says: "lets go", keys: { Escape: null }, act: (cell) => this.hover(cell) },
    ]
  }

  /** What is not there (a layer without attention, a head that this layer lacks) is passed over. */
  goTo([layer, part, map], by) {
    const { view } = this
    const steps = Math.max(view.layers.length, view.rows)
    for (let step = 0; step < steps && !view.isThere(layer, part); step++) {
      layer += Math.sign(by[1])
      part += Math.sign(by[0])
    }
    if (!view.isThere(layer, part)) return
    this.reach(layer)
    this.hover([layer, part, map])
  }

  /** Bring a layer into view. */
  reach(layer) {
    const { root } = this
    const at = this.left + layer * this.cell
    if (at + this.cell > root.scrollLeft + root.clientWidth) root.scrollLeft = at + this.cell - root.clientWidth
    else if (at < root.scrollLeft + this.left) root.scrollLeft = at - this.left
  }

  paint() {
    const { view, root } = this
    const width = root.clientWidth
    if (!width || !view) return
    if (width !== this.width) this.show(view)
    const context = (this.context = sharpContext(this.canvas, width, this.height))
    this.font = getComputedStyle(root).fontFamily
    const first = Math.max(0, Math.floor(root.scrollLeft / this.cell))
    const last = Math.min(view.layers.length - 1, Math.ceil((root.scrollLeft + width - this.left) / this.cell))
    const maps = view.titles.length || 1
    for (let map = 0; map < maps; map++) {
      for (let layer = first; layer <= last; layer++) {
        for (let part = 0; part < view.rows; part++) if (view.isThere(layer, part)) this.drawCell(layer, part, map)
        if (!view.heads[layer]) this.drawBlank(layer, map)
      }
      this.drawColumns(first, last, map)
      this.drawRows(map)
      if (this.title) this.drawTitle(map)
    }
    this.drawFrames(context, maps)
  }

  drawCell(layer, part, map) {
    const { context, view } = this
    const [x, y, w, h] = [this.x(layer), this.y(part, map), this.cell - 1, this.heightOf(part) - 1]
    const { colour, letters } = view.look(layer, part, map)
    if (!colour) {
      // Not computed yet.
      context.fillStyle = view.colours.quiet
      context.fillRect(x + w / 2 - 1, y + h / 2 - 1, 2, 2)
      return
    }
    context.fillStyle = `rgb(${colour})`
    context.fillRect(x, y, w, h)
    if (!letters || w < ROOMY[0] || h < ROOMY[1]) return
    context.font = `600 ${Math.min(this.letters, h - 2)}px ${this.font}`
    context.fillStyle = readableOn(colour)
    context.textAlign = "center"
    context.textBaseline = "middle"
    context.fillText(letters, x + w / 2, y + h / 2 + 1)
  }

  /** A layer without attention: a line down its middle. */
  drawBlank(layer, map) {
    const { context, view } = this
    context.strokeStyle = view.colours.hatch
    context.lineWidth = 2
    context.beginPath()
    context.moveTo(this.x(layer) + this.cell / 2, this.y(0, map))
    context.lineTo(this.x(layer) + this.cell / 2, this.y(0, map) + view.mostHeads * this.row - 1)
    context.stroke()
    context.lineWidth = 1
  }

  drawColumns(first, last, map) {
    const { context, view } = this
    context.textAlign = "center"
    context.textBaseline = "middle"
    context.font = `600 ${this.letters}px ${this.font}`
    const widest = context.measureText(`L${view.layers.at(-1)}`).width + 5
    const every = Math.ceil(widest / this.cell)
    const strong = view.told().map(([layer]) => layer)
    const isFree = (layer, others) => others.every((other) => other === layer || Math.abs(other - layer) * this.cell >= widest)
    for (let layer = first; layer <= last; layer++) {
      const isStrong = strong.includes(layer) && isFree(layer, strong.slice(0, strong.indexOf(layer)))
      if (!isStrong && (layer % every || !isFree(layer, strong))) continue
      context.font = `${isStrong ? "600 " : ""}${this.letters}px ${this.font}`
      context.fillStyle = isStrong ? view.colours.ink : view.colours.quiet
      context.fillText(`L${view.layers[layer]}`, this.x(layer) + this.cell / 2, this.y(0, map) - this.names / 2)
    }
  }

  drawRows(map) {
    const { context, view } = this
    context.fillStyle = view.colours.ground
    context.fillRect(0, this.y(0, map) - this.names, this.left - 2, this.block - this.title + 2)
    context.textAlign = "right"
    context.textBaseline = "middle"
    const every = Math.ceil(this.letters / this.row)
    const strong = view.told().map(([, part]) => part)
    const isFree = (part, others) => others.every((other) => other === part || Math.abs(this.y(other) - this.y(part)) >= this.letters)
    for (let part = 0; part < view.rows; part++) {
      const isStrong = strong.includes(part) && isFree(part, strong.slice(0, strong.indexOf(part)))
      const isHead = part < view.mostHeads
      if (!isStrong && ((isHead && part % every) || !isFree(part, strong))) continue
      context.font = `${isStrong ? "600 " : ""}${this.letters}px ${this.font}`
      context.fillStyle = isStrong ? view.colours.ink : view.colours.quiet
      context.fillText(shortened(context, view.partName(part), this.left - 10), this.left - 7, this.y(part, map) + this.heightOf(part) / 2)
    }
  }

  drawTitle(map) {
    const { context, view } = this
    context.textAlign = "left"
    context.textBaseline = "middle"
    context.font = `600 ${this.letters}px ${this.font}`
    context.fillStyle = view.colours.ink
    context.fillText(view.titles[map], 2, this.y(0, map) - this.names - this.title / 2)
  }

  /** What is selected, on every map, and what is pointed at. */
  drawFrames(context, maps) {
    const { view } = this
    const frame = ([layer, part], colour, line) => {
      context.strokeStyle = colour
      context.lineWidth = line
      for (let map = 0; map < maps; map++) context.strokeRect(this.x(layer) - 0.5, this.y(part, map) - 0.5, this.cell, this.heightOf(part))
      context.lineWidth = 1
    }
    context.save()
    context.clipTo(this.left - 2, 0, this.root.clientWidth - this.left + 2, this.height)
    if (view.selected) frame(view.selected, view.colours.accent, 3)
    if (view.hovered) frame(view.hovered, view.colours.ink, 2)
    context.restore()
  }
}
