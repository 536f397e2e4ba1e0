// A picture as a model sees it, and where the heads of one layer look from its patches. All heads of the layer are here,
// so that another patch, and another head, is shown without the server.

import { element, rem } from "../scaffold/elements_and_canvases.js"
import { download, downloadPng } from "../scaffold/downloads.js"
import { ARROWS, isTyping, keyList, press } from "../scaffold/keys.js"
import { mount } from "../scaffold/mount.js"
import { percentText } from "../scaffold/percent.js"
import { LIT, pictureOf, VEIL } from "../scaffold/pictures.js"
import { SvgContext } from "../scaffold/svg.js"
import { writeExplained } from "../scaffold/glossary_terms.js"
import { View } from "../scaffold/view.js"
import { HELD, inflated, Looks } from "./looks.js"
import { Stage } from "./stage.js"

// How high the pictures are together on a laptop, and what lies between them and two columns of heads.
const HIGH = 430
const BESIDE = 18
const NARROW = 480
const TILE = 60
const MOST_HELD = 4

export class PatchView extends View {
  constructor(root) {
    super(root)
    this.hovered = null
    this.stage = new Stage(this)
    const { canvas } = this.stage
    canvas.onpointermove = (event) => this.point(this.stage.at(event))
    canvas.onpointerleave = () => this.unpoint()
    canvas.onclick = (event) => this.onClick(event)
    canvas.onblur = () => this.unpoint()
    canvas.onkeydown = (event) => press(this.keyTable(), event)
    root.onkeydown = (event) => isTyping(event) || press(this.headKeys(), event)
    this.onResize(root, () => this.queries && Math.abs(root.clientWidth - this.drawnWidth) > 1 && this.paint())
    // What arrives after it has gone is nobody's.
    this.onLeave(() => (this.header = null))
    this.offer({
      value: (query, key, head = this.head) => this.looks.row(head, query)?.[key] ?? null,
      place: (patch, place) => this.stage.placeOf(patch, place),
      chosen: () => ({ queries: this.queries, head: this.head }),
      header: () => this.header,
      svg: () => this.svg(),
    })
  }

  receive(header, take) {
    const { tokens, heads, rows, columns, firsts, known } = header
    if (firsts.length + rows * columns !== tokens) throw new Error(`expected ${tokens} names of tokens`)
    const most = take(4 * heads * known.length)
    const [picture, packed] = [take(header.pictureBytes), take(header.packedBytes)]
    delete this.root.dataset.ready
    this.header = header
    const arrived = Promise.all([pictureOf(picture), inflated(packed, Looks.size(header))])
    arrived.then(
      ([image, cells]) => this.header === header && this.guarded(() => this.arrive(header, image, most, cells))(),
      (error) => this.header === header && this.fail(error),
    )
  }

  arrive(header, image, most, cells) {
    const isOther = !this.image || this.name !== header.name
    Object.assign(this, header, { image, looks: new Looks(header, most, cells) })
    if (isOther) this.told = []
    this.isDrawn = false
    this.followState(header.key, header.of, (state) => this.applyState(state))
  }

  /** What was chosen meanwhile stays: an answer to what was told before that does not pull it back. */
  applyState({ queries, head, way, rows, note }) {
    if (!queries?.length) throw new Error("expected a token that looks")
    const said = JSON.stringify([queries, head])
    const isEcho = this.isDrawn && this.told.length && said !== this.told.at(-1) && (this.told.includes(said) || said === this.answered)
    this.answered = said
    this.way = way
    this.looks.take(rows)
    if (!isEcho) Object.assign(this, { queries, head, told: [] })
    writeExplained(this.part("caption"), `${this.header.caption} ${note}`.trim())
    this.paint()
  }

  get chosen() {
    return this.queries.at(-1)
  }

  nameOf(token) {
    const { firsts, columns } = this
    if (token < firsts.length) return firsts[token]
    const patch = token - firsts.length
    return `row ${Math.floor(patch / columns)}, column ${patch % columns}`
  }

  colourOf(head) {
    return this.colours.heads[head % this.colours.heads.length]
  }

  paint() {
    const { root } = this
    this.drawnWidth = root.clientWidth
    if (!this.drawnWidth) return
    const scale = rem()
    const isNarrow = this.drawnWidth < NARROW * scale
    const tile = TILE * scale
    const wide = isNarrow ? this.drawnWidth : this.drawnWidth - (2 * tile + BESIDE * scale)
    const alone = Number(getComputedStyle(root).getPropertyValue("--headlight-alone"))
    const high = Math.max(HIGH * scale, alone * innerHeight)
    this.stage.layOut(wide, isNarrow ? Math.max(high, this.drawnWidth) : high)
    this.stage.paint()
    this.stage.canvas.ariaLabel = `${this.name}: ${keyList([...this.keyTable(), ...this.headKeys()])}.`
    this.drawHeads(tile)
    this.drawFirsts()
    this.drawFoot()
    this.isDrawn = true
    this.ready({ layer: this.layer, head: this.head, query: this.chosen, way: this.way })
  }

  drawHeads(tile) {
    const room = this.part("heads")
    const before = [...room.children]
    const buttons = Array.from({ length: this.heads }, (_, head) => {
      const button = before[head] ?? element("button", "head")
      if (!before[head]) button.append(element("canvas"), element("span"))
      button.onclick = () => this.chooseHead(head)
      const [canvas, label] = button.children
      this.stage.paintTile(canvas, head, this.chosen, Math.floor(tile) - 4)
      label.textContent = `H${head}`
      label.style.borderBottomColor = this.way === "outlines" ? this.colourOf(head) : "transparent"
      button.ariaPressed = head === this.head
      button.title = `L${this.layer} H${head}, from ${this.nameOf(this.chosen)}`
      button.classList.toggle("chosen", head === this.head)
      return button
    })
    if (buttons.some((each, at) => each !== before[at]) || before.length !== buttons.length) room.replaceChildren(...buttons)
  }

  /** Tokens that are no patches: each with what the chosen query gives it. */
  drawFirsts() {
    const row = this.looks.row(this.head, this.chosen)
    const room = this.part("firsts")
    const isApproximate = !this.looks.isExact(this.head, this.chosen)
    const before = [...room.children]
    const chips = this.firsts.map((name, token) => {
      const chip = before[token] ?? element("button", "chip")
      if (!before[token]) chip.append(element("span", "piece"), element("span", "share"))
      const [piece, share] = chip.children
      piece.textContent = name
      share.textContent = row ? `${isApproximate ? "≈ " : ""}${percentText(row[token])}` : ""
      chip.onclick = () => this.choose(token)
      chip.ariaPressed = token === this.chosen
      chip.classList.toggle("selected", token === this.chosen)
      return chip
    })
    room.replaceChildren(...chips)
    room.hidden = !chips.length
  }

  drawFoot() {
    const foot = this.part("foot")
    const focused = this.root.getRootNode().activeElement?.dataset?.does
    const row = this.looks.row(this.head, this.chosen)
    const most = row ? Math.max(...row.subarray(this.firsts.length)) : 0
    const parts = []
    if (this.way === "outlines") parts.push(element("span", "", `Each line: the fewest patches with ${percentText(HELD)} of the weight that a head has on patches.`))
    else {
      const ramp = element("i", "ramp")
      ramp.style.background = this.way === "map" ? `linear-gradient(90deg, ${this.colours.amount})` : `linear-gradient(90deg, rgb(${VEIL}), ${LIT})`
      parts.push(element("span", "", "0"), ramp, element("span", "", `${percentText(most)} of the weight`))
    }
    parts.push(element("span", "space"))
    const tool = (does, label, title, act) => {
      const button = Object.assign(element("button", "tool", label), { title, onclick: act })
      button.dataset.does = does
      parts.push(button)
    }
    if (this.queries.length < MOST_HELD) tool("hold", "Hold", "Keep this one beside the next that is chosen (H in the picture)", () => this.hold())
    if (this.queries.length > 1) tool("free", "Let go", "Only the chosen one (Esc in the picture)", () => this.letGo())
    tool("png", "PNG", "The picture as it is here", () => this.png())
    tool("svg", "SVG", "The picture, with lines that stay sharp", () => download(`${this.fileName()}.svg`, new Blob([this.svg()], { type: "image/svg+xml" })))
    foot.replaceChildren(...parts)
    if (focused) foot.querySelector(`[data-does="${focused}"]`)?.focus({ preventScroll: true })
  }

  // What is chosen

  choose(query) {
    if (query === this.chosen) return
    // One that is held already comes to the front.
    const others = this.isHolding ? this.queries : this.queries.slice(0, -1)
    this.isHolding = false
    this.become([...others.filter((each) => each !== query), query].slice(-MOST_HELD), this.head)
  }

  /** The next one that is chosen stands beside this one. */
  hold() {
    this.isHolding = true
    this.part("unseen").textContent = `${this.nameOf(this.chosen)} is held; choose another one.`
    this.root.querySelector('[data-does="hold"]')?.classList.add("on")
  }

  letGo() {
    this.unpoint()
    this.isHolding = false
    if (this.queries.length > 1) this.become([this.chosen], this.head)
  }

  chooseHead(head) {
    if (head >= 0 && head < this.heads && head !== this.head) this.become(this.queries, head)
  }

  become(queries, head) {
    Object.assign(this, { queries, head })
    this.told.push(JSON.stringify([queries, head]))
    this.paint()
    this.pointer.again()
    this.tell("chosen", [head, ...queries])
  }

  onClick(event) {
    const found = this.stage.at(event)
    if (!found) return
    if (event.shiftKey) this.hold()
    this.choose(this.firsts.length + found.patch)
  }

  // What is pointed at

  point(found) {
    const patch = found?.patch ?? null
    if (patch !== this.hovered) {
      this.hovered = patch
      this.paintStage()
    }
    if (patch === null) return this.say(null)
    const { x, y } = this.stage.placeOf(patch, found.place)
    const [left, top] = this.inRoot({ x, y })
    this.say(this.describe(patch, found.place), left + 14, top + 14)
  }

  paintStage() {
    if (this.image && this.isDrawn) this.stage.paint()
  }

  describe(patch, place) {
    const query = this.queries[place]
    const row = this.looks.row(this.head, query)
    const name = this.nameOf(this.firsts.length + patch)
    if (!row) return name
    const sign = this.looks.isExact(this.head, query) ? "" : "≈ "
    return `${name}: ${sign}${percentText(row[this.firsts.length + patch])}\nof what L${this.layer} H${this.head} looks at from ${this.nameOf(query)}`
  }

  unpoint() {
    if (this.image && this.queries) this.point(null)
    else this.say(null)
  }

  keyTable() {
    const now = this.hovered ?? Math.max(0, (this.chosen ?? 0) - (this.firsts?.length ?? 0))
    const move = ([down, along]) => {
      const [row, column] = [Math.floor(now / this.columns) + down, (now % this.columns) + along]
      const within = (value, count) => Math.max(0, Math.min(count - 1, value))
      const patch = within(row, this.rows) * this.columns + within(column, this.columns)
      this.point({ patch, place: this.queries.length - 1 })
    }
    return [
      { name: "arrows", says: "go from patch to patch", keys: ARROWS, act: move },
      { name: "Enter", says: "chooses", keys: { Enter: now, " ": now }, act: (patch) => this.choose(this.firsts.length + patch) },
      { name: "H", says: "holds the chosen one", keys: { h: 0 }, act: () => this.hold() },
      { name: "Esc", says: "lets go", keys: { Escape: 0 }, act: () => this.letGo() },
    ]
  }

  headKeys() {
    return [{ name: "[ ]", says: "another head", keys: { "[": -1, "]": 1 }, act: (by) => this.chooseHead(this.head + by) }]
  }

  // Files

  fileName() {
    return `${this.name}-L${this.layer}-H${this.head}`
  }

  png() {
    const lines = [this.part("caption").textContent]
    downloadPng(`${this.fileName()}.png`, this, this.stage.asCanvas(2), this.stage.width, lines)
  }

  svg() {
    const context = new SvgContext(this.stage.width, this.stage.height, element("canvas").getContext("2d"))
    this.stage.draw(context)
    return context.text()
  }
}

export default mount(".patch-view", PatchView)
