// A weight as it is read: under the pointer, in the legend, by a screen reader.

import { amountText } from "../scaffold/numbers.js"
import { percentText } from "../scaffold/percent.js"

/** A part of the row, or, where weights are multiplied by a length, a number without a whole. */
export const weightText = (weight, header) => ((header.unit ?? "weight") === "weight" ? percentText(weight) : amountText(weight))
