// Where boxes and arrows of one row stand. "along" is the way that the model runs, "across" the other one: a row runs to
// the right, or down where there is little room.

const LANE = 14
const ARC = 15

/**
 * boxes: {kind, wide, high} each. arrows: [from, to, ...]. room: for a line, along. gaps: {least, most} between columns.
 * Answers {boxes: [{along, across, long, broad}], arrows: [{points, at}], long, broad}: points are [along, across] pairs
 * of a path with rounded corners, `at` is where its shape can stand.
 */
export function layOut(boxes, arrows, room, isDown, gaps) {
  if (!boxes.length) return { boxes: [], arrows: [], long: 0, broad: 0, lines: 1 }
  const sizes = boxes.map(({ wide, high }) => (isDown ? { long: high, broad: wide } : { long: wide, broad: high }))
  const ranks = ranksOf(boxes.length, arrows)
  const lanes = lanesOf(boxes.length, arrows, ranks)
  const columns = columnsOf(sizes, ranks)
  const lines = linesOf(columns, room, gaps.least)
  const laneBroad = []
  sizes.forEach(({ broad }, box) => (laneBroad[lanes[box]] = Math.max(laneBroad[lanes[box]] ?? 0, broad)))
  for (let lane = 0; lane < laneBroad.length; lane++) laneBroad[lane] ??= 0
  const placed = []
  let top = 0
  let longest = 0
  const levels = levelsOf(arrows, ranks, lanes, columns)
  for (const line of lines) {
    const needed = line.reduce((sum, rank) => sum + columns[rank].long, 0)
    const free = line.length > 1 ? (room - needed) / (line.length - 1) : 0
    const gap = isDown ? gaps.least : Math.min(gaps.most, Math.max(gaps.least, free))
    const arcs = Math.max(0, ...levels.filter(({ from, to }) => line.includes(from) || line.includes(to)).map(({ level }) => level))
    const start = top + ARC * arcs + (arcs ? 4 : 0)
    let along = 0
    const deepest = Math.max(...line.flatMap((rank) => columns[rank].boxes.map((box) => lanes[box])))
    const across = []
    for (let lane = 0, at = start; lane <= deepest; lane++) {
      across.push(at)
      at += laneBroad[lane] + LANE
    }
    for (const rank of line) {
      for (const box of columns[rank].boxes) {
        const { long, broad } = sizes[box]
        placed[box] = {
          along: along + (columns[rank].long - long) / 2,
          across: across[lanes[box]] + (laneBroad[lanes[box]] - broad) / 2,
          long,
          broad,
          line: lines.indexOf(line),
          top: start,
        }
      }
      along += columns[rank].long + gap
    }
    longest = Math.max(longest, along - gap)
    top = across[deepest] + laneBroad[deepest] + 24
  }
  const ways = arrows.map((arrow, number) => route(arrow, placed, ranks, lanes, columns, levels.find((each) => each.number === number)?.level, longest))
  return { boxes: placed, arrows: ways, long: longest, broad: top - 24, lines: lines.length }
}

/** Each box stands after all that it takes from; what takes from nothing stands right before what takes from it. */
function ranksOf(count, arrows) {
  const ranks = Array(count).fill(0)
  for (let box = 0; box < count; box++) for (const [from, to] of arrows) if (to === box && from < to) ranks[box] = Math.max(ranks[box], ranks[from] + 1)
  for (let box = 1; box < count; box++) {
    const takers = arrows.filter(([from]) => from === box).map(([, to]) => ranks[to])
    if (!arrows.some(([, to]) => to === box)) ranks[box] = takers.length ? Math.max(0, Math.min(...takers) - 1) : Math.max(...ranks)
  }
  return ranks
}

/** The longest way through is lane 0; others stand beside it where there is room. */
function lanesOf(count, arrows, ranks) {
  const lanes = Array(count).fill(-1)
  let at = ranks.lastIndexOf(Math.max(...ranks))
  while (at !== undefined && lanes[at] < 0) {
    lanes[at] = 0
    const before = arrows.filter(([from, to]) => to === at && from < at && ranks[from] === ranks[at] - 1).map(([from]) => from)
    // What has something before it goes before what begins beside it.
    at = before.find((box) => arrows.some(([, to]) => to === box)) ?? before[0]
  }
  const taken = new Set(ranks.map((rank, box) => (lanes[box] === 0 ? `${rank}:0` : "")))
  // What comes from outside of all stands outermost.
  const begins = Array.from({ length: count }, (_, box) => !arrows.some(([, to]) => to === box))
  const order = [...begins.keys()].sort((one, other) => begins[one] - begins[other] || one - other)
  for (const box of order) {
    if (lanes[box] === 0) continue
    const before = arrows.filter(([, to]) => to === box).map(([from]) => lanes[from])
    let lane = Math.max(0, ...before.filter((each) => each >= 0 && before.length === 1))
    // What it gives goes along its lane as far as somebody takes it.
    const farthest = Math.max(ranks[box] + 1, ...arrows.filter(([from]) => from === box).map(([, to]) => ranks[to]))
    const along = Array.from({ length: farthest - ranks[box] }, (_, step) => ranks[box] + step)
    while (along.some((rank) => taken.has(`${rank}:${lane}`))) lane++
    for (const rank of along) taken.add(`${rank}:${lane}`)
    lanes[box] = lane
  }
  return lanes
}

function columnsOf(sizes, ranks) {
  const columns = Array.from({ length: Math.max(...ranks) + 1 }, () => ({ boxes: [], long: 0 }))
  ranks.forEach((rank, box) => {
    columns[rank].boxes.push(box)
    columns[rank].long = Math.max(columns[rank].long, sizes[box].long)
  })
  return columns
}

/** As many columns in a line as there is room for. */
function linesOf(columns, room, gap) {
  const lines = [[]]
  let long = 0
  columns.forEach((column, rank) => {
    if (!column.boxes.length) return
    if (lines.at(-1).length && long + column.long > room) {
      lines.push([])
      long = 0
    }
    lines.at(-1).push(rank)
    long += column.long + gap
  })
  return lines
}

/** Arrows within a lane that pass over something, each above those that it spans. */
function levelsOf(arrows, ranks, lanes, columns) {
  const passing = arrows
    .map(([from, to], number) => ({ number, from: ranks[from], to: ranks[to], lane: lanes[from], other: lanes[to] }))
    .filter(({ from, to, lane, other }) => lane === 0 && other === 0 && passesOver(columns, lanes, from, to))
    .sort((one, other) => one.to - one.from - (other.to - other.from))
  const done = []
  for (const each of passing) {
    const below = done.filter(({ from, to }) => from < each.to && to > each.from)
    each.level = 1 + Math.max(0, ...below.map(({ level }) => level))
    done.push(each)
  }
  return done
}

function passesOver(columns, lanes, from, to) {
  for (let rank = from + 1; rank < to; rank++) if (columns[rank].boxes.some((box) => lanes[box] === 0)) return true
  return false
}

function route([from, to], placed, ranks, lanes, columns, level, longest) {
  const [one, other] = [placed[from], placed[to]]
  const [start, end] = [one.along + one.long, other.along]
  const [y, z] = [one.across + one.broad / 2, other.across + other.broad / 2]
  if (one.line !== other.line) {
    // Out at the end of the one line, in at the beginning of the other.
    const [exit, entry] = level ? [one.top - ARC * level + 4, other.top - ARC * level + 4] : [y, z]
    const turn = start + 5
    const into = other.along + other.long / 2
    const out = level ? [[turn, y], [turn, exit], [longest + 8, exit]] : [[longest + 8, exit]]
    const back = level ? [[-8, entry], [into, entry], [into, other.across]] : [[-8, entry], [end, entry]]
    return { points: [[start, y], ...out], more: back, at: [Math.min(longest, start + 20), exit] }
  }
  if (level) {
    const over = one.top - ARC * level + 4
    const [turn, into] = [start + 5, other.along + other.long / 2]
    return { points: [[start, y], [turn, y], [turn, over], [into, over], [into, other.across]], at: [(turn + into) / 2, over] }
  }
  if (Math.abs(y - z) < 1) return { points: [[start, y], [end, z]], at: [(start + end) / 2, y] }
  // Away from the trunk it turns at once, towards it at last.
  const turn = lanes[to] > lanes[from] ? start + 6 : end - 7
  const at = turn - start > end - turn ? [(start + turn) / 2, y] : [(turn + end) / 2, z]
  return { points: [[start, y], [turn, y], [turn, z], [end, z]], at }
}
