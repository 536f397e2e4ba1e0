// The logit lens as a table: a row for each layer, a column for each position.

import { element } from "../scaffold/elements_and_canvases.js"
import { paintGround } from "../scaffold/text_on_colour.js"
import { ARROWS, press } from "../scaffold/keys.js"
import { mount } from "../scaffold/mount.js"
import { float16Array } from "../scaffold/message_numbers.js"
import { percentText } from "../scaffold/percent.js"
import { writeExplained } from "../scaffold/glossary_terms.js"
import { View } from "../scaffold/view.js"

class LensGridView extends View {
  constructor(root) {
    super(root)
    const room = this.part("room")
    room.onclick = ({ target }) => this.onCell(target.closest("td"))
    room.onkeydown = (event) => press(this.keyTable(), event)
    this.onLeave(() => clearTimeout(this.rest))
    this.offer({ value: (layer, position) => this.value(layer, position) })
  }

  receive(header, take) {
    const { tokens, layers, pieces } = header
    const text = JSON.stringify([tokens, header.first, pieces])
    Object.assign(this, header)
    const count = tokens.length * layers.length
    this.probabilities = float16Array(take(2 * count))
    this.part("ramp").style.background = `linear-gradient(90deg, ${this.colours.amount})`
    writeExplained(this.part("caption"), header.caption)
    const isNew = text !== this.text
    this.text = text
    this.build()
    if (isNew) this.part("room").scrollLeft = this.part("room").scrollWidth
    this.select(header.selected)
    this.ready()
  }

  value(layer, position) {
    const column = position - this.first
    const piece = this.pieces[layer]?.[column]
    return piece === undefined ? null : { piece, probability: this.probabilities[layer * this.tokens.length + column] }
  }

  build() {
    const table = element("table")
    const head = table.createTHead().insertRow()
    head.append(element("th", "", ""), ...this.tokens.map((token) => Object.assign(element("th", "", token), { scope: "col" })))
    const body = table.createTBody()
    for (let layer = this.layers.length - 1; layer >= 0; layer--) {
      const row = body.insertRow()
      row.append(Object.assign(element("th", "", this.layers[layer]), { scope: "row" }))
      this.tokens.forEach((token, column) => {
        const cell = row.appendChild(element("td", "", this.pieces[layer][column]))
        const probability = this.probabilities[layer * this.tokens.length + column]
        const colour = this.ramp[Math.round(255 * Math.min(1, probability))]
        Object.assign(cell.dataset, { layer, position: this.first + column })
        Object.assign(cell, { id: `cell-${layer}-${this.first + column}`, role: "gridcell" })
        paintGround(cell, colour)
        cell.title = cell.ariaLabel = `${this.layers[layer]}, after ${token}:\n${this.pieces[layer][column]} ${percentText(probability)}`
      })
    }
    this.part("room").replaceChildren(table)
  }

  select(cell) {
    this.selected = cell
    this.root.querySelector("td.selected")?.classList.remove("selected")
    if (!cell) return
    const found = this.root.querySelector(`td[data-layer="${cell[0]}"][data-position="${cell[1]}"]`)
    found?.classList.add("selected")
    // Of a table that is operated by keys, a screen reader says the cell that is active.
    if (found) this.part("room").setAttribute("aria-activedescendant", found.id)
    Object.assign(this.root.dataset, { layer: cell[0], position: cell[1] })
  }

  onCell(cell) {
    if (!cell) return
    this.select([+cell.dataset.layer, +cell.dataset.position])
    this.tell("cell", this.selected)
  }

  keyTable() {
    return [{ name: "arrows", says: "move", keys: ARROWS, act: (by) => this.move(by) }]
  }

  /** The last layer is on top. */
  move([down, along]) {
    const last = this.first + this.tokens.length - 1
    const [layer, position] = this.selected ?? [this.layers.length - 1, last]
    const to = [
      Math.max(0, Math.min(this.layers.length - 1, layer - down)),
      Math.max(this.first, Math.min(last, position + along)),
    ]
    this.select(to)
    this.root.querySelector("td.selected").scrollIntoView({ block: "nearest", inline: "nearest" })
    clearTimeout(this.rest)
    this.rest = setTimeout(() => this.tell("cell", to), 150)
  }
}

export default mount(".lens-grid", LensGridView)
