// Bytes and how many times, as the server writes them: the rules of `bytes_text` and `times_text` in number_format.py.

const UNITS = ["bytes", "KiB", "MiB", "GiB", "TiB", "PiB"]

/** 506,880 is 495 KiB. */
export function bytesText(count) {
  let [size, unit] = [count, 0]
  for (; size >= 1024 && unit < UNITS.length - 1; unit++) size /= 1024
  const digits = unit && size < 10 ? 2 : unit && size < 100 ? 1 : 0
  return `${(+size.toFixed(digits)).toLocaleString("en")} ${UNITS[unit]}`
}

/** 2.5 ×, 4 ×, 12 ×. */
export const timesText = (ratio) => `${+ratio.toFixed(ratio < 10 ? 2 : 0)}\u202f×`
