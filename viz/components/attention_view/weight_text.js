// A weight as it is read: under the pointer, in the legend, by a screen reader.

import { float16Array, typedArray } from "../scaffold/message_numbers.js"
import { percentDigits, percentText } from "../scaffold/percent.js"

/** So many of the next numbers of a message, in 32 or 16 bits each. */
export const floats = (take, count, bits) =>
  bits === 32 ? typedArray(Float32Array, take(4 * count)) : float16Array(take(2 * count))

/** A number where no whole says how large it may be, as a weight times a length: 0.683, 12.3; 0 for none. */
const amountText = (amount) => (amount === 0 ? "0" : amount < 0 ? `−${amountText(-amount)}` : amount < 0.0005 ? "< 0.001" : String(Number(amount.toPrecision(3))))

const isPart = (header) => (header.unit ?? "weight") === "weight"

/** A part of the row, or, where weights are multiplied by a length, a number without a whole. */
export const weightText = (weight, header) => (isPart(header) ? percentText(weight) : amountText(weight))

/** How far apart two of them are: percentage points, where they are parts. */
export const differenceText = (weight, header) => weightText(weight, header).replace("%", "percentage points")

/** The same in a cell or below a token, without its sign; nothing for what is next to none, and where there is none. */
export function weightDigits(weight, header) {
  if (!(Math.abs(weight) >= 0.005)) return ""
  return isPart(header) ? percentDigits(weight) : amountText(weight)
}
