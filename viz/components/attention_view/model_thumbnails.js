// Every head of every layer as a thumbnail: hover names it and shows it larger, a click or Enter opens it.

import { element, sharpContext } from "../scaffold/elements_and_canvases.js"
import { ARROWS } from "../scaffold/keys.js"
import { cellImage, pixel } from "./cell_images.js"
import { Picture } from "./base_view.js"
import { tableOf } from "./number_table.js"
import { weightText } from "./weight_text.js"

const THUMBNAIL = { largest: 72, smallest: 22, gap: 4, margin: 30, top: 20 }
// Where the picture stands alone: how much more of the window it has than a map, above which stand its tokens.
const WITHOUT_TOKENS = 0.15
const STEPS = 4095
const PREVIEW = 150

export class ModelView extends Picture {
  preview = element("canvas", "preview")
  parts = [this.stage]

  constructor(shell) {
    super(shell)
    this.stage.classList.add("wide")
    this.preview.hidden = true
    this.stage.append(this.preview)
    this.listen((place) => this.point(place), (place) => this.openAt(place))
    this.over.onfocus = () => this.point(this.pointed ?? this.chosen ?? { row: 0, head: 0 })
    this.over.onblur = () => this.unpoint()
  }

  take(header, take) {
    this.header = header
    this.layers = header.layers
    this.heads = header.heads
    this.size = header.rows * header.columns
    const count = this.layers.length * this.heads * this.size
    this.steps = twelveBits(take(3 * Math.ceil(count / 2)), count)
    const ramp = this.shell.ramp.map(pixel)
    // All thumbnails in one picture, a row of it for each layer.
    const wide = this.heads * header.columns
    this.image = cellImage(this.layers.length * header.rows, wide, (at) => {
      const [y, x] = [Math.floor(at / wide), at % wide]
      const thumbnail = Math.floor(y / header.rows) * this.heads + Math.floor(x / header.columns)
      const step = this.steps[thumbnail * this.size + (y % header.rows) * header.columns + (x % header.columns)]
      return ramp[Math.round((255 * step) / STEPS)]
    })
  }

  applyState(state) {
    const row = this.layers.indexOf(state.layer)
    this.chosen = row >= 0 && state.head !== null ? { row, head: state.head } : null
    this.off = new Set(state.offHeads)
  }

  /** The weight behind a thumbnail's cell (the largest of its block), within 5e-4. */
  value(layer, head, row, column) {
    const at = (this.layers.indexOf(layer) * this.heads + head) * this.size + row * this.header.columns + column
    return (this.steps[at] / STEPS) ** 2
  }

  height(width) {
    const { rem: scale, alone } = this.shell
    this.margin = Math.round(THUMBNAIL.margin * scale)
    this.topMargin = Math.round(THUMBNAIL.top * scale)
    const room = Math.floor((width - this.margin) / this.heads) - THUMBNAIL.gap
    this.side = Math.max(THUMBNAIL.smallest, Math.min(THUMBNAIL.largest * scale, room))
    if (alone) {
      // All layers at once, however small: a class does not scroll.
      const high = (alone + WITHOUT_TOKENS) * innerHeight - this.topMargin
      this.side = Math.max(1, Math.min(this.side, Math.floor(high / this.layers.length) - THUMBNAIL.gap))
    }
    this.step = this.side + THUMBNAIL.gap
    return this.topMargin + this.step * this.layers.length
  }

  draw(width) {
    const high = this.height(width)
    this.width = this.margin + this.step * this.heads
    this.spread(this.width, high, `${this.layers.length} layers of ${this.heads} heads`)
    this.paint(this.baseContext)
    this.drawOver()
  }

  repaint() {
    this.drawOver()
  }

  paint(context) {
    const letter = Math.max(11, this.shell.letter - 1)
    context.font = this.shell.font.replace(/[\d.]+px/, `${letter}px`)
    context.fillStyle = this.shell.colours.quiet
    context.textBaseline = "middle"
    context.textAlign = "center"
    const every = Math.ceil((2.4 * letter) / this.step)
    for (let head = 0; head < this.heads; head += every)
      context.fillText(`H${head}`, this.margin + this.step * head + this.side / 2, this.topMargin / 2)
    context.textAlign = "right"
    this.layers.forEach((layer, row) =>
      context.fillText(`L${layer}`, this.margin - 6, this.topMargin + this.step * row + this.side / 2),
    )
    context.imageSmoothingEnabled = this.header.columns > this.side
    const { rows, columns } = this.header
    for (let row = 0; row < this.layers.length; row++)
      for (let head = 0; head < this.heads; head++)
        context.drawImage(
          this.image, head * columns, row * rows, columns, rows, ...this.at({ row, head }), this.side, this.side,
        )
  }

  at({ row, head }) {
    return [this.margin + this.step * head, this.topMargin + this.step * row]
  }

  drawOver() {
    const { context } = this
    const { colours } = this.shell
    context.clearRect(0, 0, this.width, this.high)
    const frame = (place, colour, line) => {
      context.strokeStyle = colour
      context.lineWidth = line
      const [x, y] = this.at(place)
      context.strokeRect(x - 1, y - 1, this.side + 2, this.side + 2)
    }
    for (const name of this.off) {
      const [layer, head] = name.split("-").map(Number)
      const [x, y] = this.at({ row: this.layers.indexOf(layer), head })
      context.strokeStyle = colours.accent
      context.lineWidth = 2
      context.beginPath()
      context.moveTo(x, y)
      context.lineTo(x + this.side, y + this.side)
      context.moveTo(x + this.side, y)
      context.lineTo(x, y + this.side)
      context.stroke()
    }
    if (this.chosen) frame(this.chosen, colours.accent, 2)
    if (this.pointed) frame(this.pointed, colours.ink, 1.5)
  }

  placeAt(event) {
    const box = this.over.getBoundingClientRect()
    const head = Math.floor((event.clientX - box.left - this.margin + THUMBNAIL.gap / 2) / this.step)
    const row = Math.floor((event.clientY - box.top - this.topMargin + THUMBNAIL.gap / 2) / this.step)
    return head >= 0 && head < this.heads && row >= 0 && row < this.layers.length ? { row, head } : null
  }

  /** The middle of a thumbnail, in pixels of the window. */
  placeOf(layer, head) {
    const box = this.over.getBoundingClientRect()
    const [x, y] = this.at({ row: this.layers.indexOf(layer), head })
    return { x: box.left + x + this.side / 2, y: box.top + y + this.side / 2 }
  }

  point(place) {
    this.pointed = place
    this.drawOver()
    this.drawPreview(place)
    if (!place) return this.shell.say(null)
    const [x, y] = this.at(place)
    const name = `${this.layers[place.row]}-${place.head}`
    const earned = this.header.names?.[name]
    const text = `L${this.layers[place.row]} H${place.head}${this.off.has(name) ? " (off)" : ""}${earned ? `\n${earned}` : ""}`
    this.shell.say(text, x - this.stage.scrollLeft, y + this.side + 4)
  }

  /** The same thumbnail larger, beside it: what is small on a screen is smaller on a wall. */
  drawPreview(place) {
    this.preview.hidden = !place || this.side >= THUMBNAIL.largest
    if (this.preview.hidden) return
    const context = sharpContext(this.preview, PREVIEW, PREVIEW)
    const { rows, columns } = this.header
    context.imageSmoothingEnabled = false
    context.drawImage(this.image, place.head * columns, place.row * rows, columns, rows, 0, 0, PREVIEW, PREVIEW)
    const [x, y] = this.at(place)
    const left = x + this.side + 10 + PREVIEW < this.width ? x + this.side + 10 : x - PREVIEW - 10
    this.preview.style.left = `${Math.max(0, left)}px`
    this.preview.style.top = `${Math.max(0, Math.min(y, this.high - PREVIEW))}px`
  }

  openAt(place) {
    if (place) this.shell.tell("head", [this.layers[place.row], place.head])
  }

  switches() {
    const place = this.pointed ?? this.chosen
    if (!place) return []
    const [layer, head] = [this.layers[place.row], place.head]
    const name = `head L${layer} H${head}${this.off.has(`${layer}-${head}`) ? " (off)" : ""}`
    return [[name, "x", `head:${this.header.kind}-${layer}-${head}`]]
  }

  keyTable() {
    const now = this.pointed ?? this.chosen ?? { row: 0, head: 0 }
    const move = ([down, along]) => {
      const row = Math.max(0, Math.min(this.layers.length - 1, now.row + down))
      const head = Math.max(0, Math.min(this.heads - 1, now.head + along))
      this.point({ row, head })
    }
    return [
      { name: "arrows", says: "move", keys: ARROWS, act: move },
      { name: "Enter", says: "opens a head", keys: { Enter: now, " ": now }, act: (place) => this.openAt(place) },
    ]
  }

  table() {
    const { rows, columns } = this.header
    const strongest = this.layers.map((layer, row) => [
      `L${layer}`,
      ...Array.from({ length: this.heads }, (_, head) => {
        const from = (row * this.heads + head) * this.size
        return weightText((Math.max(...this.steps.subarray(from, from + rows * columns)) / STEPS) ** 2, this.header)
      }),
    ])
    const heads = Array.from({ length: this.heads }, (_, head) => `H${head}`)
    return [tableOf("The largest weight of each head", ["layer", ...heads], strongest)]
  }
}

/** Two numbers of twelve bits in three bytes; see packing.py. */
function twelveBits(bytes, count) {
  const numbers = new Uint16Array(count + (count % 2))
  for (let pair = 0; pair < numbers.length / 2; pair++) {
    const [a, b, c] = [bytes[3 * pair], bytes[3 * pair + 1], bytes[3 * pair + 2]]
    numbers[2 * pair] = a | ((b & 15) << 8)
    numbers[2 * pair + 1] = (b >> 4) | (c << 4)
  }
  return numbers.subarray(0, count)
}
