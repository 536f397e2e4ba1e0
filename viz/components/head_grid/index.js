// Every head of every layer as a thumbnail: hover names it, a click or Enter opens it.

const LARGEST_THUMBNAIL = 72
const SMALLEST_THUMBNAIL = 26
const GAP = 4
const MARGIN = 30
const grids = new WeakMap()

export default function (component) {
  const { data, parentElement, setTriggerValue } = component
  const root = parentElement.querySelector(".head-grid")
  let grid = grids.get(root)
  if (!grid) {
    grid = new HeadGrid(root)
    grids.set(root, grid)
  }
  grid.open = (layer, head) => setTriggerValue("head", [layer, head])
  grid.show(data)
  return () => {
    grid.resizes.disconnect()
    grids.delete(root)
  }
}

class HeadGrid {
  constructor(root) {
    this.root = root
    this.stage = element("div", "stage")
    this.base = element("canvas")
    this.over = element("canvas", "over")
    this.over.tabIndex = 0
    this.over.setAttribute("role", "application")
    this.stage.append(this.base, this.over)
    this.tip = element("div", "tip")
    this.tip.hidden = true
    this.spoken = element("div", "unseen")
    this.spoken.setAttribute("aria-live", "polite")
    this.captionLine = element("p", "caption")
    root.replaceChildren(this.stage, this.captionLine, this.tip, this.spoken)
    this.over.onpointermove = (event) => this.point(this.placeAt(event))
    this.over.onpointerleave = () => this.point(null)
    this.over.onclick = (event) => this.openAt(this.placeAt(event))
    this.over.onfocus = () => this.point(this.pointed ?? this.chosen ?? { row: 0, head: 0 })
    this.over.onblur = () => this.point(null)
    this.over.onkeydown = (event) => this.onKey(event)
    this.resizes = new ResizeObserver(() => {
      if (this.layers && Math.abs(root.clientWidth - this.drawnWidth) > 1) this.draw()
    })
    this.resizes.observe(root)
    root.headlight = {
      value: (layer, head, row, column) => this.value(layer, head, row, column),
      place: (layer, head) => this.placeOf(this.layers.indexOf(layer), head),
    }
  }

  show(bytes) {
    const { header, take } = unpack(bytes)
    Object.assign(this, header)
    this.size = header.rows * header.columns
    this.pixels = take(this.layers.length * this.heads * this.size)
    this.colours = themePalette(this.root, header.palette)
    this.ramp = amountColours(this.colours)
    const row = this.layers.indexOf(header.layer)
    this.chosen = row >= 0 && header.head !== null ? { row, head: header.head } : null
    this.draw()
  }

  /** The weight behind a thumbnail's cell (the largest of its block), within 1/255 of its square root. */
  value(layer, head, row, column) {
    const at = (this.layers.indexOf(layer) * this.heads + head) * this.size + row * this.columns + column
    return (this.pixels[at] / 255) ** 2
  }

  draw() {
    const width = (this.drawnWidth = this.root.clientWidth)
    if (!width) return
    const room = Math.floor((width - MARGIN) / this.heads) - GAP
    this.side = Math.max(SMALLEST_THUMBNAIL, Math.min(LARGEST_THUMBNAIL, room))
    this.step = this.side + GAP
    const full = [MARGIN + this.step * this.heads, 20 + this.step * this.layers.length]
    const context = sharpContext(this.base, ...full)
    this.context = sharpContext(this.over, ...full)
    this.stage.style.height = `${full[1]}px`
    context.font = `11px ${getComputedStyle(this.root).fontFamily}`
    context.fillStyle = this.colours.quiet
    context.textAlign = "center"
    for (let head = 0; head < this.heads; head++) context.fillText(`H${head}`, MARGIN + this.step * head + this.side / 2, 12)
    context.textAlign = "right"
    context.textBaseline = "middle"
    this.layers.forEach((layer, row) => context.fillText(`L${layer}`, MARGIN - 6, 20 + this.step * row + this.side / 2))
    context.imageSmoothingEnabled = this.columns > this.side
    const small = new OffscreenCanvas(this.columns, this.rows)
    const drawing = small.getContext("2d")
    const image = new ImageData(this.columns, this.rows)
    const lut = new Uint32Array(this.ramp.map(([r, g, b]) => ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0))
    const words = new Uint32Array(image.data.buffer)
    for (let row = 0; row < this.layers.length; row++) {
      for (let head = 0; head < this.heads; head++) {
        const from = (row * this.heads + head) * this.size
        for (let at = 0; at < this.size; at++) words[at] = lut[this.pixels[from + at]]
        drawing.putImageData(image, 0, 0)
        context.drawImage(small, MARGIN + this.step * head, 20 + this.step * row, this.side, this.side)
      }
    }
    this.drawOver()
    this.captionLine.textContent = this.caption
    this.over.setAttribute("aria-label", `${this.layers.length} layers of ${this.heads} heads. Arrow keys move, Enter opens.`)
    this.root.dataset.map = this.map
    this.root.dataset.ready = "true"
  }

  drawOver() {
    const context = this.context
    context.clearRect(0, 0, this.over.width, this.over.height)
    const frame = (place, colour, line) => {
      if (!place) return
      context.strokeStyle = colour
      context.lineWidth = line
      context.strokeRect(MARGIN + this.step * place.head - 1.5, 20 + this.step * place.row - 1.5, this.side + 3, this.side + 3)
    }
    frame(this.chosen, this.colours.accent, 3)
    frame(this.pointed, this.colours.ink, 2)
  }

  /** The middle of a thumbnail, in pixels of the window. */
  placeOf(row, head) {
    const box = this.over.getBoundingClientRect()
    return {
      x: box.left + MARGIN + this.step * head + this.side / 2,
      y: box.top + 20 + this.step * row + this.side / 2,
    }
  }

  placeAt(event) {
    const box = this.over.getBoundingClientRect()
    const head = Math.floor((event.clientX - box.left - MARGIN + GAP / 2) / this.step)
    const row = Math.floor((event.clientY - box.top - 20 + GAP / 2) / this.step)
    return head >= 0 && head < this.heads && row >= 0 && row < this.layers.length ? { row, head } : null
  }

  point(place) {
    this.pointed = place
    this.drawOver()
    this.tip.hidden = !place
    if (!place) return
    this.tip.textContent = this.spoken.textContent = `L${this.layers[place.row]} H${place.head}`
    const x = MARGIN + this.step * place.head
    this.tip.style.left = `${Math.min(x, this.root.clientWidth - this.tip.offsetWidth)}px`
    this.tip.style.top = `${20 + this.step * (place.row + 1) + 2}px`
  }

  openAt(place) {
    if (place) this.open(this.layers[place.row], place.head)
  }

  onKey(event) {
    const step = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] }[event.key]
    const now = this.pointed ?? this.chosen ?? { row: 0, head: 0 }
    if (step) {
      const row = Math.max(0, Math.min(this.layers.length - 1, now.row + step[0]))
      const head = Math.max(0, Math.min(this.heads - 1, now.head + step[1]))
      this.point({ row, head })
    } else if (event.key === "Enter" || event.key === " ") this.openAt(now)
    else return
    event.preventDefault()
  }
}
