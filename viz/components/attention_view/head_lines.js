// Heads of one layer as lines from queries (left) to keys (right), each head in a colour of its own.

import { element, sharpContext, shortened } from "../scaffold/elements_and_canvases.js"
import { describe } from "./looks_in_words.js"
import { headButton, wholeButtons } from "./head_bar.js"
import { LONGEST_LABEL } from "./cell_images.js"
import { Picture } from "./base_view.js"
import { tableOf } from "./number_table.js"
import { floats, weightText } from "./weight_text.js"

const FAINTEST_LINE = 0.02
const SHADES = 12
// So many heads are told where the pointer is; all of them to a screen reader.
const TOLD = 3
// As style.css has it for `.scroll`.
const HIGHEST = 560

export class HeadsView extends Picture {
  bar = element("div", "key-heads")
  scroll = element("div", "scroll")
  // As high as what is seen, however long the text is: it stays in place while the stage moves behind it.
  pane = element("div", "pane")
  parts = [this.bar, this.scroll]

  constructor(shell) {
    super(shell)
    this.pane.append(this.base, this.over)
    this.stage.append(this.pane)
    this.scroll.append(this.stage)
    this.scroll.onscroll = () => this.moved()
    this.over.onpointermove = (event) => this.look(this.tokenAt((this.pointer = event)))
    this.over.onpointerleave = () => this.unpoint()
    this.over.onclick = (event) => this.lock(this.tokenAt(event))
  }

  take(header, take) {
    this.header = header
    ;[this.count, this.rows, this.columns] = header.shape
    this.cells = floats(take, this.count * this.rows * this.columns, header.bits)
    const [query, key] = header.first
    this.queries = header.queries.slice(query, query + this.rows)
    this.keys = this.shell.keys.slice(key, key + this.columns)
    this.least = Math.max(FAINTEST_LINE, header.least)
    const text = JSON.stringify([header.queries, this.shell.keys])
    if (text !== this.text) this.locked = this.pointed = this.top = this.toldHeld = null
    else if (String(header.first) !== String(this.first)) this.shiftTo(header.first)
    this.text = text
    this.first = header.first
    this.buttons = Array.from({ length: this.count }, (_, head) => headButton(this, head))
    this.bar.replaceChildren(...this.buttons, ...wholeButtons(this))
  }

  /** Other tokens of the same text are at hand: what is held stays held, and where it is. */
  shiftTo(first) {
    const sizes = [this.rows, this.columns]
    const moved = (place) => {
      const token = place && place.token + this.first[place.side] - first[place.side]
      return place && token >= 0 && token < sizes[place.side] ? { ...place, token } : null
    }
    ;[this.locked, this.pointed] = [moved(this.locked), moved(this.pointed)]
    if (this.top !== null) this.top += (this.first[0] - first[0]) * this.line
  }

  colour(head) {
    const { heads } = this.shell.colours
    return heads[head % heads.length]
  }

  show(heads) {
    this.shown = [...new Set(heads)].sort((one, other) => one - other)
    this.repaint()
    clearTimeout(this.rest)
    this.rest = setTimeout(() => this.shell.tell("heads", this.shown), 400)
  }

  leave() {
    clearTimeout(this.rest)
    cancelAnimationFrame(this.frame)
  }

  applyState(state) {
    if (!this.shown || String(state.shown) !== this.told) this.shown = state.shown
    this.told = String(state.shown)
    if (String(state.held) !== this.toldHeld) this.locked = this.placeOfHeld(state.held)
    this.toldHeld = String(state.held)
  }

  /** Side and number in the text, as a link has them; null where it is not among the tokens at hand. */
  placeOfHeld(held) {
    if (!held) return null
    const [side, number] = held
    const token = number - this.first[side]
    return token >= 0 && token < [this.rows, this.columns][side] ? { side, token } : null
  }

  hold(place) {
    this.locked = place
    this.shell.tell("held", place ? [place.side, place.token + this.first[place.side]] : [])
  }

  selectionChanged() {
    this.repaint()
  }

  /** What the colours mean, for a file: on the screen the buttons say it. */
  key() {
    return this.shown.map((head) => [this.colour(head), `H${head}`])
  }

  /** The weight of a head from a query to a key, both as numbers in the text: 0 where it cannot look. */
  value(query, key, head = this.header.head ?? 0) {
    const weight = this.weight(query - this.header.first[0], key - this.header.first[1], head)
    return Number.isNaN(weight) ? 0 : weight
  }

  weight(row, column, head) {
    return this.cells[(head * this.rows + row) * this.columns + column]
  }

  layOut(context, width) {
    const { rem } = this.shell
    const most = Math.max(this.rows, this.columns)
    this.line = Math.round((most <= 24 ? 21 : 17) * rem)
    const limit = LONGEST_LABEL * rem
    const widthOf = (text) => context.measureText(text.slice(0, 60)).width
    context.font = this.shell.font
    this.widths = [this.queries, this.keys].map((texts) => texts.map(widthOf))
    // The held one is bold, and wider; so the longest are measured once more.
    context.font = `bold ${this.shell.font}`
    this.longest = [this.queries, this.keys].map((texts, side) => {
      const order = texts.map((_, token) => token).sort((one, other) => this.widths[side][other] - this.widths[side][one])
      return Math.min(limit, Math.max(...order.slice(0, 3).map((token) => widthOf(texts[token]))))
    })
    this.marks = 4 * Math.min(this.count, 16)
    this.left = this.longest[0] + 14
    this.right = Math.max(this.left + 120, Math.min(width, 760 * rem) - this.longest[1] - 14 - this.marks)
    return most * this.line + 8
  }

  y(token) {
    return 4 + (token + 0.5) * this.line
  }

  draw(width) {
    const whole = this.height(width)
    this.high = Math.min(whole, HIGHEST * this.shell.rem)
    this.width = Math.min(width, this.right + this.marks + this.longest[1] + 16)
    width = this.width
    this.context = sharpContext(this.base, width, this.high)
    // What lies over it is made when somebody points at something: an empty one costs as much as a full one.
    this.overContext = null
    this.over.width = 1
    for (const [side, size] of [["width", width], ["height", this.high]]) this.over.style[side] = `${size}px`
    this.stage.style.height = `${whole}px`
    this.pane.style.height = `${this.high}px`
    // A text is opened where its selected token is.
    this.top ??= this.y(this.shell.selected - this.header.first[0]) - this.high / 2
    this.top = Math.max(0, Math.min(Math.round(this.top), whole - this.high))
    if (whole > this.high) this.scroll.scrollTop = this.top
    this.speak(`Lines of layer ${this.header.layer}: ${this.rows} queries on the left, ${this.columns} keys on the right`)
    this.repaint()
  }

  repaint() {
    this.buttons.forEach((button, head) => button.setAttribute("aria-pressed", this.shown.includes(head)))
    this.paintPart(this.context, () => this.paint(this.context))
    this.paintOver()
  }

  /** On an empty pane, `paint` what is in view. */
  paintPart(context, paint) {
    context.clearRect(0, 0, this.width, this.high)
    context.save()
    context.translate(0, -this.top)
    this.isPart = true
    paint()
    this.isPart = false
    context.restore()
  }

  moved() {
    if (this.scroll.scrollTop === this.top) return
    this.top = this.scroll.scrollTop
    // Another token is under the pointer now.
    if (this.pointer) this.look(this.tokenAt(this.pointer))
    cancelAnimationFrame(this.frame)
    this.frame = requestAnimationFrame(() => this.repaint())
  }

  /** Bring this token into view. */
  reveal({ token }) {
    const y = this.y(token)
    const from = Math.max(Math.min(this.top, y - 2 * this.line), y + 2 * this.line - this.high)
    if (from === this.top) return
    this.scroll.scrollTop = from
    this.moved()
  }

  paint(context) {
    // A file shows what is held; on the screen that lies over all the others.
    const focus = this.isPart ? null : this.locked
    this.paintLabels(context, focus)
    if (focus) this.paintFocus(context, focus)
    else this.paintAll(context)
    if (this.shown.length) return
    context.fillStyle = this.shell.colours.quiet
    context.font = this.shell.font
    context.textAlign = "center"
    context.fillText("No head is shown: choose some above.", (this.left + this.right) / 2, (this.isPart ? this.top : 0) + 40)
  }

  paintLabels(context, focus) {
    const { colours, font } = this.shell
    const write = (texts, x, align, side) => {
      context.textAlign = align
      context.textBaseline = "middle"
      context.font = font
      texts.forEach((text, token) => {
        const y = this.y(token)
        if (this.isPart && (y < this.top - this.line || y > this.top + this.high + this.line)) return
        const isSelected = side === 0 && token + this.header.first[0] === this.shell.selected
        const isBold = isSelected || (focus && focus.side === side && focus.token === token)
        if (isBold) context.font = `bold ${font}`
        context.fillStyle = isSelected ? colours.accent : colours.ink
        const isOff = side === 1 && this.header.offTokens.includes(token + this.header.first[1])
        const isWide = isBold || this.widths[side][token] > this.longest[side] || text.length > 60
        const label = isWide ? shortened(context, text, this.longest[side]) : text
        context.fillText(isOff ? `✕ ${label}` : label, x, y)
        if (isBold) context.font = font
      })
    }
    write(this.queries, this.left - 8, "right", 0)
    write(this.keys, this.right + 8 + this.marks, "left", 1)
  }

  /** Every line at once, those of a head together. */
  paintAll(context) {
    const { cells, columns, least, left, right, marks } = this
    const size = this.rows * columns
    // A strong line is several fine ones side by side: up to a width of 1 many are drawn in one stroke, and fast. Many
    // heads at once stay finer.
    const widest = Math.max(1, Math.ceil(4 - this.shown.length / 3))
    for (const head of this.shown) {
      const shades = Array.from({ length: SHADES }, () => [])
      // Most weights are too small for a line, and there are many of them: nothing but a look at each.
      for (let at = head * size, end = at + size; at < end; at++)
        if (cells[at] >= least) shades[Math.min(SHADES - 1, Math.floor(cells[at] * SHADES))].push(at - head * size)
      context.strokeStyle = this.colour(head)
      context.lineWidth = 1
      shades.forEach((lines, shade) => {
        if (!lines.length) return
        context.globalAlpha = Math.min(1, (shade + 0.5) / SHADES)
        const fine = 1 + Math.round(((widest - 1) * shade) / SHADES)
        context.beginPath()
        for (const at of lines) {
          const column = at % columns
          const [from, to] = [this.y((at - column) / columns), this.y(column)]
          for (let one = 0; one < fine; one++) {
            const shift = 0.8 * (one - (fine - 1) / 2)
            context.moveTo(left, from + shift)
            context.lineTo(right + marks, to + shift)
          }
        }
        context.stroke()
      })
    }
    context.globalAlpha = 1
  }

  /** The lines of one token, each as dark as its weight, and beside every other token what each head gives it. */
  paintFocus(context, { side, token }) {
    const others = side === 0 ? this.columns : this.rows
    // Where each head's part is marked beside the labels, lines end before the marks.
    const end = side === 0 ? this.right : this.right + this.marks
    this.shown.forEach((head, place) => {
      context.strokeStyle = context.fillStyle = this.colour(head)
      for (let other = 0; other < others; other++) {
        const [row, column] = side === 0 ? [token, other] : [other, token]
        const weight = this.weight(row, column, head)
        if (!(weight >= this.least)) continue
        context.globalAlpha = 0.15 + 0.85 * weight
        context.lineWidth = 0.8 + 4 * weight
        context.beginPath()
        context.moveTo(this.left, this.y(row))
        context.lineTo(end, this.y(column))
        context.stroke()
        if (side === 0 && place < 16)
          context.fillRect(this.right + 4 + 4 * place, this.y(other) - this.line / 2 + 1, 3.5, this.line - 2)
      }
    })
    context.globalAlpha = 1
  }

  paintOver() {
    const focus = this.pointed ?? this.locked
    this.base.style.opacity = focus ? 0.08 : 1
    if (!focus && !this.overContext) return
    const context = (this.overContext ??= sharpContext(this.over, this.width, this.high))
    this.paintPart(context, () => {
      if (!focus) return
      this.paintLabels(context, focus)
      this.paintFocus(context, focus)
      const { side, token } = focus
      context.strokeStyle = this.shell.colours.ink
      context.lineWidth = 1.5
      const x = side === 0 ? this.left - 12 - this.longest[0] : this.right + 4 + this.marks
      context.strokeRect(x, this.y(token) - this.line / 2, this.longest[side] + 8, this.line)
    })
  }

  tokenAt(event) {
    const box = this.over.getBoundingClientRect()
    const [x, token] = [event.clientX - box.left, Math.floor((event.clientY - box.top + this.top - 4) / this.line)]
    const side = x < this.left + (this.right - this.left) * 0.25 ? 0 : x > this.right - (this.right - this.left) * 0.25 ? 1 : null
    return side !== null && token >= 0 && token < (side ? this.columns : this.rows) ? { side, token } : null
  }

  placeOf(query, key) {
    const box = this.over.getBoundingClientRect()
    return key === undefined
      ? { x: box.left + this.left - 10, y: box.top - this.top + this.y(query - this.header.first[0]) }
      : { x: box.left + this.right + 10 + this.marks, y: box.top - this.top + this.y(key - this.header.first[1]) }
  }

  look(token) {
    if (token?.side === this.pointed?.side && token?.token === this.pointed?.token) return
    this.pointed = token
    this.paintOver()
    if (!token) return this.shell.say(null)
    const tip = this.shell.part("tip")
    const [x, y] = [this.scroll.offsetLeft + (token.side ? this.right - 200 : this.left + 12), this.scroll.offsetTop - this.top]
    this.shell.say(describe(this, token, TOLD), x, y + this.y(token.token) + this.line / 2 + 4, describe(this, token))
    // Above its lines where there is no room below.
    if (this.y(token.token) - this.top > this.high / 2)
      tip.style.top = `${y + this.y(token.token) - this.line / 2 - 4 - tip.offsetHeight}px`
  }

  unpoint() {
    this.look((this.pointer = null))
  }

  lock(token) {
    const isSame = token && this.locked?.side === token.side && this.locked?.token === token.token
    this.hold(isSame ? null : token)
    this.paintOver()
    if (this.locked?.side === 0 && this.shell.isSelf) this.shell.select(token.token + this.header.first[0])
    else if (this.locked?.side === 0) this.shell.select(token.token)
    this.shell.drawTools()
  }

  keyTable() {
    const now = this.pointed ?? this.locked ?? { side: 0, token: this.shell.selected - this.header.first[0] }
    const look = (side, token) => {
      const most = (side ? this.columns : this.rows) - 1
      this.pointer = null
      this.look({ side, token: Math.max(0, Math.min(most, token)) })
      this.reveal(this.pointed)
    }
    const tokens = { ArrowDown: 1, ArrowUp: -1 }
    const sides = { ArrowLeft: 0, ArrowRight: 1 }
    return [
      { name: "↑ ↓", says: "go from token to token", keys: tokens, act: (by) => look(now.side, now.token + by) },
      { name: "← →", says: "change the side", keys: sides, act: (side) => look(side, now.token) },
      { name: "Enter", says: "holds a token", keys: { Enter: now }, act: (token) => this.lock(token) },
      { name: "Esc", says: "lets go", keys: { Escape: null }, act: () => this.letGo() },
    ]
  }

  letGo() {
    if (this.locked) this.hold(null)
    this.pointer = null
    this.pointed = { side: -1 }
    this.look(null)
    this.shell.drawTools()
  }

  tools(tool) {
    if (!this.locked) return []
    const { side, token } = this.locked
    const name = this.shell.brief((side ? this.keys : this.queries)[token])
    return [tool(`held: “${name}” ✕`, "Let go of it (Esc in the picture)", () => this.lock(this.locked))]
  }

  switches() {
    const { locked } = this
    return this.shell.switchable(locked?.side === 1 ? locked.token + this.header.first[1] : null)
  }

  table() {
    const row = this.shell.selected - this.header.first[0]
    if (row < 0 || row >= this.rows) return []
    const said = (column, head) => {
      const weight = this.weight(row, column, head)
      return Number.isNaN(weight) ? this.header.unseenMeans : weightText(weight, this.header)
    }
    const lines = this.keys.map((text, column) => [text, ...this.shown.map((head) => said(column, head))])
    const title = `Layer ${this.header.layer}: what ${this.queries[row]} looks at, in each shown head`
    return [tableOf(title, ["key", ...this.shown.map((head) => `H${head}`)], lines)]
  }
}
