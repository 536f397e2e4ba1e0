// One head: a strip over the sentence for the selected query, and the whole map below it.

const LABEL_FONT = 12
const LONGEST_LABEL = 110
const LARGEST_CELL = 36
const SMALL_MAP_HEIGHT = 370
const SMALL_MAP_TOKENS = 32
const views = new WeakMap()

export default function (component) {
  const { data, parentElement, setTriggerValue } = component
  const root = parentElement.querySelector(".attention-map")
  let view = views.get(root)
  if (!view) {
    view = new AttentionMap(root)
    views.set(root, view)
  }
  view.choose = (token) => setTriggerValue("token", token)
  view.show(data)
  return () => {
    view.resizes.disconnect()
    views.delete(root)
  }
}

class AttentionMap {
  constructor(root) {
    this.root = root
    this.strip = new Strip(this)
    this.legend = element("div", "legend")
    this.stage = element("div", "stage")
    this.base = element("canvas", "base")
    this.over = element("canvas", "over")
    this.over.tabIndex = 0
    this.over.setAttribute("role", "img")
    this.tip = element("div", "tip")
    this.tip.hidden = true
    this.spoken = element("div", "unseen")
    this.spoken.setAttribute("aria-live", "polite")
    this.captionLine = element("p", "caption")
    this.stage.append(this.base, this.over)
    root.replaceChildren(this.strip.root, this.stage, this.legend, this.captionLine, this.tip, this.spoken)
    this.over.onpointermove = (event) => this.hover(this.cellAt(event), event)
    this.over.onpointerleave = () => this.hover(null)
    this.over.onclick = (event) => {
      const cell = this.cellAt(event)
      if (cell) this.select(this.firstOf(cell.row, this.rows, this.queries.length))
    }
    this.over.onkeydown = (event) => this.onMapKey(event)
    this.resizes = new ResizeObserver(() => {
      if (this.bytes && Math.abs(root.clientWidth - this.drawnWidth) > 1) this.draw()
    })
    this.resizes.observe(root)
    // Tests and curious people read the numbers behind the picture here.
    root.headlight = {
      value: (query, key) => this.value(query, key),
      place: (query, key) => this.placeOf(this.cellOf(query, key)),
    }
  }

  show(bytes) {
    this.bytes = bytes
    const { header, take } = unpack(bytes)
    Object.assign(this, header)
    this.keys = header.keys ?? header.queries
    this.isSelf = !header.keys
    this.cells = float16Array(take(2 * header.rows * header.columns), header.rows * header.columns)
    this.row = float16Array(take(2 * this.keys.length), this.keys.length)
    this.rowOf = header.selected
    this.colours = themePalette(this.root, header.palette)
    this.ramp = amountColours(this.colours)
    this.cursor = null
    this.strip.root.hidden = !header.hasStrip
    this.strip.build()
    this.draw()
  }

  get isPooled() {
    return this.rows < this.queries.length || this.columns < this.keys.length
  }

  /** The weight from a query to a key: 0 where it cannot look; null where only a pooled cell was sent. */
  value(query, key) {
    const weight = this.weight(query, key)
    return Number.isNaN(weight) ? 0 : weight
  }

  weight(query, key) {
    if (query === this.rowOf) return this.row[key]
    return this.isPooled ? null : this.cells[query * this.columns + key]
  }

  blockOf(token, blocks, tokens) {
    return Math.min(blocks - 1, Math.floor(((token + 1) * blocks - 1) / tokens))
  }

  firstOf(block, blocks, tokens) {
    return Math.floor((block * tokens) / blocks)
  }

  /** The step of the ramp for a weight, linear from 0 to the map's largest. */
  step(weight) {
    return Math.round(255 * Math.min(1, this.most > 0 ? weight / this.most : 0))
  }

  select(token) {
    if (token === this.selected) return
    this.selected = token
    if (!this.isPooled) {
      this.rowOf = token
      this.row = this.cells.subarray(token * this.columns, (token + 1) * this.columns)
    }
    this.strip.paint()
    this.drawOver()
    this.choose(token)
  }

  // The map

  draw() {
    const width = (this.drawnWidth = this.root.clientWidth)
    if (!width) return
    this.tokens = Math.max(this.queries.length, this.keys.length)
    const measure = this.base.getContext("2d")
    measure.font = `${LABEL_FONT}px ${getComputedStyle(this.root).fontFamily}`
    this.font = measure.font
    const longest = (texts) =>
      Math.min(LONGEST_LABEL, Math.max(...texts.slice(0, 400).map((text) => measure.measureText(text).width)))
    this.left = longest(this.queries) + 10
    this.top = longest(this.keys) * 0.87 + 14
    const right = longest(this.keys) * 0.5 + 4
    const height = this.tokens <= SMALL_MAP_TOKENS ? SMALL_MAP_HEIGHT - this.top : Infinity
    this.cell = Math.min((width - this.left - right) / this.columns, height / this.rows, LARGEST_CELL)
    const full = [Math.min(width, this.left + this.cell * this.columns + right), this.top + this.cell * this.rows + 2]
    this.context = sharpContext(this.over, ...full)
    const context = sharpContext(this.base, ...full)
    this.stage.style.height = `${full[1]}px`
    this.drawCells(context)
    this.drawLabels(context)
    this.drawOver()
    this.drawLegend()
    this.captionLine.textContent = this.caption
    this.over.setAttribute(
      "aria-label",
      `Map of ${this.name}: ${this.queries.length} queries in rows, ${this.keys.length} keys in columns. ` +
        "Arrow keys move, Enter selects the row.",
    )
    this.root.dataset.map = this.map
    this.root.dataset.ready = "true"
  }

  drawCells(context) {
    const words = new Uint32Array(this.rows * this.columns)
    const colours = this.ramp.map(([r, g, b]) => ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0)
    const unseen = new Path2D()
    this.hasUnseen = false
    for (let row = 0; row < this.rows; row++) {
      // One rectangle for each run of unseen cells: a future has half a map of them.
      let from = -1
      for (let column = 0; column <= this.columns; column++) {
        const at = row * this.columns + column
        const hidden = column < this.columns && Number.isNaN(this.cells[at])
        if (hidden && from < 0) from = column
        if (!hidden && from >= 0) {
          unseen.rect(this.left + from * this.cell, this.top + row * this.cell, (column - from) * this.cell, this.cell)
          this.hasUnseen = true
          from = -1
        }
        if (!hidden && column < this.columns) words[at] = colours[this.step(this.cells[at])]
      }
    }
    const small = new OffscreenCanvas(this.columns, this.rows)
    const pixels = new ImageData(new Uint8ClampedArray(words.buffer), this.columns, this.rows)
    small.getContext("2d").putImageData(pixels, 0, 0)
    const size = [this.cell * this.columns, this.cell * this.rows]
    context.fillStyle = hatchPattern(context, this.colours)
    context.fill(unseen)
    context.imageSmoothingEnabled = false
    context.drawImage(small, this.left, this.top, ...size)
    context.strokeStyle = this.colours.hatch
    context.strokeRect(this.left - 0.5, this.top - 0.5, size[0] + 1, size[1] + 1)
  }

  drawLabels(context) {
    this.every = Math.max(1, Math.ceil((LABEL_FONT + 1) / this.cell))
    for (let row = 0; row < this.rows; row += this.every) this.rowLabel(context, row, this.colours.ink)
    for (let column = 0; column < this.columns; column += this.every) this.columnLabel(context, column, this.colours.ink)
  }

  rowLabel(context, row, colour, weight = "") {
    context.font = `${weight} ${this.font}`
    context.fillStyle = colour
    context.textAlign = "right"
    context.textBaseline = "middle"
    const text = this.shortened(context, this.queries[this.firstOf(row, this.rows, this.queries.length)])
    context.fillText(text, this.left - 6, this.top + (row + 0.5) * this.cell)
  }

  columnLabel(context, column, colour, weight = "") {
    context.save()
    context.translate(this.left + (column + 0.5) * this.cell, this.top - 6)
    context.rotate(-Math.PI / 3)
    context.font = `${weight} ${this.font}`
    context.fillStyle = colour
    context.textAlign = "left"
    context.textBaseline = "middle"
    context.fillText(this.shortened(context, this.keys[this.firstOf(column, this.columns, this.keys.length)]), 0, 0)
    context.restore()
  }

  shortened(context, text) {
    if (context.measureText(text).width <= LONGEST_LABEL) return text
    let characters = [...text]
    while (characters.length > 1 && context.measureText(`${characters.join("")}…`).width > LONGEST_LABEL)
      characters = characters.slice(0, -1)
    return `${characters.join("")}…`
  }

  /** Everything that changes with the pointer lies on a canvas of its own. */
  drawOver() {
    const context = this.context
    const [width, height] = [this.cell * this.columns, this.cell * this.rows]
    context.clearRect(0, 0, this.over.width, this.over.height)
    const band = (row, colour, line) => {
      context.strokeStyle = colour
      context.lineWidth = line
      context.strokeRect(this.left, this.top + row * this.cell, width, this.cell)
    }
    if (this.cursor) {
      const { row, column } = this.cursor
      context.globalAlpha = 0.55
      context.fillStyle = this.colours.ground
      const [x, y] = [this.left + column * this.cell, this.top + row * this.cell]
      context.fillRect(this.left, this.top, x - this.left, y - this.top)
      context.fillRect(x + this.cell, this.top, this.left + width - x - this.cell, y - this.top)
      context.fillRect(this.left, y + this.cell, x - this.left, this.top + height - y - this.cell)
      context.fillRect(x + this.cell, y + this.cell, this.left + width - x - this.cell, this.top + height - y - this.cell)
      context.globalAlpha = 1
      context.lineWidth = 1.5
      context.strokeStyle = this.colours.ink
      context.strokeRect(x, y, this.cell, this.cell)
    }
    const chosen = this.blockOf(this.selected, this.rows, this.queries.length)
    band(chosen, this.colours.accent, 2)
    this.rowLabel(context, chosen, this.colours.accent, "bold")
  }

  drawLegend() {
    const bar = element("canvas")
    const context = sharpContext(bar, 96, 10)
    this.ramp.forEach((colour, step) => {
      context.fillStyle = `rgb(${colour})`
      context.fillRect((step * 96) / 256, 0, 1, 10)
    })
    this.legend.replaceChildren(element("span", "", "weight 0"), bar, element("span", "", weightText(this.most)))
    if (this.hasUnseen) {
      const sample = element("canvas")
      const drawing = sharpContext(sample, 18, 10)
      drawing.fillStyle = hatchPattern(drawing, this.colours)
      drawing.fillRect(0, 0, 18, 10)
      this.legend.append(sample, element("span", "", this.unseenMeans))
    }
  }

  // Pointer and keys

  cellAt(event) {
    const box = this.over.getBoundingClientRect()
    const row = Math.floor((event.clientY - box.top - this.top) / this.cell)
    const column = Math.floor((event.clientX - box.left - this.left) / this.cell)
    return row >= 0 && row < this.rows && column >= 0 && column < this.columns ? { row, column } : null
  }

  /** The middle of a cell, in pixels of the window. */
  placeOf({ row, column }) {
    const box = this.over.getBoundingClientRect()
    return { x: box.left + this.left + (column + 0.5) * this.cell, y: box.top + this.top + (row + 0.5) * this.cell }
  }

  cellOf(query, key) {
    return {
      row: this.blockOf(query, this.rows, this.queries.length),
      column: this.blockOf(key, this.columns, this.keys.length),
      query,
      key,
    }
  }

  hover(cell) {
    this.cursor = cell
    this.drawOver()
    this.tip.hidden = !cell
    const query = cell ? (cell.query ?? this.firstOf(cell.row, this.rows, this.queries.length)) : -1
    const key = cell ? (cell.key ?? this.firstOf(cell.column, this.columns, this.keys.length)) : -1
    this.strip.mark(query, key)
    if (!cell) return
    this.tip.textContent = this.spoken.textContent = this.describe(cell, query, key)
    const box = this.root.getBoundingClientRect()
    const map = this.over.getBoundingClientRect()
    const x = map.left - box.left + this.left + (cell.column + 1) * this.cell + 8
    const y = map.top - box.top + this.top + (cell.row + 1) * this.cell + 6
    this.tip.style.left = `${Math.max(0, Math.min(x, this.root.clientWidth - this.tip.offsetWidth))}px`
    this.tip.style.top = `${y}px`
  }

  describe(cell, query, key) {
    const weight = this.weight(query, key)
    const from = `${this.queries[query]} → ${this.keys[key]}`
    if (Number.isNaN(weight)) return `${from}: ${this.unseenMeans}`
    if (weight !== null && !(this.isPooled && cell.key === undefined)) return `${from}: ${weightText(weight)}`
    const most = this.cells[cell.row * this.columns + cell.column]
    return `largest weight near ${from}: ${Number.isNaN(most) ? this.unseenMeans : weightText(most)}`
  }

  onMapKey(event) {
    const step = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] }[event.key]
    const now = this.cursor ?? this.cellOf(this.selected, 0)
    if (step) {
      const clamp = (value, limit) => Math.max(0, Math.min(limit - 1, value))
      this.hover({ row: clamp(now.row + step[0], this.rows), column: clamp(now.column + step[1], this.columns) })
    } else if (event.key === "Enter") this.select(this.firstOf(now.row, this.rows, this.queries.length))
    else if (event.key === "Escape") this.hover(null)
    else return
    event.preventDefault()
  }
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
  return context.createPattern(tile, "repeat")
}
