// A sentence: its grammar above, where a head looks below, in it or in another text. A word that is pointed at shows all
// that is looked at from it.

import { chipOf } from "../scaffold/token_chips.js"
import { element, rem } from "../scaffold/elements_and_canvases.js"
import { ROW_ARROWS } from "../scaffold/keys.js"
import { mount } from "../scaffold/mount.js"
import { typedArray } from "../scaffold/message_numbers.js"
import { percentDigits, percentText } from "../scaffold/percent.js"
import { writeExplained } from "../scaffold/glossary_terms.js"
import { View } from "../scaffold/view.js"

// A weight below this is not drawn.
const FAINTEST = 0.05
// The height of an arc: of one to the next word, for each word further, and at the most; and room for a label.
const LOW = 16
const STEP = 10
const HIGH = 92
const LABEL = 13
const THICKEST = 6
// Between a text and another one that is looked at.
const BETWEEN = 84
// So much smaller may the words be for all of a sentence to be seen at once.
const SMALLEST = 0.7

const svg = (tag, given) => {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag)
  for (const [name, value] of Object.entries(given)) made.setAttribute(name, value)
  return made
}

/** A word of the other text. */
function other(word) {
  const chip = Object.assign(element("span", "chip"), { role: "listitem" })
  chip.append(element("span", "piece", word), element("span", "share"))
  return chip
}

/** Straight down from the word, round the corner, and straight along: so arcs of one height do not cross words. */
function arcOver(x1, x2, base, top, up) {
  const along = Math.sign(x2 - x1) * Math.min(Math.abs(x2 - x1) / 2, 14)
  return `M${x1} ${base} Q${x1} ${top} ${x1 + along} ${top} L${x2 - along} ${top} Q${x2} ${top} ${x2} ${base + up * 3}`
}

const lineDown = (x1, x2, height) => `M${x1} 0 C${x1} ${height / 2} ${x2} ${height / 2} ${x2} ${height - 4}`

class SentenceArcs extends View {
  constructor(root) {
    super(root)
    this.onResize(this.part("scroll"), () => this.words && this.fit())
    this.offer({ value: (from, to) => this.valueAt(from, to), arcs: () => this.root.querySelectorAll(".below path").length })
  }

  receive(header, take) {
    const { words, heads, relations, meant, others } = header
    const count = words.length
    const seen = others.length || count
    for (const part of [heads, relations])
      if (part.length && part.length !== count) throw new Error(`expected the grammar of ${count} words, found ${part.length}`)
    if ([...meant.flat(), ...heads].some((word) => !(word < count))) throw new Error("expected arcs between words")
    Object.assign(this, header, { pointed: null })
    this.weights = typedArray(Float32Array, take(4 * count * seen))
    this.chips = words.map((word, place) => this.chip(word, place))
    this.part("words").replaceChildren(...this.chips)
    this.part("others").hidden = !others.length
    this.part("others").replaceChildren(...others.map(other))
    // What is looked at: another text, or the sentence itself.
    this.seen = others.length ? [...this.part("others").children] : this.chips
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
    if (!this.chips[from] || !this.seen[to]) return null
    const isHead = this.heads[from] === to
    return { weight: this.rowOf(from)[to], relation: isHead ? this.relations[from] : null }
  }

  rowOf(from) {
    const { length } = this.seen
    return this.weights.subarray(from * length, (from + 1) * length)
  }

  /** Whether a word looks at itself there: such a look has no arc. */
  isOwn(from, to) {
    return !this.others.length && from === to
  }

  isMeant(from, to) {
    return this.meant.some(([one, other]) => one === from && other === to)
  }

  ownOf(from) {
    return this.others.length ? 0 : this.rowOf(from)[from]
  }

  /** The word that each word looks at most; of a word that is pointed at all. */
  looks() {
    const { length } = this.words
    const found = []
    for (let from = 0; from < length; from++) {
      if (this.pointed !== null && from !== this.pointed) continue
      const row = [...this.rowOf(from)]
      const seen = row.map((weight, to) => [from, to, weight]).filter(([, to, weight]) => !this.isOwn(from, to) && weight >= FAINTEST)
      if (this.pointed !== null) found.push(...seen)
      else if (seen.length) {
        const best = seen.reduce((one, other) => (other[2] > one[2] ? other : one))
        if (best[2] >= this.ownOf(from)) found.push(best)
      }
    }
    return found
  }

  /** Smaller words where the sentence is longer than there is room, as far as they can be read. */
  fit() {
    const sheet = this.part("sheet")
    sheet.style.removeProperty("--fit")
    const [room, whole] = [this.part("scroll").clientWidth, this.width()]
    if (room && whole > room) sheet.style.setProperty("--fit", Math.max(SMALLEST, room / whole - 0.02))
    this.drawArcs()
  }

  width() {
    return Math.max(this.part("words").scrollWidth, this.part("others").scrollWidth)
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
    const width = this.width()
    const isAcross = this.others.length > 0
    const middle = (chip) => chip.offsetLeft + chip.offsetWidth / 2
    const heightOf = ([from, to]) => (isAcross ? BETWEEN : Math.min(HIGH, LOW + STEP * Math.abs(from - to))) * scale
    const label = LABEL * scale
    const height = arcs.length ? Math.max(...arcs.map(heightOf)) + (isAcross ? 0 : label) : 0
    const drawing = svg("svg", { width, height, viewBox: `0 0 ${width} ${height}` })
    const base = name === "above" ? height : 0
    const up = name === "above" ? -1 : 1
    const labels = []
    for (const arc of arcs) {
      const [from, to] = arc
      const { colour, width: thick, opacity = 1, label: text } = look(arc)
      const side = isAcross ? 0 : to < from ? -4 : 4
      const [x1, x2] = [middle(this.chips[from]) + side, middle((name === "above" ? this.chips : this.seen)[to]) - side]
      const top = base + up * heightOf(arc)
      // Where an arc ends, and which way its tip points.
      const [end, back] = isAcross ? [height, -1] : [base, up]
      drawing.append(svg("path", { d: isAcross ? lineDown(x1, x2, height) : arcOver(x1, x2, base, top, up), fill: "none", class: colour, "stroke-width": thick, opacity }))
      const tip = end + back * 2
      drawing.append(svg("path", { d: `M${x2 - 3.5} ${tip + back * 6} L${x2 + 3.5} ${tip + back * 6} L${x2} ${tip} Z`, class: `${colour} tip-of`, opacity }))
      if (!text) continue
      // Of lines to another text, which cross, each number stands where its line begins, or ends where all begin at one word.
      const across = this.pointed === null ? [x1, label + 4] : [x2, height - label]
      const [x, y] = isAcross ? across : [(x1 + x2) / 2, top + (up < 0 ? -3 : label - 2)]
      const said = svg("text", { x, y, class: colour })
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
    const own = this.ownOf(place)
    const names = this.others.length ? this.others : this.words
    const lines = looks.slice(0, 4).map(([, to, weight]) => `${percentText(weight)} at \u2068${names[to]}\u2069`)
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
    this.chips.forEach((chip, word) => chip.classList.toggle("hovered", word === place))
    this.seen.forEach((chip, to) => (chip.lastChild.textContent = place === null ? "" : percentDigits(this.rowOf(place)[to])))
    this.drawArcs()
  }

  unpoint() {
    if (this.words && this.pointed !== null) this.mark(null)
    this.say(null)
  }
}

export default mount(".sentence-arcs", SentenceArcs)
