// The numbers of a message, and how they are written.

/** The header, a reader of the arrays behind it, and how many bytes are left to read; see packing.py. */
export function unpack(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const length = view.getUint32(0, true)
  const header = parsed(new TextDecoder().decode(bytes.subarray(4, 4 + length)))
  let at = 4 + Math.ceil(length / 4) * 4
  const take = (size) => {
    if (!(at + size <= bytes.length)) throw new Error(`expected ${size} bytes more, found ${bytes.length - at}`)
    const part = bytes.subarray(at, at + size)
    at += Math.ceil(size / 4) * 4
    return part
  }
  return { header, take, left: () => bytes.length - at }
}

/** What JSON itself says of a text that is none holds a part of it, and would be in the log. */
function parsed(text) {
  try {
    return JSON.parse(text)
  } catch {
    throw new Error("expected a header in JSON")
  }
}

/** Bytes as numbers of this kind, wherever they lie. */
export const typedArray = (Kind, bytes) =>
  new Kind(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength))

let halves = null
/** The number behind each of the 65,536 patterns of a float16. */
function float16Table() {
  if (halves) return halves
  halves = new Float32Array(65536)
  for (let pattern = 0; pattern < 65536; pattern++) {
    const sign = pattern & 0x8000 ? -1 : 1
    const exponent = (pattern >> 10) & 31
    const fraction = pattern & 1023
    halves[pattern] =
      exponent === 31
        ? fraction ? NaN : sign * Infinity
        : sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : (2 ** -14 * fraction) / 1024)
  }
  return halves
}

export function float16Array(bytes) {
  // Browsers have read them by themselves since 2025.
  if (globalThis.Float16Array) return Float32Array.from(typedArray(Float16Array, bytes))
  const table = float16Table()
  return Float32Array.from(typedArray(Uint16Array, bytes), (pattern) => table[pattern])
}
