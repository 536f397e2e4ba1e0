// A picture as SVG: what a canvas context draws, as far as the pictures here use one, written down instead.

export class SvgContext {
  constructor(width, height, measure) {
    this.size = [width, height]
    this.measure = measure
    this.parts = []
    this.states = []
    this.path = ""
    this.clips = 0
    this.images = new Map()
    Object.assign(this, { fillStyle: "#000", strokeStyle: "#000", lineWidth: 1, globalAlpha: 1, font: "12px sans-serif" })
    Object.assign(this, { textAlign: "left", textBaseline: "alphabetic", move: [0, 0], turn: 0 })
  }

  measureText(text) {
    this.measure.font = this.font
    return this.measure.measureText(text)
  }

  save() {
    const { fillStyle, strokeStyle, lineWidth, globalAlpha, font, textAlign, textBaseline, move, turn } = this
    this.states.push({ fillStyle, strokeStyle, lineWidth, globalAlpha, font, textAlign, textBaseline, move, turn, open: 0 })
  }

  restore() {
    const { open, ...state } = this.states.pop()
    this.parts.push("</g>".repeat(open))
    Object.assign(this, state)
  }

  translate(x, y) {
    this.move = [this.move[0] + x, this.move[1] + y]
  }

  rotate(angle) {
    this.turn += angle
  }

  /** Everything until the next `restore` stays inside of this rectangle. */
  clipTo(x, y, width, height) {
    const id = `part${this.clips++}`
    this.parts.push(
      `<clipPath id="${id}"><rect${numbers({ x, y, width, height })}/></clipPath><g clip-path="url(#${id})">`,
    )
    this.states.at(-1).open++
  }

  beginPath() {
    this.path = ""
  }

  moveTo(x, y) {
    this.path += `M${short(x)} ${short(y)}`
  }

  lineTo(x, y) {
    this.path += `L${short(x)} ${short(y)}`
  }

  bezierCurveTo(...at) {
    this.path += `C${at.map(short).join(" ")}`
  }

  stroke() {
    this.parts.push(`<path d="${this.path}" fill="none"${this.stroked()}/>`)
  }

  strokeRect(x, y, width, height) {
    this.parts.push(`<rect${numbers({ x, y, width, height })} fill="none"${this.stroked()}/>`)
  }

  fillRect(x, y, width, height) {
    const fill = typeof this.fillStyle === "string" ? this.fillStyle : this.hatch
    this.parts.push(`<rect${numbers({ x, y, width, height })} fill="${quoted(fill)}"${this.opacity()}/>`)
  }

  fillText(text, x, y) {
    const anchor = { left: "start", start: "start", center: "middle", right: "end", end: "end" }[this.textAlign]
    const shift = { middle: "0.35em", top: "0.8em" }[this.textBaseline] ?? "0"
    const [size, family] = [/([\d.]+)px/.exec(this.font)?.[1] ?? 12, this.font.replace(/^.*?px\s*/, "")]
    const weight = /bold|[6-9]00/.test(this.font) ? ' font-weight="bold"' : ""
    const where = `translate(${this.move.map(short).join(" ")}) rotate(${short((this.turn * 180) / Math.PI)})`
    const place = this.turn || this.move.some(Boolean) ? ` transform="${where}"` : ""
    this.parts.push(
      `<text${numbers({ x, y })} dy="${shift}" text-anchor="${anchor}" font-size="${size}"${weight}` +
        ` font-family="${quoted(family)}" fill="${quoted(this.fillStyle)}"${this.opacity()}${place}` +
        ` xml:space="preserve">${quoted(text)}</text>`,
    )
  }

  /** As `drawImage` with nine arguments; the cells stay sharp however large the picture is shown. */
  drawImage(image, sx, sy, sw, sh, x, y, width, height) {
    if (!this.images.has(image)) this.images.set(image, `image${this.images.size}`)
    this.parts.push(
      `<svg${numbers({ x, y, width, height })} viewBox="${[sx, sy, sw, sh].map(short).join(" ")}"` +
        ` preserveAspectRatio="none"><use href="#${this.images.get(image)}"/></svg>`,
    )
  }

  stroked() {
    return ` stroke="${quoted(this.strokeStyle)}" stroke-width="${short(this.lineWidth)}"${this.opacity()}`
  }

  opacity() {
    return this.globalAlpha < 1 ? ` opacity="${short(this.globalAlpha)}"` : ""
  }

  text() {
    const [width, height] = this.size.map(Math.ceil)
    const of = `xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}"`
    // Each picture once, however many parts of it are shown.
    const images = [...this.images].map(
      ([image, id]) =>
        `<image id="${id}"${numbers({ width: image.width, height: image.height })} style="image-rendering:pixelated"` +
        ` href="${image.toDataURL("image/png")}"/>`,
    )
    return `<svg ${of}><defs>${images.join("")}</defs>${this.parts.join("")}</svg>`
  }
}

const short = (number) => String(Math.round(number * 1000) / 1000)
// What XML has no way to write at all goes; the rest is text.
const quoted = (text) =>
  String(text)
    .replace(/[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/g, "\ufffd")
    .replace(/[&<>"']/g, (each) => `&#${each.charCodeAt(0)};`)
const numbers = (named) => Object.entries(named).map(([name, value]) => ` ${name}="${short(value)}"`).join("")
