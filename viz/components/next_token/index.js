// One next token: a row of stages, the curve of the whole vocabulary, and the likeliest tokens as bars.

import { element, oncePerFrame } from "../scaffold/elements_and_canvases.js"
import { press } from "../scaffold/keys.js"
import { mount } from "../scaffold/mount.js"
import { typedArray } from "../scaffold/message_numbers.js"
import { sharedEntry } from "../scaffold/shared_by_scripts.js"
import { percentText } from "../scaffold/percent.js"
import { writeExplained } from "../scaffold/glossary_terms.js"
import { View } from "../scaffold/view.js"
import { keepInSight, RankCurve } from "./curve.js"
import { followed } from "./while_dragging.js"
import { scoresFrom } from "./sent_scores.js"

const GREEDY =
  "Temperature 0 is greedy: the likeliest token is taken, and the stages that only matter for a draw do not run."
const ASKED_AGAIN_AFTER = 2000

const english = new Intl.NumberFormat("en")
const counted = (number) => english.format(number)

class NextToken extends View {
  constructor(root) {
    super(root)
    this.curve = new RankCurve(root.querySelector("svg"), { hover: (point) => this.hover(point) })
    this.onResize(this.part("curve"), () => {
      this.curve.size = null
      if (this.curves) this.drawCurve()
    })
    this.followKnobs()
    this.scrolled = 0
    this.part("tokens").onscroll = ({ target }) => (this.scrolled = target.scrollTop)
    this.part("tokens").onkeydown = (event) => press(this.keyTable(), event)
    this.part("restore").onclick = () => this.tell("order", [])
    this.part("save").onclick = () => this.curve.save("next-token.svg", this.colours)
    this.offer({
      value: (stage, rank) => this.valueAt(stage, rank),
      stages: () => this.stages.map(({ name }) => name),
      survivors: () => Object.fromEntries(this.stages.flatMap(({ name, row, survivors }) => (row === null ? [] : [[name, survivors]]))),
      drawn: () => this.drawn,
      follows: () => this.exact.live !== null && this.scores?.of === this.exact.live.of,
      tokens: () => this.rows.map(([id, text, rank, shares, cut]) => ({ id, text, rank, share: shares[this.now], cut })),
    })
  }

  receive(header, take) {
    const { selected, ...exact } = header
    this.root.style.setProperty("--some", this.colours.amount[1])
    this.root.style.setProperty("--most", this.colours.amount[4])
    const points = header.pieces.length
    exact.ranks = typedArray(Uint32Array, take(4 * points))
    const flat = typedArray(Float32Array, take(4 * points * header.rowCount))
    exact.curves = Array.from({ length: header.rowCount }, (_, row) => flat.subarray(row * points, (row + 1) * points))
    const chosen = header.stages.some(({ name, row }) => name === header.stage && row !== null) ? header.stage : null
    Object.assign(this, { exact, selected, chosen })
    this.update()
  }

  /**
   * The knobs stand in a component of their own: `values` are those of which the server has not told the numbers yet,
   * and `hints` what they do.
   * The scores of the step, by which they are followed meanwhile, come once somebody is near a knob.
   */
  followKnobs() {
    this.knobs = sharedEntry("knobs", "next_token", () => ({}))
    this.arriving = sharedEntry("scores", "next_token", () => ({}))
    const follow = oncePerFrame(() => this.exact && (this.isAhead || this.isFollowing) && this.update())
    this.listeners = { moved: follow, near: () => this.askForScores(), arrived: () => this.takeScores() }
    Object.assign(this.knobs, { moved: this.listeners.moved, near: this.listeners.near })
    this.arriving.arrived = this.listeners.arrived
    this.takeScores()
    this.onLeave(() => this.letGoOfKnobs())
  }

  letGoOfKnobs() {
    const { knobs, arriving, listeners } = this
    if (knobs.moved === listeners.moved) Object.assign(knobs, { moved: null, near: null })
    if (arriving.arrived === listeners.arrived) arriving.arrived = null
    document.documentElement.removeAttribute("data-headlight-ahead")
    this.exact = null
  }

  askForScores() {
    const of = this.exact?.live?.of
    const now = performance.now()
    if (!of || !this.arriving.ask || this.scores?.of === of || (this.asked?.of === of && now - this.asked.at < ASKED_AGAIN_AFTER)) return
    this.asked = { of, at: now }
    this.arriving.ask()
  }

  async takeScores() {
    const { data } = this.arriving
    if (!data || data === this.taken) return
    this.taken = data
    this.scores = await scoresFrom(data)
    if (this.exact && this.isAhead) this.update()
  }

  /** Whether a knob stands elsewhere than the server's numbers say. */
  get isAhead() {
    const { live } = this.exact
    return live !== null && Object.entries(this.knobs.values ?? {}).some(([name, value]) => value !== live.values[name])
  }

  /** Show what the server sent, or while the knobs are ahead of it, what follows from the scores. */
  update() {
    const { exact, scores } = this
    const isKnown = this.isAhead && scores?.of === exact.live.of
    if (this.isAhead && !isKnown) this.askForScores()
    const found = isKnown ? followed(exact, scores, this.knobs) : null
    if (this.isFollowing !== (found !== null)) keepInSight(this.part("curve"), found !== null, this.knobs.heldAt ?? 0)
    this.isFollowing = found !== null
    // What stands beside the picture waits for the server.
    document.documentElement.toggleAttribute("data-headlight-ahead", this.isFollowing)
    Object.assign(this, exact, found)
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
    const { survivors } = this.stages.findLast(({ row }) => row !== null)
    const left = `${counted(survivors)} of ${counted(this.vocabulary)} tokens may come.`
    writeExplained(says, `${this.isGreedy ? GREEDY : left} ${this.caption}`)
    this.paintTokens()
    this.drawCurve()
    this.ready({ stage: this.chosen ?? "", survivors, by: this.isFollowing ? "browser" : "server" })
  }

  paintStages() {
    this.makeStages()
    this.stages.forEach((stage, place) => this.paintStage(this.chips[place], stage, place))
  }

  /** A chip for each stage, made once as long as there are the same, with the same buttons. */
  makeStages() {
    const made = JSON.stringify([this.chosen, ...this.stages.map(({ name, row, isOn, isFixed }) => [name, row === null, isOn, isFixed])])
    if (made === this.made) return
    this.made = made
    const focused = this.root.getRootNode().activeElement?.dataset.focus
    this.chips = this.stages.map((stage) => this.stageChip(stage))
    this.part("stages").replaceChildren(...this.chips.map(({ chip }) => chip))
    if (focused) [...this.root.querySelectorAll("[data-focus]")].find((each) => each.dataset.focus === focused)?.focus({ preventScroll: true })
  }

  stageChip({ name, row, isOn, isFixed }) {
    const chip = element("li", "stage")
    chip.dataset.stage = name
    chip.classList.toggle("off", !isOn)
    chip.classList.toggle("chosen", this.chosen === name)
    const head = element("div", "head")
    const title = element("button", "name", `${name} `)
    Object.assign(title, { disabled: row === null })
    const value = title.appendChild(element("b"))
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
    const result = element("div", "result")
    const says = result.appendChild(element("span"))
    if (isMovable && this.chosen === name) result.append(...[-1, 1].map((by) => this.moveButton(name, by)))
    const left = element("div", "left")
    const bar = left.appendChild(element("span"))
    chip.append(result, left)
    return { chip, title, value, says, bar }
  }

  paintStage({ title, value, says, bar }, stage, place) {
    title.title = stage.hint
    value.textContent = stage.value
    // Its words are explained where they stand first.
    if (place) says.textContent = this.resultOf(stage, place)
    else writeExplained(says, this.resultOf(stage, place))
    const survivors = stage.row === null ? 0 : stage.survivors
    bar.style.width = `${survivors ? Math.max(2, (100 * Math.log(survivors + 1)) / Math.log(this.vocabulary + 1)) : 0}%`
  }

  resultOf({ row, isOn, survivors, kept, entropy }, place) {
    if (row === null) return isOn ? "changes\nnothing" : "off"
    const left = `${counted(survivors)} left`
    // What those that are left had before.
    const kept_ = kept < 0.99995 ? ` (${percentText(kept)})` : ""
    return `${left}${place ? kept_ : ""}\n${entropy.toFixed(2)} nats`
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
      this.made = null
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
    const { rows } = this
    const most = Math.max(...rows.flatMap(([, , , shares]) => [shares[0], shares[this.now]]))
    const isFocused = list.contains(this.root.getRootNode().activeElement)
    this.makeTokenRows(list)
    rows.forEach((token, place) => this.paintToken(this.tokenRows[place], token, most))
    const selected = list.querySelector(".selected")
    if (selected && this.selected !== this.scrolledTo) {
      const { offsetTop, offsetHeight } = selected
      const from = list.offsetTop
      if (offsetTop - from + offsetHeight > list.scrollTop + list.clientHeight || offsetTop - from < list.scrollTop)
        list.scrollTop = offsetTop - from + offsetHeight - list.clientHeight / 2
    }
    this.scrolledTo = this.selected
    const reached = list.querySelector(".token:focus") ?? selected ?? this.tokenRows[0]?.row
    for (const { row } of this.tokenRows) row.tabIndex = row === reached ? 0 : -1
    if (isFocused) reached?.focus({ preventScroll: true })
  }

  /** A row for each token, made once for the same tokens. */
  makeTokenRows(list) {
    const listed = JSON.stringify(this.rows.map(([id, text, rank]) => [id, text, rank]))
    if (listed === this.listed) return
    this.listed = listed
    const kept = this.scrolled
    this.tokenRows = this.rows.map((token) => this.tokenRow(token))
    const made = this.tokenRows.map(({ row }) => row)
    if (made.length > this.top.length)
      made.splice(-1, 0, element("div", "gap", `… ${counted(this.rows.at(-1)[2] - this.top.length)} others`))
    list.replaceChildren(...made)
    if (kept) list.scrollTop = kept
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

  tokenRow([id, text]) {
    const row = element("button", "token")
    Object.assign(row, { role: "option" })
    const track = element("span", "track")
    const [raw, now] = ["raw", "now"].map((name) => track.appendChild(element("span", name)))
    const piece = element("span", "piece", text)
    piece.dir = "auto"
    const number = element("span", "number")
    row.append(piece, track, number)
    row.onclick = () => {
      this.selected = id
      this.scrolledTo = id
      this.paint()
      this.tell("token", id)
    }
    return { row, raw, now, number }
  }

  paintToken({ row, raw, now, number }, [id, text, rank, shares, cutBy], most) {
    const share = shares[this.now]
    const isCut = share === 0 && cutBy !== null
    row.ariaSelected = String(id === this.selected)
    row.classList.toggle("selected", id === this.selected)
    row.classList.toggle("drawn", id === this.drawn)
    row.classList.toggle("cut", isCut)
    row.title = `${text}\nplace ${counted(rank + 1)}, ${percentText(shares[0])} by the model${isCut ? `, cut by ${cutBy}` : `, ${percentText(share)} here`}${id === this.drawn ? "\nthis one came" : ""}`
    raw.style.width = `${(100 * shares[0]) / most}%`
    now.style.width = `${(100 * share) / most}%`
    number.textContent = isCut ? cutBy : percentText(share)
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
    const text = `\u2068${this.pieces[point]}\u2069 · place ${counted(this.ranks[point] + 1)}\n${percentText(this.curves[0][point])} by the model, ${said}`
    const [x, y] = this.inRoot(this.curve.placeOf(this.ranks[point], this.curves[0][point]))
    this.say(text, x + 8, y - 44)
  }
}

export default mount(".next-token", NextToken)
