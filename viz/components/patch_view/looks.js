// The weights of one layer, and what is made of a row of them.

import { typedArray } from "../scaffold/message_numbers.js"

/** The part of the weight that an outline holds. */
export const HELD = 0.6

/** What was deflated (zlib); it must have this many bytes. */
export const inflated = async (bytes, size) => {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"))
  const found = new Uint8Array(await new Response(stream).arrayBuffer())
  if (found.length !== size) throw new Error(`expected ${size} weights, found ${found.length}`)
  return found
}

/** Weights [head, query, key], each a step of its row: most * (step / steps) ** 2. `known`: the queries. */
export class Looks {
  constructor({ heads, known, tokens, steps }, most, cells) {
    Object.assign(this, { heads, tokens, steps, cells })
    this.most = typedArray(Float32Array, most)
    this.places = new Map(known.map((query, place) => [query, place]))
    this.exact = new Map()
  }

  static size = ({ heads, known, tokens }) => heads * known.length * tokens

  /** Rows that came apart, exactly as they were computed: {"head-query": numbers}. */
  take(rows) {
    this.exact = new Map(Object.entries(rows).map(([name, row]) => [name, Float32Array.from(row)]))
  }

  has(query) {
    return this.places.has(query)
  }

  isExact(head, query) {
    return this.exact.has(`${head}-${query}`)
  }

  /** What a query looks at in a head; null where that is not here. */
  row(head, query) {
    const exact = this.exact.get(`${head}-${query}`)
    if (exact) return exact
    const place = this.places.get(query)
    if (place === undefined || !(head >= 0 && head < this.heads)) return null
    const at = head * this.places.size + place
    const scale = this.most[at] / this.steps ** 2
    return Float32Array.from(this.cells.subarray(at * this.tokens, (at + 1) * this.tokens), (step) => step * step * scale)
  }
}

/** As few cells as hold this part of the sum of all: true for each of them. */
export function fewest(cells, part = HELD) {
  const order = Array.from(cells.keys()).sort((one, other) => cells[other] - cells[one])
  const whole = cells.reduce((sum, each) => sum + each, 0)
  const found = new Array(cells.length).fill(false)
  let held = 0
  for (const at of order) {
    if (!(held < part * whole)) break
    found[at] = true
    held += cells[at]
  }
  return found
}

/** The lines round cells: [x, y, x, y] each, one cell being 1 wide and high. */
export function borders(inside, rows, columns) {
  const is = (row, column) => row >= 0 && column >= 0 && row < rows && column < columns && inside[row * columns + column]
  const lines = []
  for (let row = 0; row <= rows; row++)
    for (let column = 0; column <= columns; column++) {
      if (is(row, column) !== is(row - 1, column)) lines.push([column, row, column + 1, row])
      if (is(row, column) !== is(row, column - 1)) lines.push([column, row, column, row + 1])
    }
  return lines
}

