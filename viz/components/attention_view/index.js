// The shell of the four views: what arrives, what is selected, keys, tools, files. Each view draws itself.

const LABEL_FONT = 12
const LONGEST_LABEL = 110

export default mounted(
  ".attention-view",
  (root) => new AttentionView(root),
  (shell, { setTriggerValue }) => (shell.tell = setTriggerValue)
)

class AttentionView {
  constructor(root) {
    this.root = root
    // Asked while there is nothing to be laid out.
    this.width = root.clientWidth
    this.body = element("div", "body")
    this.tools = element("div", "tools")
    this.captionLine = element("p", "caption")
    this.tip = element("div", "tip")
    this.tip.hidden = true
    this.spoken = element("div", "unseen")
    this.spoken.setAttribute("aria-live", "polite")
    this.reader = element("div", "unseen reader")
    this.keysLine = element("p", "caption")
    this.keysLine.hidden = true
    root.replaceChildren(this.body, this.tools, this.keysLine, this.captionLine, this.tip, this.spoken, this.reader)
    root.onkeydown = (event) => this.onKey(event)
    this.resizes = new ResizeObserver(() => {
      if (this.view && Math.abs(root.clientWidth - this.drawnWidth) > 1) this.draw()
    })
    this.resizes.observe(root)
    // Tests and curious people read the numbers behind the picture here.
    root.headlight = {
      value: (...at) => this.view.value(...at),
      place: (...at) => this.view.placeOf(...at),
      header: () => this.header,
      numbers: () => this.view.numbers?.(),
      svg: () => this.svg(),
    }
  }

  leave() {
    this.resizes.disconnect()
    if (this.states?.arrived === this.onState) this.states.arrived = null
  }

  show(bytes) {
    const { header, take } = unpack(bytes)
    this.header = header
    this.keys = header.keys ?? header.queries
    this.isSelf = !header.keys
    this.colours = themePalette(this.root, header.palette)
    this.ramp = amountColours(this.colours)
    this.font = `${header.isLarge ? 17 : LABEL_FONT}px ${getComputedStyle(this.root).fontFamily}`
    this.root.classList.toggle("large", header.isLarge)
    if (this.view?.name !== header.view) {
      const kinds = { matrix: MatrixView, heads: HeadsView, model: ModelView, qk: ProductsView }
      // Whoever goes from view to view by keys goes on by keys.
      this.isHeld = this.view && this.body.contains(this.root.getRootNode().activeElement)
      this.view = new kinds[header.view](this)
      this.body.replaceChildren(...this.view.parts)
    }
    this.view.take(header, take)
    // What is selected comes apart from the picture, before it or after it.
    const states = (globalThis.headlightStates ??= new Map())
    if (!states.has(header.key)) states.set(header.key, {})
    this.states = states.get(header.key)
    this.onState = () => this.heed()
    this.states.arrived = this.onState
    this.isDrawn = false
    this.heed()
  }

  heed() {
    const { state } = this.states
    if (state?.of !== this.header.of) return
    this.selected = state.selected
    this.state = state
    const { layer, head } = state.layer === undefined ? this.header : state
    if (layer === this.wanted?.layer && head === this.wanted?.head) this.wanted = null
    this.view.heed(state)
    if (this.isDrawn) this.view.repaint()
    else this.draw()
    this.captionLine.textContent = this.header.caption + (state.note ? ` ${state.note}` : "")
    const view = this.view
    clearTimeout(this.writing)
    this.writing = setTimeout(() => view === this.view && this.reader.replaceChildren(...view.table()), 60)
  }

  draw() {
    this.drawnWidth = this.width || this.root.clientWidth
    this.width = 0
    if (!this.drawnWidth) return
    this.view.draw(this.drawnWidth)
    this.isDrawn = true
    this.drawTools()
    this.root.dataset.map = this.header.map
    this.root.dataset.view = this.header.view
    this.root.dataset.ready = "true"
    if (this.isHeld) this.view.over.focus({ preventScroll: true })
    this.isHeld = false
  }

  select(token) {
    if (token === this.selected) return
    this.selected = token
    this.view.selectionChanged()
    this.tell("token", token)
    this.drawTools()
  }

  // What can be done with the picture

  drawTools() {
    const { header, view } = this
    const tool = (label, title, act) => {
      const button = element("button", "", label)
      button.type = "button"
      button.title = title
      button.onclick = act
      return button
    }
    const tools = view.tools?.(tool) ?? []
    if (header.canSwitch && view.switches) {
      const ways = view.switches()
      if (ways.length) tools.push(element("span", "quiet", "Switch off:"))
      for (const [label, key, what] of ways)
        tools.push(tool(label, `Switch it off, or on again (key ${key})`, () => this.tell("switch", what)))
    }
    tools.push(element("span", "space"))
    if (header.canSwitch) tools.push(tool("Keys", "What the keys do", () => this.showKeys()))
    tools.push(tool("PNG", "The picture as a PNG file", () => this.png()))
    tools.push(tool("SVG", "The picture as an SVG file", () => download(`${this.fileName()}.svg`, this.svgBlob())))
    this.tools.replaceChildren(...tools)
  }

  showKeys() {
    this.keysLine.hidden = !this.keysLine.hidden
    this.keysLine.textContent =
      "In the picture: arrows move, Enter chooses, Esc lets go; [ ] layer, { } head, 1 2 3 4 view; " +
      "x t c switch the head, the token, the link off; + − enlarge, 0 the whole."
  }

  fileName() {
    return `headlight-${this.header.model}-${this.header.map}-${this.header.view}`
  }

  /** The picture on `context`, on its ground and with its caption; returns the height it took. */
  paintWhole(context, width) {
    const height = this.view.height(width)
    const lines = this.wrapped(context, this.captionLine.textContent, width - 16)
    context.fillStyle = this.colours.ground
    context.fillRect(0, 0, width, height + 40 + 17 * lines.length)
    this.view.paint(context, width)
    context.font = this.font
    context.fillStyle = this.colours.quiet
    context.textAlign = "left"
    context.textBaseline = "middle"
    lines.forEach((line, number) => context.fillText(line, 8, height + 18 + 17 * number))
    const below = height + 20 + 17 * lines.length
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

  wrapped(context, text, width) {
    context.font = this.font
    const lines = [""]
    for (const word of text.split(" ")) {
      const longer = lines.at(-1) ? `${lines.at(-1)} ${word}` : word
      if (context.measureText(longer).width > width && lines.at(-1)) lines.push(word)
      else lines[lines.length - 1] = longer
    }
    return lines
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

  onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches?.("input, textarea, select")) return
    const steps = { "[": [-1, 0], "]": [1, 0], "{": [0, -1], "}": [0, 1] }
    const views = { 1: "matrix", 2: "heads", 3: "model", 4: "qk" }
    const way = this.header.canSwitch && this.view.switches?.().find(([, key]) => key === event.key)
    if (steps[event.key]) this.step(...steps[event.key])
    else if (views[event.key]) this.tell("view", views[event.key])
    else if (way) this.tell("switch", way[2])
    else return
    event.preventDefault()
    event.stopPropagation()
  }

  /** Another layer or head; what was pressed before the picture came counts as well. */
  step(layers, heads) {
    const now = performance.now()
    const { layer, head } = this.state.layer === undefined ? this.header : this.state
    if (!this.wanted || now - this.wanted.at > 3000) this.wanted = { layer: layer ?? 0, head: head ?? 0 }
    this.wanted = {
      layer: Math.max(0, this.wanted.layer + layers),
      head: Math.max(0, Math.min(this.wanted.head + heads, this.header.heads - 1)),
      at: now,
    }
    this.tell("step", [this.wanted.layer, this.wanted.head])
  }

  /** Fade the side on which a picture goes on that is wider than its place. */
  tellOfMore(place, wide) {
    const fade = () => place.classList.toggle("goes-on", place.scrollLeft + place.clientWidth < wide - 2)
    place.onscroll = fade
    fade()
  }

  say(text, x, y) {
    this.tip.hidden = text === null
    if (text === null) return
    this.tip.textContent = this.spoken.textContent = text
    this.tip.style.left = `${Math.max(0, Math.min(x, this.root.clientWidth - this.tip.offsetWidth))}px`
    this.tip.style.top = `${y}px`
  }

  shortened(context, text, longest = LONGEST_LABEL) {
    if (context.measureText(text).width <= longest) return text
    let characters = [...text].slice(0, 200)
    while (characters.length > 1 && context.measureText(`${characters.join("")}…`).width > longest) characters.pop()
    return `${characters.join("")}…`
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
      ways.push([`token “${this.brief(this.keys[token])}”${tokenIsOff(token)}`, "t", `${what}:${token}`])
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

function canvasContext(canvas, width, height, ratio) {
  canvas.width = Math.round(width * ratio)
  canvas.height = Math.round(height * ratio)
  const context = canvas.getContext("2d")
  context.setTransform(ratio, 0, 0, ratio, 0, 0)
  context.clipTo = (x, y, wide, high) => {
    context.beginPath()
    context.rect(x, y, wide, high)
    context.clip()
  }
  return context
}

/** A canvas on the screen, sharp, that can also clip. */
function screenContext(canvas, width, height) {
  const context = canvasContext(canvas, width, height, window.devicePixelRatio || 1)
  canvas.style.width = `${width}px`
  canvas.style.height = `${height}px`
  return context
}

/** A small opaque or clear picture with one pixel per cell; `colour(at)` gives a packed pixel, 0 for nothing. */
function cellImage(rows, columns, colour) {
  const canvas = element("canvas")
  canvas.width = columns
  canvas.height = rows
  const words = new Uint32Array(rows * columns)
  for (let at = 0; at < words.length; at++) words[at] = colour(at)
  canvas.getContext("2d").putImageData(new ImageData(new Uint8ClampedArray(words.buffer), columns, rows), 0, 0)
  return canvas
}

const pixel = ([r, g, b]) => ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0

/** 256 colours from the most that is missing, over nothing, to the most that is new. */
function differenceColours(palette) {
  return amountColours({ amount: palette.difference })
}

function tableOf(caption, heads, rows) {
  const table = element("table")
  table.append(element("caption", "", caption))
  const line = (cells, tag) => {
    const row = element("tr")
    row.append(...cells.map((text, place) => element(place && tag === "td" ? "td" : "th", "", text)))
    return row
  }
  table.append(line(heads, "th"), ...rows.map((cells) => line(cells, "td")))
  return table
}

function hatchPattern(context, colours) {
  const tile = new OffscreenCanvas(6, 6)
  const drawing = tile.getContext("2d")
  drawing.fillStyle = colours.ground
  drawing.fillRect(0, 0, 6, 6)
  drawing.strokeStyle = colours.hatch
  drawing.lineWidth = 1
  for (const shift of [-6, 0, 6]) {
    drawing.moveTo(shift, 6)
    drawing.lineTo(shift + 6, 0)
  }
  drawing.stroke()
  return context.createPattern ? context.createPattern(tile, "repeat") : colours.hatch
}
