// One text, cut by several tokenizers.

import { element } from "../scaffold/elements_and_canvases.js"
import { ROW_ARROWS, keyList, press } from "../scaffold/keys.js"
import { mount } from "../scaffold/mount.js"
import { typedArray } from "../scaffold/message_numbers.js"
import { View } from "../scaffold/view.js"
import { PieceColumn } from "./pieces.js"
import { Ruler } from "./ruler.js"

class TokenColumns extends View {
  constructor(root) {
    super(root)
    this.columns = []
    this.ruler = new Ruler(this.part("ruler"), {
      hover: (stretch) => this.hover(stretch),
      select: (stretch) => this.select(stretch),
    })
    this.part("ruler").onkeydown = (event) => press(this.rulerKeyTable(), event)
    const body = this.part("columns")
    body.onpointerover = (event) => this.onChip(event, (column, piece) => this.hoverPiece(column, piece))
    body.onpointerleave = () => this.hover(null)
    body.onclick = (event) => this.onChip(event, (column, piece) => this.selectPiece(column, piece))
    body.addEventListener("focusin", (event) => this.onChip(event, (column, piece) => this.hoverPiece(column, piece)))
    body.addEventListener("focusout", () => this.hover(null))
    body.onkeydown = (event) => this.onChip(event, (column, piece) => press(this.keyTable(column, piece), event))
    this.onResize(root, this.ruler.draw)
    this.offer({
      value: (column, piece) => {
        const { ids, look, starts, ends, data } = this.columns[column]
        const at = look[piece]
        return { id: ids[at], start: starts[piece], end: ends[piece], data: Array.from(data[at]) }
      },
      count: (column) => this.columns[column].pieces,
      lit: () => this.columns.map((column) => [...column.body.querySelectorAll(".lit")].map((chip) => chip.piece)),
    })
  }

  receive(header, take) {
    this.text = new TextEncoder().encode(header.text)
    // Another text is read from its beginning.
    if (header.text !== this.shownText) this.part("ruler").scrollLeft = 0
    this.shownText = header.text
    this.start = header.start
    this.before = charactersBefore(this.text)
    this.colours.identity.forEach((colour, hue) => this.root.style.setProperty(`--hue-${hue}`, colour))
    const stretches = typedArray(Uint16Array, take(4 * header.stretches))
    // A column that stays keeps its chips, wherever it now stands.
    const kept = new Map(this.columns.map((column) => [column.header.name, column]))
    this.columns = header.columns.map((each) => {
      const column = kept.get(each.name) ?? new PieceColumn()
      column.show(each, take, this.text)
      return column
    })
    const body = this.part("columns")
    body.style.setProperty("--columns", this.columns.length)
    const roots = this.columns.map((column) => column.root)
    if (roots.length !== body.children.length || roots.some((each, place) => each !== body.children[place]))
      body.replaceChildren(...roots)
    this.ruler.show(this.text, this.columns, stretches, this.colours, keyList(this.rulerKeyTable()))
    this.showJumps(header)
    this.part("caption").textContent = header.caption
    const pinned = header.pinned && this.toBytes(header.pinned)
    const isNew = JSON.stringify(header.pinned) !== this.said
    this.said = JSON.stringify(header.pinned)
    this.pin(pinned, isNew)
    for (const column of this.columns) this.setTabStop(column)
    const told = (name) => header.columns.map((each) => each[name]).join(",")
    this.ready({ columns: told("name"), tokens: told("tokens") })
  }

  showJumps({ jumps, count }) {
    const row = this.part("jumps")
    const buttons = jumps.map(({ start, end, text, counts }) => {
      const button = element("button", "jump")
      // As in the columns, where what is first stands on the left.
      const name = Object.assign(element("bdi", "", text), { dir: "ltr" })
      button.append(name, element("span", "counts", counts.join("·")))
      button.title = this.columns.map((column, at) => `${column.header.title}: ${counts[at]}`).join(", ")
      button.ariaLabel = `${text}, pieces: ${button.title}`
      button.onclick = () => this.tell("stretch", [start, end])
      return button
    })
    row.hidden = !buttons.length
    const stretches = `${count.toLocaleString("en")} stretch${count === 1 ? "" : "es"}`
    // No line ends inside of GPT-2.
    const whose = this.columns.map((column) => column.header.title.replace(/-(?=\d)/g, "\u2011")).join(" · ")
    const label = `They disagree on ${stretches}${count === 1 ? "" : ", most on these"} (pieces: ${whose}):`
    row.replaceChildren(element("span", "", label), ...buttons)
  }

  /** A stretch in characters of the whole text, in bytes of the window; null where it is not in it. */
  toBytes([start, end]) {
    const low = this.before.indexOf(start - this.start)
    const high = this.before.indexOf(end - this.start)
    const last = this.before.at(-1)
    if (end - this.start <= 0 || start - this.start >= last) return null
    return [low < 0 ? 0 : low, high < 0 ? this.text.length : high]
  }

  /** The other way; whole characters, where it cuts one. */
  toCharacters([start, end]) {
    let to = end
    while (to < this.text.length && (this.text[to] & 0xc0) === 0x80) to++
    let from = start
    while (from > 0 && (this.text[from] & 0xc0) === 0x80) from--
    return [this.start + this.before[from], this.start + this.before[to]]
  }

  onChip(event, act) {
    const chip = event.target.closest?.(".chip")
    const column = chip && this.columns.find((each) => each.body.contains(chip))
    if (column) act(column, chip.piece)
  }

  hoverPiece(column, piece) {
    const stretch = [column.starts[piece], column.ends[piece]]
    this.hover(stretch)
    const lines = column.describe(piece)
    const { left, bottom } = column.chips[piece].getBoundingClientRect()
    const [x, y] = this.inRoot({ x: left, y: bottom })
    this.say(lines.join("\n"), x, y + 6, `${column.header.title}: ${lines.join(", ")}`)
  }

  unpoint() {
    this.hover(null)
  }

  hover(stretch) {
    this.say(null)
    const now = stretch?.[0] < stretch?.[1] ? stretch : null
    if (String(now) === String(this.hovered ?? null)) return
    this.hovered = this.ruler.hovered = now
    for (const column of this.columns) column.mark("lit", now, false)
    this.ruler.draw()
  }

  selectPiece(column, piece) {
    this.select([column.starts[piece], column.ends[piece]])
  }

  select(stretch) {
    if (stretch[0] >= stretch[1]) return
    this.pin(stretch, true)
    const told = this.toCharacters(stretch)
    this.said = JSON.stringify(told)
    this.tell("stretch", told)
  }

  pin(stretch, scroll) {
    this.pinned = this.ruler.pinned = stretch
    for (const column of this.columns) column.mark("selected", stretch, scroll)
    if (stretch && scroll) this.ruler.reach(stretch)
    this.ruler.draw()
  }

  /** One stop for the Tab key in each column, from which the arrow keys go on. */
  setTabStop(column) {
    const [pinned] = this.pinned ? column.within(...this.pinned) : []
    column.stop?.removeAttribute("tabindex")
    column.stop = column.chips[pinned] ?? column.chips[0]
    if (column.stop) column.stop.tabIndex = 0
  }

  keyTable(column, piece) {
    return [
      { name: "arrows", says: "move", keys: ROW_ARROWS, act: (by) => this.focusPiece(column, piece + by) },
      { name: "Enter", says: "selects", keys: { Enter: 0 }, act: () => this.selectPiece(column, piece) },
    ]
  }

  focusPiece(column, piece) {
    if (piece < column.pieces) column.reach(piece)
    const next = column.chips[piece]
    if (!next) return false
    next.tabIndex = 0
    next.focus()
    if (column.stop !== next) column.stop?.removeAttribute("tabindex")
    column.stop = next
  }

  rulerKeyTable() {
    const keys = { ArrowRight: 1, ArrowLeft: -1 }
    return [{ name: "← →", says: "move along the text", keys, act: (by) => this.ruler.scroll(by) }]
  }
}

/** For each byte, how many characters of the text (code points) begin before it; one more for the end. */
function charactersBefore(bytes) {
  const before = new Array(bytes.length + 1)
  let count = -1
  bytes.forEach((byte, at) => {
    if ((byte & 0xc0) !== 0x80) count++
    before[at] = count
  })
  before[bytes.length] = count + 1
  return before
}

export default mount(".token-columns", TokenColumns)
