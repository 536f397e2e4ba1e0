// Pointer and keys on a matrix: hovering, selecting, moving about and enlarging.

import { ARROWS, press } from "../scaffold/keys.js"
import { weightText } from "../scaffold/numbers.js"

/** A part of a pooled map with this many queries and keys, at most, is asked for in full. */
const LARGEST_WINDOW = 512
const SHIFT_ARROWS = Object.fromEntries(Object.entries(ARROWS).map(([key, by]) => [`Shift+${key}`, by]))

export class Moves {
  constructor(view) {
    this.view = view
    const { over } = view
    over.onpointermove = (event) => (this.drag ? this.pull(event) : this.hover(this.cellAt(event)))
    over.onpointerleave = () => this.hover(null)
    over.onpointerdown = (event) => this.hold(event)
    over.onpointerup = (event) => this.release(event)
    over.onpointercancel = () => (this.drag = null)
    over.ondblclick = (event) => this.enlarge(2, this.cellAt(event))
    over.onkeydown = (event) => press(this.keyTable(), event)
    over.addEventListener("wheel", (event) => this.wheel(event), { passive: false })
    view.hover = (cell) => this.hover(cell)
    view.cellOf = (query, key) => this.cellOf(query, key)
    view.placeOf = (query, key, panel = 0) => this.placeOf(this.cellOf(query, key), panel)
  }

  /** The cell under the pointer: where only a pooled one is known, all of its queries and keys. */
  cellAt(event) {
    const { view } = this
    const box = view.over.getBoundingClientRect()
    const [x, y] = [event.clientX - box.left, event.clientY - box.top]
    for (const [left, top] of view.places) {
      const query = view.part[0] + (y - top) / view.cell
      const key = view.part[2] + (x - left) / view.cell
      const isInside = x >= left && y >= top && x < left + view.area[0] && y < top + view.area[1]
      if (isInside && query < view.queries.length && key < view.keys.length)
        return { ...this.cellOf(Math.floor(query), Math.floor(key)), panel: [left, top] }
    }
    return null
  }

  cellOf(query, key) {
    const { view } = this
    if (view.weight(query, key) !== null) return { query, key, rows: 1, columns: 1, isExact: true }
    const { rows, columns } = view.main
    const [queries, keys] = [view.queries.length, view.keys.length]
    return {
      query: view.firstOf(view.blockOf(query, rows, queries), rows, queries),
      key: view.firstOf(view.blockOf(key, columns, keys), columns, keys),
      rows: queries / rows,
      columns: keys / columns,
      isExact: false,
    }
  }

  /** The middle of a cell, in pixels of the window. */
  placeOf({ query, key, rows, columns }, panel) {
    const { view } = this
    const box = view.over.getBoundingClientRect()
    const [left, top] = view.places[panel]
    return {
      x: box.left + left + (key + columns / 2 - view.part[2]) * view.cell,
      y: box.top + top + (query + rows / 2 - view.part[0]) * view.cell,
    }
  }

  hover(cell) {
    const { view } = this
    view.cursor = cell
    view.drawOver()
    view.strip.mark(cell ? cell.query : -1, cell ? cell.key : -1)
    if (!cell) return view.shell.say(null)
    const box = view.shell.root.getBoundingClientRect()
    const map = view.over.getBoundingClientRect()
    const [left, top] = cell.panel ?? view.places[0]
    const x = map.left - box.left + left + (cell.key + cell.columns - view.part[2]) * view.cell + 8
    const y = map.top - box.top + top + (cell.query + cell.rows - view.part[0]) * view.cell + 6
    view.shell.say(this.describe(cell), x, y)
  }

  describe({ query, key, isExact }) {
    const { view } = this
    const from = `${view.queries[query]} → ${view.keys[key]}`
    if (!isExact) {
      const { rows, columns, cells } = view.main
      const [row, column] = [view.blockOf(query, rows, view.queries.length), view.blockOf(key, columns, view.keys.length)]
      const weight = cells[row * columns + column]
      return `${view.header.pooling} near ${from}: ${Number.isNaN(weight) ? view.header.unseenMeans : weightText(weight)}`
    }
    const weights = view.panels.map((_, number) => view.weight(query, key, number))
    if (Number.isNaN(weights[view.header.main])) return `${from}: ${view.header.unseenMeans}`
    if (weights.length === 1) return `${from}: ${weightText(weights[0])}`
    const said = (weight) => (weight === null || Number.isNaN(weight) ? "–" : (weight < 0 ? "−" : "") + weightText(Math.abs(weight)))
    return `${from}: ${weights.map((weight, number) => `${view.panels[number].title} ${said(weight)}`).join(", ")}`
  }

  select(cell) {
    this.view.pinned = cell.isExact ? cell.key : null
    this.view.select(cell.query)
    this.view.shell.drawTools()
  }

  /** The cell under the cursor; without one, where the selected query begins. */
  get now() {
    return this.view.cursor ?? this.cellOf(this.view.selected, Math.floor(this.view.part[2]))
  }

  keyTable() {
    const shift = ([down, along]) => this.shift(down * 0.25 * this.span(0), along * 0.25 * this.span(2))
    const sizes = { "+": 1.6, "=": 1.6, "-": 1 / 1.6 }
    return [
      { name: "arrows", says: "move", keys: ARROWS, act: (by) => this.moveCursor(by) },
      { name: "Shift and arrows", says: "move the part in view", keys: SHIFT_ARROWS, act: shift },
      { name: "Enter", says: "chooses", keys: { Enter: 0 }, act: () => this.select(this.now) },
      { name: "Esc", says: "lets go", keys: { Escape: null }, act: (cell) => this.hover(cell) },
      { name: "+ −", says: "enlarge or make smaller", keys: sizes, act: (factor) => this.enlarge(factor, this.now) },
      { name: "0", says: "the whole", keys: { 0: 0 }, act: () => this.whole() },
    ]
  }

  moveCursor([down, along]) {
    const { view, now } = this
    const clamp = (value, limit) => Math.max(0, Math.min(limit - 1, value))
    const query = clamp(now.query + down * Math.ceil(now.rows), view.queries.length)
    const key = clamp(now.key + along * Math.ceil(now.columns), view.keys.length)
    this.follow(query, key)
    this.hover(this.cellOf(query, key))
  }

  leave() {
    cancelAnimationFrame(this.frame)
    clearTimeout(this.rest)
  }

  // The part in view

  span(at) {
    return this.view.part[at + 1] - this.view.part[at]
  }

  get isEnlarged() {
    return this.span(0) < this.view.queries.length - 0.01 || this.span(2) < this.view.keys.length - 0.01
  }

  follow(query, key) {
    const [q0, q1, k0, k1] = this.view.part
    const by = (at, from, to) => (at < from ? at - from : at + 1 > to ? at + 1 - to : 0)
    const [down, along] = [by(query, q0, q1), by(key, k0, k1)]
    if (down || along) this.shift(down, along)
  }

  shift(down, along) {
    const [q0, q1, k0, k1] = this.view.part
    this.show([q0 + down, q1 + down, k0 + along, k1 + along])
  }

  /** Enlarge round a cell, which stays where it is. */
  enlarge(factor, cell) {
    const { view } = this
    const [q0, q1, k0, k1] = view.part
    const [y, x] = cell ? [cell.query + 0.5, cell.key + 0.5] : [(q0 + q1) / 2, (k0 + k1) / 2]
    // Never nearer than four tokens, never further than all.
    const most = Math.min(factor, Math.max(1, Math.min(this.span(0), this.span(2)) / 4))
    const scale = 1 / Math.max(most, Math.min(this.span(0) / view.queries.length, this.span(2) / view.keys.length))
    this.show([y - (y - q0) * scale, y + (q1 - y) * scale, x - (x - k0) * scale, x + (k1 - x) * scale])
  }

  whole() {
    this.show([0, this.view.queries.length, 0, this.view.keys.length])
  }

  show([q0, q1, k0, k1]) {
    const { view } = this
    const inside = (from, to, limit) => {
      const span = Math.min(to - from, limit)
      const first = Math.max(0, Math.min(from, limit - span))
      return [first, first + span]
    }
    view.part = [...inside(q0, q1, view.queries.length), ...inside(k0, k1, view.keys.length)]
    cancelAnimationFrame(this.frame)
    this.frame = requestAnimationFrame(() => view.repaint())
    clearTimeout(this.rest)
    this.rest = setTimeout(() => this.ask(), 250)
    view.shell.drawTools()
  }

  /** A part of a pooled map that is small enough is asked for in full. */
  ask() {
    const { view } = this
    if (!view.isPooled && !view.close) return
    const [q0, q1, k0, k1] = [0, 1, 2, 3].map((at) => (at % 2 ? Math.ceil(view.part[at]) : Math.floor(view.part[at])))
    if (q1 - q0 > LARGEST_WINDOW || k1 - k0 > LARGEST_WINDOW) return
    if (view.close) {
      const [row, rowEnd, column, columnEnd] = view.windowPart()
      if (q0 >= row && q1 <= rowEnd && k0 >= column && k1 <= columnEnd) return
    }
    const wider = (from, to, limit) => {
      const room = Math.floor((LARGEST_WINDOW - (to - from)) / 2)
      return [Math.max(0, from - room), Math.min(limit, to + room)]
    }
    view.shell.tell("window", [...wider(q0, q1, view.queries.length), ...wider(k0, k1, view.keys.length)])
  }

  hold(event) {
    this.drag = { x: event.clientX, y: event.clientY, part: [...this.view.part], moved: false }
    if (this.isEnlarged) this.view.over.setPointerCapture(event.pointerId)
  }

  pull(event) {
    const { view, drag } = this
    const [along, down] = [(drag.x - event.clientX) / view.cell, (drag.y - event.clientY) / view.cell]
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
    if (cell && !moved) this.select(cell)
  }

  wheel(event) {
    if (!event.ctrlKey && !event.metaKey) return
    event.preventDefault()
    this.enlarge(event.deltaY < 0 ? 1.2 : 1 / 1.2, this.cellAt(event))
  }

  tools(tool) {
    const { view } = this
    if (Math.max(view.queries.length, view.keys.length) <= 12) return []
    const held = () => view.cursor ?? ((view.pinned ?? null) === null ? null : { query: view.selected, key: view.pinned })
    const tools = [
      tool("+", "Enlarge (+, or Ctrl and the wheel); drag to move", () => this.enlarge(1.6, held())),
      tool("−", "Make smaller (-)", () => this.enlarge(1 / 1.6, held())),
    ]
    if (this.isEnlarged) tools.push(tool("Whole map", "Show all of it (0)", () => this.whole()))
    return tools
  }
}
