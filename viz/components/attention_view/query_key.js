// One query in one head, read from left to right: key, product, sum, scaling, softmax, value, output.

import { element, sharpContext, shortened } from "../scaffold/elements_and_canvases.js"
import { ARROWS } from "../scaffold/keys.js"
import { typedArray } from "../scaffold/message_numbers.js"
import { tenToMinus } from "../scaffold/percent.js"
import { LONGEST_LABEL, cellImage, differenceColours, pixel } from "./cell_images.js"
import { Picture } from "./base_view.js"
import { tableOf } from "./number_table.js"
import { weightText } from "./weight_text.js"

const COLUMN = { sum: 52, score: 62, weight: 108, gap: 12 }

export class ProductsView extends Picture {
  sentence = element("p", "sentence")
  scroll = element("div", "scroll named")
  // The names of the keys stay at the left while the rest is scrolled along.
  names = element("canvas", "names")
  between = element("div", "between")
  parts = [this.sentence, this.scroll, this.between]

  constructor(shell) {
    super(shell)
    this.stage.append(this.names)
    this.scroll.append(this.stage)
    this.listen((place) => this.point(place), (place) => this.pin(place))
  }

  take(header, take) {
    this.header = header
    const { dim, valueDim, joined, width } = header
    const count = header.places.length
    const floats = (length) => typedArray(Float32Array, take(4 * length))
    this.query = floats(dim)
    this.keyVectors = floats(count * dim)
    for (const name of ["dots", "added", "scores", "weights"]) this[name] = floats(count)
    this.values = floats(count * valueDim)
    this.headOutput = floats(valueDim)
    this.concatenated = floats(joined)
    this.output = floats(width)
    this.products = this.keyVectors.map((number, at) => number * this.query[at % dim])
    this.moved = this.values.map((number, at) => number * this.weights[Math.floor(at / valueDim)])
    this.pointed = null
    this.between.replaceChildren(...header.lines.map((line) => element("p", "caption", line)))
  }

  applyState() {
    this.label = this.header.queries[this.shell.selected] ?? ""
    this.writeSentence()
  }

  writeSentence() {
    const { header } = this
    const bold = (text) => element("b", "", text)
    const root = Math.abs(header.scaling - 1 / Math.sqrt(header.dim)) < 1e-6 ? ` (1 / √${header.dim})` : ""
    const scaled = header.scaling === 1 ? "as they are" : `times ${this.factor()}${root}`
    const others = this.output.length
      ? " Side by side with the other heads and through the output projection, that is what this layer's attention returns for it."
      : ""
    this.sentence.replaceChildren(
      bold(this.label), " asks with its query q. Each token that it may see answers with its key k: q × k, number by number, " +
        `added up to q · k, ${scaled}${header.hasBias ? ", plus the bias of their distance" : ""}, through the softmax, ` +
        `is the weight. The values v, mixed in these proportions, are what ${header.name} returns.${others}`,
    )
  }

  numbers() {
    const names = { keys: "keyVectors", head_output: "headOutput" }
    const all = ["query", "keys", "dots", "added", "scores", "weights", "values", "head_output", "concatenated", "output"]
    return {
      places: this.header.places,
      scaling: this.header.scaling,
      // JSON has no minus infinity.
      ...Object.fromEntries(all.map((name) => [name, [...this[names[name] ?? name]].map((each) => (each === -Infinity ? "-inf" : each))])),
    }
  }

  value(query, key) {
    const row = this.header.places.indexOf(key)
    return query === this.shell.selected && row >= 0 ? this.weights[row] : null
  }

  short(number) {
    const size = Math.abs(number)
    const [digit, power] = size.toExponential(0).split("e-")
    const small = `${digit}·${tenToMinus(power)}`
    const text = size >= 100 ? size.toFixed(0) : size >= 10 ? size.toFixed(1) : size >= 0.01 || size === 0 ? size.toFixed(2) : small
    return `${number < 0 ? "−" : ""}${text}`
  }

  factor() {
    return String(Number(this.header.scaling.toPrecision(3)))
  }

  layOut(context, width) {
    const { rem: scale } = this.shell
    context.font = this.shell.font
    this.line = Math.round(20 * scale)
    this.labels = this.header.places.map((place) => this.shell.keys[place])
    const texts = [...this.labels, "query q "]
    this.longest = Math.min(width / 5, LONGEST_LABEL * scale, Math.max(...texts.map((text) => context.measureText(text.slice(0, 60)).width)))
    const wider = scale
    const fixed = this.longest + 8 + (COLUMN.sum + COLUMN.score + COLUMN.weight) * wider + 5 * COLUMN.gap
    const strip = Math.max(40, Math.floor((width - fixed) / 3))
    const sizes = [strip, strip, COLUMN.sum * wider, COLUMN.score * wider, COLUMN.weight * wider, strip]
    let x = this.longest + 8
    this.columns = sizes.map((size) => {
      const column = [x, size]
      x += size + COLUMN.gap
      return column
    })
    this.whole = x - COLUMN.gap
    this.top = this.line + Math.round(46 * scale)
    this.bottom = this.top + this.labels.length * this.line
    return this.bottom + 4.8 * this.line + 10 + (this.output.length ? 2.6 * this.line : 0)
  }

  height(width) {
    return super.height(Math.max(width, 460))
  }

  draw(width) {
    const high = this.height(width)
    this.namesContext = sharpContext(this.names, this.longest + 4, this.bottom)
    this.stage.style.width = `${this.whole}px`
    this.spread(this.whole, high, `How ${this.label} comes to its weights in ${this.header.name}: ${this.labels.length} keys in rows`)
    this.repaint()
  }

  repaint() {
    this.baseContext.clearRect(0, 0, this.whole, this.high)
    this.paint(this.baseContext)
    this.namesContext.fillStyle = this.shell.colours.ground
    this.namesContext.fillRect(0, 0, this.longest + 4, this.bottom)
    this.paintNames(this.namesContext)
    this.paintOver()
  }

  paintNames(context) {
    context.font = this.shell.font
    this.labels.forEach((label, row) => {
      this.text(context, shortened(context, label, this.longest), this.longest, this.top + (row + 0.5) * this.line, "right")
    })
    this.text(context, "query q", this.longest, 10 + this.line / 2, "right", this.shell.colours.accent, "bold")
  }

  paint(context) {
    const { colours } = this.shell
    this.ramp = differenceColours(colours)
    this.most = Object.fromEntries(
      ["query", "keyVectors", "products", "moved", "headOutput", "concatenated", "output"].map((name) => [
        name, this[name].reduce((most, each) => Math.max(most, Math.abs(each)), 1e-12),
      ]),
    )
    this.paintHeads(context)
    const { dim, valueDim } = this.header
    const at = (row) => this.top + row * this.line
    // Each kind of vector as one small picture: keys, products and weighted values have a row for each key.
    this.paintVectors(context, "keyVectors", dim, this.columns[0], this.top)
    this.paintVectors(context, "products", dim, this.columns[1], this.top)
    this.paintVectors(context, "moved", valueDim, this.columns[5], this.top)
    const most = Math.max(...this.weights, 1e-9)
    // On the screen they stand on a canvas of their own.
    if (context !== this.baseContext) this.paintNames(context)
    this.labels.forEach((_, row) => {
      this.text(context, this.short(this.dots[row]), this.end(2), at(row + 0.5), "right")
      const isUnseen = this.scores[row] === -Infinity
      this.text(context, isUnseen ? "unseen" : this.short(this.scores[row]), this.end(3), at(row + 0.5), "right", isUnseen ? colours.quiet : colours.ink)
      const [x, size] = this.columns[4]
      context.fillStyle = `rgb(${this.shell.ramp[Math.round((255 * this.weights[row]) / most)]})`
      context.fillRect(x, at(row) + 3, Math.max(0, (size - 42) * this.weights[row]), this.line - 6)
      this.text(context, weightText(this.weights[row], this.header), x + size, at(row + 0.5), "right")
    })
    this.paintResult(context)
  }

  end(column) {
    return this.columns[column][0] + this.columns[column][1]
  }

  text(context, text, x, y, align, colour = this.shell.colours.ink, weight = "") {
    context.font = `${weight} ${this.shell.font}`
    context.textAlign = align
    context.textBaseline = "middle"
    context.fillStyle = colour
    context.fillText(text, x, y)
  }

  /** What each column is, above it; the query stands over the keys that it is compared with. */
  paintHeads(context) {
    const { header } = this
    const scaled = header.scaling === 1 ? "" : `× ${this.factor()}`
    const heads = ["key k", "q × k", "= q · k", `${scaled}${header.hasBias ? " + bias" : ""}` || "score", "softmax = weight", "weight × value v"]
    heads.forEach((text, column) => {
      const isNumber = column === 2 || column === 3
      const x = isNumber ? this.end(column) : this.columns[column][0]
      this.text(context, text, x, this.top - 10, isNumber ? "right" : "left", this.shell.colours.quiet)
    })
    this.paintVectors(context, "query", header.dim, this.columns[0], 10)
    this.text(context, `of ${shortened(context, this.label, 160)}, ${header.dim} numbers`, this.columns[1][0], 10 + this.line / 2, "left", this.shell.colours.quiet)
  }

  paintVectors(context, name, length, [x, size], y, line = this.line) {
    const numbers = this[name]
    const rows = numbers.length / length
    if (!rows) return
    const image = cellImage(rows, length, (at) => pixel(this.ramp[Math.round(127.5 + (127.5 * numbers[at]) / this.most[name])]))
    context.imageSmoothingEnabled = false
    if (rows === 1) return context.drawImage(image, 0, 0, length, 1, x, y + 3, size, line - 6)
    for (let row = 0; row < rows; row++) context.drawImage(image, 0, row, length, 1, x, y + row * line + 3, size, line - 6)
  }

  /** Below the values their sum; below that the heads side by side, and what the projection makes of them. */
  paintResult(context) {
    const { colours } = this.shell
    const { header, line } = this
    const y = this.bottom + 6
    const [x, size] = this.columns[5]
    context.strokeStyle = colours.quiet
    context.lineWidth = 1
    context.beginPath()
    context.moveTo(x, y - 2)
    context.lineTo(x + size, y - 2)
    context.stroke()
    this.text(context, `added up: the output of ${header.name}`, x - COLUMN.gap, y + line / 2, "right", colours.accent, "bold")
    this.paintVectors(context, "headOutput", header.valueDim, [x, size], y)
    const second = y + 2.2 * line
    const heads = Math.round(header.joined / header.valueDim)
    this.text(context, heads > 1 ? `the ${heads} heads side by side, this one outlined` : "the head's output", 0, second - line / 2 + 4, "left", colours.quiet)
    this.paintVectors(context, "concatenated", header.joined, [0, this.whole], second)
    const part = this.whole / heads
    context.strokeStyle = colours.accent
    context.lineWidth = 2
    context.strokeRect(part * header.head, second + 1, part, line - 2)
    if (!this.output.length) return
    const third = second + 2.4 * line
    this.text(context, `through the output projection: ${header.width} numbers for ${shortened(context, this.label, 160)}`, 0, third - line / 2 + 4, "left", colours.quiet)
    this.paintVectors(context, "output", header.width, [0, this.whole], third)
  }

  placeAt(event) {
    const box = this.over.getBoundingClientRect()
    const row = Math.floor((event.clientY - box.top - this.top) / this.line)
    if (row < 0 || row >= this.labels.length) return null
    const x = event.clientX - box.left
    const isName = event.clientX - this.scroll.getBoundingClientRect().left < this.longest + 4
    const column = isName ? -1 : this.columns.findIndex(([left, size]) => x >= left && x < left + size)
    const length = column === 5 ? this.header.valueDim : this.header.dim
    const [left, size] = this.columns[Math.max(column, 0)]
    const number = [0, 1, 5].includes(column) ? Math.floor(((x - left) / size) * length) : null
    return { row, column, number }
  }

  placeOf(_, key) {
    const box = this.over.getBoundingClientRect()
    const row = this.header.places.indexOf(key)
    return { x: box.left + this.columns[4][0] + 20, y: box.top + this.top + (row + 0.5) * this.line }
  }

  point(place) {
    this.pointed = place
    this.paintOver()
    if (!place) return this.shell.say(null)
    const box = this.shell.root.getBoundingClientRect()
    const map = this.over.getBoundingClientRect()
    const [x] = this.columns[Math.max(place.column, 0)]
    this.shell.say(this.describe(place), map.left - box.left + x, map.top - box.top + this.top + (place.row + 1) * this.line + 2)
  }

  describe({ row, column, number }) {
    const { header } = this
    if (number !== null && column === 5) {
      const at = row * header.valueDim + number
      return `number ${number}: ${weightText(this.weights[row], this.header)} × ${this.short(this.values[at])} = ${this.short(this.moved[at])}`
    }
    if (number !== null) {
      const at = row * header.dim + number
      return `number ${number}: q ${this.short(this.query[number])} × k ${this.short(this.keyVectors[at])} = ${this.short(this.products[at])}`
    }
    if (this.scores[row] === -Infinity) return `${this.labels[row]}: ${header.unseenMeans}`
    const added = header.hasBias ? ` + ${this.short(this.added[row])}` : ""
    return `${this.labels[row]}: ${this.short(this.dots[row])} × ${this.short(header.scaling)}${added} → ${this.short(this.scores[row])}, weight ${weightText(this.weights[row], this.header)}`
  }

  paintOver() {
    const { context } = this
    context.clearRect(0, 0, this.whole, this.high)
    for (const [place, colour] of [[this.pinned, this.shell.colours.accent], [this.pointed, this.shell.colours.ink]]) {
      if (!place) continue
      context.strokeStyle = colour
      context.lineWidth = 1.5
      context.strokeRect(1, this.top + place.row * this.line + 1, this.whole - 2, this.line - 2)
    }
  }

  /** Which query is looked at; a key can be clicked by its name as well, where the keys are the queries. */
  tools() {
    const choice = element("select")
    choice.setAttribute("aria-label", "Query")
    choice.append(
      ...this.header.queries.slice(0, 2048).map((text, query) => {
        const option = element("option", "", `${query}: ${this.shell.brief(text)}`)
        option.selected = query === this.shell.selected
        return option
      }),
    )
    choice.onchange = () => this.shell.select(choice.selectedIndex)
    return [element("span", "quiet", "Query"), choice]
  }

  pin(place) {
    if (place?.column === -1 && this.shell.isSelf) return this.shell.select(this.header.places[place.row])
    const key = place ? this.header.places[place.row] : null
    this.shell.select(this.shell.selected, key === this.shell.pinned ? null : key)
  }

  selectionChanged() {
    this.paintOver()
  }

  /** The row of the key that is pinned. */
  get pinned() {
    const row = this.header.places.indexOf(this.shell.pinned)
    return row < 0 ? null : { row, column: 4, number: null }
  }

  keyTable() {
    const now = this.pointed ?? this.pinned ?? { row: -1, column: 4, number: null }
    const move = ([down, along]) => {
      const row = Math.max(0, Math.min(this.labels.length - 1, now.row + down))
      const column = Math.max(0, Math.min(5, now.column + along))
      this.point({ row, column, number: [0, 1, 5].includes(column) ? (now.number ?? 0) : null })
    }
    return [
      { name: "arrows", says: "move", keys: ARROWS, act: move },
      { name: "Enter", says: "pins a key", keys: { Enter: now.row < 0 ? null : now }, act: (place) => this.pin(place) },
      { name: "Esc", says: "lets go", keys: { Escape: null }, act: (place) => this.point(place) },
    ]
  }

  switches() {
    return this.shell.switchable(this.shell.pinned)
  }

  table() {
    const rows = this.labels.map((label, row) => [
      label, this.short(this.dots[row]), this.scores[row] === -Infinity ? this.header.unseenMeans : this.short(this.scores[row]), weightText(this.weights[row], this.header),
    ])
    return [tableOf(`${this.header.name}, query ${this.label}`, ["key", "q · k", "score", "weight"], rows)]
  }
}
