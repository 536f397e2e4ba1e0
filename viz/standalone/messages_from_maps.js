// The messages that a server sends to the picture, made of the maps in the file; see attention_view/__init__.py.

const THUMBNAIL_SIDE = 28
const MOST_PANELS = 6

/** As packing.py packs them: the header's length, the header, the numbers. */
function packed(header, numbers) {
  const text = new TextEncoder().encode(JSON.stringify(header))
  const padded = (size) => Math.ceil(size / 4) * 4
  const bytes = new Uint8Array(4 + padded(text.length) + numbers.reduce((sum, each) => sum + padded(each.byteLength), 0))
  new DataView(bytes.buffer).setUint32(0, text.length, true)
  bytes.set(text, 4)
  let at = 4 + padded(text.length)
  for (const each of numbers) {
    bytes.set(new Uint8Array(each.buffer, each.byteOffset, each.byteLength), at)
    at += padded(each.byteLength)
  }
  return bytes
}

/** L3 H1, the mean of a layer's heads, or the mean over all. */
export const nameOf = (layer, head) =>
  layer === null ? "the mean of all layers" : head === null ? `L${layer} mean` : `L${layer} H${head}`

const mapOf = (kind, layer, head) => `${kind}-${layer ?? "all"}-${head ?? "mean"}`

/** What is shown: `state` names the view, the layer and the head; `part` is in view, null for all of it. */
export function messageOf(kind, state, part) {
  const { about } = kind
  const { view, layer, head } = state
  const [before, after] = about.captions[view]
  const header = {
    ...about.headers[view], part, layer, head, offHeads: [],
    name: nameOf(layer, head), map: mapOf(about.kind, layer, head),
  }
  header.of = JSON.stringify([about.kind, view, layer, head, view === "model" ? [] : state.beside, part])
  // Where nobody knows the model's name, the map's begins the sentence.
  const begun = (name) => (before ? before + name : name.slice(0, 1).toUpperCase() + name.slice(1))
  const caption = (name) => begun(name) + after + about.note
  if (view === "matrix") return matrix(kind, { ...header, caption: caption(header.name) }, state)
  if (view === "heads") return lines(kind, { ...header, caption: caption(`layer ${layer}`), part: null }, part)
  return model(kind, { ...header, name: "all heads", map: `${about.kind}-model`, part: null }, caption(""))
}

function matrix({ about, maps }, header, { layer, head, beside }) {
  const others = head === null || layer === null ? [] : beside.filter((each) => each !== head)
  const heads = [head, ...others.slice(0, MOST_PANELS - 1)]
  const cells = heads.map((each) => maps.weights(layer, each))
  const most = Math.max(...cells.map((each) => each.reduce((largest, weight) => (weight > largest ? weight : largest), 0)))
  const { rows, columns } = about
  header.panels = heads.map((each) => ({
    ...header.panels[0], title: nameOf(layer, each), rows, columns, most, size: [rows, columns],
  }))
  if (heads.length > 1) header.caption += " All on one scale."
  return packed({ ...header, bits: 32 }, cells)
}

function lines({ about, maps }, header, part) {
  const [q0, q1, k0, k1] = part ?? [0, about.rows, 0, about.columns]
  const heads = maps.headsOf(header.layer)
  const [high, wide] = [q1 - q0, k1 - k0]
  const weights = new Float32Array(heads.length * high * wide)
  for (const head of heads) {
    const whole = maps.weights(header.layer, head)
    for (let row = 0; row < high; row++) {
      const from = (q0 + row) * about.columns
      weights.set(whole.subarray(from + k0, from + k1), (head * high + row) * wide)
    }
  }
  return packed({ ...header, bits: 32, first: [q0, k0], shape: [heads.length, high, wide] }, [weights])
}

function model({ about, maps }, header, caption) {
  const { rows, columns, heads, steps } = maps.thumbnails(THUMBNAIL_SIDE)
  const isPooled = rows < about.rows || columns < about.columns
  header.caption = caption + (isPooled ? ` Each thumbnail is pooled to ${rows} × ${columns} cells (largest weight).` : "")
  return packed({ ...header, layers: about.layers, heads, rows, columns }, [twelveBits(steps)])
}

/** Two numbers of twelve bits in three bytes; see packing.py. */
function twelveBits(numbers) {
  const bytes = new Uint8Array(3 * Math.ceil(numbers.length / 2))
  for (let pair = 0; 2 * pair < numbers.length; pair++) {
    const [one, other] = [numbers[2 * pair], numbers[2 * pair + 1] ?? 0]
    bytes.set([one & 255, (one >> 8) | ((other & 15) << 4), other >> 4], 3 * pair)
  }
  return bytes
}
