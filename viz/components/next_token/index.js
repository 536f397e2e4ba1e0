// One next token: a row of stages, the curve of the whole vocabulary, and the likeliest tokens as bars.

import { element } from "../scaffold/drawing.js"
import { press } from "../scaffold/keys.js"
import { mount } from "../scaffold/mount.js"
import { typedArray } from "../scaffold/numbers.js"
import { percentText } from "../scaffold/percent.js"
import { View } from "../scaffold/view.js"
import { RankCurve } from "./curve.js"

class NextToken extends View {
  constructor(root) {
    super(root)
    this.curve = new RankCurve(root.querySelector("svg"), { hover: (point) => this.hover(point) })
    this.onResize(this.part("curve"), () => {
      this.curve.size = null
      if (this.curves) this.drawCurve()
    })
    this.scrolled = 0
    this.part("tokens").onscroll = ({ target }) => (this.scrolled = target.scrollTop)
    this.part("tokens").onkeydown = (event) => press(this.keyTable(), event)
    this.part("restore").onclick = () => this.tell("order", [])
    this.part("save").onclick = () => this.curve.save("next-token.svg", this.colours)
    this.offer({
      value: (stage, rank) => this.valueAt(stage, rank),
      stages: () => this.stages.map(({ name }) => name),
      tokens: () => this.rows.map(([id, text, rank, shares, cut]) => ({ id, text, rank, share: shares[this.now], cut })),
    })
  }

  receive(header, take) {
    Object.assign(this, header)
    this.root.style.setProperty("--some", this.colours.amount[1])
    this.root.style.setProperty("--most", this.colours.amount[4])
    const points = this.pieces.length
    this.ranks = typedArray(Uint32Array, take(4 * points))
    const flat = typedArray(Float32Array, take(4 * points * header.rowCount))
    this.curves = Array.from({ length: header.rowCount }, (_, row) => flat.subarray(row * points, (row + 1) * points))
    this.chosen = this.stages.some(({ name, row }) => name === this.stage && row !== null) ? this.stage : null
    this.paint()
  }

  /** The row that is shown: of the chosen stage, else of the last. */
  get now() {
    return this.stages.find(({ name }) => name === this.chosen)?.row ?? this.curves.length - 1
  }

  valueAt(stage, rank) {
    const row = this.stages.find(({ name }) => name === stage)?.row
    const point = this.ranks.indexOf(rank)
    return row === null || row === undefined || point < 0 ? null : this.curves[row][point]
  }

  choose(name) {
    this.chosen = this.chosen === name ? null : name
    this.paint()
    this.tell("stage", this.chosen ?? "")
  }

  paint() {
    this.paintStages()
    const { order, badge, restore, says } = Object.fromEntries(["order", "badge", "restore", "says"].map((name) => [name, this.part(name)]))
    order.classList.toggle("other", !this.isLibraryOrder)
    badge.textContent = this.isLibraryOrder ? "In transformers' own order." : "Not transformers' order"
    restore.hidden = this.isLibraryOrder
    says.textContent = this.caption
    this.paintTokens()
    this.drawCurve()
    this.ready({ stage: this.chosen ?? "", survivors: this.stages.findLast(({ row }) => row !== null).survivors })
  }

  paintStages() {
    const focused = this.root.getRootNode().activeElement?.dataset.focus
    this.part("stages").replaceChildren(...this.stages.map((stage, place) => this.stageChip(stage, place)))
    if (focused) [...this.root.querySelectorAll("[data-focus]")].find((each) => each.dataset.focus === focused)?.focus({ preventScroll: true })
  }

  stageChip(stage, place) {
    const { name, value, hint, row, isOn, isFixed } = stage
    const chip = element("li", "stage")
    chip.dataset.stage = name
    chip.classList.toggle("off", !isOn)
    chip.classList.toggle("chosen", this.chosen === name)
    const head = element("div", "head")
    const title = element("button", "name", `${name} `)
    Object.assign(title, { title: hint, disabled: row === null })
    title.append(element("b", "", value))
    title.ariaPressed = this.chosen === name
    title.dataset.focus = `name ${name}`
    title.onclick = () => this.choose(name)
    head.append(title)
    if (!isFixed) {
      const toggle = element("button", "switch")
      Object.assign(toggle, { role: "switch", ariaChecked: String(isOn), ariaLabel: name })
      toggle.dataset.focus = `switch ${name}`
      toggle.onclick = () => this.tell("switch", name)
      head.append(toggle)
    }
    chip.append(head)
    const isMovable = !isFixed && isOn && row !== null
    if (isMovable) this.makeMovable(chip, title, name)
    const result = element("div", "result", this.resultOf(stage, place))
    if (isMovable && this.chosen === name) result.append(...[-1, 1].map((by) => this.moveButton(name, by)))
    const left = element("div", "left")
    const bar = left.appendChild(element("span"))
    const survivors = row === null ? 0 : stage.survivors
    bar.style.width = `${survivors ? Math.max(2, (100 * Math.log(survivors + 1)) / Math.log(this.vocabulary + 1)) : 0}%`
    chip.append(result, left)
    return chip
  }

  resultOf({ row, isOn, survivors, kept, entropy }, place) {
    if (row === null) return isOn ? "changes\nnothing" : "off"
    const counted = `${survivors.toLocaleString("en")} left`
    const kept_ = kept < 0.99995 ? ` of ${percentText(kept)}` : ""
    return `${counted}${place ? kept_ : ""}\n${entropy.toFixed(2)} nats`
  }

  /** The stages that can be moved, in their order. */
  get movable() {
    return this.stages.filter(({ isFixed, isOn, row }) => !isFixed && isOn && row !== null).map(({ name }) => name)
  }

  move(name, by) {
    const names = this.movable
    const from = names.indexOf(name)
    const to = Math.max(0, Math.min(names.length - 1, from + by))
    if (to === from) return
    names.splice(to, 0, names.splice(from, 1)[0])
    this.part("unseen").textContent = `${name} is now stage ${to + 1} of ${names.length}`
    this.tell("order", names)
  }

  moveButton(name, by) {
    const button = element("button", "move", by < 0 ? "‹" : "›")
    Object.assign(button, { ariaLabel: `${name} ${by < 0 ? "earlier" : "later"}`, title: `${by < 0 ? "Earlier" : "Later"} (or drag it)` })
    button.dataset.focus = `move ${name} ${by}`
    button.onclick = () => this.move(name, by)
    return button
  }

  makeMovable(chip, title, name) {
    chip.classList.add("movable")
    chip.draggable = true
    const keys = { "Alt+ArrowLeft": -1, "Alt+ArrowRight": 1 }
    const table = [{ name: "Alt and ← →", says: "move the stage", keys, act: (by) => this.move(name, by) }]
    title.onkeydown = (event) => press(table, event)
    chip.ondragstart = (event) => {
      event.dataTransfer.effectAllowed = "move"
      event.dataTransfer.setData("text/plain", name)
      this.dragged = name
      chip.classList.add("dragged")
    }
    chip.ondragover = (event) => {
      if (!this.dragged) return
      event.preventDefault()
      const moved = this.root.querySelector(".dragged")
      if (!moved || moved === chip) return
      const box = chip.getBoundingClientRect()
      chip[event.clientX < box.left + box.width / 2 ? "before" : "after"](moved)
    }
    chip.ondrop = (event) => event.preventDefault()
    chip.ondragend = () => {
      const names = [...this.root.querySelectorAll(".stage.movable")].map((each) => each.dataset.stage)
      const isMoved = String(names) !== String(this.movable)
      this.dragged = null
      if (isMoved) this.tell("order", names)
      else this.paintStages()
    }
  }

  get rows() {
    const { top, followed } = this
    return followed && !top.some(([id]) => id === followed[0]) ? [...top, followed] : top
  }

  paintTokens() {
    const list = this.part("tokens")
    const isFocused = list.contains(this.root.getRootNode().activeElement)
    const most = Math.max(...this.rows.flatMap(([, , , shares]) => [shares[0], shares[this.now]]))
    const rows = this.rows.flatMap((row, place) => {
      const made = this.tokenRow(row, most)
      return place === this.top.length ? [element("div", "gap", `… ${(row[2] - this.top.length).toLocaleString("en")} others`), made] : [made]
    })
    const kept = this.scrolled
    list.replaceChildren(...rows)
    if (kept) list.scrollTop = kept
    const selected = list.querySelector(".selected")
    const reached = selected ?? list.querySelector(".token")
    if (reached) reached.tabIndex = 0
    if (isFocused) reached?.focus({ preventScroll: true })
    if (selected && this.selected !== this.scrolledTo) {
      const { offsetTop, offsetHeight } = selected
      const from = list.offsetTop
      if (offsetTop - from + offsetHeight > list.scrollTop + list.clientHeight || offsetTop - from < list.scrollTop)
        list.scrollTop = offsetTop - from + offsetHeight - list.clientHeight / 2
    }
    this.scrolledTo = this.selected
  }

  keyTable() {
    return [{ name: "↑ ↓", says: "go from token to token", keys: { ArrowDown: 1, ArrowUp: -1 }, act: (by) => this.moveFocus(by) }]
  }

  /** One stop for the tab key; arrows go on from there. */
  moveFocus(by) {
    const rows = [...this.part("tokens").querySelectorAll(".token")]
    const to = rows[rows.indexOf(this.root.getRootNode().activeElement) + by]
    if (!to) return false
    rows.forEach((row) => (row.tabIndex = row === to ? 0 : -1))
    to.focus()
  }

  tokenRow([id, text, rank, shares, cutBy], most) {
    const share = shares[this.now]
    const row = element("button", "token")
    const isCut = share === 0 && cutBy !== null
    Object.assign(row, { role: "option", ariaSelected: String(id === this.selected), tabIndex: -1 })
    row.classList.toggle("selected", id === this.selected)
    row.classList.toggle("drawn", id === this.drawn)
    row.classList.toggle("cut", isCut)
    row.title = `${text}\nplace ${(rank + 1).toLocaleString("en")}, ${percentText(shares[0])} by the model${isCut ? `, cut by ${cutBy}` : `, ${percentText(share)} here`}${id === this.drawn ? "\nthis one came" : ""}`
    const track = element("span", "track")
    for (const [name, part] of [["raw", shares[0]], ["now", share]])
      track.appendChild(element("span", name)).style.width = `${(100 * part) / most}%`
    const piece = element("span", "piece", text)
    piece.dir = "auto"
    row.append(piece, track, element("span", "number", isCut ? cutBy : percentText(share)))
    row.onclick = () => {
      this.selected = id
      this.scrolledTo = id
      this.paint()
      this.tell("token", id)
    }
    return row
  }

  drawCurve() {
    const cuts = this.stages.filter(({ row, survivors, name }, place) => {
      const before = this.stages.slice(0, place).findLast((stage) => stage.row !== null)
      return before && row !== null && survivors < before.survivors && name !== "renormalised"
    })
    const marks = this.rows
      .filter(([id]) => id === this.selected)
      .map(([, , rank, shares]) => ({ rank, share: shares[0], shareNow: shares[this.now], isSelected: true }))
    const { ranks, vocabulary, chosen, colours } = this
    const shown = cuts.filter(({ row }) => row <= this.now)
    this.curve.draw({ ranks, vocabulary, raw: this.curves[0], after: this.curves[this.now], cuts: shown, chosen: chosen ?? shown.at(-1)?.name, marks, colours })
  }

  hover(point) {
    if (point === null) return this.say(null)
    const now = this.curves[this.now][point]
    const said = now ? `${percentText(now)} after ${this.chosen ?? "all stages"}` : "cut"
    const text = `\u2068${this.pieces[point]}\u2069 · place ${(this.ranks[point] + 1).toLocaleString("en")}\n${percentText(this.curves[0][point])} by the model, ${said}`
    const [x, y] = this.inRoot(this.curve.placeOf(this.ranks[point], this.curves[0][point]))
    this.say(text, x + 8, y - 44)
  }
}

export default mount(".next-token", NextToken)
