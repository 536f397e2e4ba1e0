// The whole vocabulary: probability over rank, both logarithmic, and where each stage cuts.

import { rem } from "../scaffold/elements_and_canvases.js"
import { download } from "../scaffold/downloads.js"
import { tenToMinus } from "../scaffold/percent.js"

const SVG = "http://www.w3.org/2000/svg"
const LOWEST = 1e-10

/** While somebody turns a knob from which the curve cannot be seen, it floats at that end of the window where the finger is not. */
export function keepInSight(figure, isWanted, heldAt) {
  const [place] = figure.children
  if (!isWanted || place.popover) {
    if (isWanted || !place.popover) return
    place.popover = null
    for (const each of [figure, place]) each.removeAttribute("style")
    return
  }
  const { left, top, bottom, width, height } = figure.getBoundingClientRect()
  if (bottom > height / 2 && top < innerHeight - height / 2) return
  figure.style.height = `${height}px`
  Object.assign(place.style, { width: `${width}px`, left: `calc(${left}px - 1rem)`, [heldAt > innerHeight / 2 ? "top" : "bottom"]: "0" })
  place.popover = "manual"
  place.showPopover()
}

export class RankCurve {
  constructor(svg, { hover }) {
    Object.assign(this, { svg, hover })
    svg.onpointermove = (event) => hover(this.pointAt(event))
    svg.onpointerleave = () => hover(null)
    svg.style.touchAction = "pan-y"
  }

  add(name, attributes, text) {
    const made = document.createElementNS(SVG, name)
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value)
    if (text !== undefined) made.textContent = text
    this.into.append(made)
    return made
  }

  x(rank) {
    return this.left + (Math.log10(rank + 1) / Math.log10(this.vocabulary)) * (this.right - this.left)
  }

  y(share) {
    const low = Math.log10(this.low)
    const place = Math.max(0, Math.min(1, Math.log10(Math.max(share, this.low)) / low))
    return this.top + place * (this.bottom - this.top)
  }

  /** Where a share at a rank is drawn, in pixels of the window. */
  placeOf(rank, share) {
    const { left, top } = this.svg.getBoundingClientRect()
    return { x: left + this.x(rank), y: top + this.y(share) }
  }

  /** The point along the curve that is nearest to the pointer. */
  pointAt(event) {
    const at = event.clientX - this.svg.getBoundingClientRect().left
    let best = 0
    for (let point = 1; point < this.ranks.length; point++)
      if (Math.abs(this.x(this.ranks[point]) - at) < Math.abs(this.x(this.ranks[best]) - at)) best = point
    return best
  }

  /** raw, after: a row of probabilities each; cuts: the stages that cut, each with its ranks and name. */
  draw({ ranks, vocabulary, raw, after, cuts, chosen, marks, colours }) {
    // Measured once, then told by whoever watches its size: asking would lay out the whole page anew.
    this.size ??= this.svg.getBoundingClientRect()
    const { width, height } = this.size
    if (!width) return
    Object.assign(this, { ranks, vocabulary, left: 46 * rem(), right: width - 6, top: 8, bottom: height - 34 * rem() })
    this.low = Math.max(LOWEST, 10 ** Math.floor(Math.log10(Math.max(LOWEST, raw.at(-1)))))
    this.drawStill([width, height, this.low, vocabulary, ranks, colours])
    this.into = this.moving
    this.moving.replaceChildren()
    this.area(raw, colours.amount[1])
    this.area(after, colours.amount[2])
    this.line(raw, colours.quiet, 1.2)
    this.line(after, colours.amount[4], 2.4)
    cuts.forEach((cut, place) => this.drawCut(cut, place, cut.name === chosen, colours))
    for (const { rank, share, shareNow, isSelected } of marks) {
      const colour = isSelected ? colours.accent : colours.ink
      this.add("circle", { cx: this.x(rank), cy: this.y(share), r: 4, fill: colours.ground, stroke: colour, "stroke-width": 2 })
      if (shareNow)
        this.add("circle", { cx: this.x(rank), cy: this.y(shareNow), r: 4, fill: colour })
    }
  }

  /** What stays the same while a knob is dragged is drawn once. */
  drawStill(still) {
    if (this.still?.every((each, at) => each === still[at])) return
    this.still = still
    this.paths = new WeakMap()
    const [width, height] = still
    this.into = this.svg
    this.svg.setAttribute("viewBox", `0 0 ${width} ${height}`)
    this.svg.replaceChildren()
    this.drawAxes(still.at(-1))
    this.moving = this.add("g", {})
  }

  drawAxes(colours) {
    const text = { fill: colours.quiet, "font-size": 11 * rem() }
    for (let power = 0; 10 ** power < this.vocabulary; power++) {
      const x = this.x(10 ** power - 1)
      this.add("line", { x1: x, x2: x, y1: this.bottom, y2: this.bottom + 4, stroke: colours.quiet })
      this.add("text", { ...text, x, y: this.bottom + 16 * rem(), "text-anchor": "middle" }, (10 ** power).toLocaleString("en"))
    }
    this.add("text", { ...text, x: this.right, y: this.bottom + 30 * rem(), "text-anchor": "end" }, "place in the model's own order →")
    const powers = Math.round(-Math.log10(this.low))
    for (let power = 0; power <= powers; power += powers > 6 ? 2 : 1) {
      const y = this.y(10 ** -power)
      this.add("line", { x1: this.left, x2: this.right, y1: y, y2: y, stroke: colours.hatch, "stroke-width": 0.6 })
      const said = power <= 4 ? `${+(100 * 10 ** -power).toFixed(2)} %` : tenToMinus(power)
      this.add("text", { ...text, x: this.left - 5, y: y + 4, "text-anchor": "end" }, said)
    }
  }

  /** Where a curve is above nothing, as pieces without a gap. */
  runs(shares) {
    const runs = []
    let open = null
    shares.forEach((share, point) => {
      if (!share) open = null
      else if (open) open.push(point)
      else runs.push((open = [point]))
    })
    return runs
  }

  /** The pieces of a curve, each with its path. */
  pathsOf(shares) {
    if (!this.paths.has(shares)) {
      const place = (point) => `${this.x(this.ranks[point]).toFixed(1)} ${this.y(shares[point]).toFixed(1)}`
      this.paths.set(shares, this.runs([...shares]).map((run) => ({ run, path: `M${run.map(place).join("L")}` })))
    }
    return this.paths.get(shares)
  }

  area(shares, fill) {
    for (const { run, path } of this.pathsOf(shares)) {
      const [from, to] = [run[0], run.at(-1)].map((point) => this.x(this.ranks[point]).toFixed(1))
      this.add("path", { d: `${path}L${to} ${this.bottom}L${from} ${this.bottom}Z`, fill, opacity: 0.75 })
    }
  }

  line(shares, stroke, width) {
    for (const { run, path } of this.pathsOf(shares)) {
      if (run.length === 1)
        this.add("circle", { cx: this.x(this.ranks[run[0]]), cy: this.y(shares[run[0]]), r: width, fill: stroke })
      this.add("path", { d: path, fill: "none", stroke, "stroke-width": width, "stroke-linejoin": "round" })
    }
  }

  /** A line behind the last token that is left (and before the first one), with the name of the stage that cuts there. */
  drawCut({ name, first, last, survivors }, place, isChosen, colours) {
    const stroke = isChosen ? colours.accent : colours.quiet
    const style = { stroke, "stroke-width": isChosen ? 2 : 1, "stroke-dasharray": isChosen ? "" : "4 3" }
    const lines = []
    if (last + 1 < this.vocabulary) lines.push((this.x(last) + this.x(last + 1)) / 2)
    if (first > 0) lines.push((this.x(first - 1) + this.x(first)) / 2)
    for (const x of lines) this.add("line", { x1: x, x2: x, y1: this.top, y2: this.bottom, ...style })
    if (!lines.length) return
    const said = `${name}: ${survivors.toLocaleString("en")} left`
    const isRight = lines[0] > (this.left + this.right) / 2
    const y = this.top + (12 + 14 * (place % 9)) * rem()
    const at = { x: lines[0] + (isRight ? -5 : 5), y, "text-anchor": isRight ? "end" : "start", "font-size": 11.5 * rem() }
    // Once, its own ground beneath it: written twice it reads as "top-p::546".
    const halo = { stroke: colours.ground, "stroke-width": 4, "stroke-linejoin": "round", "paint-order": "stroke" }
    this.add("text", { ...at, ...halo, fill: stroke, "font-weight": isChosen ? 700 : 400 }, said)
  }

  /** The picture as a file that needs nothing else. */
  save(name, colours) {
    const copy = this.svg.cloneNode(true)
    const { width, height } = this.svg.getBoundingClientRect()
    for (const [key, value] of Object.entries({ xmlns: SVG, width, height, "font-family": "sans-serif" })) copy.setAttribute(key, value)
    const ground = document.createElementNS(SVG, "rect")
    for (const [key, value] of Object.entries({ width, height, fill: colours.ground })) ground.setAttribute(key, value)
    copy.prepend(ground)
    download(name, new Blob([new XMLSerializer().serializeToString(copy)], { type: "image/svg+xml" }))
  }
}
