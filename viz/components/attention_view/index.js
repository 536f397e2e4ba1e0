// The four views of attention: what they share, which is what arrives, what is selected, keys, tools and files.

import { canvasContext, element, rem, wrapped } from "../scaffold/elements_and_canvases.js"
import { download } from "../scaffold/downloads.js"
import { isTyping, keyList, press } from "../scaffold/keys.js"
import { mount } from "../scaffold/mount.js"
import { SvgContext } from "../scaffold/svg.js"
import { writeExplained } from "../scaffold/glossary_terms.js"
import { View } from "../scaffold/view.js"
import { HeadsView } from "./head_lines.js"
import { MatrixView } from "./matrix.js"
import { ModelView } from "./model_thumbnails.js"
import { LABEL_FONT } from "./cell_images.js"
import { ProductsView } from "./query_key.js"

const VIEW_KEYS = { 1: "matrix", 2: "heads", 3: "model", 4: "qk" }
const SWITCHED = { x: "the head", t: "the token", c: "the link" }
// What each of the four must have:
//   parts              the elements that it draws into
//   take(header, take) takes new data; applyState(state): what is selected in it
//   draw(width)        lays it out and paints it; repaint(): paints what a state may change
//   selectionChanged() another token was selected in it
//   height(width), paint(context, width)   for files: how high it is, and the picture
//   value(...), placeOf(...)   the number behind a cell, and its middle in pixels of the window
//   keyTable(), table()   its keys, and its numbers for those who do not see it
// and may have: tools(tool), switches(), key(), numbers(), leave().
const VIEWS = { matrix: MatrixView, heads: HeadsView, model: ModelView, qk: ProductsView }

export class AttentionView extends View {
  constructor(root) {
    super(root)
    // Asked while there is nothing to be laid out.
    this.width = root.clientWidth
    this.body = element("div", "body")
    this.tools = element("div", "tools")
    this.captionLine = element("p", "caption")
    this.reader = element("div", "unseen reader")
    this.keysLine = element("p", "caption")
    this.keysLine.hidden = true
    const [tip, spoken] = [this.part("tip"), this.part("unseen")]
    root.replaceChildren(this.body, this.tools, this.keysLine, this.captionLine, tip, spoken, this.reader)
    root.onkeydown = (event) => isTyping(event) || press(this.keyTable(), event)
    this.onResize(root, () => {
      if (this.view && Math.abs(root.clientWidth - this.drawnWidth) > 1) this.draw()
    })
    this.onLeave(() => {
      clearTimeout(this.writing)
      this.view?.leave?.()
    })
    this.offer({
      value: (...at) => this.view.value(...at),
      place: (...at) => this.view.placeOf(...at),
      header: () => this.header,
      numbers: () => this.view.numbers?.(),
      svg: () => this.svg(),
    })
  }

  receive(header, take) {
    this.header = header
    this.keys = header.keys ?? header.queries
    this.isSelf = !header.keys
    this.measure()
    if (!(this.view instanceof VIEWS[header.view])) {
      // Whoever goes from view to view by keys goes on by keys.
      this.isHeld = this.view && this.body.contains(this.root.getRootNode().activeElement)
      this.view?.leave?.()
      this.view = new VIEWS[header.view](this)
      this.body.replaceChildren(...this.view.parts)
    }
    this.view.take(header, take)
    this.isDrawn = false
    this.followState(header.key, header.of, (state) => this.applyState(state))
  }

  applyState(state) {
    this.selected = state.selected
    this.pinned = state.pinned ?? null
    this.shown = state.layer === undefined ? this.header : state
    const { layer, head } = this.shown
    if (layer === this.wanted?.layer && head === this.wanted?.head) this.wanted = null
    this.view.applyState(state)
    if (!this.isDrawn) this.draw()
    else {
      this.view.repaint()
      this.drawTools()
    }
    writeExplained(this.captionLine, this.header.caption + (state.note ? ` ${state.note}` : ""))
    const view = this.view
    clearTimeout(this.writing)
    this.writing = setTimeout(() => view === this.view && this.reader.replaceChildren(...view.table()), 60)
  }

  /** How large things are beside a laptop's: with the window (page.css), and on a projector (projector.css). */
  measure() {
    this.rem = rem()
    this.letter = Math.round(LABEL_FONT * this.rem)
    const style = getComputedStyle(this.root)
    this.font = `${this.letter}px ${style.fontFamily}`
    // The part of the window's height that a small map fills where it stands alone.
    this.alone = Number(style.getPropertyValue("--headlight-alone"))
  }

  draw() {
    this.measure()
    this.drawnWidth = this.width || this.root.clientWidth
    this.width = 0
    if (!this.drawnWidth) return
    this.view.draw(this.drawnWidth)
    this.isDrawn = true
    this.drawTools()
    this.ready({ map: this.header.map, view: this.header.view })
    if (this.isHeld) this.view.over.focus({ preventScroll: true })
    this.isHeld = false
  }

  unpoint() {
    super.unpoint()
    // What has come and is not laid out yet has no places.
    if (this.isDrawn) this.view.unpoint()
  }

  /** Another query is looked at, and with it a key that is pinned, or none. */
  select(token, pinned = null) {
    if (token === this.selected && pinned === this.pinned) return
    Object.assign(this, { selected: token, pinned })
    this.view.selectionChanged()
    this.pointer.again()
    this.tell("token", [token, pinned ?? -1])
    this.drawTools()
  }

  // What can be done with the picture

  drawTools() {
    const { header, view } = this
    const tool = (label, title, act) => {
      const button = element("button", "", label)
      button.title = title
      button.onclick = act
      return button
    }
    const tools = view.tools?.(tool) ?? []
    const ways = this.ways()
    if (ways.length) tools.push(element("span", "quiet", "Switch off:"))
    for (const [label, key, what] of ways)
      tools.push(tool(label, `Switch it off, or on again (key ${key})`, () => this.tell("switch", what)))
    tools.push(element("span", "space"))
    if (header.canSwitch || header.isAlone) tools.push(tool("Keys", "What the keys do", () => this.showKeys()))
    tools.push(tool("PNG", "The picture as a PNG file", () => this.png()))
    tools.push(tool("SVG", "The picture as an SVG file", () => download(`${this.fileName()}.svg`, this.svgBlob())))
    this.tools.replaceChildren(...tools)
    this.writeKeys()
  }

  showKeys() {
    this.keysLine.hidden = !this.keysLine.hidden
    this.writeKeys()
  }

  writeKeys() {
    const { header, keysLine } = this
    if (keysLine.hidden) return
    const anywhere = header.isAlone ? "" : " Anywhere on the page: P projector and back, H hides or shows results."
    keysLine.textContent = `In the picture: ${keyList([...this.view.keyTable(), ...this.keyTable()])}.${anywhere}`
  }

  fileName() {
    return `headlight-${this.header.model}-${this.header.map}-${this.header.view}`
  }

  /** The picture on `context`, on its ground and with its caption; returns the height it took. */
  paintWhole(context, width) {
    const height = this.view.height(width)
    context.font = this.font
    const lines = wrapped(context, this.captionLine.textContent, width - 16)
    const line = this.letter + 5
    context.fillStyle = this.colours.ground
    context.fillRect(0, 0, width, height + line * (lines.length + 2) + 6)
    this.view.paint(context, width)
    context.font = this.font
    context.fillStyle = this.colours.quiet
    context.textAlign = "left"
    context.textBaseline = "middle"
    lines.forEach((line, number) => context.fillText(line, 8, height + line * (number + 1)))
    const below = height + line * (lines.length + 1) + 2
    let x = 8
    for (const [colour, text] of this.view.key?.() ?? []) {
      if (colour) {
        context.fillStyle = colour
        context.fillRect(x, below - 6 + 8, 10, 10)
        x += 15
      }
      context.fillStyle = this.colours.quiet
      context.fillText(text, x, below + 8)
      x += context.measureText(text).width + 18
    }
    return below + 20
  }

  svg() {
    const width = this.drawnWidth
    const measure = element("canvas").getContext("2d")
    const trial = new SvgContext(width, 0, measure)
    trial.hatch = this.colours.hatch
    const picture = new SvgContext(width, this.paintWhole(trial, width), measure)
    picture.hatch = this.colours.hatch
    this.paintWhole(picture, width)
    return picture.text()
  }

  svgBlob() {
    return new Blob([this.svg()], { type: "image/svg+xml" })
  }

  png() {
    const width = this.drawnWidth
    const canvas = element("canvas")
    const high = this.paintWhole(canvasContext(canvas, width, 10, 1), width)
    this.paintWhole(canvasContext(canvas, width, high, 2), width)
    canvas.toBlob((blob) => download(`${this.fileName()}.png`, blob))
  }

  // Keys that all views have

  keyTable() {
    const table = [
      { name: "[ ]", says: "layer", keys: { "[": -1, "]": 1 }, act: (by) => this.step(by, 0) },
      { name: "{ }", says: "head", keys: { "{": -1, "}": 1 }, act: (by) => this.step(0, by) },
      { name: "1 2 3 4", says: "view", keys: VIEW_KEYS, act: (view) => this.tell("view", view) },
    ]
    const ways = this.ways()
    if (!ways.length) return table
    const keys = Object.fromEntries(ways.map(([, key, what]) => [key, what]))
    const says = `switch ${ways.map(([, key]) => SWITCHED[key]).join(", ")} off or on`
    return [...table, { name: Object.keys(keys).join(" "), says, keys, act: (what) => this.tell("switch", what) }]
  }

  /** What can be switched off now: what it is called, its key, and how the server is told. */
  ways() {
    return (this.header.canSwitch && this.view.switches?.()) || []
  }

  /** Another layer or head; what was pressed before the picture came counts as well. */
  step(layers, heads) {
    const now = performance.now()
    const { layer, head } = this.shown
    if (!this.wanted || now - this.wanted.at > 3000) this.wanted = { layer: layer ?? 0, head: head ?? 0 }
    this.wanted = {
      layer: Math.max(0, this.wanted.layer + layers),
      head: Math.max(0, Math.min(this.wanted.head + heads, this.header.heads - 1)),
      at: now,
    }
    this.tell("step", [this.wanted.layer, this.wanted.head])
  }

  /** The names of what the selected token's head, the token and the link to `key` are called when switched off. */
  switchable(key) {
    const { kind, layer, head } = this.header
    const ways = []
    const isOff = (what) => this.header.offHeads?.includes(what)
    const tokenIsOff = (place) => (this.header.offTokens.includes(place) ? " (off)" : "")
    if (layer !== null && layer !== undefined && head !== null)
      ways.push([`head L${layer} H${head}${isOff(`${layer}-${head}`) ? " (off)" : ""}`, "x", `head:${kind}-${layer}-${head}`])
    const token = key ?? (this.isSelf ? this.selected : null)
    if (token !== null && this.keys[token] !== undefined) {
      const what = this.header.keysAreTarget ? "target" : "token"
      // Beside the row that looks at it, whose token may be meant as well.
      const role = key === null ? "" : ", looked at"
      ways.push([`token “${this.brief(this.keys[token])}”${role}${tokenIsOff(token)}`, "t", `${what}:${token}`])
    }
    if (key !== null && layer !== null && layer !== undefined && head !== null) {
      const link = `${this.brief(this.header.queries[this.selected])} → ${this.brief(this.keys[key])}`
      ways.push([`link ${link}`, "c", `link:${kind}-${layer}-${head}-${this.selected}-${key}`])
    }
    return ways
  }

  brief(text) {
    return [...text].length > 12 ? `${[...text].slice(0, 11).join("")}…` : text
  }
}

export default mount(".attention-view", AttentionView)
