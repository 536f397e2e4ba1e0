// What stands beside a point: its token, and the texts in which that lies there.

/**
 * Writes labels, one after another: a function of a point and a colour. A label covers neither a point nor another label,
 * where there is a side that is free. spots: where each point lies.
 */
export const labels = (context, { points, texts }, spots, { width, height, ground }) => {
  const written = new Map()
  return (point, colour) => {
    const [piece, text, isMarked] = points[point]
    const [x, y] = spots[point]
    // Two equal vectors have one place.
    const isHere = ([left, top]) => Math.hypot(left - x, top - y) < 1.5
    const same = points.flatMap(([other, line, isToo], place) => (other === piece && isToo === isMarked && isHere(spots[place]) ? [line + 1] : []))
    const said = texts.length > 1 ? `${piece} ${same.length ? same.join(", ") : text + 1}` : piece
    const wide = context.measureText(said).width
    const ways = [[x + 10, y + 4], [x - 10 - wide, y + 4], [x - wide / 2, y - 11], [x - wide / 2, y + 19]]
    const isFree = ([left, base]) =>
      left >= 2 && left + wide <= width - 2 && base >= 12 && base <= height - 4 &&
      !spots.some(([px, py]) => px > left - 7 && px < left + wide + 7 && py > base - 17 && py < base + 8) &&
      ![...written.values()].some((box) => left < box[0] + box[2] && box[0] < left + wide && Math.abs(box[1] - base) < 14)
    const place = [said, Math.round(x), Math.round(y)].join()
    const [left, base] = written.get(place) ?? ways.find(isFree) ?? ways[x > width - 90 ? 1 : 0]
    written.set(place, [left, base, wide])
    context.lineWidth = 3.5
    context.strokeStyle = ground
    context.strokeText(said, left, base)
    context.fillStyle = colour
    context.fillText(said, left, base)
  }
}
