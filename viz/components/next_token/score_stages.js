// The stages that look at nothing but the scores, as transformers computes them (generation/logits_process.py), in the
// browser: for what follows a finger. The server's own numbers take their place once it is let go.
//
// All of them keep the order of the scores, and cut at its ends only. So what is left is always the places from `from`
// on, before `to`, and sums over it are differences of sums from each place on.

// In transformers' order, with the value that does nothing.
export const DISABLED = { temperature: 1, "top-h": 1, "top-k": 0, "top-p": 1, "min-p": 0, typical: 1, epsilon: 0, eta: 0 }

const float32 = Math.fround

/** What may come: scores from the highest on (float32), of which the places from `from` on, before `to`, are left. */
export class Distribution {
  constructor(scores, from, to, sums = sumsOf(scores, from, to)) {
    Object.assign(this, { scores, from, to, sums, count: to - from })
    this.total = this.weightOf(from, to)
  }

  weightOf(from, to) {
    return this.sums.after[from] - this.sums.after[to]
  }

  /** The probability of the token at a place. */
  share(place) {
    return place < this.from || place >= this.to ? 0 : this.sums.weights[place] / this.total
  }

  /** The probability of all tokens from a place on, before another. */
  mass(from, to) {
    return this.weightOf(from, to) / this.total
  }

  /** In nats. */
  get entropy() {
    const { below } = this.sums
    return Math.max(0, Math.log(this.total) - (below[this.from] - below[this.to]) / this.total)
  }

  /** The first place that is left where this does not hold; it holds before it and not after it. */
  until(holds) {
    let [low, high] = [this.from, this.to]
    while (low < high) {
      const middle = (low + high) >>> 1
      if (holds(middle)) low = middle + 1
      else high = middle
    }
    return low
  }

  within(from, to) {
    return new Distribution(this.scores, from, to, from === this.from ? this.sums : undefined)
  }

  dividedBy(temperature) {
    const scores = this.scores.map((score) => score / float32(temperature))
    let { to } = this
    while (to > this.from && scores[to - 1] === -Infinity) to--
    return new Distribution(scores, this.from, to)
  }
}

/** weights: e to the power of each score less the highest. after, below: from each place on, the sum of the weights,
 * and of the weights times how far their scores lie below the highest, which is less than 0. */
function sumsOf(scores, from, to) {
  const [weights, after, below] = [0, 1, 1].map((more) => new Float64Array(scores.length + more))
  const highest = scores[from]
  for (let place = to - 1; place >= from; place--) {
    const score = scores[place] - highest
    const weight = (weights[place] = Math.exp(score))
    after[place] = after[place + 1] + weight
    below[place] = below[place + 1] + weight * score
  }
  return { weights, after, below }
}

/** For each stage that cuts: where what it leaves begins and ends. Comparisons are in float32, as transformers' are. */
const CUTS = {
  "top-h"(now, most) {
    // Transformers looks at a hundred tokens and no more.
    const first = now.within(now.from, Math.min(now.to, now.from + 100))
    const limit = first.entropy * most
    let entropy = 0
    let to = first.from
    for (; to < first.to; to++) {
      const share = float32(first.share(to))
      entropy -= share * Math.log(share)
      if (!(float32(entropy) <= float32(limit))) break
    }
    return [now.from, Math.max(to, now.from + 1)]
  },
  "top-k"(now, count) {
    const last = now.from + count - 1
    return [now.from, last < now.to ? now.until((place) => now.scores[place] >= now.scores[last]) : now.to]
  },
  "top-p"(now, most) {
    const tail = float32(1 - most)
    const to = now.until((place) => float32(now.mass(place, now.to)) > tail)
    return [now.from, Math.max(to, now.from + 1)]
  },
  "min-p"(now, part) {
    const least = float32(float32(part) * float32(now.share(now.from)))
    return [now.from, now.until((place) => float32(now.share(place)) >= least)]
  },
  typical(now, mass) {
    const entropy = float32(now.entropy)
    const logTotal = Math.log(now.total)
    const surprisal = (place) => float32(logTotal - (now.scores[place] - now.scores[now.from]))
    const distance = (place) => Math.abs(float32(surprisal(place) - entropy))
    let to = now.until((place) => surprisal(place) < entropy)
    let from = to
    const next = () => {
      const isLater = from === now.from || (to < now.to && distance(to) < distance(from - 1))
      return isLater ? to++ : --from
    }
    let farthest = 0
    for (let sum = 0; to - from < now.count && float32(sum) < float32(mass); ) {
      const place = next()
      farthest = distance(place)
      sum += now.share(place)
    }
    while (from > now.from && distance(from - 1) <= farthest) from--
    while (to < now.to && distance(to) <= farthest) to++
    return [from, to]
  },
  epsilon: (now, least) => [now.from, now.until((place) => isAtLeast(now, place, float32(least)))],
  eta(now, epsilon) {
    const rounded = float32(epsilon)
    const least = Math.min(rounded, float32(Math.sqrt(rounded) * Math.exp(-now.entropy)))
    return [now.from, now.until((place) => isAtLeast(now, place, least))]
  },
}

/** Whether a token has this probability, or is one of the likeliest. */
const isAtLeast = (now, place, least) =>
  float32(now.share(place)) >= least || now.scores[place] === now.scores[now.from]

/**
 * What may come before the first stage (begin), and what each stage leaves that does something, with its name; none does where
 * the draw is greedy. values: of every stage, by its name. order: as in `ordered` of sampling.py. null where no numbers
 * come of it.
 */
export function stagesAfter(begin, values, order) {
  const names = Object.keys(DISABLED).filter((name) => values.temperature !== 0 && values[name] !== DISABLED[name])
  const moved = names.filter((name) => order.includes(name)).sort((one, other) => order.indexOf(one) - order.indexOf(other))
  const stages = [{ name: "", now: begin }]
  for (const each of names) {
    const name = order.includes(each) ? moved.shift() : each
    const { now } = stages.at(-1)
    const value = values[name]
    stages.push({ name, now: name === "temperature" ? now.dividedBy(value) : now.within(...CUTS[name](now, value)) })
  }
  return stages.every(({ now }) => now.count > 0 && Number.isFinite(now.total)) ? stages : null
}
