// Points that move from layer to layer; all layers share their axes.

import { element, rem, sharpContext } from "../scaffold/elements_and_canvases.js"
import { downloadPng } from "../scaffold/downloads.js"
import { keyList, press } from "../scaffold/keys.js"
import { mount } from "../scaffold/mount.js"
import { typedArray } from "../scaffold/message_numbers.js"
import { Player, isCalm } from "../scaffold/step_player.js"
import { writeExplained } from "../scaffold/glossary_terms.js"
import { View } from "../scaffold/view.js"
import { dot } from "./dot.js"
import { labels } from "./labels.js"

const MOVES = 450

class VectorMapView extends View {
  constructor(root) {
    super(root)
    this.canvas = this.part("main")
    Object.assign(this, { yaw: 0.5, pitch: 0.35, hovered: null })
    this.player = new Player(this, {
      go: (layer, rest) => this.go(layer, rest),
      tell: (layer) => this.tell("layer", layer),
    })
    this.part("save").onclick = () => {
      const lines = ["says", "caption"].map((name) => this.part(name).textContent)
      downloadPng(`embeddings-L${this.layer}.png`, this, this.canvas, this.pixels().width, lines)
    }
    this.canvas.onpointermove = (event) => this.onMove(event)
    this.canvas.onpointerleave = () => this.unpoint()
    this.canvas.onpointercancel = () => (this.grabbed = null)
    this.canvas.onpointerdown = (event) => (this.grabbed = { x: event.clientX, y: event.clientY, yaw: this.yaw, pitch: this.pitch, far: false })
    this.canvas.onpointerup = (event) => this.onRelease(event)
    this.canvas.onkeydown = (event) => press(this.keyTable(), event)
    this.onResize(this.part("stage"), () => this.isPainted && this.draw())
    this.onLeave(() => cancelAnimationFrame(this.frame))
    this.offer({
      value: (layer, point) => [...this.at(layer, point)],
      place: (point) => this.pixelOf(point),
      points: () => this.header.points.map(([piece, text]) => ({ piece, text })),
      near: () => this.near,
    })
  }

  receive(header, take) {
    const text = JSON.stringify([header.points, header.names, header.dimensions])
    this.isNew = text !== this.text
    if (this.isNew) this.player.stop()
    Object.assign(this, { header, text })
    const count = header.names.length * header.points.length * header.dimensions
    const wide = header.most > 255
    const raw = take(count * (wide ? 2 : 1))
    this.places = wide ? typedArray(Uint16Array, raw) : raw
    this.family = getComputedStyle(this.root).fontFamily
    // The marked ones last, so that they lie on top.
    const { points } = header
    this.order = points.map((_, point) => point).sort((one, other) => points[one][2] - points[other][2])
    this.isPainted = false
    this.followState("vector_map", header.of, (state) => this.applyState(state))
  }

  applyState({ layer, point, near }) {
    const { header, isNew } = this
    const isNews = this.player.isNews(layer, isNew)
    Object.assign(this, { near, point, isNew: false })
    if (isNew || this.layer === undefined) this.layer = this.shown = layer
    else if (isNews) this.go(layer, null)
    if (this.isPainted) return this.paint()
    this.isPainted = true
    writeExplained(this.part("caption"), header.caption)
    writeExplained(this.part("means"), header.means)
    this.canvas.ariaLabel = `${header.points.length} tokens in ${header.names.length} layers: ${keyList(this.keyTable())}.`
    this.paintThumbs()
    this.paint()
  }

  /** Where a point lies in a layer, 0 to 1; between two layers while it moves. */
  at(layer, point) {
    const { dimensions, points, most } = this.header
    const { places } = this
    const low = Math.floor(layer)
    const part = layer - low
    const from = (low * points.length + point) * dimensions
    const to = part ? from + points.length * dimensions : from
    const place = []
    for (let axis = 0; axis < dimensions; axis++) place.push((places[from + axis] + part * (places[to + axis] - places[from + axis])) / most)
    return place
  }

  now(point) {
    return this.at(this.shown, point)
  }

  go(layer, rest) {
    layer = Math.max(0, Math.min(this.header.names.length - 1, layer))
    this.player.settle(layer, rest)
    const from = this.shown
    this.layer = layer
    cancelAnimationFrame(this.frame)
    const start = performance.now()
    const move = (now) => {
      const part = isCalm() ? 1 : Math.min(1, (now - start) / MOVES)
      this.shown = part === 1 ? layer : from + (layer - from) * (part * part * (3 - 2 * part))
      this.draw()
      if (part < 1) this.frame = requestAnimationFrame(move)
      else this.root.dataset.shown = layer
    }
    move(start + (isCalm() ? MOVES : 0))
    this.frame = requestAnimationFrame(move)
    this.paint()
  }

  paint() {
    const { names, notes } = this.header
    this.player.show(this.layer, names.length, names[this.layer])
    writeExplained(this.part("says"), `${names[this.layer]}. ${notes[this.layer]}`)
    this.root.querySelectorAll(".thumb").forEach((thumb, layer) => {
      thumb.classList.toggle("selected", layer === this.layer)
      thumb.ariaSelected = String(layer === this.layer)
      if (layer === this.layer) {
        const row = this.part("thumbs")
        const from = thumb.offsetLeft - row.offsetLeft
        if (from < row.scrollLeft || from + thumb.offsetWidth > row.scrollLeft + row.clientWidth) row.scrollLeft = from - row.clientWidth / 2
      }
    })
    this.draw()
    this.ready({ layer: this.layer, point: this.point ?? "" })
  }

  paintThumbs() {
    const row = this.part("thumbs")
    row.replaceChildren(
      ...this.header.names.map((name, layer) => {
        const thumb = element("button", "thumb")
        const { tags, scales } = this.header
        const said = [name, tags[layer].replace("/", " of "), scales[layer] && `scale ${scales[layer]}`]
        Object.assign(thumb, { role: "option", title: name, ariaLabel: said.filter(Boolean).join(", ") })
        const label = element("div", "name", `L${layer}`)
        if (tags[layer]) label.append(" ", element("span", "", tags[layer]))
        thumb.append(element("canvas"), label, element("div", "scale", scales[layer]))
        thumb.onclick = () => this.go(layer, 0)
        return thumb
      })
    )
    row.querySelectorAll("canvas").forEach((canvas, layer) => {
      const context = sharpContext(canvas, 66, 58)
      this.order.forEach((point) => dot(context, this.header.points[point], this.colours, this.onto(this.at(layer, point), 66, 58, 8), 0.62))
    })
  }

  /** From places 0 to 1 to pixels; three dimensions are turned and seen from far away. */
  onto(place, width, height, margin) {
    let [x, y, z] = place
    const { extent } = this.header
    if (z !== undefined) {
      ;[x, y, z] = [x - extent[0] / 2, y - extent[1] / 2, z - extent[2] / 2]
      const [cy, sy, cp, sp] = [Math.cos(this.yaw), Math.sin(this.yaw), Math.cos(this.pitch), Math.sin(this.pitch)]
      ;[x, z] = [x * cy + z * sy, z * cy - x * sy]
      ;[y] = [y * cp - z * sp]
      const scale = (Math.min(width, height) - 2 * margin) / 1.5
      return [width / 2 + scale * x, height / 2 - scale * y]
    }
    const scale = Math.min((width - 2 * margin) / (extent[0] || 1), (height - 2 * margin) / (extent[1] || 1))
    return [width / 2 + scale * (x - extent[0] / 2), height / 2 - scale * (y - extent[1] / 2)]
  }

  pixels() {
    const { width, height } = this.canvas.getBoundingClientRect()
    return { width, height: height || 300 }
  }

  pixelOf(point) {
    const { left, top, width, height } = this.canvas.getBoundingClientRect()
    const [x, y] = this.onto(this.now(point), width, height, 30)
    return { x: left + x, y: top + y }
  }

  draw() {
    const { width, height } = this.pixels()
    if (!width) return
    const context = sharpContext(this.canvas, width, height)
    this.canvas.style.width = "100%"
    context.clearRect(0, 0, width, height)
    const onto = (place) => this.onto(place, width, height, 30)
    const { near } = this
    const { points, names } = this.header
    const { accent, ink, quiet, ground } = this.colours
    context.font = `${12.5 * rem()}px ${this.family}`
    if (this.point !== null) {
      // The way of the selected one through all layers.
      context.beginPath()
      names.forEach((_, layer) => context[layer ? "lineTo" : "moveTo"](...onto(this.at(layer, this.point))))
      context.strokeStyle = accent
      context.globalAlpha = 0.45
      context.lineWidth = 1.4
      context.stroke()
      context.globalAlpha = 1
      const from = onto(this.now(this.point))
      near.forEach((point, place) => {
        context.beginPath()
        context.moveTo(...from)
        context.lineTo(...onto(this.now(point)))
        context.setLineDash([3, 3])
        context.lineWidth = place ? 1 : 2
        context.strokeStyle = quiet
        context.stroke()
        context.setLineDash([])
      })
    }
    for (const point of this.order) dot(context, this.header.points[point], this.colours, onto(this.now(point)), 1)
    const spots = points.map((_, point) => onto(this.now(point)))
    const label = labels(context, this.header, spots, { width, height, ground })
    const labelled = points.length <= 30 ? points.map((_, point) => point) : this.order.filter((point) => points[point][2])
    if (labelled.length <= 60) for (const point of labelled) label(point, points[point][2] ? ink : quiet)
    for (const point of this.point !== null ? near : []) label(point, ink)
    for (const point of [this.point, this.hovered]) {
      if (point === null || point === undefined) continue
      context.beginPath()
      context.arc(...spots[point], 10, 0, 7)
      context.lineWidth = 2.2
      context.strokeStyle = accent
      context.stroke()
      label(point, point === this.point ? accent : ink)
    }
  }

  pointAt(event) {
    let best = null
    let distance = 14
    this.header.points.forEach((_, point) => {
      const { x, y } = this.pixelOf(point)
      const away = Math.hypot(x - event.clientX, y - event.clientY)
      if (away < distance) [best, distance] = [point, away]
    })
    return best
  }

  onMove(event) {
    const { grabbed } = this
    if (grabbed && this.header.dimensions === 3 && event.buttons) {
      grabbed.far ||= Math.hypot(event.clientX - grabbed.x, event.clientY - grabbed.y) > 4
      this.yaw = grabbed.yaw + (event.clientX - grabbed.x) / 120
      this.pitch = Math.max(-1.5, Math.min(1.5, grabbed.pitch + (event.clientY - grabbed.y) / 120))
      this.draw()
      return
    }
    this.hover(this.pointAt(event))
  }

  onRelease(event) {
    const wasFar = this.grabbed?.far
    this.grabbed = null
    if (wasFar) return this.paintThumbs(), this.paint()
    const point = this.pointAt(event)
    if (point !== null) this.select(point)
  }

  select(point) {
    this.point = point
    this.near = []
    this.paint()
    this.tell("point", point)
  }

  keyTable() {
    const count = this.header.points.length
    const hoverNext = (step) => this.hover(((this.hovered ?? this.point ?? -step) + step + count) % count)
    const layers = { ArrowLeft: -1, ArrowRight: 1 }
    return [
      { name: "← →", says: "change the layer", keys: layers, act: (by) => this.go(this.layer + by, 150) },
      { name: "↑ ↓", says: "go from point to point", keys: { ArrowUp: -1, ArrowDown: 1 }, act: hoverNext },
      { name: "Enter", says: "selects", keys: { Enter: 0 }, act: () => this.hovered !== null && this.select(this.hovered) },
    ]
  }

  unpoint() {
    this.hover(null)
  }

  hover(point) {
    if (point === this.hovered) return
    this.hovered = point
    this.draw()
    if (point === null) return this.say(null)
    const [piece, text, , group] = this.header.points[point]
    const sense = group < 0 ? "" : `, ${this.header.groups[group]}`
    const said = `\u2068${piece}\u2069${sense}\n${text + 1}: \u2068${this.header.texts[text]}\u2069`
    const [x, y] = this.inRoot(this.pixelOf(point))
    this.say(said, x - 20, y + 16)
  }
}

export default mount(".vector-map", VectorMapView)
