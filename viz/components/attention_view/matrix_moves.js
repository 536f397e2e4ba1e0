// Pointer and keys on a matrix: hovering, selecting, moving about and enlarging.

import { ARROWS } from "../scaffold/keys.js"
import { Picture } from "./base_view.js"
import { differenceText, weightText } from "./weight_text.js"

/** A part of a pooled map with this many queries and keys, at most, is asked for in full. */
const LARGEST_WINDOW = 512
const SHIFT_ARROWS = Object.fromEntries(Object.entries(ARROWS).map(([key, by]) => [`Shift+${key}`, by]))

/** A weight, or a difference of two; "–" where there is none. */
const textOf = (weight, header, { isDifference }) =>
  weight === null || Number.isNaN(weight) ? "–" : (isDifference ? differenceText : weightText)(weight, header)

/** Of a map that has `places`, `area` and the `part` in view, and its `strip`. */
export class Movable extends Picture {
  constructor(shell) {
    super(shell)
    const { over } = this
    over.onpointermove = (event) => (this.drag ? this.pull(event) : this.hover(this.cellAt(event)))
    over.onpointerleave = () => this.unpoint()
    over.onpointerdown = (event) => this.hold(event)
    over.onpointerup = (event) => this.release(event)
    over.onpointercancel = () => (this.drag = null)
    over.ondblclick = (event) => this.enlarge(2, this.cellAt(event))
    over.addEventListener("wheel", (event) => this.wheel(event), { passive: false })
  }

  /** The cell under the pointer: where only a pooled one is known, all of its queries and keys. */
  cellAt(event) {
    const box = this.over.getBoundingClientRect()
    const [x, y] = [event.clientX - box.left, event.clientY - box.top]
    for (const [number, [left, top]] of this.places.entries()) {
      const query = this.part[0] + (y - top) / this.cell
      const key = this.part[2] + (x - left) / this.cell
      const isInside = x >= left && y >= top && x < left + this.area[0] && y < top + this.area[1]
      const [queries, keys] = this.panels[number].size
      if (isInside && query < queries && key < keys)
        return { ...this.cellOf(Math.floor(query), Math.floor(key)), panel: [left, top] }
    }
    return null
  }

  cellOf(query, key) {
    if (this.panels.some((_, number) => this.weight(query, key, number) !== null)) return { query, key, rows: 1, columns: 1, isExact: true }
    const { rows, columns } = this.main
    const [queries, keys] = [this.queries.length, this.keys.length]
    return {
      query: this.firstOf(this.blockOf(query, rows, queries), rows, queries),
      key: this.firstOf(this.blockOf(key, columns, keys), columns, keys),
      rows: queries / rows,
      columns: keys / columns,
      isExact: false,
    }
  }

  /** The middle of a cell, in pixels of the window. */
  placeOf(query, key, panel = 0) {
    const cell = this.cellOf(query, key)
    const box = this.over.getBoundingClientRect()
    const [left, top] = this.places[panel]
    return {
      x: box.left + left + (cell.key + cell.columns / 2 - this.part[2]) * this.cell,
      y: box.top + top + (cell.query + cell.rows / 2 - this.part[0]) * this.cell,
    }
  }

  hover(cell) {
    this.cursor = cell
    this.drawOver()
    this.strip.mark(cell ? cell.query : -1, cell ? cell.key : -1)
    if (!cell) return this.shell.say(null)
    const box = this.shell.root.getBoundingClientRect()
    const map = this.over.getBoundingClientRect()
    const [left, top] = cell.panel ?? this.places[0]
    const x = map.left - box.left + left + (cell.key + cell.columns - this.part[2]) * this.cell + 8
    const y = map.top - box.top + top + (cell.query + cell.rows - this.part[0]) * this.cell + 6
    this.shell.say(this.describe(cell), x, y)
  }

  unpoint() {
    this.hover(null)
  }

  describe({ query, key, isExact }) {
    const from = `${this.queries[query]} → ${this.keys[key]}`
    if (!isExact) {
      const { rows, columns, cells, size } = this.main
      const [row, column] = [this.blockOf(query, rows, size[0]), this.blockOf(key, columns, size[1])]
      const weight = cells[row * columns + column]
      return `${this.header.pooling} near ${from}: ${Number.isNaN(weight) ? this.header.unseenMeans : weightText(weight, this.header)}`
    }
    const weights = this.panels.map((_, number) => this.weight(query, key, number))
    if (this.panels.some((panel) => panel.queries)) return this.describeEach({ query, key }, weights)
    if (Number.isNaN(weights[this.header.main])) return `${from}: ${this.header.unseenMeans}`
    if (weights.length === 1) return `${from}: ${weightText(weights[0], this.header)}`
    return `${from}: ${weights.map((weight, number) => `${this.panels[number].title} ${textOf(weight, this.header, this.panels[number])}`).join(", ")}`
  }

  /** Each map with its own words, where these are of several texts. */
  describeEach({ query, key }, weights) {
    const lines = this.panels.flatMap((panel, number) => {
      const from = (panel.queries ?? this.queries)[query]
      const to = (panel.keys ?? this.keys)[key]
      if (weights[number] === null || from === undefined || to === undefined) return []
      const weight = textOf(weights[number], this.header, panel)
      return [panel.isDifference ? `${panel.title} ${weight}` : `${panel.title}: ${from} → ${to} ${weight}`]
    })
    return lines.join("\n")
  }

  choose(cell) {
    this.shell.select(cell.query, cell.isExact ? cell.key : null)
  }

  /** The cell under the cursor; without one, where the selected query begins. */
  get now() {
    return this.cursor ?? this.cellOf(this.selected, Math.floor(this.part[2]))
  }

  keyTable() {
    const shift = ([down, along]) => this.shift(down * 0.25 * this.span(0), along * 0.25 * this.span(2))
    const sizes = { "+": 1.6, "=": 1.6, "-": 1 / 1.6 }
    return [
      { name: "arrows", says: "move", keys: ARROWS, act: (by) => this.moveCursor(by) },
      { name: "Shift and arrows", says: "move the part in view", keys: SHIFT_ARROWS, act: shift },
      { name: "Enter", says: "chooses", keys: { Enter: 0 }, act: () => this.choose(this.now) },
      { name: "Esc", says: "lets go", keys: { Escape: null }, act: (cell) => this.hover(cell) },
      { name: "+ −", says: "enlarge or make smaller", keys: sizes, act: (factor) => this.enlarge(factor, this.now) },
      { name: "0", says: "the whole", keys: { 0: 0 }, act: () => this.showAll() },
    ]
  }

  moveCursor([down, along]) {
    const { now } = this
    const clamp = (value, limit) => Math.max(0, Math.min(limit - 1, value))
    const query = clamp(now.query + down * Math.ceil(now.rows), this.queries.length)
    const key = clamp(now.key + along * Math.ceil(now.columns), this.keys.length)
    this.follow(query, key)
    this.hover(this.cellOf(query, key))
  }

  leave() {
    cancelAnimationFrame(this.frame)
    clearTimeout(this.rest)
  }

  // The part in view

  span(at) {
    return this.part[at + 1] - this.part[at]
  }

  get isEnlarged() {
    return this.span(0) < this.queries.length - 0.01 || this.span(2) < this.keys.length - 0.01
  }

  follow(query, key) {
    const [q0, q1, k0, k1] = this.part
    const by = (at, from, to) => (at < from ? at - from : at + 1 > to ? at + 1 - to : 0)
    const [down, along] = [by(query, q0, q1), by(key, k0, k1)]
    if (down || along) this.shift(down, along)
  }

  shift(down, along) {
    const [q0, q1, k0, k1] = this.part
    this.show([q0 + down, q1 + down, k0 + along, k1 + along])
  }

  /** Enlarge round a cell, which stays where it is. */
  enlarge(factor, cell) {
    const [q0, q1, k0, k1] = this.part
    const [y, x] = cell ? [cell.query + 0.5, cell.key + 0.5] : [(q0 + q1) / 2, (k0 + k1) / 2]
    // Never nearer than four tokens, never further than all.
    const most = Math.min(factor, Math.max(1, Math.min(this.span(0), this.span(2)) / 4))
    const scale = 1 / Math.max(most, Math.min(this.span(0) / this.queries.length, this.span(2) / this.keys.length))
    this.show([y - (y - q0) * scale, y + (q1 - y) * scale, x - (x - k0) * scale, x + (k1 - x) * scale])
  }

  showAll() {
    this.show([0, this.queries.length, 0, this.keys.length])
  }

  show(part) {
    this.part = this.inside(part)
    cancelAnimationFrame(this.frame)
    this.frame = requestAnimationFrame(() => this.repaint())
    clearTimeout(this.rest)
    this.rest = setTimeout(() => this.onRest(), 250)
    this.shell.drawTools()
  }

  /** As much of a part as there is. */
  inside([q0, q1, k0, k1]) {
    const within = (from, to, limit) => {
      const span = Math.min(to - from, limit)
      const first = Math.max(0, Math.min(from, limit - span))
      return [first, first + span]
    }
    return [...within(q0, q1, this.queries.length), ...within(k0, k1, this.keys.length)]
  }

  onRest() {
    this.rest = null
    this.ask()
    const told = this.isEnlarged ? this.part.map((each) => Math.round(100 * each)) : []
    if (String(told) === this.toldPart) return
    this.toldPart = String(told)
    this.shell.tell("part", told)
  }

  /** The part that the server names: of a link, or of an earlier view; an answer to what was told must not pull it back. */
  takePart(part) {
    if (this.rest || String(part) === this.toldPart) return
    this.toldPart = String(part)
    if (!part.length) return this.isEnlarged && this.showAll()
    const [q0, , k0, k1] = part.map((each) => each / 100)
    const [Q0, Q1, K0, K1] = this.header.part ?? [0, this.queries.length, 0, this.keys.length]
    this.part = this.inside([q0, q0 + ((k1 - k0) * (Q1 - Q0)) / (K1 - K0), k0, k1])
    // Of a pooled map it is asked for in full.
    this.rest = setTimeout(() => this.onRest(), 250)
  }

  /** A part of a pooled map that is small enough is asked for in full. */
  ask() {
    if (!this.isPooled && !this.close) return
    const [q0, q1, k0, k1] = [0, 1, 2, 3].map((at) => (at % 2 ? Math.ceil(this.part[at]) : Math.floor(this.part[at])))
    if (q1 - q0 > LARGEST_WINDOW || k1 - k0 > LARGEST_WINDOW) return
    if (this.close) {
      const [row, rowEnd, column, columnEnd] = this.windowPart()
      if (q0 >= row && q1 <= rowEnd && k0 >= column && k1 <= columnEnd) return
    }
    const wider = (from, to, limit) => {
      const room = Math.floor((LARGEST_WINDOW - (to - from)) / 2)
      return [Math.max(0, from - room), Math.min(limit, to + room)]
    }
    this.shell.tell("window", [...wider(q0, q1, this.queries.length), ...wider(k0, k1, this.keys.length)])
  }

  hold(event) {
    this.drag = { x: event.clientX, y: event.clientY, part: [...this.part], moved: false }
    if (this.isEnlarged) this.over.setPointerCapture(event.pointerId)
  }

  pull(event) {
    const { drag } = this
    if (!event.buttons) this.drag = null
    const [along, down] = [(drag.x - event.clientX) / this.cell, (drag.y - event.clientY) / this.cell]
    if (!this.isEnlarged) return this.hover(this.cellAt(event))
    if (Math.hypot(drag.x - event.clientX, drag.y - event.clientY) > 4) drag.moved = true
    if (!drag.moved) return
    const [q0, q1, k0, k1] = drag.part
    this.show([q0 + down, q1 + down, k0 + along, k1 + along])
  }

  release(event) {
    const { moved } = this.drag ?? {}
    this.drag = null
    const cell = this.cellAt(event)
    if (cell && !moved) this.choose(cell)
  }

  wheel(event) {
    if (!event.ctrlKey && !event.metaKey) return
    event.preventDefault()
    this.enlarge(event.deltaY < 0 ? 1.2 : 1 / 1.2, this.cellAt(event))
  }

  tools(tool) {
    if (Math.max(this.queries.length, this.keys.length) <= 12) return []
    const held = () => this.cursor ?? (this.shell.pinned === null ? null : { query: this.selected, key: this.shell.pinned })
    const tools = [
      tool("+", "Enlarge (+, or Ctrl and the wheel); drag to move", () => this.enlarge(1.6, held())),
      tool("−", "Make smaller (-)", () => this.enlarge(1 / 1.6, held())),
    ]
    if (this.isEnlarged) tools.push(tool("Whole map", "Show all of it (0)", () => this.showAll()))
    return tools
  }
}
