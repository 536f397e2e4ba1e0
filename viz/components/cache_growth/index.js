// A KV cache as it grows. The steps come from a feed (cache_feed), through what the page's scripts share.

import { element } from "../scaffold/elements_and_canvases.js"
import { mount } from "../scaffold/mount.js"
import { float16Array, unpack } from "../scaffold/message_numbers.js"
import { percentText } from "../scaffold/percent.js"
import { bytesText, timesText } from "../scaffold/number_format.js"
import { sharedEntry } from "../scaffold/shared_by_scripts.js"
import { Player } from "../scaffold/step_player.js"
import { View } from "../scaffold/view.js"
import { CacheField } from "./cells.js"

// About how many characters a token has, and how many pixels one takes: the room for the text that will be written.
const CHARACTERS = 5
const CHARACTER = 8

class CacheGrowth extends View {
  constructor(root) {
    super(root)
    // The server counts steps from 1.
    this.player = new Player(this, {
      go: (step, rest) => this.select(step, rest),
      tell: (step) => this.tell("step", step + 1),
    })
    this.part("save").onclick = () => {
      const lines = [`${this.said}. ${this.saidOfCache()}.`, this.caption]
      this.field.save(`kv-cache-${this.shownStep + 1}.png`, lines, ["0", `longest ${this.shade} of its layer`])
    }
    this.field = new CacheField(this.part("field"), { hover: (cell) => this.hover(cell), select: (cell) => this.pin(cell) })
    this.onResize(this.part("field"), this.field.draw)
    this.onLeave(() => {
      if (this.feed?.arrived === this.onArrival) this.feed.arrived = null
    })
    this.offer({
      value: (layer, position) => this.valueAt(layer, position),
      columns: () => this.shownPositions,
      steps: () => this.steps.length,
      place: (layer, position) => this.field.placeOf(layer, position),
    })
  }

  receive(header) {
    if (!header.run) throw new Error("expected the name of a run")
    const isNew = header.run !== this.run
    const selected = header.selected === null ? null : header.selected - 1
    const isNews = this.player.isNews(selected, isNew)
    Object.assign(this, header)
    if (isNew) this.begin()
    if (isNews && selected !== null) this.wanted = selected
    if (isNews && this.steps.length) this.shownStep = this.within(this.wanted ?? this.steps.length - 1)
    this.arrive()
    if (isNew && header.focus) this.part("onward").focus({ preventScroll: true })
  }

  begin() {
    Object.assign(this, { steps: [], shownStep: 0, wanted: null, hovered: null })
    this.own = this.kinds.filter((kind) => kind !== "cross").length
    // For each position the norms of all its layers; the source's stand by themselves.
    this.norms = { key: Array(this.hidden), value: Array(this.hidden) }
    this.sourceNorms = { key: [], value: [] }
    this.most = { key: new Float32Array(this.kinds.length), value: new Float32Array(this.kinds.length) }
    this.taken = 0
    this.feed = sharedEntry("runs", this.run, () => ({ parts: [], count: 0 }))
    this.onArrival = this.guarded(() => this.arrive())
    this.feed.arrived = this.onArrival
    const text = this.part("text")
    const lines = Math.ceil(((this.textBefore.length + CHARACTERS * this.mostSteps) * CHARACTER) / (text.clientWidth || 600))
    text.style.minHeight = `min(${lines}lh, 4.6rem)`
  }

  /** Take what the feed has brought since the last time. */
  arrive() {
    const before = this.steps.length
    for (; this.taken < this.feed.parts.length; this.taken++) this.take(this.feed.parts[this.taken])
    this.isDone = this.feed.isDone
    const isBehind = this.wanted === null || (before <= this.wanted && this.shownStep < this.wanted)
    if (this.steps.length > before && isBehind) this.shownStep = this.within(this.wanted ?? this.steps.length - 1)
    this.paint()
  }

  take({ data, skip }) {
    const { header, take } = unpack(data)
    const add = (norms, layers, first, count, into) => {
      for (let at = 0; at < count; at++) {
        for (const [place, name] of ["key", "value"].entries()) {
          const column = new Float32Array(layers)
          for (let layer = 0; layer < layers; layer++) {
            const norm = (column[layer] = norms[(place * layers + layer) * count + at])
            if (norm > this.most[name][first + layer]) this.most[name][first + layer] = norm
          }
          into[name].push(column)
        }
      }
    }
    header.steps.forEach(([piece, text, probability, groups, count], index) => {
      const norms = float16Array(take(4 * this.own * count))
      if (index < skip) return
      add(norms, this.own, 0, count, this.norms)
      const layers = groups.flatMap(([times, ...one]) => Array(times).fill(one))
      this.steps.push({ piece, text, probability, layers })
    })
    const [layers, positions] = header.source
    const norms = float16Array(take(4 * layers * positions))
    if (positions && !this.sourceNorms.key.length) add(norms, layers, this.own, positions, this.sourceNorms)
  }

  within(step) {
    return Math.max(0, Math.min(this.steps.length - 1, step))
  }

  /** How many tokens are read before the first one is drawn. */
  get given() {
    return this.hidden + this.prompt.length
  }

  /** How many positions have been through the model when the shown token is drawn. */
  get shownPositions() {
    return this.steps.length ? this.given + this.shownStep : 0
  }

  pieceAt(position) {
    if (position < this.given) return this.prompt[position - this.hidden] ?? "…"
    return this.steps[position - this.given]?.piece ?? ""
  }

  select(step, rest) {
    this.wanted = this.shownStep = this.within(step)
    this.player.settle(this.shownStep, rest)
    this.paint()
    if (rest !== null) this.part("unseen").textContent = `${this.said}. ${this.saidOfCache()}`
  }

  paint() {
    // What was written before is another run's.
    this.root.classList.toggle("waiting", !this.steps.length)
    this.part("caption").textContent = this.caption
    // Also before the first token: the room that all will take, so that nothing moves when it comes.
    this.showFigures()
    this.field.show(this)
    this.part("save").disabled = !this.steps.length
    // Not disabled: they would lose the focus, while it writes at each last token.
    for (const name of ["back", "onward", "play"]) this.part(name).ariaDisabled = !this.steps.length
    if (!this.steps.length) return this.player.show(0, 0, "no token yet")
    const { steps, shownStep } = this
    const { piece, probability, text } = steps[shownStep]
    const hint = `${piece} · ${percentText(probability)}`
    const of = this.isDone ? steps.length.toLocaleString("en") : `at most ${this.mostSteps}, still writing`
    const counter = `token ${(shownStep + 1).toLocaleString("en")} of ${of}`
    this.said = `${counter}: ${hint}`
    this.player.show(shownStep, steps.length, this.said)
    const before = steps.slice(0, shownStep).map((each) => each.text).join("")
    this.player.showWritten(counter, hint, [this.textBefore, before, text])
    const isLast = shownStep + 1 >= steps.length
    this.part("onward").ariaDisabled = isLast
    this.part("onward").title = isLast && this.isDone ? "This is the last one; more new tokens can be chosen." : ""
    const done = Boolean(this.isDone)
    this.ready({ step: shownStep + 1, steps: steps.length, columns: this.shownPositions, done })
  }

  saidOfCache() {
    const { bytes } = this.held()
    return `${this.shownPositions} columns, ${bytesText(bytes)} in the cache`
  }

  /** Bytes of all layers: as they are told, in the chosen precision, as measured, and with what is held for later. */
  held() {
    const layers = this.steps[this.shownStep]?.layers ?? []
    const sum = (at) => layers.reduce((total, layer) => total + layer[at], 0)
    const { counted } = this
    const inBits = (total, [, , positions], place) => total + counted.fixed[place] + positions * counted.perPosition[place]
    return { bytes: counted ? Math.floor(layers.reduce(inBits, 0)) : sum(0), measured: sum(0), allocated: sum(1) }
  }

  showFigures() {
    const { bytes, measured, allocated } = this.held()
    const columns = this.shownPositions
    const step = this.shownStep + 1
    const without = step * this.given + (step * (step - 1)) / 2
    const source = this.source.length ? ` and ${this.source.length} of the source` : ""
    const onward = columns - this.given
    const given = `${this.given.toLocaleString("en")} ${this.steps.length ? "read" : "are read"} at once`
    const generated = onward > 0 ? `${given} + ${onward.toLocaleString("en")} one by one` : given
    const figures = [
      ["In the cache", bytesText(bytes), `${columns.toLocaleString("en")} column${columns === 1 ? "" : "s"}${source}: ${generated}`],
      [
        "Columns computed so far",
        this.steps.length ? `${columns.toLocaleString("en")} instead of ${without.toLocaleString("en")}` : "0",
        "with the cache; without it all again for each token",
        columns / without,
      ],
      besideWeights(bytes, this.weightBytes),
    ]
    if (this.counted) {
      const { bits, measuredBits } = this.counted
      figures[0][2] += `; in ${bits} bits a number, measured ${bytesText(measured)} in ${measuredBits}`
    } else if (allocated !== bytes) figures[0][2] += `; ${bytesText(allocated)} of memory held for it`
    this.part("figures").replaceChildren(
      ...figures.map(([name, value, detail, share]) => {
        const group = element("div", "figure")
        group.append(element("dt", "", name), element("dd", "number", value), element("dd", "detail", detail))
        if (share !== undefined) {
          const bar = element("div", "share")
          bar.style.setProperty("--share", `${100 * share}%`)
          group.append(bar)
        }
        return group
      })
    )
    this.part("figures").firstChild.title = `${bytes.toLocaleString("en")} bytes`
  }

  /** What stands at a cell, or null where there is none: measured bytes, norms, what is kept. */
  valueAt(layer, position) {
    const isCross = layer >= this.own
    const step = this.steps[this.shownStep]
    const measured = step?.layers[layer]
    const positions = isCross ? this.source.length : this.shownPositions
    if (!measured || position >= positions || position < 0) return null
    const [bytes, allocated, held] = measured
    const norms = isCross ? this.sourceNorms : this.norms
    return {
      bytes: held ? bytes / held : 0,
      layerBytes: bytes,
      allocated,
      positions: held,
      isKept: isCross || position >= positions - held,
      key: norms.key[position]?.[isCross ? layer - this.own : layer],
      value: norms.value[position]?.[isCross ? layer - this.own : layer],
    }
  }

  /** From nothing to the largest of the layer; null where a cell is not kept. */
  amount(layer, position) {
    const isCross = layer >= this.own
    const norm = (isCross ? this.sourceNorms : this.norms)[this.shade][position]?.[isCross ? layer - this.own : layer]
    const most = this.most[this.shade][layer]
    return Number.isFinite(norm) && most ? norm / most : 0
  }

  describe(layer, position) {
    const found = this.valueAt(layer, position)
    if (!found) return []
    const isCross = layer >= this.own
    const piece = isCross ? this.source[position] : this.pieceAt(position)
    const name = `${isCross ? "cross-attention, " : ""}L${this.layers[layer]}`
    const lines = [`\u2068${piece}\u2069 (position ${position}) in ${name}`]
    if (!found.isKept) return [...lines, "let go: it lies before the window"]
    const shape = (width) => `${this.heads[layer]} × ${width}`
    const [first, second] = this.kinds[layer] === "latent" ? ["latent", "rotary key"] : ["key", "value"]
    lines.push(`${first} ${shape(this.keyWidths[layer])}, ${second} ${shape(this.valueWidths[layer])} numbers`)
    lines.push(`${found.bytes.toLocaleString("en")} bytes of the layer's ${found.layerBytes.toLocaleString("en")}`)
    if (Number.isFinite(found.key))
      lines.push(`norm of the ${first} ${found.key.toFixed(1)}, of the ${second} ${found.value.toFixed(1)}`)
    if (isCross) lines.push("computed once, from the source")
    else if (position < this.given) lines.push("computed with the prompt, all at once")
    else lines.push(`computed for token ${position - this.given + 2}`)
    return lines
  }

  unpoint() {
    this.hover(null)
  }

  hover(cell) {
    if (String(cell) === String(this.hovered)) return
    this.hovered = cell
    this.field.draw()
    const lines = cell ? this.describe(...cell) : []
    if (!lines.length) return this.say(null)
    const [x, y] = this.inRoot(this.field.placeOf(...cell))
    this.say(lines.join("\n"), x, y + 14, lines.join(", "))
  }

  pin(cell) {
    if (!this.valueAt(...cell)) return
    this.pinned = cell
    this.field.draw()
    this.tell("cell", cell)
  }
}

/** A part of the weights, or how many times they. */
function besideWeights(bytes, weights) {
  const times = bytes / weights
  return times > 1
    ? ["Beside the weights", timesText(times), `as much as the weights, ${bytesText(weights)}`]
    : ["Beside the weights", percentText(times), `of ${bytesText(weights)}`]
}

export default mount(".cache-growth", CacheGrowth)
