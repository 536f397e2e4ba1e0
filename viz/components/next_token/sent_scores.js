// The scores of a step, which its last stages begin with; see step_scores.

import { unpack } from "../scaffold/message_numbers.js"
import { Distribution } from "./score_stages.js"

/** What a message has: the scores and their mark. */
export const scoresFrom = async (bytes) => {
  const { header, take } = unpack(bytes)
  const unzipped = new Blob([take(header.size)]).stream().pipeThrough(new DecompressionStream("gzip"))
  return new StepScores(header.of, numbersOf(new Uint8Array(await new Response(unzipped).arrayBuffer()), header.count))
}

/** Float32 numbers, from how many of them lie between each and the one before, byte by byte; see step_scores. */
function numbersOf(bytes, count) {
  const bits = new Uint32Array(count)
  let numbered = 0
  for (let at = 0; at < count; at++) {
    const between =
      bytes[at] | (bytes[count + at] << 8) | (bytes[2 * count + at] << 16) | (bytes[3 * count + at] << 24)
    numbered = (numbered - between) >>> 0
    bits[at] = numbered >>> 31 ? numbered & 0x7fffffff : ~numbered
  }
  return new Float32Array(bits.buffer)
}

/**
 * given: by rank, the likeliest of the model's own first. sorted: from the highest on. begin: those of them that are
 * numbers at all. A token has a rank, and a place among the sorted ones; where no stage before changed the order, the
 * two are the same, and `ranks` and `places` are null.
 */
class StepScores {
  constructor(of, given) {
    Object.assign(this, { of, sorted: given, ranks: null, places: null })
    if (given.some((score, rank) => score > given[rank - 1])) {
      this.ranks = Uint32Array.from(given, (_, rank) => rank).sort((one, other) => given[other] - given[one] || one - other)
      this.places = new Uint32Array(given.length)
      this.ranks.forEach((rank, place) => (this.places[rank] = place))
      this.sorted = Float32Array.from(this.ranks, (rank) => given[rank])
    }
    let alive = given.length
    while (alive && !(this.sorted[alive - 1] > -Infinity)) alive--
    this.begin = new Distribution(this.sorted, 0, alive)
  }

  rankAt(place) {
    return this.ranks ? this.ranks[place] : place
  }

  placeOf(rank) {
    return this.places ? this.places[rank] : rank
  }

  /** The first and the last of the ranks that stand at the places from `from` on, before `to`. */
  reach(from, to) {
    if (!this.ranks) return [from, to - 1]
    let [first, last] = [Infinity, -Infinity]
    for (let place = from; place < to; place++) {
      const rank = this.ranks[place]
      if (rank < first) first = rank
      if (rank > last) last = rank
    }
    return [first, last]
  }
}
