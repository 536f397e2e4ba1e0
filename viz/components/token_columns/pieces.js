// One tokenizer's pieces as a column of chips.

import { element } from "../scaffold/elements_and_canvases.js"
import { typedArray } from "../scaffold/message_numbers.js"

export const SPECIAL = 1
export const UNKNOWN = 2
const HUES = 12
const AT_ONCE = 240
// Pieces of more letters than this may be broken in two lines.
const LONG = 16
export const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0").toUpperCase()).join(" ")
const whole = new TextDecoder("utf-8", { fatal: true })

/** The text of these bytes, or null where they are no whole characters. */
export function decoded(bytes) {
  try {
    return whole.decode(bytes)
  } catch {
    return null
  }
}

/** The text with a sign for each space, and the number of what has no shape of its own. */
const withShape = (text) =>
  text
    .replaceAll(" ", "␣")
    .replace(/[\p{Cf}\p{Cc}\p{Zl}\p{Zp}]/gu, (each) => `U+${each.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}`)

/** The same for equal bytes in every column, a leading space aside (FNV-1a). */
function hueOf(bytes) {
  let hash = 0x811c9dc5
  for (let at = bytes.length > 1 && bytes[0] === 32 ? 1 : 0; at < bytes.length; at++)
    hash = Math.imul(hash ^ bytes[at], 0x01000193)
  return ((hash ^ (hash >>> 15)) >>> 0) % HUES
}

export class PieceColumn {
  constructor() {
    this.root = element("section", "column")
    this.head = element("div", "head")
    this.body = element("div", "pieces")
    this.body.setAttribute("role", "listbox")
    this.root.append(this.head, this.body)
    this.nodes = []
    this.keys = []
    this.body.onscroll = () => this.onScroll()
  }

  /** New numbers; `text` is the window's text in bytes. */
  show(header, take, text) {
    const { shown, pieces } = header
    const numbers = (Kind, size, count) => typedArray(Kind, take(size * count))
    const count = shown.length
    Object.assign(this, { header, text, pieces })
    this.ids = numbers(Uint32Array, 4, count)
    this.ranks = numbers(Int32Array, 4, count)
    this.flags = numbers(Uint8Array, 1, count)
    const lengths = numbers(Uint16Array, 2, count)
    const data = take(lengths.reduce((sum, each) => sum + each, 0))
    let at = 0
    this.data = Array.from(lengths, (length) => data.subarray(at, (at += length)))
    this.hues = this.data.map(hueOf)
    this.isHalf = this.data.map((each) => each.length > 0 && decoded(each) === null)
    this.look = numbers(Uint16Array, 2, pieces)
    this.starts = numbers(Uint16Array, 2, pieces)
    this.ends = numbers(Uint16Array, 2, pieces)
    this.drawHead()
    this.drawBody()
  }

  drawHead() {
    const { title, tokens, figures } = this.header
    const count = element("span", "tokens", tokens.toLocaleString("en"))
    const name = element("span", "title", title)
    name.dir = "auto"
    this.head.replaceChildren(name, count, element("span", "figures", figures))
    this.body.setAttribute("aria-label", `${title}: ${tokens} token${tokens === 1 ? "" : "s"}`)
  }

  /** Pieces of one split character belong together: [first piece, beyond the last one]. */
  units() {
    const found = []
    for (let piece = 0; piece < this.pieces; ) {
      const first = piece++
      while (piece < this.pieces && this.isInsideCharacter(piece)) piece++
      found.push([first, piece])
    }
    return found
  }

  isInsideCharacter(piece) {
    const start = this.starts[piece]
    return (this.text[start] & 0xc0) === 0x80 || (this.isHalf[this.look[piece]] && start < this.ends[piece - 1])
  }

  drawBody() {
    this.all = this.units()
    // As far as somebody has scrolled; the others are made when they come into view.
    this.make(this.body.scrollTop ? Math.max(AT_ONCE, this.nodes.length) : AT_ONCE)
  }

  /** Chips for the first `count` units. Only what changed is made anew: one word of a long text is a few chips. */
  make(count) {
    const units = this.all.slice(0, count)
    const keys = units.map(([first, end]) => this.keyOf(first, end))
    const before = this.keys
    const least = Math.min(keys.length, before.length)
    let head = 0
    while (head < least && keys[head] === before[head]) head++
    let tail = 0
    while (tail < least - head && keys.at(-1 - tail) === before.at(-1 - tail)) tail++
    const gone = this.nodes.slice(head, before.length - tail)
    const next = this.nodes[before.length - tail] ?? null
    for (const node of gone) {
      node.nextSibling.remove()
      node.remove()
    }
    const made = units.slice(head, keys.length - tail).map(([first, end]) => this.unit(first, end))
    const part = document.createDocumentFragment()
    // Lines break between pieces alone, at these spaces. Boxes of their own would take four times as long to lay out.
    part.append(...made.flatMap((node) => [node, " "]))
    this.body.insertBefore(part, next)
    this.nodes.splice(head, gone.length, ...made)
    this.keys = keys
    this.chips = this.nodes.flatMap((node) => (node.chips ? node.chips : [node]))
    this.chips.forEach((chip, piece) => (chip.piece = piece))
  }

  onScroll() {
    const { scrollTop, clientHeight, scrollHeight } = this.body
    const isNearTheEnd = scrollTop + 2 * clientHeight > scrollHeight
    if (isNearTheEnd && this.nodes.length < this.all.length) this.make(this.nodes.length + AT_ONCE)
  }

  /** Make chips up to this piece, if there are none yet. */
  reach(piece) {
    if (piece < this.chips.length) return
    this.make(this.all.findIndex(([, end]) => end > piece) + AT_ONCE)
  }

  keyOf(first, end) {
    let key = end - first > 1 ? decoded(this.text.subarray(this.starts[first], this.ends[end - 1])) ?? "" : ""
    for (let piece = first; piece < end; piece++) key += `\u0000${this.ids[this.look[piece]]}\u0000${this.shownAt(piece)}`
    return key
  }

  unit(first, end) {
    if (end - first === 1) {
      const chip = this.chip(first)
      if (!this.shownAt(first).includes("⏎")) return chip
      const line = element("span", "ends-line")
      line.append(chip, document.createElement("br"))
      line.chips = [chip]
      return line
    }
    const cluster = element("span", "cluster")
    const character = decoded(this.text.subarray(this.starts[first], this.ends[end - 1]))
    cluster.append(element("span", "character", character === null ? "…" : withShape(character)))
    cluster.chips = []
    for (let piece = first; piece < end; piece++) cluster.chips.push(this.chip(piece))
    cluster.append(...cluster.chips)
    return cluster
  }

  shownAt(piece) {
    const look = this.look[piece]
    return this.isHalf[look] ? hex(this.data[look]) : this.header.shown[look]
  }

  chip(piece) {
    const look = this.look[piece]
    const shown = this.shownAt(piece)
    const chip = element("span", "chip")
    chip.setAttribute("role", "option")
    // What stands for white space is quieter than the text.
    for (const part of shown.split(/([␣⏎⇥␍]+)/)) if (part) chip.append(/^[␣⏎⇥␍]/.test(part) ? element("i", "", part) : part)
    const flags = this.flags[look]
    if (flags & SPECIAL) chip.classList.add("special")
    if (flags & UNKNOWN) chip.classList.add("unknown")
    if (this.isHalf[look]) chip.classList.add("half")
    if (shown.length > LONG) chip.classList.add("long")
    if (!(flags & (SPECIAL | UNKNOWN))) chip.style.setProperty("--hue", `var(--hue-${this.hues[look]})`)
    return chip
  }

  /** The pieces that overlap a stretch of bytes. */
  within(start, end) {
    let low = 0
    let high = this.pieces
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.ends[middle] > start) high = middle
      else low = middle + 1
    }
    const found = []
    for (let piece = low; piece < this.pieces && this.starts[piece] < end; piece++)
      if (this.ends[piece] > start) found.push(piece)
    return found
  }

  mark(name, stretch, scroll) {
    for (const chip of this.body.querySelectorAll(`.${name}`)) chip.classList.remove(name)
    if (!stretch) return
    const pieces = this.within(...stretch)
    if (scroll && pieces.length) this.reach(pieces.at(-1))
    const chips = pieces.map((piece) => this.chips[piece]).filter(Boolean)
    for (const chip of chips) chip.classList.add(name)
    // Not scrollIntoView: that would move the page as well.
    const { body } = this
    if (!chips.length || !scroll) return
    const top = chips[0].offsetTop - body.offsetTop
    if (top < body.scrollTop || top + 24 > body.scrollTop + body.clientHeight)
      body.scrollTop = top - body.clientHeight / 3
  }

  /** Everything that is known of a piece, in lines. */
  describe(piece) {
    const look = this.look[piece]
    const stretch = this.text.subarray(this.starts[piece], this.ends[piece])
    const bytes = this.flags[look] & UNKNOWN ? stretch : this.data[look]
    const text = decoded(bytes)
    const points = text === null ? null : Array.from(text, (each) => `U+${each.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}`)
    const lines = [`\u2068${this.header.shown[look]}\u2069`, `id ${this.ids[look].toLocaleString("en")}`]
    if (this.ranks[look] >= 0) lines.push(`merge ${this.ranks[look].toLocaleString("en")}`)
    lines.push(`${bytes.length} byte${bytes.length === 1 ? "" : "s"}: ${hex(bytes.subarray(0, 12))}${bytes.length > 12 ? " …" : ""}`)
    if (points === null) lines.push("part of a character")
    else lines.push(points.slice(0, 6).join(" ") + (points.length > 6 ? " …" : ""))
    if (this.flags[look] & UNKNOWN) lines.push(`unknown: stands for \u2068${text ?? hex(bytes)}\u2069`)
    return lines
  }
}
