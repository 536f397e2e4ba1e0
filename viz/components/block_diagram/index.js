// A model as boxes and arrows. A row runs to the right, on a narrow screen down; below it stands what is in the box that
// is opened in it.

import { element, rem } from "../scaffold/elements_and_canvases.js"
import { download } from "../scaffold/downloads.js"
import { readableOn } from "../scaffold/text_on_colour.js"
import { press } from "../scaffold/keys.js"
import { mount } from "../scaffold/mount.js"
import { percentText } from "../scaffold/percent.js"
import { bytesText } from "../scaffold/number_format.js"
import { writeExplained } from "../scaffold/glossary_terms.js"
import { View } from "../scaffold/view.js"
import { layOut } from "./layout.js"

const NARROW = 520
// So much smaller may a row be for all of it to stand in one line.
const SMALLEST = 0.74
// With more boxes in a row, shapes are told where somebody points.
const FULL = 16
const SIGNS = { sum: "+", product: "×" }
const FIELDS = ["name", "kind", "title", "said", "parameters", "bytes", "operations", "part", "count", "canOpen", "mark"]
const svg = (tag, given = {}, text) => {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag)
  for (const [name, value] of Object.entries(given)) made.setAttribute(name, value)
  if (text !== undefined) made.textContent = text
  return made
}
const whole = (number) => number.toLocaleString("en")

class BlockDiagram extends View {
  constructor(root) {
    super(root)
    this.field = this.part("field")
    this.measure = element("canvas").getContext("2d")
    this.field.onkeydown = (event) => press(this.keyTable(), event)
    this.field.onblur = () => this.unpoint()
    this.field.onpointerleave = () => this.unpoint()
    this.part("save").onclick = () => this.save()
    this.onResize(this.field, () => this.rows && this.field.clientWidth !== this.width && this.paint())
    this.offer({
      value: (path) => this.value(path),
      rows: () => this.rows.map(({ boxes }) => boxes.map(({ name }) => name)),
      arrows: (row) => this.rows[row]?.arrows.map(([from, to, shape]) => [from, to].map((each) => this.rows[row].boxes[each].name).concat(this.shapes[shape])),
    })
  }

  receive(header) {
    const { rows, shapes, totals, selected, file } = header
    this.rows = rows.map((row) => ({ ...row, boxes: row.boxes.map((box) => Object.fromEntries(FIELDS.map((name, at) => [name, box[at]]))) }))
    for (const { boxes, arrows } of this.rows)
      if (arrows.some(([from, to, shape]) => !(boxes[from] && boxes[to] && shape in shapes))) throw new Error("expected arrows between boxes")
    if (selected && !this.rows[selected[0]]?.boxes[selected[1]]) throw new Error("expected a box that is there")
    Object.assign(this, { shapes, totals, selected, file, active: selected ?? [0, 0] })
    writeExplained(this.part("caption"), header.caption)
    this.paint()
    this.ready({ rows: rows.length, selected: selected ? this.pathOf(...selected) : "" })
  }

  /** Where rows stand by themselves, the number of the row comes first. */
  pathOf(row, box) {
    const above = this.rows.slice(0, row).map(({ boxes, opened }) => boxes[opened]?.name)
    return [...(above.includes(undefined) ? [row] : above), this.rows[row].boxes[box].name].join("/")
  }

  /** The numbers of a box, by the names on the way to it. Null where there is no such. */
  value(path) {
    for (const [row, { boxes }] of this.rows.entries())
      for (const [at, box] of boxes.entries()) if (this.pathOf(row, at) === path) {
        const { title, kind, parameters, bytes, operations, count } = box
        return { title, kind, parameters, bytes, operations, count }
      }
    return null
  }

  // ----- Drawing

  paint() {
    this.width = this.field.clientWidth
    if (!this.width) return
    this.scale = rem()
    this.isDown = this.width < NARROW * this.scale
    this.font = getComputedStyle(this.root).fontFamily
    const pad = 10 * this.scale
    const room = this.width - 2 * pad - 2
    const parts = []
    let top = 2
    this.places = []
    this.rows.forEach((row, number) => {
      const laid = this.fitted(row, room)
      const titles = this.linesOf(row.title, room)
      const heading = titles.length ? (15 * titles.length + 2) * this.scale : 0
      const high = laid.high + heading + 2 * pad
      if (number && this.rows[number - 1].opened >= 0) parts.unshift(this.wedge(number, top, high))
      const left = pad + Math.max(0, (room - laid.wide) / 2)
      const group = svg("g", { transform: `translate(${left} ${top + pad + heading}) scale(${laid.by})` })
      this.places.push({ left, top: top + pad + heading, laid })
      titles.forEach((title, line) => parts.push(this.text(title, pad, top + pad + (4 + 15 * line) * this.scale, { size: 11.5, colour: "quiet", anchor: "start" })))
      const isFull = row.boxes.length > FULL
      row.arrows.forEach((arrow, at) => group.append(...this.arrow(arrow, laid.arrows[at], isFull)))
      row.boxes.forEach((box, at) => group.append(this.box(box, (laid.drawn ?? laid.boxes)[at], number, at)))
      parts.push(group)
      top += high + (number + 1 < this.rows.length ? 12 * this.scale : 0)
    })
    const drawing = svg("svg", { width: this.width, height: top + 2, viewBox: `0 0 ${this.width} ${top + 2}`, "font-family": this.font })
    drawing.append(...parts)
    this.drawing = drawing
    this.field.replaceChildren(drawing)
  }

  /** A row that is a little longer than there is room is drawn smaller; one that is much longer, in lines. */
  fitted(row, room) {
    const laid = this.lay(row, room)
    const single = laid.lines > 1 && !this.isDown ? this.lay(row, room / SMALLEST, true) : null
    if (single?.lines !== 1) return { ...laid, by: 1 }
    const by = Math.min(1, room / single.wide)
    const smaller = ({ x, y, wide, high }) => ({ x: x * by, y: y * by, wide: wide * by, high: high * by })
    return { ...single, drawn: single.boxes, boxes: single.boxes.map(smaller), wide: single.wide * by, high: single.high * by, by }
  }

  lay(row, room, isTight = false) {
    const boxes = row.boxes.map((box) => this.size(box))
    const gaps = { least: (this.isDown ? 16 : 15) * this.scale, most: (isTight ? 15 : 64) * this.scale }
    const { boxes: places, arrows, long, broad, lines } = layOut(boxes, row.arrows, this.isDown ? Infinity : room, this.isDown, gaps)
    const turned = ([along, across]) => (this.isDown ? [across, along] : [along, across])
    const shift = Math.min(0, ...arrows.flatMap(({ points, more = [] }) => [...points, ...more].map(([, across]) => across)))
    const moved = (point) => turned([point[0], point[1] - shift])
    return {
      boxes: places.map(({ along, across, long: l, broad: b }) => {
        const [x, y] = moved([along, across])
        return { x, y, wide: this.isDown ? b : l, high: this.isDown ? l : b }
      }),
      arrows: arrows.map(({ points, more, at }) => ({ points: points.map(moved), more: more?.map(moved), at: moved(at) })),
      wide: this.isDown ? broad - shift : long,
      high: this.isDown ? long : broad - shift,
      lines,
    }
  }

  size({ kind, title, said, count }) {
    const { scale } = this
    if (SIGNS[kind]) return { kind, wide: 20 * scale, high: 20 * scale }
    const wide = Math.max(this.widthOf(this.titled(title, count), 12, 600), this.widthOf(said, 10.5, 400))
    if (kind === "text") return { kind, wide: wide + 4, high: 18 * scale }
    return { kind, wide: wide + 14 * scale, high: (said ? 38 : 24) * scale }
  }

  /** A text in as many lines as it takes. */
  linesOf(text, room) {
    const lines = []
    for (const word of text.split(" ").filter(Boolean)) {
      const longer = lines.length ? `${lines.at(-1)} ${word}` : word
      if (lines.length && this.widthOf(longer, 11.5, 400) <= room) lines[lines.length - 1] = longer
      else lines.push(word)
    }
    return lines
  }

  titled = (title, count) => (count > 1 ? `${title}  ×${count}` : title)

  widthOf(text, size, weight) {
    this.measure.font = `${weight} ${size * this.scale}px ${this.font}`
    return this.measure.measureText(text).width
  }

  text(text, x, y, { size = 12, weight = 400, colour = "ink", anchor = "middle", fill }) {
    const given = { x, y, "font-size": size * this.scale, "font-weight": weight, fill: fill ?? this.colours[colour], "text-anchor": anchor }
    return svg("text", { ...given, "dominant-baseline": "middle" }, text)
  }

  /** The opened box grows into the frame of the next row. */
  wedge(number, top, high) {
    const { opened } = this.rows[number - 1]
    const { left, top: y, laid } = this.places[number - 1]
    const box = laid.boxes[opened]
    const group = svg("g")
    const { accent } = this.colours
    const bottom = y + box.y + box.high
    const d = `M${left + box.x} ${bottom} L${left + box.x + box.wide} ${bottom} L${this.width - 1} ${top} L1 ${top} Z`
    group.append(svg("path", { d, fill: accent, opacity: 0.09 }))
    group.append(svg("rect", { x: 1, y: top, width: this.width - 2, height: high, rx: 8, fill: "none", stroke: accent, "stroke-opacity": 0.45 }))
    return group
  }

  arrow([, , shape], { points, more, at }, isFull) {
    const said = this.shapes[shape]
    const made = [this.line(points), ...(more ? [this.line(more)] : [])]
    const [last, before] = [(more ?? points).at(-1), (more ?? points).at(-2)]
    const [x, y] = last
    const [dx, dy] = [Math.sign(x - before[0]), Math.sign(y - before[1])]
    const [a, b] = [3.2 * this.scale, 6 * this.scale]
    const tip = dx ? `M${x} ${y} l${-dx * b} ${-a} v${2 * a} Z` : `M${x} ${y} l${-a} ${-dy * b} h${2 * a} Z`
    made.push(svg("path", { d: tip, fill: this.colours.quiet }))
    if (said) {
      const touched = svg("path", { d: this.way(points), fill: "none", stroke: "transparent", "stroke-width": 10 * this.scale })
      touched.onpointerenter = () => this.pointAt(said, at, touched)
      touched.onpointerleave = () => this.unpoint()
      made.push(touched)
      const wide = this.widthOf(said, 9, 400)
      const long = Math.max(...points.slice(1).map(([px, py], i) => (py === points[i][1] ? Math.abs(px - points[i][0]) : 0)))
      if (!this.isDown && !isFull && long > wide + 8 * this.scale) {
        const label = this.text(said, at[0], at[1] - 5.5 * this.scale, { size: 9, colour: "quiet" })
        for (const [name, value] of Object.entries({ "paint-order": "stroke", stroke: this.colours.ground, "stroke-width": 3 })) label.setAttribute(name, value)
        made.push(label)
      }
    }
    return made
  }

  line(points) {
    return svg("path", { d: this.way(points), fill: "none", stroke: this.colours.quiet, "stroke-width": 1.2 })
  }

  /** With rounded corners. */
  way(points) {
    let d = `M${points[0]}`
    for (let at = 1; at < points.length - 1; at++) {
      const [[x0, y0], [x, y], [x1, y1]] = [points[at - 1], points[at], points[at + 1]]
      const bend = Math.min(5 * this.scale, Math.hypot(x - x0, y - y0) / 2, Math.hypot(x1 - x, y1 - y) / 2)
      const from = [x - Math.sign(x - x0) * bend, y - Math.sign(y - y0) * bend]
      const to = [x + Math.sign(x1 - x) * bend, y + Math.sign(y1 - y) * bend]
      d += ` L${from} Q${x} ${y} ${to}`
    }
    return `${d} L${points.at(-1)}`
  }

  box(box, { x, y, wide, high }, row, at) {
    const { kind, title, said, part, count, mark } = box
    const isSelected = this.selected?.[0] === row && this.selected[1] === at
    const isOpen = this.rows[row].opened === at
    const group = svg("g", { class: "box", "data-path": this.pathOf(row, at) })
    const middle = x + wide / 2
    const stroke = isSelected || isOpen ? this.colours.accent : mark ? this.colours.accent : this.colours.quiet
    const line = { stroke, "stroke-width": isSelected ? 2.2 : isOpen || mark ? 1.6 : 1 }
    if (SIGNS[kind]) {
      group.append(svg("circle", { cx: middle, cy: y + high / 2, r: wide / 2 - 1, fill: this.colours.ground, ...line }))
      group.append(this.text(SIGNS[kind], middle, y + high / 2 + 0.5, { size: 14 }))
    } else if (kind === "text") {
      group.append(this.text(title, middle, y + high / 2, { size: 11, colour: "quiet" }))
    } else {
      const colour = this.ramp[Math.round(255 * Math.min(1, part))]
      const fill = readableOn(colour)
      const frame = { x, y, width: wide, height: high, rx: kind === "norm" ? high / 2 : 5 * this.scale }
      for (const by of count > 1 ? [5, 2.5] : [])
        group.append(svg("rect", { ...frame, x: x + by, y: y + by, fill: this.colours.ground, stroke: this.colours.quiet, "stroke-width": 0.8 }))
      const dashed = mark === "gone" ? { "stroke-dasharray": "4 3" } : {}
      group.append(svg("rect", { ...frame, fill: `rgb(${colour})`, ...line, ...dashed }))
      group.append(this.text(this.titled(title, count), middle, y + (said ? 0.33 : 0.52) * high, { weight: 600, fill }))
      if (said) group.append(this.text(said, middle, y + 0.72 * high, { size: 10.5, fill }))
    }
    group.onpointerenter = () => this.hover(row, at)
    group.onpointerleave = () => {
      this.pressed = null
      this.unpoint()
    }
    group.onclick = ({ pointerType }) => {
      if (kind === "text") return
      this.pressed = pointerType === "mouse" ? this.pathOf(row, at) : null
      this.choose(row, at)
    }
    return group
  }

  // ----- Pointing and choosing

  /** Where a box stands in the element. */
  below(row, at) {
    const { left, top, laid } = this.places[row]
    const { x, y, high } = laid.boxes[at]
    return [left + x, top + y + high + 6 - this.field.scrollTop]
  }

  /** The numbers of what was just pressed stand in the inspector, and what is in it below: a label would cover that. */
  hover(row, at) {
    if (this.pressed === this.pathOf(row, at)) this.say(null)
    else if (this.places[row]) this.say(this.describe(row, at), ...this.below(row, at))
  }

  describe(row, at) {
    const { kind, title, count, parameters, bytes, operations } = this.rows[row].boxes[at]
    if (kind === "text") return `${title}: comes from outside of this part`
    if (SIGNS[kind]) return `${kind === "sum" ? "Sum" : "Product"}, number by number`
    const [most, , ops] = this.totals
    const lines = [count > 1 ? `${title}: ${count} equal ones` : title]
    if (parameters) lines.push(`${whole(parameters)} parameters, ${percentText(parameters / most)} of the model`, bytesText(bytes))
    if (operations) lines.push(`${whole(operations)} operations, ${percentText(operations / ops)} of the model`)
    return lines.join("\n")
  }

  pointAt(said, [x, y], path) {
    const matrix = path.getCTM()
    this.say(`shape ${said}`, x + matrix.e + 8, y + matrix.f + 10)
  }

  unpoint() {
    this.say(null)
  }

  choose(row, at, isByKeys = false) {
    this.active = [row, at]
    const isSame = this.selected?.[0] === row && this.selected[1] === at
    this.selected = [row, at]
    this.paint()
    if (isByKeys) {
      this.pressed = null
      this.hover(row, at)
    } else this.pointer.again()
    this.tell("box", isSame && this.rows[row].opened === at ? this.pathOf(row, at).split("/").slice(0, -1).join("/") : this.pathOf(row, at))
  }

  keyTable() {
    return [
      { name: "arrows", says: "go from box to box and row to row", keys: { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] }, act: (by) => this.move(by) },
      { name: "Enter", says: "opens", keys: { Enter: 0, " ": 0 }, act: () => this.rows.length && this.choose(...this.active, true) },
    ]
  }

  move([down, along]) {
    if (!this.rows.length) return
    const row = Math.max(0, Math.min(this.rows.length - 1, this.active[0] + down))
    const boxes = this.rows[row].boxes
    let at = down ? Math.max(0, boxes.findIndex(({ kind }) => kind !== "text")) : this.active[1] + along
    while (boxes[at]?.kind === "text") at += along || 1
    if (!boxes[at]) return
    this.active = [row, at]
    this.pressed = null
    this.hover(row, at)
  }

  save() {
    const copy = this.drawing.cloneNode(true)
    copy.setAttribute("xmlns", "http://www.w3.org/2000/svg")
    copy.prepend(svg("rect", { width: "100%", height: "100%", fill: this.colours.ground }))
    download(`${this.file}.svg`, new Blob([new XMLSerializer().serializeToString(copy)], { type: "image/svg+xml" }))
  }
}

export default mount(".block-diagram", BlockDiagram)
