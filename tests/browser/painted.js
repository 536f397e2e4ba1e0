// What legibility.js needs of a page: what is written on its canvases, which is only seen while it is written, and colours.
;(() => {
  // ----- What is written on canvases

  const written = new WeakMap()
  const Context = CanvasRenderingContext2D.prototype
  const { fillText, fillRect, clearRect } = Context
  const quad = (context, x, y, width, height) => {
    const at = context.getTransform()
    return [[x, y], [x + width, y], [x + width, y + height], [x, y + height]].map(([a, b]) => [
      at.a * a + at.c * b + at.e,
      at.b * a + at.d * b + at.f,
    ])
  }
  const ends = (shape) => [0, 1].flatMap((axis) => [Math.min, Math.max].map((end) => end(...shape.map((point) => point[axis]))))
  /** What is painted over is gone; of a text that a strip is painted over, what is beside the strip is left. */
  const forget = (context, box) => {
    const all = written.get(context.canvas)
    if (!all) return
    const [left, right, top, bottom] = ends(box)
    const kept = all.filter((each) => !each.quad.every((point) => within(point, box, 2)))
    for (const each of kept) {
      const [from, to, high, low] = ends(each.quad)
      if (high < top - 2 || low > bottom + 2 || from > right || to < left) continue
      if (from >= left - 2) each.quad = [[right, high], [to, high], [to, low], [right, low]]
      else if (to <= right + 2) each.quad = [[from, high], [left, high], [left, low], [from, low]]
    }
    written.set(context.canvas, kept)
  }
  Context.fillText = function (text, x, y, ...rest) {
    fillText.call(this, text, x, y, ...rest)
    if (!String(text).trim() || this.canvas instanceof OffscreenCanvas) return
    const size = this.measureText(text)
    const box = quad(
      this,
      x - size.actualBoundingBoxLeft,
      y - size.actualBoundingBoxAscent,
      size.actualBoundingBoxLeft + size.actualBoundingBoxRight,
      size.actualBoundingBoxAscent + size.actualBoundingBoxDescent,
    )
    if (!written.has(this.canvas)) written.set(this.canvas, [])
    const all = written.get(this.canvas)
    const font = Number(/([\d.]+)px/.exec(this.font)?.[1]) * Math.hypot(this.getTransform().a, this.getTransform().b)
    all.push({ text: String(text), quad: box, colour: this.fillStyle, alpha: this.globalAlpha, font, bold: /bold|[6-9]00/.test(this.font) })
    if (all.length > 4000) all.splice(0, 2000)
  }
  Context.clearRect = function (...box) {
    clearRect.apply(this, box)
    forget(this, quad(this, ...box))
  }
  Context.fillRect = function (...box) {
    fillRect.apply(this, box)
    if (this.globalAlpha === 1) forget(this, quad(this, ...box))
  }
  for (const name of ["width", "height"]) {
    const side = Object.getOwnPropertyDescriptor(HTMLCanvasElement.prototype, name)
    Object.defineProperty(HTMLCanvasElement.prototype, name, {
      ...side,
      set(value) {
        written.delete(this)
        side.set.call(this, value)
      },
    })
  }

  // ----- Colours: [r, g, b, alpha], 0 to 255 and 0 to 1

  const palette = new Map()
  let paint = null
  const colourOf = (text) => {
    if (!palette.has(text)) {
      paint ??= new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true })
      paint.clearRect(0, 0, 1, 1)
      paint.fillStyle = text
      paint.fillRect(0, 0, 1, 1)
      const [r, g, b, a] = paint.getImageData(0, 0, 1, 1).data
      palette.set(text, [r, g, b, a / 255])
    }
    return palette.get(text)
  }
  const over = ([r, g, b, a], [R, G, B]) => [a * r + (1 - a) * R, a * g + (1 - a) * G, a * b + (1 - a) * B, 1]
  const light = (colour) => {
    const [r, g, b] = colour.map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4))
    return 0.2126 * r + 0.7152 * g + 0.0722 * b
  }
  const contrast = (one, other) => {
    const [high, low] = [light(one), light(other)].sort((a, b) => b - a)
    return (high + 0.05) / (low + 0.05)
  }

  function within([x, y], corners, slack) {
    const [xs, ys] = [corners.map(([a]) => a), corners.map(([, b]) => b)]
    return x >= Math.min(...xs) - slack && x <= Math.max(...xs) + slack && y >= Math.min(...ys) - slack && y <= Math.max(...ys) + slack
  }

  globalThis.legibility = {
    /** What is written on a canvas now: text, quad (its corners in dots), colour, alpha, font (in dots), bold. */
    written: (canvas) => written.get(canvas),
    colourOf,
    over,
    contrast,
    within,
  }
})()
