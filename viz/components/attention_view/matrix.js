// Maps side by side, queries in rows and keys in columns, moved and enlarged together.

import { element, shortened } from "../scaffold/elements_and_canvases.js"
import { readableOn } from "../scaffold/text_on_colour.js"
import { rampStep } from "./colour_scale.js"
import { legendOf } from "./legend.js"
import { Movable } from "./matrix_moves.js"
import { LONGEST_LABEL, cellImage, differenceColours, hatchPattern, pixel } from "./cell_images.js"
import { Strip } from "./sentence_strip.js"
import { tableOf } from "./number_table.js"
import { differenceText, floats, weightDigits, weightText } from "./weight_text.js"

const CELL = { largest: 36, withValue: 30 }
const SMALL_MAP = { height: 370, tokens: 32 }
const LEAST_LABEL = 11
const PANEL_GAP = 16

export class MatrixView extends Movable {
  strip = new Strip(this)
  legend = element("div", "legend")
  parts = [this.strip.root, this.stage, this.legend]

  take(header, take) {
    this.header = header
    this.queries = header.queries
    this.keys = this.shell.keys
    this.isSelf = this.shell.isSelf
    const panels = header.panels.map((panel) => {
      const cells = floats(take, panel.rows * panel.columns, header.bits)
      const image = cellImage(panel.rows, panel.columns, this.colourOf(panel, cells))
      return { ...panel, cells, image, hasUnseen: cells.some(Number.isNaN) }
    })
    // A part at full resolution lies over the whole, which was sent before; without it, the part is all there is.
    const whole = header.window && this.whole?.base === header.base ? this.whole : null
    this.panels = whole ? whole.panels : panels
    this.close = header.window ? { panels, at: header.window } : null
    if (!header.window) this.whole = { base: header.base, panels }
    const text = JSON.stringify([header.queries, header.keys, header.part])
    if (text !== this.text) this.toldPart = ""
    if (text !== this.text) this.part = header.part ?? [0, this.queries.length, 0, this.keys.length]
    if (header.window && !whole) this.part = this.windowPart()
    this.text = text
    this.cursor = null
  }

  windowPart() {
    const [row, column] = this.close.at
    const { rows, columns } = this.close.panels[0]
    return [row, row + rows, column, column + columns]
  }

  colourOf(panel, cells) {
    const { shell } = this
    const ramp = (panel.isDifference ? differenceColours(shell.colours) : shell.ramp).map(pixel)
    return (at) => (Number.isNaN(cells[at]) ? 0 : ramp[rampStep(this.header, panel, cells[at])])
  }

  step(weight) {
    return rampStep(this.header, this.main, weight)
  }

  get main() {
    return this.panels[this.header.main]
  }

  get selected() {
    return this.shell.selected
  }

  applyState(state) {
    if (state.row && state.row.length !== this.keys.length)
      throw new Error(`expected a row of ${this.keys.length} weights, found ${state.row.length}`)
    this.row = state.row ? Float32Array.from(state.row, (each) => each ?? NaN) : null
    this.rowOf = state.selected
    if (state.zoom) this.takePart(state.zoom)
    this.strip.show(this.header.hasStrip)
  }

  /** The weight from a query to a key: 0 where it cannot look; null where only a pooled cell was sent. */
  value(query, key, panel = this.header.main) {
    const weight = this.weight(query, key, panel)
    return Number.isNaN(weight) ? 0 : weight
  }

  weight(query, key, number = this.header.main) {
    if (this.row && query === this.rowOf && number === this.header.main) return this.row[key]
    for (const [panels, [row, column]] of [[this.close?.panels ?? [], this.close?.at ?? [0, 0]], [this.panels, [0, 0]]]) {
      const panel = panels[number]
      const isWhole = panel && (panels !== this.panels || (panel.rows === panel.size[0] && panel.columns === panel.size[1]))
      const [y, x] = [query - row, key - column]
      if (isWhole && y >= 0 && x >= 0 && y < panel.rows && x < panel.columns) return panel.cells[y * panel.columns + x]
    }
    return null
  }

  get isPooled() {
    return this.main.rows < this.main.size[0] || this.main.columns < this.main.size[1]
  }

  blockOf(token, blocks, tokens) {
    return Math.min(blocks - 1, Math.floor(((token + 1) * blocks - 1) / tokens))
  }

  firstOf(block, blocks, tokens) {
    return Math.floor((block * tokens) / blocks)
  }

  selectionChanged() {
    this.row = null
    this.strip.paint()
    this.drawOver()
  }

  // Where things are: `part` is what is in view, in tokens

  layOut(context, width) {
    const { header, panels } = this
    context.font = this.shell.font
    const { letter, rem: scale } = this.shell
    this.longestLabel = Math.min(LONGEST_LABEL * scale, width / 4)
    const longest = (texts) =>
      Math.min(this.longestLabel, Math.max(...texts.slice(0, 400).map((text) => context.measureText(text.slice(0, 60)).width)))
    const longestOf = (name) => Math.max(...[this, ...panels].map((each) => (each[name] ? longest(each[name]) : 0)))
    this.left = longestOf("queries") + 10
    const slant = longestOf("keys")
    this.right = slant * 0.5 + 4
    const square = panels.length === 4 ? 2 : 3
    let across = Math.min(panels.length, Math.max(1, Math.floor((width - this.left) / (130 * scale))), square)
    const [q0, q1, k0, k1] = header.part ?? [0, this.queries.length, 0, this.keys.length]
    // Panels of several texts have labels of their own, each on its left.
    const gap = PANEL_GAP + (panels.some((panel) => panel.queries) ? this.left : 0)
    const roomOf = (count) => (width - this.left - this.right - gap * (count - 1)) / count
    // With long labels of their own, two of them beside each other on a telephone would be too small to be read.
    if (gap > PANEL_GAP && width < 500 * scale && roomOf(across) < LEAST_LABEL * (k1 - k0)) across = 1
    const isSmall = Math.max(q1 - q0, k1 - k0) <= SMALL_MAP.tokens
    this.titles = panels.length > 1 ? letter + 8 : 0
    context.font = `bold ${this.shell.font}`
    this.titleWidths = panels.map((panel) => (this.titles ? Math.ceil(context.measureText(panel.title).width) : 0))
    context.font = this.shell.font
    const widest = Math.max(...this.titleWidths)
    this.top = slant * 0.87 + 14 + this.titles
    // Above a map of cross-attention stand the lines of its steps.
    const alone = this.isSelf ? this.shell.alone : 0
    const linesOf = (count) => Math.ceil(panels.length / count)
    const highest = (count) => (alone ? (alone * innerHeight) / linesOf(count) : SMALL_MAP.height * scale)
    const high = (count) => (isSmall ? (highest(count) - this.top) / (q1 - q0) : Infinity)
    const largest = CELL.largest * scale * (alone ? 2 : 1)
    const sizeOf = (count) => Math.min(roomOf(count) / (k1 - k0), high(count), largest)
    const stepOf = (count) => Math.max(sizeOf(count) * (k1 - k0) + gap, widest + letter)
    // No title runs into the next.
    while (across > 1 && this.left + stepOf(across) * (across - 1) + widest > width) across -= 1
    const size = sizeOf(across)
    this.area = [size * (k1 - k0), size * (q1 - q0)]
    this.places = panels.map((_, number) => [
      this.left + (number % across) * stepOf(across),
      this.top + Math.floor(number / across) * (this.area[1] + this.top),
    ])
    return Math.ceil(linesOf(across) * (this.top + this.area[1]) + 2)
  }

  get cell() {
    return this.area[0] / (this.part[3] - this.part[2])
  }

  draw(width) {
    const high = this.height(width)
    const ends = this.places.map(([x], number) => x + Math.max(this.area[0] + this.right, this.titleWidths[number]))
    this.width = Math.min(width, Math.max(...ends))
    const shown = this.panels.length > 1 ? `${this.panels.length} maps` : `Map of ${this.header.name}`
    this.spread(this.width, high, `${shown}: ${this.queries.length} queries in rows, ${this.keys.length} keys in columns`)
    this.repaint()
    this.legend.replaceChildren(...legendOf(this))
  }

  /** What changes when the part in view does. */
  repaint() {
    this.baseContext.clearRect(0, 0, this.width, this.high)
    this.paint(this.baseContext)
    this.drawOver()
  }

  paint(context) {
    this.panels.forEach((panel, number) => this.paintPanel(context, panel, number))
  }

  paintPanel(context, panel, number) {
    const { colours } = this.shell
    const [x, y] = this.places[number]
    const [wide, high] = this.area
    const [q0, q1, k0, k1] = this.part
    if (this.titles) {
      context.font = `bold ${this.shell.font}`
      context.fillStyle = colours.ink
      context.textAlign = "left"
      context.textBaseline = "top"
      // What is wider than its map begins further to the left, where the labels of the rows stand below it.
      context.fillText(panel.title, Math.max(0, Math.min(x, this.width - this.titleWidths[number])), y - this.top + 2)
    }
    context.fillStyle = colours.ground
    context.fillRect(x, y, wide, high)
    // Beside a longer text: what a shorter one has not is nothing, and not hidden from it.
    const [rows, columns] = [[q0, q1, panel.size[0]], [k0, k1, panel.size[1]]].map(([from, until, count]) =>
      Math.max(0, (Math.min(until, count) - from) * this.cell),
    )
    if (panel.hasUnseen) context.fillStyle = hatchPattern(context, colours)
    context.fillRect(x, y, columns, rows)
    context.imageSmoothingEnabled = false
    this.paintCells(context, panel.image, [0, panel.size[0], 0, panel.size[1]], x, y)
    const close = this.close?.panels[number]
    if (close && close !== panel) {
      const [row, column] = this.close.at
      this.paintCells(context, close.image, [row, row + close.rows, column, column + close.columns], x, y)
    }
    context.strokeStyle = colours.hatch
    context.lineWidth = 1
    context.strokeRect(x - 0.5, y - 0.5, columns + 1, rows + 1)
    if (this.cell >= CELL.withValue * this.shell.rem) this.paintValues(context, panel, number)
    // Smaller letters before every second label is left out.
    const letter = Math.min(this.shell.letter, Math.max(LEAST_LABEL, Math.floor(this.cell)))
    this.labelFont = this.shell.font.replace(/[\d.]+px/, `${letter}px`)
    this.every = Math.max(1, Math.ceil(letter / this.cell))
    if (x === this.left || panel.queries)
      for (let row = this.firstLabel(q0); row < q1; row += this.every) this.rowLabel(context, row, [x, y], colours.ink, "", panel)
    for (let column = this.firstLabel(k0); column < k1; column += this.every) this.columnLabel(context, column, [x, y], panel)
  }

  firstLabel(from) {
    return Math.ceil((from - 0.4) / this.every) * this.every
  }

  /** The cells of `image`, which stand for the tokens of `whole`, as far as they are in view. */
  paintCells(context, image, whole, x, y) {
    const [q0, q1, k0, k1] = [
      Math.max(this.part[0], whole[0]),
      Math.min(this.part[1], whole[1]),
      Math.max(this.part[2], whole[2]),
      Math.min(this.part[3], whole[3]),
    ]
    if (!image || q1 <= q0 || k1 <= k0) return
    const [down, along] = [image.height / (whole[1] - whole[0]), image.width / (whole[3] - whole[2])]
    context.drawImage(
      image,
      (k0 - whole[2]) * along, (q0 - whole[0]) * down, (k1 - k0) * along, (q1 - q0) * down,
      x + (k0 - this.part[2]) * this.cell, y + (q0 - this.part[0]) * this.cell, (k1 - k0) * this.cell, (q1 - q0) * this.cell,
    )
  }

  paintValues(context, panel, number) {
    const [q0, q1, k0, k1] = this.part
    const ramp = panel.isDifference ? differenceColours(this.shell.colours) : this.shell.ramp
    const fonts = [2.6, 3.2].map((part) => this.shell.font.replace(/[\d.]+px/, `${Math.min(this.shell.letter, this.cell / part)}px`))
    context.textAlign = "center"
    context.textBaseline = "middle"
    const [x, y] = this.places[number]
    context.save()
    context.clipTo(x, y, ...this.area)
    for (let query = Math.floor(q0); query < q1; query++) {
      for (let key = Math.floor(k0); key < k1; key++) {
        const weight = query < this.queries.length && key < this.keys.length ? this.weight(query, key, number) : null
        const text = weight === null ? "" : weightDigits(weight, this.header)
        if (!text) continue
        context.fillStyle = readableOn(ramp[rampStep(this.header, panel, weight)])
        context.font = fonts[text.length > 4 ? 1 : 0]
        context.fillText(text, x + (key + 0.5 - k0) * this.cell, y + (query + 0.5 - q0) * this.cell)
      }
    }
    context.restore()
  }

  rowLabel(context, query, [left, top], colour, weight = "", panel = this.main) {
    const texts = panel.queries ?? this.queries
    if (query < 0 || query >= Math.min(texts.length, panel.size[0])) return
    context.font = `${weight} ${this.labelFont}`
    context.fillStyle = colour
    context.textAlign = "right"
    context.textBaseline = "middle"
    const text = shortened(context, texts[query], this.longestLabel)
    context.fillText(text, left - 6, top + (query + 0.5 - this.part[0]) * this.cell)
  }

  columnLabel(context, key, [x, y], panel) {
    const texts = panel.keys ?? this.keys
    if (key < 0 || key >= Math.min(texts.length, panel.size[1])) return
    const isOff = this.header.offTokens.includes(key)
    context.save()
    context.translate(x + (key + 0.5 - this.part[2]) * this.cell, y - 6)
    context.rotate(-Math.PI / 3)
    context.font = this.labelFont
    context.fillStyle = isOff ? this.shell.colours.quiet : this.shell.colours.ink
    context.textAlign = "left"
    context.textBaseline = "middle"
    const text = shortened(context, texts[key], this.longestLabel)
    context.fillText(isOff ? `✕ ${text}` : text, 0, 0)
    context.restore()
  }

  /** Everything that changes with the pointer lies on a canvas of its own. */
  drawOver() {
    const { context } = this
    const { colours } = this.shell
    const [wide, high] = this.area
    const [q0, q1, k0] = this.part
    context.clearRect(0, 0, this.width, this.high)
    this.places.forEach(([x, y]) => {
      context.save()
      context.clipTo(x - 2, y - 2, wide + 4, high + 4)
      if (this.cursor) this.drawCursor(context, x, y)
      if (this.selected >= q0 && this.selected < q1) {
        context.strokeStyle = colours.accent
        const [row, rows] = this.band(this.selected)
        // A row of a few pixels is not hidden by its own outline.
        const [line, beside] = rows * this.cell < 8 ? [1, 1] : [2, 0]
        context.lineWidth = line
        context.strokeRect(x, y + (row - q0) * this.cell - beside, wide, rows * this.cell + 2 * beside)
        const { pinned } = this.shell
        if (pinned !== null) context.strokeRect(x + (pinned - k0) * this.cell, y + (row - q0) * this.cell, this.cell, rows * this.cell)
      }
      context.restore()
      if (x !== this.left || this.selected < q0 || this.selected >= q1) return
      context.fillStyle = colours.ground
      // Its own place, and that of a neighbour which it would be written over.
      const letter = this.shell.letter + 1
      for (let row = this.firstLabel(q0); row < q1; row += this.every)
        if (row === this.selected || Math.abs(row - this.selected) * this.cell < letter)
          context.fillRect(0, y + (row + 0.5 - q0) * this.cell - letter / 2 - 1, this.left - 4, letter + 2)
      this.rowLabel(context, this.selected, [x, y], colours.accent, "bold")
    })
  }

  /** The rows that stand for a query: its own, or its block's where only that is known. */
  band(query) {
    if (!this.isPooled || this.close) return [query, 1]
    const block = this.blockOf(query, this.main.rows, this.queries.length)
    const first = this.firstOf(block, this.main.rows, this.queries.length)
    return [first, this.queries.length / this.main.rows]
  }

  drawCursor(context, left, top) {
    const { query, key, rows, columns } = this.cursor
    const [wide, high] = this.area
    const [x, y] = [left + (key - this.part[2]) * this.cell, top + (query - this.part[0]) * this.cell]
    const [w, h] = [columns * this.cell, rows * this.cell]
    context.globalAlpha = 0.55
    context.fillStyle = this.shell.colours.ground
    context.fillRect(left, top, x - left, y - top)
    context.fillRect(x + w, top, left + wide - x - w, y - top)
    context.fillRect(left, y + h, x - left, top + high - y - h)
    context.fillRect(x + w, y + h, left + wide - x - w, top + high - y - h)
    context.globalAlpha = 1
    context.lineWidth = 1.5
    context.strokeStyle = this.shell.colours.ink
    context.strokeRect(x, y, w, h)
  }

  /** What the colours mean, for a file: on the screen the legend says it. */
  key() {
    const scale = [["", `${this.header.unit} from 0 to ${weightText(this.main.most, this.header)}${this.header.isLog ? ", logarithmic" : ""}`]]
    const difference = this.panels.find((panel) => panel.isDifference)
    return difference ? [...scale, ["", `difference to ±${differenceText(difference.most, this.header)}: purple less, green more`]] : scale
  }

  switches() {
    return this.shell.switchable(this.shell.pinned)
  }

  table() {
    const { queries, keys, header } = this
    const said = (query, key) => {
      const weight = this.weight(query, key)
      return weight === null ? "" : Number.isNaN(weight) ? this.header.unseenMeans : weightText(weight, this.header)
    }
    if (queries.length <= 32 && keys.length <= 32)
      return [tableOf(`${header.name}: weights from each query (row) to each key`, ["query", ...keys],
        queries.map((text, query) => [text, ...keys.map((_, key) => said(query, key))]))]
    const rows = keys.slice(0, 512).map((text, key) => [text, said(this.selected, key)])
    return [tableOf(`${header.name}: what ${queries[this.selected]} looks at`, ["key", "weight"], rows)]
  }
}
