// One token on a map.

export function dot(context, [, , isMarked, group], { ink, quiet }, [x, y], size) {
  context.beginPath()
  if (!isMarked) {
    context.arc(x, y, 2.4 * size, 0, 7)
    context.fillStyle = quiet
    context.globalAlpha = 0.55
    context.fill()
    context.globalAlpha = 1
    return
  }
  const r = 6 * size
  // A shape for each group, since hue is kept for pieces: disc, square, triangle, diamond.
  const shape = group < 0 ? 0 : group % 4
  if (shape === 0) context.arc(x, y, r, 0, 7)
  else if (shape === 1) context.rect(x - r, y - r, 2 * r, 2 * r)
  else {
    const corners = shape === 2 ? [[0, -r * 1.2], [r * 1.15, r * 0.9], [-r * 1.15, r * 0.9]] : [[0, -r * 1.3], [r * 1.3, 0], [0, r * 1.3], [-r * 1.3, 0]]
    corners.forEach(([dx, dy], at) => context[at ? "lineTo" : "moveTo"](x + dx, y + dy))
    context.closePath()
  }
  // Hollow ones are, so that what lies in the same place shows through.
  if (group % 2 !== 1) {
    context.fillStyle = ink
    context.fill()
  }
  context.lineWidth = 1.8 * size
  context.strokeStyle = ink
  context.stroke()
}
