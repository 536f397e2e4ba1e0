// The picture as the knobs stand while the server has not heard of it: what the server sent of the stages before those
// that look at the scores alone, and these by the browser's own numbers.

import { DISABLED, stagesAfter } from "./score_stages.js"

const LIBRARY = Object.keys(DISABLED)
const tenDigits = new Intl.NumberFormat("en", { maximumSignificantDigits: 10 })

/**
 * What changes in the content of the picture; null where no numbers come of it. exact: as the server sent it.
 * scores: of this step (StepScores). values, hints: of the knobs that were moved, by the names of their stages.
 */
export function followed(exact, scores, { values, hints }) {
  const { live } = exact
  const set = { ...live.values, ...values }
  const isGreedy = set.temperature === 0
  // Whoever moves a knob means its stage, also one that was switched off.
  const off = live.off.filter((name) => set[name] === live.values[name])
  const used = Object.fromEntries(LIBRARY.map((name) => [name, off.includes(name) ? DISABLED[name] : set[name]]))
  const found = stagesAfter(scores.begin, used, live.order)
  if (!found) return null
  const [begin, ...after] = found
  const last = found.at(-1).now

  const kept = exact.stages.filter(({ name }) => !(name in DISABLED) && name !== "renormalised")
  const keptRows = kept.flatMap(({ row }) => (row === null ? [] : [row]))
  const chip = (name) => ({
    name,
    value: name === "temperature" && isGreedy ? "0: greedy" : name in set ? tenDigits.format(set[name]) : "",
    hint: exact.stages.find((stage) => stage.name === name)?.hint ?? hints?.[name] ?? "",
    isOn: !off.includes(name),
    isFixed: false,
    row: null,
  })
  const told = (now, place, before) => {
    const [first, last] = scores.reach(now.from, now.to)
    const row = keptRows.length + place
    return { row, survivors: now.count, kept: before.mass(now.from, now.to), entropy: now.entropy, first, last }
  }
  const chips = after.map(({ name, now }, place) => ({ ...chip(name), ...told(now, place, found[place].now) }))
  for (const name of LIBRARY) {
    const isThere = chips.some((each) => each.name === name) || (name !== "temperature" && set[name] === DISABLED[name])
    const later = chips.findIndex((each) => LIBRARY.indexOf(each.name) > LIBRARY.indexOf(name))
    if (!isThere) chips.splice(later < 0 ? chips.length : later, 0, chip(name))
  }
  const rows = after.map(({ now }) => now)
  if (!isGreedy) {
    chips.push({ ...chip("renormalised"), isFixed: true, ...told(last, rows.length, last) })
    rows.push(last)
  }

  const token = ([id, text, rank, shares, cutBy]) => {
    const place = scores.placeOf(rank)
    const isCutBefore = kept.some(({ name }) => name === cutBy)
    const cut = isCutBefore ? cutBy : after.find(({ now }) => place < now.from || place >= now.to)?.name
    return [id, text, rank, [...keptRows.map((row) => shares[row]), ...rows.map((now) => now.share(place))], cut ?? null]
  }
  const top = exact.top.map(token)
  const drawnRank = isGreedy ? scores.rankAt(begin.now.from) : rankDrawn(scores, last, live.number)
  return {
    stages: [...kept, ...chips],
    isLibraryOrder: exact.isLibraryOrder && after.every(({ name }, at) => !at || LIBRARY.indexOf(after[at - 1].name) < LIBRARY.indexOf(name)),
    isGreedy,
    top,
    followed: exact.followed && token(exact.followed),
    drawn: live.isDrawn ? (top.find(([, , rank]) => rank === drawnRank)?.[0] ?? null) : exact.drawn,
    curves: [
      ...keptRows.map((row) => exact.curves[row]),
      ...rows.map((now) => Float32Array.from(exact.ranks, (rank) => now.share(scores.placeOf(rank)))),
    ],
  }
}

/** The rank of the token on which a number in [0, 1) falls, counted in the model's own order; see `draw` of sampling.py. */
function rankDrawn(scores, now, number) {
  if (!scores.ranks) return Math.min(now.until((place) => now.mass(now.from, place + 1) <= number), now.to - 1)
  let [sum, last] = [0, 0]
  for (let rank = 0; rank < scores.sorted.length && sum <= number; rank++) {
    const share = now.share(scores.placeOf(rank))
    sum += share
    if (share) last = rank
  }
  return last
}
