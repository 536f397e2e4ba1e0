// A sentence: its grammar above, where a head looks below. A word that is pointed at shows all that is looked at from it.

import { chipOf } from "../scaffold/chips.js"
import { element, rem } from "../scaffold/drawing.js"
import { ROW_ARROWS } from "../scaffold/keys.js"
import { mount } from "../scaffold/mount.js"
import { float16Array } from "../scaffold/numbers.js"
import { percentDigits, percentText } from "../scaffold/percent.js"
import { writeExplained } from "../scaffold/terms.js"
import { View } from "../scaffold/view.js"

// A weight below this is not drawn.
const FAINTEST = 0.05
// The height of an arc: of one to the next word, for each word further, and at the most; and room for a label.
const LOW = 16
const STEP = 10
const HIGH = 92
const LABEL = 13
const THICKEST = 6
// So much smaller may the words be for all of a sentence to be seen at once.
const SMALLEST = 0.7

const svg = (tag, given) => {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag)
  for (const [name, value] of Object.entries(given)) made.setAttribute(name, value)
  return made
}

class SentenceArcs extends View {
  constructor(root) {
    super(root)
    this.onResize(this.part("scroll"), () => this.words && this.fit())
    this.offer({ value: (from, to) => this.valueAt(from, to), arcs: () => this.root.querySelectorAll(".below path").length })
  }

  receive(header, take) {
    const { words, heads, relations, meant } = header
    const count = words.length
    for (const part of [heads, relations])
      if (part.length && part.length !== count) throw new Error(`expected the grammar of ${count} words, found ${part.length}`)
    if ([...meant.flat(), ...heads].some((word) => !(word < count))) throw new Error("expected arcs between words")
    Object.assign(this, header, { pointed: null })
    this.weights = float16Array(take(2 * count * count))
    this.chips = words.map((word, place) => this.chip(word, place))
    this.part("words").replaceChildren(...this.chips)
    writeExplained(this.part("caption"), header.caption)
    this.fit()
    this.ready({ words: count })
  }

  chip(word, place) {
    const chip = chipOf(word, {
      click: () => this.point(place),
      hover: () => this.point(place),
      leave: () => this.unpoint(),
      keyTable: () => [{ name: "arrows", says: "go from word to word", keys: ROW_ARROWS, act: (by) => this.chips[place + by]?.focus() }],
    })
    chip.tabIndex = place ? -1 : 0
    return chip
  }

  valueAt(from, to) {
    if (!this.words[from] || !this.words[to]) return null
    const isHead = this.heads[from] === to
    return { weight: this.weights[from * this.words.length + to], relation: isHead ? this.relations[from] : null }
  }

  isMeant(from, to) {
    return this.meant.some(([one, other]) => one === from && other === to)
  }

  /** The word that each word looks at most; of a word that is pointed at all. */
  looks() {
    const { length } = this.words
    const found = []
    for (let from = 0; from < length; from++) {
      if (this.pointed !== null && from !== this.pointed) continue
      const row = [...this.weights.subarray(from * length, (from + 1) * length)]
      // A word that looks at itself has no arc.
      const seen = row.map((weight, to) => [from, to, weight]).filter(([, to, weight]) => to !== from && weight >= FAINTEST)
      if (this.pointed !== null) found.push(...seen)
      else if (seen.length) {
        const best = seen.reduce((one, other) => (other[2] > one[2] ? other : one))
        if (best[2] >= row[from]) found.push(best)
      }
    }
    return found
  }

  /** Smaller words where the sentence is longer than there is room, as far as they can be read. */
  fit() {
    const words = this.part("words")
    words.style.removeProperty("--fit")
    const [room, whole] = [this.part("scroll").clientWidth, words.scrollWidth]
    if (room && whole > room) words.style.setProperty("--fit", Math.max(SMALLEST, room / whole - 0.02))
    this.drawArcs()
  }

  drawArcs() {
    const { heads, relations } = this
    const grammar = heads.flatMap((to, from) => (to < 0 ? [] : [[from, to, 0, relations[from]]]))
    const isSetOff = ([from, to]) => this.isMeant(from, to) || this.isMeant(to, from)
    this.paint("above", grammar, (arc) => ({ colour: isSetOff(arc) ? "accent" : "quiet", width: isSetOff(arc) ? 2 : 1, label: arc[3] }))
    this.paint("below", this.looks(), ([from, to, weight]) => ({
      colour: this.isMeant(from, to) ? "accent" : "ink",
      width: 1 + (THICKEST - 1) * weight,
      opacity: 0.25 + 0.75 * weight,
      label: this.pointed === null && weight < 0.3 ? "" : percentDigits(weight),
    }))
  }

  paint(name, arcs, look) {
    const place = this.part(name)
    const scale = rem()
    const width = this.part("words").scrollWidth
    const middles = this.chips.map((chip) => chip.offsetLeft + chip.offsetWidth / 2)
    const heightOf = ([from, to]) => Math.min(HIGH, LOW + STEP * Math.abs(from - to)) * scale
    const label = LABEL * scale
    const height = arcs.length ? Math.max(...arcs.map(heightOf)) + label : 0
    const drawing = svg("svg", { width, height, viewBox: `0 0 ${width} ${height}` })
    const base = name === "above" ? height : 0
    const up = name === "above" ? -1 : 1
    const labels = []
    for (const arc of arcs) {
      const [from, to] = arc
      const { colour, width: thick, opacity = 1, label: text } = look(arc)
      const side = to < from ? -4 : 4
      const [x1, x2] = [middles[from] + side, middles[to] - side]
      const top = base + up * heightOf(arc)
      // Straight down from the word, round the corner, and straight along: so arcs of one height do not cross words.
      const bend = Math.min(Math.abs(x2 - x1) / 2, 14)
      const along = Math.sign(x2 - x1) * bend
      const d = `M${x1} ${base} Q${x1} ${top} ${x1 + along} ${top} L${x2 - along} ${top} Q${x2} ${top} ${x2} ${base + up * 3}`
      drawing.append(svg("path", { d, fill: "none", class: colour, "stroke-width": thick, opacity }))
      const tip = base + up * 2
      drawing.append(svg("path", { d: `M${x2 - 3.5} ${tip + up * 6} L${x2 + 3.5} ${tip + up * 6} L${x2} ${tip} Z`, class: `${colour} tip-of`, opacity }))
      if (!text) continue
      const said = svg("text", { x: (x1 + x2) / 2, y: top + (up < 0 ? -3 : label - 2), class: colour })
      said.textContent = text
      labels.push(said)
    }
    drawing.append(...labels)
    place.replaceChildren(drawing)
  }

  point(place) {
    if (this.pointed === place) return
    this.mark(place)
    const looks = this.looks().sort((one, other) => other[2] - one[2])
    const own = this.weights[place * this.words.length + place]
    const lines = looks.slice(0, 4).map(([, to, weight]) => `${percentText(weight)} at \u2068${this.words[to]}\u2069`)
    if (own >= FAINTEST) lines.push(`${percentText(own)} at itself`)
    const head = this.heads[place]
    const said = head >= 0 ? ` (${this.relations[place]} of \u2068${this.words[head]}\u2069)` : ""
    const chip = this.chips[place].getBoundingClientRect()
    const [x, y] = this.inRoot({ x: chip.left, y: chip.bottom })
    this.say([`\u2068${this.words[place]}\u2069${said} looks`, ...(lines.length ? lines : ["at no other word"])].join("\n"), x, y + 8)
  }

  /** Its own arcs alone, and how much of each word it sees. */
  mark(place) {
    this.pointed = place
    const { length } = this.words
    this.chips.forEach((chip, to) => {
      chip.classList.toggle("hovered", to === place)
      chip.lastChild.textContent = place === null ? "" : percentDigits(this.weights[place * length + to])
    })
    this.drawArcs()
  }

  unpoint() {
    if (this.words && this.pointed !== null) this.mark(null)
    this.say(null)
  }
}

export default mount(".sentence-arcs", SentenceArcs)
