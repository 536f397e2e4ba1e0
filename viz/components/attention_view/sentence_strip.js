// The sentence as a row of chips: the selected query outlined, each key as dark as its weight.

import { chipOf } from "../scaffold/token_chips.js"
import { element } from "../scaffold/elements_and_canvases.js"
import { paintGround } from "../scaffold/text_on_colour.js"
import { ROW_ARROWS } from "../scaffold/keys.js"
import { weightDigits, weightText } from "./weight_text.js"

export class Strip {
  constructor(map) {
    this.map = map
    this.chips = []
    this.root = element("div", "strip")
    this.root.setAttribute("role", "listbox")
  }

  /** Nothing where it is not wanted: maps of several texts have no sentence in common. */
  show(isWanted) {
    this.root.hidden = !isWanted
    if (isWanted) return this.build()
    this.shown = null
    this.chips = []
    this.root.replaceChildren()
  }

  /** New chips for new tokens; another head of the same text only paints them anew. */
  build() {
    const { map } = this
    const { special, unknown, offTokens, name } = map.header
    const shown = JSON.stringify([map.keys, special, unknown, offTokens])
    if (shown !== this.shown) {
      this.shown = shown
      this.makeChips()
    }
    this.root.setAttribute("aria-label", `Tokens; ${name} from the selected one`)
    this.paint()
    const selected = map.isSelf && this.chips[map.selected]
    // Not scrollIntoView: that would move the page as well.
    if (selected) this.root.scrollTop = selected.offsetTop - this.root.clientHeight / 2
  }

  makeChips() {
    const { map } = this
    const [special, unknown, off] = ["special", "unknown", "offTokens"].map((name) => new Set(map.header[name]))
    this.chips = map.keys.map((text, token) => {
      const chip = chipOf(text, {
        click: () => this.click(token),
        hover: () => map.hover(map.cellOf(map.selected, token)),
        leave: () => map.hover(null),
        keyTable: () => this.keyTable(token),
      })
      if (special.has(token)) chip.classList.add("special")
      if (unknown.has(token)) chip.classList.add("unknown")
      if (off.has(token)) chip.classList.add("off")
      return chip
    })
    this.root.replaceChildren(...this.chips)
  }

  paint() {
    const { map } = this
    this.chips.forEach((chip, token) => {
      const weight = map.weight(map.selected, token)
      const unseen = Number.isNaN(weight)
      const known = weight !== null && !unseen
      const selected = map.isSelf && token === map.selected
      paintGround(chip, known && map.shell.ramp[map.step(weight)])
      chip.classList.toggle("unseen-part", unseen)
      chip.classList.toggle("selected", selected)
      chip.setAttribute("aria-selected", selected)
      chip.tabIndex = selected || (!map.isSelf && token === 0) ? 0 : -1
      chip.lastChild.textContent = weightDigits(weight, map.header)
      chip.setAttribute("aria-label", `${map.keys[token]} ${unseen ? map.header.unseenMeans : known ? weightText(weight, map.header) : ""}`)
    })
  }

  /** Another query; where the strip shows another text than the rows, a key of the selected one, or no key. */
  click(token) {
    const { map } = this
    if (map.isSelf) map.shell.select(token)
    else map.shell.select(map.selected, token === map.shell.pinned ? null : token)
    if (map.cursor) map.hover(map.cellOf(map.selected, token))
    map.shell.drawTools()
  }

  /** Outline the places that the pointer is on, and dot the same text elsewhere. */
  mark(query, key) {
    const { map } = this
    this.chips.forEach((chip, token) => {
      chip.classList.toggle("hovered", token === key || (map.isSelf && token === query))
      chip.classList.toggle("same", key >= 0 && token !== key && map.keys[token] === map.keys[key])
    })
  }

  keyTable(token) {
    const move = (by) => this.chips.at((token + by) % this.chips.length).focus()
    return [{ name: "arrows", says: "move", keys: ROW_ARROWS, act: move }]
  }
}
