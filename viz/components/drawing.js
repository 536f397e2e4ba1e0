// What every component shares: unpacking numbers, colours by theme, sharp canvases.

/** The header and a reader of the arrays behind it; see packing.py. */
function unpack(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const length = view.getUint32(0, true)
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length)))
  let at = 4 + Math.ceil(length / 4) * 4
  const take = (size) => {
    const part = bytes.subarray(at, at + size)
    at += Math.ceil(size / 4) * 4
    return part
  }
  return { header, take }
}

let halves = null
/** The number behind each of the 65,536 patterns of a float16. */
function float16Table() {
  if (halves) return halves
  halves = new Float32Array(65536)
  for (let bits = 0; bits < 65536; bits++) {
    const sign = bits & 0x8000 ? -1 : 1
    const exponent = (bits >> 10) & 31
    const fraction = bits & 1023
    halves[bits] =
      exponent === 31
        ? fraction ? NaN : sign * Infinity
        : sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : (2 ** -14 * fraction) / 1024)
  }
  return halves
}

function float16Array(bytes, count) {
  // Browsers have read them by themselves since 2025.
  if (globalThis.Float16Array)
    return Float32Array.from(new Float16Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + 2 * count)))
  const table = float16Table()
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const numbers = new Float32Array(count)
  for (let i = 0; i < count; i++) numbers[i] = table[view.getUint16(2 * i, true)]
  return numbers
}

const channels = (colour) => [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16))

/** The palette of the theme that is shown: the ground's lightness tells which. */
function themePalette(root, palettes) {
  const ground = getComputedStyle(root).getPropertyValue("--st-background-color").trim()
  const dark = /^#[0-9a-f]{6}/i.test(ground) && channels(ground).reduce((sum, each) => sum + each, 0) < 384
  const palette = dark ? palettes.dark : palettes.light
  for (const name of ["accent", "ground", "ink", "quiet", "hatch"])
    root.style.setProperty(`--headlight-${name}`, palette[name])
  return palette
}

/** 256 colours from nothing to the most, as [r, g, b]. */
function amountColours(palette) {
  const stops = palette.amount.map(channels)
  return Array.from({ length: 256 }, (_, step) => {
    const place = (step / 255) * (stops.length - 1)
    const low = Math.min(Math.floor(place), stops.length - 2)
    return stops[low].map((from, i) => Math.round(from + (stops[low + 1][i] - from) * (place - low)))
  })
}

/** Black or white, whichever can be read on this colour (WCAG contrast). */
function readableOn([r, g, b]) {
  const linear = [r, g, b].map((c) => (c / 255 <= 0.03928 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4))
  const luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
  return luminance > 0.179 ? "#000000" : "#ffffff"
}

/** Size a canvas in CSS pixels, sharp on every screen; returns a context that draws in CSS pixels. */
function sharpContext(canvas, width, height) {
  const ratio = window.devicePixelRatio || 1
  canvas.width = Math.round(width * ratio)
  canvas.height = Math.round(height * ratio)
  canvas.style.width = `${width}px`
  canvas.style.height = `${height}px`
  const context = canvas.getContext("2d")
  context.setTransform(ratio, 0, 0, ratio, 0, 0)
  return context
}

/** A weight as the pages write it: .683, 1, 0; one times a length may be more. */
function weightText(weight) {
  if (weight === 0) return "0"
  if (weight < 0.0005) return "< .001"
  if (weight >= 1.0005) return weight.toFixed(2)
  return weight >= 0.9995 ? "1" : weight.toFixed(3).slice(1)
}

const element = (tag, className, text) => {
  const made = document.createElement(tag)
  if (className) made.className = className
  if (text !== undefined) made.textContent = text
  return made
}
