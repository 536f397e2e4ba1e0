// The packed maps of one kind, unpacked: see packed_maps.py, whose numbers stand in `coder`.

import { typedArray } from "../components/scaffold/message_numbers.js"

/** A cell that has no weight. */
const UNSEEN = 0xffff

export class Maps {
  constructor(about, coder, take) {
    Object.assign(this, { about, coder })
    const { rows, columns, heads } = about
    this.size = rows * columns
    this.firsts = heads.map((_, layer) => heads.slice(0, layer).reduce((sum, each) => sum + each, 0))
    this.count = this.firsts.at(-1) + heads.at(-1)
    const { sizes } = about
    this.masks = take(sizes.masks)
    this.maskOf = typedArray(Uint16Array, take(2 * this.count))
    this.factors = typedArray(Int16Array, take(2 * sizes.factors))
    this.frequencies = typedArray(Uint16Array, take(2 * sizes.frequencies))
    this.words = typedArray(Uint16Array, take(2 * sizes.words))
    this.steps = null
  }

  /** The weights of a head, of the mean of a layer (head null) or of all (layer null too); NaN where a query may not look. */
  weights(layer, head) {
    this.unpack()
    if (layer !== null && head !== null) return this.mean([this.placeOf(layer, head)])
    const layers = layer === null ? this.about.layers : [layer]
    return this.mean(layers.flatMap((each) => this.headsOf(each).map((number) => this.placeOf(each, number))))
  }

  headsOf(layer) {
    return Array.from({ length: this.about.heads[this.about.layers.indexOf(layer)] }, (_, head) => head)
  }

  placeOf(layer, head) {
    return this.firsts[this.about.layers.indexOf(layer)] + head
  }

  /** Where some heads may look and others may not, these give it nothing; where none may, there is no mean. */
  mean(places) {
    const found = new Float32Array(this.size)
    const whole = this.coder.steps * places.length
    for (let cell = 0; cell < this.size; cell++) {
      let [sum, isSeen] = [0, false]
      for (const place of places) {
        const step = this.steps[place * this.size + cell]
        if (step === UNSEEN) continue
        sum += step
        isSeen = true
      }
      found[cell] = isSeen ? sum / whole : NaN
    }
    return found
  }

  /** Every head as a thumbnail of at most `side` rows and columns: 4,095 times the root of the largest weight of a block. */
  thumbnails(side) {
    this.unpack()
    const { rows, columns, layers } = this.about
    const [high, wide] = [Math.min(side, rows), Math.min(side, columns)]
    const heads = Math.max(...this.about.heads)
    const found = new Uint16Array(layers.length * heads * high * wide)
    const blocks = (count, tokens) => {
      const of = new Uint16Array(tokens)
      for (let token = 0; token < tokens; token++) of[token] = Math.floor(((token + 1) * count - 1) / tokens)
      return of
    }
    const [down, along] = [blocks(high, rows), blocks(wide, columns)]
    layers.forEach((layer, row) => {
      for (const head of this.headsOf(layer)) {
        const from = this.placeOf(layer, head) * this.size
        const to = (row * heads + head) * high * wide
        for (let cell = 0; cell < this.size; cell++) {
          const step = this.steps[from + cell]
          const at = to + down[Math.floor(cell / columns)] * wide + along[cell % columns]
          if (step !== UNSEEN && step > found[at]) found[at] = step
        }
      }
    })
    return { rows: high, columns: wide, heads, steps: found.map((step) => Math.round(4095 * Math.sqrt(step / this.coder.steps))) }
  }

  unpack() {
    if (this.steps) return
    this.steps = new Uint16Array(this.count * this.size)
    const { rows, columns } = this.about
    const { coder } = this
    this.makeTables()
    this.at = 0
    const stride = columns + 2 * coder.beside
    const room = (rows + coder.above) * stride
    const offsets = coder.neighbours.map(([up, left]) => up * stride + left)
    const sure = coder.sure.map(([up, left]) => up * stride + left)
    const places = { stride, offsets, sure, logarithms: new Int16Array(room), surprise: new Int16Array(room) }
    places.memory = coder.columnShifts.map(() => new Int32Array(columns))
    places.earlier = coder.earlierShifts.map(() => new Int32Array(this.size))
    for (let map = 0; map < this.count; map++) this.unpackMap(map, places)
    this.masks = this.factors = this.frequencies = this.words = this.symbols = this.begins = null
  }

  /** Of each group, which symbol stands at each place of the whole, and where each symbol begins. */
  makeTables() {
    const { precision, symbols } = this.coder
    const groups = this.frequencies.length / symbols
    this.symbols = new Uint8Array(groups << precision)
    this.begins = new Uint16Array(this.frequencies.length)
    for (let group = 0; group < groups; group++) {
      let at = 0
      for (let symbol = 0; symbol < symbols; symbol++) {
        const place = group * symbols + symbol
        this.begins[place] = at
        this.symbols.fill(symbol, (group << precision) + at, (group << precision) + at + this.frequencies[place])
        at += this.frequencies[place]
      }
    }
  }

  unpackMap(map, places) {
    const { rows, columns } = this.about
    const { coder, size } = this
    const { fraction, octave, least, sizes, spreads, above, beside, neutral, columnShifts, earlierShifts } = coder
    const { stride, offsets, sure, logarithms, surprise, memory, earlier } = places
    const count = offsets.length + columnShifts.length + earlierShifts.length + 1
    const factors = this.factors.subarray(map * count, (map + 1) * count)
    const mask = this.masks.subarray(this.maskOf[map] * Math.ceil(size / 8))
    const part = Math.max(1, Math.floor(coder.cells / columns))
    const none = coder.logarithms[0]
    logarithms.fill(none)
    surprise.fill(neutral)
    for (const each of memory) each.fill(16 * none)
    for (let cell = 0; cell < size; cell++) {
      const row = Math.floor(cell / columns)
      const column = cell - row * columns
      const at = (row + above) * stride + beside + column
      if (!column && row % part === 0) this.state = this.words[this.at++] * 65536 + this.words[this.at++]
      const isUnseen = (mask[cell >> 3] >> (7 - (cell & 7))) & 1
      let step = 0
      let expected = 0
      if (!isUnseen) {
        let factor = 0
        for (; factor < offsets.length; factor++) expected += factors[factor] * logarithms[at - offsets[factor]]
        for (let each = 0; each < memory.length; each++) expected += factors[factor++] * (memory[each][column] >> 4)
        for (let each = 0; each < earlier.length; each++) expected += factors[factor++] * (earlier[each][cell] >> 4)
        expected = (expected + factors[factor] * octave) >> fraction
        let spread = 0
        for (let each = 0; each < sure.length; each++) spread += surprise[at - sure[each]]
        let group = Math.max(0, Math.min(sizes - 1, ((expected + least) * 5) >> 5)) * (spreads.length + 1)
        for (let each = 0; each < spreads.length; each++) if (spread > spreads[each]) group++
        step = this.read(group)
      }
      const logarithm = coder.logarithms[step]
      this.steps[map * size + cell] = isUnseen ? UNSEEN : step
      logarithms[at] = logarithm
      if (!isUnseen) surprise[at] = Math.abs(logarithm - expected)
      for (let each = 0; each < columnShifts.length; each++)
        memory[each][column] += (16 * logarithm - memory[each][column]) >> columnShifts[each]
      for (let each = 0; each < earlierShifts.length; each++)
        earlier[each][cell] += (16 * logarithm - earlier[each][cell]) >> earlierShifts[each]
    }
  }

  /** The next weight, in steps, of a group. */
  read(group) {
    const { precision, symbols, plain } = this.coder
    const whole = 1 << precision
    const slot = this.state & (whole - 1)
    const symbol = this.symbols[(group << precision) + slot]
    const place = group * symbols + symbol
    this.follow(this.frequencies[place] * (this.state >>> precision) + slot - this.begins[place])
    if (symbol < plain) return symbol
    const bits = Math.log2(plain) + ((symbol - plain) >> 3) - 3
    const rest = this.state & (whole - 1)
    const low = rest >> (precision - bits)
    this.follow((whole >> bits) * (this.state >>> precision) + rest - low * (whole >> bits))
    return ((8 + ((symbol - plain) & 7)) << bits) | low
  }

  follow(state) {
    this.state = state < 65536 ? state * 65536 + this.words[this.at++] : state
  }
}
