// All heads of a model: what each does, or what becomes of a number when it is switched off.

import { rampColours } from "../scaffold/colours.js"
import { element } from "../scaffold/elements_and_canvases.js"
import { paintGround } from "../scaffold/text_on_colour.js"
import { mount } from "../scaffold/mount.js"
import { float16Array, typedArray } from "../scaffold/message_numbers.js"
import { percentText } from "../scaffold/percent.js"
import { writeExplained } from "../scaffold/glossary_terms.js"
import { View } from "../scaffold/view.js"
import { AtlasField } from "./cells.js"

// How strongly the weakest role is coloured.
const FAINTEST = 0.3
// So many roles of a head are told where it is pointed at.
const TOLD = 5
// Rows of the legend before the rest is folded.
const LEGEND_ROWS = 3

const channels = (colour) => [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16))
const mixed = (from, to, part) => from.map((each, at) => Math.round(each + (to[at] - each) * part))

class HeadAtlas extends View {
  constructor(root) {
    super(root)
    this.field = new AtlasField(this.part("field"), {
      hover: (cell) => this.hover(cell),
      select: ([layer, part]) => this.choose([layer, part]),
    })
    this.isUnfolded = false
    this.onResize(this.part("field"), () => this.layers && this.paint())
    this.offer({
      value: (layer, part) => this.valueAt(layer, part),
      only: () => (this.kind === "roles" ? this.only : null),
      place: (layer, part, map) => this.field.placeOf(layer, part, map),
      strength: (layer, part, map) => this.strength(layer, part, map),
    })
  }

  receive(header, take) {
    const { layers, heads, parts, kind } = header
    if (heads.length !== layers.length) throw new Error(`expected heads of ${layers.length} layers, found ${heads.length}`)
    Object.assign(this, header, { hovered: null, titles: header.titles ?? [], names: header.rows })
    this.mostHeads = Math.max(0, ...heads)
    this.rows = this.mostHeads + parts.length
    if (this.names.length && this.names.length !== this.mostHeads) throw new Error(`expected ${this.mostHeads} names of rows`)
    const count = layers.length * this.rows
    if (kind === "roles") {
      this.scores = float16Array(take(2 * count * header.roles.length))
      this.isNamed = take(count * header.roles.length).slice()
      this.leading = typedArray(Int8Array, take(count))
      if (this.leading.some((role) => role >= header.roles.length)) throw new Error("expected roles that have a name")
      this.hues = header.roles.map(({ family }) => channels(this.colours.roles[family]))
    } else if (kind === "effects") {
      this.values = typedArray(Float32Array, take(4 * count * this.titles.length))
      this.measure()
      this.difference = rampColours(this.colours.difference)
    } else throw new Error("expected roles or effects")
    const { selected } = header
    if (selected && !this.isThere(...selected)) this.selected = null
    this.paint()
    writeExplained(this.part("caption"), header.caption)
    this.tellReady()
  }

  /** The largest effect over all maps: of heads, and of each other part of a layer. What a layer does is many times what
   * a head does, and on one scale the head that matters most would be as pale as the others. */
  measure() {
    this.most = Array(1 + this.parts.length).fill(0)
    this.values.forEach((value, at) => {
      const scale = this.scaleOf(at % this.rows)
      if (Math.abs(value) > this.most[scale]) this.most[scale] = Math.abs(value)
    })
    this.isWhole = !this.values.some((value, at) => Number.isNaN(value) && this.isThere(Math.floor(at / this.rows) % this.layers.length, at % this.rows))
  }

  /** Which of the scales a row has: 0 for heads. */
  scaleOf(part) {
    return Math.max(0, part - this.mostHeads + 1)
  }

  paint() {
    this.field.show(this)
    this.showLegend()
  }

  tellReady() {
    const [layer = "", part = ""] = this.selected ?? []
    this.ready({ layer, part, kind: this.kind, only: this.kind === "roles" ? this.only : "" })
  }

  isThere(layer, part) {
    if (!(layer >= 0 && layer < this.layers.length && part >= 0 && part < this.rows)) return false
    return part >= this.mostHeads || part < this.heads[layer]
  }

  at(layer, part, of = 0) {
    return (of * this.layers.length + layer) * this.rows + part
  }

  told() {
    return [this.hovered, this.selected].filter(Boolean)
  }

  partName(part) {
    return part < this.mostHeads ? (this.names[part] ?? `H${part}`) : this.parts[part - this.mostHeads]
  }

  nameOf(layer, part) {
    return `L${this.layers[layer]} \u2068${this.partName(part)}\u2069`
  }

  /** The names of a head with their scores, strongest first; or its effect in each map. Null where there is no such. */
  valueAt(layer, part) {
    if (!this.isThere(layer, part)) return null
    if (this.kind === "effects") {
      const effects = this.titles.map((title, map) => [title, this.values[this.at(layer, part, map)]])
      return { name: this.nameOf(layer, part), effects: Object.fromEntries(effects) }
    }
    const named = this.roles
      .map(({ name }, role) => ({ role: name, score: this.scores[this.at(layer, part, role)], is: this.isNamed[this.at(layer, part, role)] }))
      .filter((each) => each.is)
      .sort((one, other) => other.score - one.score)
      .map(({ role, score }) => ({ role, score }))
    return { name: this.nameOf(layer, part), leading: this.roles[this.leading[this.at(layer, part)]]?.name ?? null, named }
  }

  /** An effect as a part of the largest on its scale, -1 to 1; NaN where it is not computed. */
  strength(layer, part, map) {
    const value = this.values[this.at(layer, part, map)]
    return value && value / this.most[this.scaleOf(part)]
  }

  /** The colour of a cell, null for what is not computed, and its letters. */
  look(layer, part, map) {
    if (this.kind === "effects") {
      const strength = this.strength(layer, part, map)
      return { colour: Number.isNaN(strength) ? null : this.difference[Math.round(127.5 + 127.5 * strength)] }
    }
    const role = this.shownRole(layer, part)
    if (role < 0) return { colour: channels(this.colours.hatch) }
    const score = Math.min(1, Math.max(0, this.scores[this.at(layer, part, role)] || 0))
    const colour = mixed(channels(this.colours.ground), this.hues[role], FAINTEST + (1 - FAINTEST) * score)
    return { colour, letters: this.roles[role].short }
  }

  shownRole(layer, part) {
    if (this.only < 0) return this.leading[this.at(layer, part)]
    return this.isNamed[this.at(layer, part, this.only)] ? this.only : -1
  }

  showLegend() {
    const legend = this.part("legend")
    legend.replaceChildren(...(this.kind === "effects" ? this.effectLegend() : this.rolesInOrder().map((role) => this.roleButton(role))))
    if (this.heads.some((count) => !count)) legend.append(element("span", "", "line: a layer without attention"))
    if (this.kind === "roles") this.foldLegend(legend)
  }

  /** The role that is shown alone, the one that colours the selected head, the one that most heads have, what else the
   * selected head has; then the others, the most frequent first. */
  rolesInOrder() {
    const own = new Set(this.selected ? this.roles.map((_, role) => role).filter((role) => this.isNamed[this.at(...this.selected, role)]) : [])
    const counts = this.roles.map((_, role) => this.countOf(role))
    const most = counts.indexOf(Math.max(...counts))
    const leading = this.selected ? this.leading[this.at(...this.selected)] : -1
    const order = [this.only, leading, most]
    const rank = (role) => (order.includes(role) ? 5 - order.indexOf(role) : own.has(role) ? 1 : 0)
    return this.roles.map((_, role) => role).sort((one, other) => rank(other) - rank(one) || counts[other] - counts[one])
  }

  countOf(role) {
    let count = 0
    for (let at = 0; at < this.leading.length; at++) count += this.isNamed[role * this.leading.length + at]
    return count
  }

  /** What goes beyond so many rows is behind a button that says how much it is. */
  foldLegend(legend) {
    const roles = [...legend.querySelectorAll(".role")]
    const more = element("button", "more")
    more.ariaExpanded = this.isUnfolded
    more.onclick = () => {
      this.isUnfolded = !this.isUnfolded
      this.showLegend()
      this.part("legend").querySelector(".more")?.focus({ preventScroll: true })
    }
    legend.append(more)
    if (this.isUnfolded) return void (more.textContent = "fewer")
    let hidden = 0
    const write = () => (more.textContent = `${hidden} more`)
    const middle = (each) => Math.round((each.offsetTop + each.offsetHeight / 2) / legend.firstElementChild.offsetHeight)
    const rows = () => new Set([...legend.children].filter((each) => !each.hidden).map(middle)).size
    write()
    while (hidden < roles.length - 1 && rows() > LEGEND_ROWS) {
      roles[roles.length - ++hidden].hidden = true
      write()
    }
    if (!hidden) more.remove()
  }

  roleButton(role) {
    const { name, short, said } = this.roles[role]
    const button = element("button", "role")
    const swatch = element("i", "swatch", short)
    paintGround(swatch, this.hues[role])
    const count = this.countOf(role)
    button.dataset.role = role
    button.append(swatch, element("span", "", name), element("span", "count", String(count)))
    button.title = `${said} ${count.toLocaleString("en")} of ${this.heads.reduce((sum, each) => sum + each, 0).toLocaleString("en")} heads.`
    button.ariaPressed = this.only === role
    button.classList.toggle("chosen", this.only === role)
    button.onclick = () => this.chooseRole(this.only === role ? -1 : role)
    return button
  }

  effectLegend() {
    const ramp = element("i", "ramp")
    ramp.style.background = `linear-gradient(90deg, ${this.colours.difference})`
    const scales = ["heads", ...this.parts].map((name, at) => [name, this.most[at]]).slice(this.mostHeads ? 0 : 1)
    const [down, up] = this.ends
    const most = scales.length === 1 ? ` ${numberText(scales[0][1], this.unit)}` : ""
    const parts = [element("span", "", `${down}${most}`), ramp, element("span", "", `${up}${most}`)]
    if (scales.length > 1) {
      const said = scales.map(([name, value]) => `${name} ${numberText(value, this.unit)}`)
      parts.push(element("span", "", `· full colour, a scale for each: ${said.join(", ")}`))
    }
    if (!this.isWhole) parts.push(element("span", "", "· dot: not computed"))
    return parts
  }

  chooseRole(role) {
    this.only = role
    this.paint()
    this.tellReady()
    const { length } = this.roles
    if (role >= 0 && role < length) this.part("unseen").textContent = `Only ${this.roles[role].name}`
    const button = this.part("legend").querySelector(`[data-role="${role}"]`) ?? this.part("legend").firstElementChild
    button?.focus({ preventScroll: true })
    this.tell("role", role)
  }

  choose(cell) {
    this.selected = cell
    this.paint()
    this.tellReady()
    this.tell("cell", cell)
  }

  hover(cell) {
    this.hovered = cell
    this.field.draw()
    if (!cell) return this.say(null)
    const [x, y] = this.inRoot(this.field.placeOf(...cell))
    this.say(this.describe(...cell), x + 12, y + 14)
  }

  unpoint() {
    if (this.layers) this.hover(null)
    else this.say(null)
  }

  describe(layer, part) {
    const found = this.valueAt(layer, part)
    if (this.kind === "effects") {
      const said = Object.entries(found.effects).map(
        ([title, value]) => `${title}: ${Number.isNaN(value) ? "not computed" : numberText(value, this.unit, true)}`,
      )
      return [found.name, ...said].join("\n")
    }
    const named = found.named.slice(0, TOLD).map(({ role, score }) => `${role} ${percentText(score)}`)
    const more = found.named.length - named.length
    if (more) named.push(`and ${more} more`)
    return [found.name, ...(named.length ? named : ["no name"])].join("\n")
  }
}

const numberText = (value, unit, isSigned = false) => {
  const size = Math.abs(value)
  const sign = value < 0 ? "−" : isSigned && value > 0 ? "+" : ""
  return `${sign}${size >= 100 ? size.toFixed(0) : size >= 0.01 || !size ? size.toFixed(2) : size.toPrecision(1)} ${unit}`
}

export default mount(".head-atlas", HeadAtlas)
