// A table of figures: a row for each thing, a column for each of what is compared.

import { clearActive } from "../scaffold/active_cell.js"
import { element } from "../scaffold/elements_and_canvases.js"
import { paintGround } from "../scaffold/text_on_colour.js"
import { ARROWS, keyList, press } from "../scaffold/keys.js"
import { mount } from "../scaffold/mount.js"
import { typedArray } from "../scaffold/message_numbers.js"
import { writeExplained } from "../scaffold/glossary_terms.js"
import { View } from "../scaffold/view.js"

const PAGE = 12

class FigureGridView extends View {
  constructor(root) {
    super(root)
    const room = this.part("room")
    room.onclick = ({ target }) => this.onCell(this.cellOf(target))
    room.onkeydown = (event) => press(this.keyTable(), event)
    room.onpointermove = ({ target, clientX, clientY }) => this.point(this.cellOf(target), this.inRoot({ x: clientX, y: clientY }))
    room.onpointerleave = () => this.unpoint()
    room.onfocus = () => room.matches(":focus-visible") && this.active && this.point(this.active)
    room.onblur = () => this.unpoint()
    room.onscroll = () => this.unpoint()
    this.offer({
      value: (row, column) => this.value(row, column),
      rows: () => this.names,
      active: () => this.active,
    })
  }

  receive(header, take) {
    const before = JSON.stringify([this.names, this.columns])
    Object.assign(this, header)
    const count = this.names.length * this.columns.length
    this.shades = take(count)
    this.known = typedArray(Float32Array, take(4 * count * this.measures.length))
    const isNew = before !== JSON.stringify([this.names, this.columns])
    if (isNew) this.active = null
    const room = this.part("room")
    const { scrollTop } = room
    room.setAttribute("aria-label", `${this.label}: ${this.names.length} rows, ${keyList(this.keyTable())}`)
    this.build()
    room.scrollTop = isNew ? 0 : scrollTop
    writeExplained(this.part("caption"), header.caption)
    this.ready({ rows: this.names.length })
    if (this.selected === null) return
    if (this.active?.[0] !== this.selected) this.active = [this.selected, this.active?.[1] ?? 0]
    this.markSelected(isNew)
  }

  value(row, column) {
    if (this.cells[row]?.[column] === undefined) return null
    const at = row * this.columns.length + column
    const size = this.names.length * this.columns.length
    const known = this.measures.map(([name], place) => [name, this.known[place * size + at]])
    return { name: this.names[row], column: this.columns[column], text: this.cells[row][column], ...Object.fromEntries(known) }
  }

  build() {
    const table = element("table")
    const head = table.createTHead().insertRow()
    for (const title of [this.corner, ...this.columns]) {
      head.append(Object.assign(element("th", "", title), { scope: "col", title }))
    }
    const body = table.createTBody()
    const groups = new Map(this.groups)
    this.names.forEach((name, row) => {
      if (groups.has(row)) {
        const group = body.insertRow()
        group.className = "group"
        group.append(Object.assign(element("th", "", groups.get(row)), { colSpan: this.columns.length + 1 }))
      }
      const line = body.insertRow()
      line.dataset.row = row
      const title = line.appendChild(Object.assign(element("th"), { scope: "row" }))
      title.append(element("bdi", "", name))
      if (this.notes[row]) title.append(" ", element("bdi", "note", this.notes[row]))
      this.columns.forEach((_, column) => {
        const cell = line.appendChild(element("td"))
        cell.append(element("bdi", "", this.cells[row][column]))
        Object.assign(cell.dataset, { row, column })
        const shade = this.shades[row * this.columns.length + column]
        if (shade) paintGround(cell, this.ramp[shade])
      })
    })
    this.part("room").replaceChildren(table)
  }

  cellOf(target) {
    const line = target.closest?.("tr[data-row]")
    if (!line) return null
    return [+line.dataset.row, +(target.closest("td")?.dataset.column ?? 0)]
  }

  elementOf([row, column]) {
    return this.root.querySelector(`td[data-row="${row}"][data-column="${column}"]`)
  }

  said([row, column]) {
    const size = this.names.length * this.columns.length
    const at = row * this.columns.length + column
    const lines = [`${this.names[row]}, ${this.columns[column]}: ${this.cells[row][column]}`]
    this.measures.forEach(([name, digits], place) => {
      const value = this.known[place * size + at]
      if (Number.isFinite(value)) lines.push(`${name} ${value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits })}`)
    })
    return lines.join("\n")
  }

  point(cell, place) {
    this.root.querySelector("td.hovered")?.classList.remove("hovered")
    const found = cell && this.elementOf(cell)
    if (!found) return this.say(null)
    found.classList.add("hovered")
    const box = found.getBoundingClientRect()
    const [x, y] = place ?? this.inRoot({ x: box.left, y: box.bottom })
    this.say(this.said(cell), x + (place ? 14 : 0), y + (place ? 16 : 4))
  }

  unpoint() {
    this.root.querySelector("td.hovered")?.classList.remove("hovered")
    super.unpoint()
  }

  markSelected(isSeen) {
    this.root.querySelector("tr.selected")?.classList.remove("selected")
    const line = this.root.querySelector(`tr[data-row="${this.selected}"]`)
    if (!line) return
    line.classList.add("selected")
    Object.assign(this.root.dataset, { selected: this.selected })
    if (isSeen) this.bringIn(line)
  }

  /** Within the room alone: the page stays where it is. */
  bringIn(found) {
    const room = this.part("room")
    const box = found.getBoundingClientRect()
    const frame = room.getBoundingClientRect()
    const head = room.querySelector("thead").getBoundingClientRect().height
    if (box.top < frame.top + head) room.scrollTop -= frame.top + head - box.top + 4
    else if (box.bottom > frame.bottom) room.scrollTop += box.bottom - frame.bottom + 4
  }

  onCell(cell) {
    if (!cell) return
    this.active = cell
    this.selected = cell[0]
    this.markSelected(false)
    this.tell("cell", cell)
  }

  keyTable() {
    const far = { PageUp: [-PAGE, 0], PageDown: [PAGE, 0], Home: [-1e9, 0], End: [1e9, 0] }
    return [
      { name: "arrows", says: "move", keys: { ...ARROWS, ...far }, act: (by) => this.move(by) },
      { name: "Enter", says: "chooses", keys: { Enter: true, " ": true }, act: () => (this.active ? this.onCell(this.active) : false) },
      { name: "Escape", says: "lets go", keys: { Escape: true }, act: () => this.letGo() },
    ]
  }

  move([down, along]) {
    if (!this.names.length) return false
    const within = (value, most) => Math.max(0, Math.min(most, value))
    const [row, column] = this.active ?? [this.selected ?? -down, this.active ? 0 : -along]
    this.active = [within(row + down, this.names.length - 1), within(column + along, this.columns.length - 1)]
    this.bringIn(this.elementOf(this.active))
    this.point(this.active)
  }

  letGo() {
    if (!this.root.querySelector("td.hovered")) return false
    this.unpoint()
    clearActive(this.root)
  }
}

export default mount(".figure-grid", FigureGridView)
