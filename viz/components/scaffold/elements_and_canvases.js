// Elements and canvases.

export const element = (tag, className, text) => {
  const made = document.createElement(tag)
  if (tag === "button") made.type = "button"
  if (className) made.className = className
  if (text !== undefined) made.textContent = text
  return made
}

/** How much larger letters are than on a laptop: they grow with the window (page.css). */
export const rem = () => parseFloat(getComputedStyle(document.documentElement).fontSize) / 16

/** A context on this canvas that draws in CSS pixels, `ratio` dots to each of them, and can clip to a rectangle. */
export function canvasContext(canvas, width, height, ratio) {
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

/** The same for a canvas on the screen, sharp on every screen. */
export function sharpContext(canvas, width, height) {
  canvas.style.width = `${width}px`
  canvas.style.height = `${height}px`
  return canvasContext(canvas, width, height, window.devicePixelRatio || 1)
}

/** `paint`, called once before the next frame, however often it is asked for until then. */
export function oncePerFrame(paint) {
  let frame = null
  return () => {
    frame ??= requestAnimationFrame(() => {
      frame = null
      paint()
    })
  }
}

/** As much of a text as there is room for, with an ellipsis where it is not all of it. */
export function shortened(context, text, width) {
  if (context.measureText(text).width <= width) return text
  const characters = [...text].slice(0, 200)
  while (characters.length > 1 && context.measureText(`${characters.join("")}…`).width > width) characters.pop()
  return `${characters.join("")}…`
}

/** A text in lines that are as wide as there is room. */
export function wrapped(context, text, width) {
  const lines = [""]
  for (const word of text.split(" ")) {
    const longer = lines.at(-1) ? `${lines.at(-1)} ${word}` : word
    if (context.measureText(longer).width > width && lines.at(-1)) lines.push(word)
    else lines[lines.length - 1] = longer
  }
  return lines
}
