// Maps side by side, each a grid of cells, alone or over a picture.

import { canvasContext, element, oncePerFrame, rem, sharpContext, shortened } from "../scaffold/elements_and_canvases.js"
import { rampColours } from "../scaffold/colours.js"
import { download, downloadPng } from "../scaffold/downloads.js"
import { ARROWS, keyList, press } from "../scaffold/keys.js"
import { mount } from "../scaffold/mount.js"
import { float16Array } from "../scaffold/message_numbers.js"
import { percentText } from "../scaffold/percent.js"
import { dotted, LIT, pictureOf, VEIL, veiled } from "../scaffold/pictures.js"
import { SvgContext } from "../scaffold/svg.js"
import { writeExplained } from "../scaffold/glossary_terms.js"
import { View } from "../scaffold/view.js"

const LETTER = 12
const TITLE = 18
const NAMES = 34

class PictureMapsView extends View {
  constructor(root) {
    super(root)
    this.field = this.part("field")
    this.canvas = root.querySelector("canvas")
    this.hovered = null
    this.draw = oncePerFrame(() => this.maps && this.isHere && this.paint())
    this.field.onpointermove = (event) => this.point(this.at(event))
    this.field.onpointerleave = () => this.unpoint()
    this.field.onblur = () => this.unpoint()
    this.field.onclick = (event) => this.choose(this.at(event))
    this.field.onkeydown = (event) => press(this.keyTable(), event)
    this.onResize(root, () => this.isHere && Math.abs(root.clientWidth - this.drawnWidth) > 1 && this.paint())
    // What arrives after it has gone is nobody's.
    this.onLeave(() => (this.header = null))
    this.offer({
      value: (map, cell) => this.valueAt(map, cell),
      place: (map, cell = 0) => this.placeOf(map, cell),
      maps: () => this.maps,
      svg: () => this.svg(),
    })
  }

  receive(header, take) {
    const pictures = header.pictureBytes.map((size) => take(size))
    const cells = header.maps.map(({ rows, columns, isColours }) => {
      const count = rows * columns
      return isColours ? Uint8Array.from(take(3 * count)) : float16Array(take(2 * count))
    })
    delete this.root.dataset.ready
    this.isHere = false
    this.header = header
    Promise.all(pictures.map(pictureOf)).then(
      (images) => this.header === header && this.guarded(() => this.arrive(header, images, cells))(),
      (error) => this.header === header && this.fail(error),
    )
  }

  arrive(header, images, cells) {
    Object.assign(this, header, { images, cells, isHere: true })
    if (this.hovered && !(this.cells[this.hovered[0]]?.length > 0)) this.hovered = null
    this.differences = rampColours(this.colours.difference)
    this.pictured = this.maps.map((_, map) => this.imageOf(map))
    writeExplained(this.part("caption"), header.caption)
    this.paint()
    this.drawFoot()
    this.field.ariaLabel = `${this.label}: ${keyList(this.keyTable())}.`
    this.ready({ maps: this.maps.length, selected: this.selected ?? "" })
    this.pointer.again()
  }

  /** A dot for each cell. */
  imageOf(map) {
    const { rows, columns, isColours, isDifference, most, picture } = this.maps[map]
    const cells = this.cells[map]
    const ramp = isDifference ? this.differences : this.ramp
    return dotted(rows, columns, (at) => {
      if (isColours) return [...cells.subarray(3 * at, 3 * at + 3), 255]
      const part = Math.max(-1, Math.min(1, cells[at] / (most || 1)))
      if (picture !== null) return veiled(part)
      return [...ramp[Math.round(255 * (isDifference ? (part + 1) / 2 : Math.max(0, part)))], 255]
    })
  }

  paint() {
    this.drawnWidth = this.root.clientWidth
    if (!this.drawnWidth) return
    const scale = rem()
    const isNamed = this.rowNames.length > 0
    this.left = isNamed ? Math.round(NAMES * scale) : 0
    this.gap = isNamed ? 3 : 10
    this.top = this.columnNames.length ? Math.round(TITLE * scale) : 0
    this.title = this.maps.some(({ title }) => title) ? Math.round(TITLE * scale) : 0
    const most = this.side * scale
    // Named rows stay what they are; others go on in the next line.
    const fitting = Math.max(1, Math.floor((this.drawnWidth + this.gap) / (Math.min(most, this.drawnWidth) + this.gap)))
    this.inRow = isNamed ? this.across : Math.max(1, Math.min(this.across, fitting))
    const room = (this.drawnWidth - 2 - this.left - (this.inRow - 1) * this.gap) / this.inRow
    this.cellSide = Math.max(isNamed ? 22 : 60, Math.min(most, room))
    const shapes = this.maps.map(({ rows, columns }) => rows / (columns || 1))
    this.tall = Math.round(this.cellSide * Math.max(0, ...shapes))
    const lines = Math.ceil(this.maps.length / this.inRow)
    this.width = this.left + this.inRow * (this.cellSide + this.gap) - this.gap + 2
    this.height = Math.max(1, this.top + lines * (this.title + this.tall + this.gap) - this.gap + 2)
    Object.assign(this.part("room").style, { width: `${this.width}px`, height: `${this.height}px` })
    this.onto(sharpContext(this.canvas, Math.max(1, this.width), this.height))
  }

  /** The corner of a map, and how large it is. */
  boxOf(map) {
    const { rows, columns } = this.maps[map]
    const x = this.left + (map % this.inRow) * (this.cellSide + this.gap)
    const y = this.top + Math.floor(map / this.inRow) * (this.title + this.tall + this.gap) + this.title
    return [x, y, this.cellSide, (this.cellSide * rows) / (columns || 1)]
  }

  onto(context) {
    const letter = Math.round(LETTER * rem())
    const family = getComputedStyle(this.root).fontFamily
    context.textBaseline = "middle"
    const write = (text, x, y, width, align, isStrong) => {
      context.font = `${isStrong ? "600 " : ""}${letter}px ${family}`
      context.fillStyle = isStrong ? this.colours.accent : this.colours.quiet
      context.textAlign = align
      context.fillText(shortened(context, text, width), x, y)
    }
    const chosen = this.selected ?? -1
    this.maps.forEach(({ title, marked, columns, rows, picture }, map) => {
      const [x, y, wide, high] = this.boxOf(map)
      if (title) write(title, x, y - this.title / 2, wide, "left", map === chosen)
      if (!(rows * columns)) return
      const image = picture === null ? null : this.images[picture]
      context.imageSmoothingEnabled = true
      if (image) context.drawImage(image, 0, 0, image.width, image.height, x, y, wide, high)
      context.imageSmoothingEnabled = false
      context.drawImage(this.pictured[map], 0, 0, columns, rows, x, y, wide, high)
      if (marked !== null) this.frame(context, map, marked, this.colours.accent)
      if (map === chosen) this.outline(context, x - 1, y - 1, wide + 2, high + 2, this.colours.accent, 2)
    })
    this.rowNames.forEach((name, row) => {
      const y = this.top + row * (this.title + this.tall + this.gap) + this.title + this.tall / 2
      write(name, this.left - 6, y, this.left, "right", chosen >= 0 && Math.floor(chosen / this.inRow) === row)
    })
    this.columnNames.forEach((name, column) => {
      const x = this.left + column * (this.cellSide + this.gap) + this.cellSide / 2
      write(name, x, this.top / 2, this.cellSide + this.gap, "center", chosen >= 0 && chosen % this.inRow === column)
    })
    if (this.hovered) {
      const [map, cell] = this.hovered
      const [x, y, wide, high] = this.boxOf(map)
      if (this.picksMaps) this.outline(context, x, y, wide, high, this.colours.ink, 2)
      else this.maps.forEach(({ rows, columns }, other) => rows * columns === this.maps[map].rows * this.maps[map].columns && this.frame(context, other, cell, LIT))
    }
  }

  frame(context, map, cell, colour) {
    const [x, y, wide, high] = this.boxOf(map)
    const { rows, columns } = this.maps[map]
    const [across, down] = [wide / columns, high / rows]
    const box = [x + (cell % columns) * across, y + Math.floor(cell / columns) * down, across, down]
    this.outline(context, ...box, `rgb(${VEIL})`, 3.5)
    this.outline(context, ...box, colour, 1.5)
  }

  outline(context, x, y, wide, high, colour, thick) {
    context.strokeStyle = colour
    context.lineWidth = thick
    context.strokeRect(x, y, wide, high)
  }

  drawFoot() {
    const parts = []
    if (this.legend) {
      const ramp = element("i", "ramp")
      const { isDifference, picture } = this.maps[0] ?? {}
      const stops = isDifference ? this.colours.difference : picture === null ? this.colours.amount : [`rgb(${VEIL})`, LIT]
      ramp.style.background = `linear-gradient(90deg, ${stops})`
      parts.push(element("span", "", this.legend[0]), ramp, element("span", "", this.legend[1]))
    }
    parts.push(element("span", "space"))
    const tool = (label, title, act) => parts.push(Object.assign(element("button", "tool", label), { title, onclick: act }))
    tool("PNG", "The picture as it is here", () => this.png())
    tool("SVG", "The picture, with cells that stay sharp", () => download(`${this.fileName}.svg`, new Blob([this.svg()], { type: "image/svg+xml" })))
    this.part("foot").replaceChildren(...parts)
  }

  valueAt(map, cell) {
    const shown = this.maps[map]
    if (!shown || !(cell >= 0 && cell < shown.rows * shown.columns)) return null
    return shown.isColours ? [...this.cells[map].subarray(3 * cell, 3 * cell + 3)] : this.cells[map][cell]
  }

  at(event) {
    if (!this.isHere) return null
    const box = this.canvas.getBoundingClientRect()
    const [x, y] = [event.clientX - box.left, event.clientY - box.top]
    for (const [map, { rows, columns }] of this.maps.entries()) {
      const [left, top, wide, high] = this.boxOf(map)
      if (x < left || y < top || x >= left + wide || y >= top + high || !(rows * columns)) continue
      return [map, Math.floor(((y - top) / high) * rows) * columns + Math.floor(((x - left) / wide) * columns)]
    }
    return null
  }

  placeOf(map, cell) {
    const box = this.canvas.getBoundingClientRect()
    const [x, y, wide, high] = this.boxOf(map)
    const { rows, columns } = this.maps[map]
    return {
      x: box.left + x + (((cell % columns) + 0.5) * wide) / columns,
      y: box.top + y + ((Math.floor(cell / columns) + 0.5) * high) / rows,
    }
  }

  point(found) {
    if (String(found) !== String(this.hovered)) {
      this.hovered = found
      this.draw()
    }
    if (!found) return this.say(null)
    const [x, y] = this.inRoot(this.placeOf(...found))
    this.say(this.describe(...found), x + 12, y + 14)
  }

  unpoint() {
    if (this.isHere) this.point(null)
    else this.say(null)
  }

  nameOf(map) {
    const { rowNames, columnNames, inRow } = this
    return this.maps[map].title || [rowNames[Math.floor(map / inRow)], columnNames[map % inRow]].filter(Boolean).join(" ")
  }

  describe(map, cell) {
    const { columns, unit, isColours } = this.maps[map]
    const name = this.nameOf(map)
    if (this.picksMaps) return name
    const place = `row ${Math.floor(cell / columns)}, column ${cell % columns}`
    if (isColours) return `${name}\n${place}`
    const value = this.cells[map][cell]
    const said = Number.isNaN(value) ? "none" : unit === "part" ? percentText(value) : `${String(Number(value.toPrecision(3))).replace("-", "−")} ${unit}`.trim()
    return `${name}\n${place}: ${said}`
  }

  choose(found) {
    if (!found) return
    this.tell("cell", found)
  }

  keyTable() {
    const [map, cell] = this.hovered ?? [this.selected ?? 0, this.maps?.[this.selected ?? 0]?.marked ?? 0]
    const move = ([down, along]) => {
      if (!this.maps.length) return false
      const within = (value, count) => Math.max(0, Math.min(count - 1, value))
      if (this.picksMaps) {
        const lines = Math.ceil(this.maps.length / this.inRow)
        const next = within(Math.floor(map / this.inRow) + down, lines) * this.inRow + within((map % this.inRow) + along, this.inRow)
        return this.point([Math.min(next, this.maps.length - 1), 0])
      }
      const { rows, columns } = this.maps[map]
      // Beyond a border lies the next map.
      const column = (cell % columns) + along
      if (column < 0 && map > 0) return this.point([map - 1, Math.floor(cell / columns) * columns])
      if (column >= columns && map < this.maps.length - 1) return this.point([map + 1, 0])
      this.point([map, within(Math.floor(cell / columns) + down, rows) * columns + within(column, columns)])
    }
    return [
      { name: "arrows", says: "move", keys: ARROWS, act: move },
      { name: "Enter", says: "chooses", keys: { Enter: 0, " ": 0 }, act: () => (this.hovered ? this.choose(this.hovered) : false) },
      { name: "Esc", says: "lets go", keys: { Escape: 0 }, act: () => this.unpoint() },
    ]
  }

  get fileName() {
    return this.label.toLowerCase().replace(/[^\w]+/g, "-").slice(0, 60)
  }

  png() {
    const canvas = element("canvas")
    this.onto(canvasContext(canvas, this.width, this.height, 2))
    downloadPng(`${this.fileName}.png`, this, canvas, this.width, [this.part("caption").textContent])
  }

  svg() {
    const context = new SvgContext(this.width, this.height, element("canvas").getContext("2d"))
    this.onto(context)
    return context.text()
  }
}

export default mount(".picture-maps", PictureMapsView)
