// Parts of a whole in percent, with the digits that tell small ones apart: the rule of `part_text` in number_format.py.

const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹"

/** 10⁻⁵ for 5. */
export const tenToMinus = (power) => `10⁻${[...String(power)].map((digit) => SUPERSCRIPTS[digit]).join("")}`

// The smallest part that is told apart from others.
const LEAST = 1e-11

/** 77.3 %, 5.04 %, 0.123 %, 3·10⁻⁵ %, < 10⁻⁹ %. */
export function percentText(part) {
  if (part < 0) return part <= -LEAST ? `−${percentText(-part)}` : `> −${tenToMinus(9)}\u00a0%`
  const share = 100 * part
  if (!share) return "0\u00a0%"
  if (part < LEAST) return `< ${tenToMinus(9)}\u00a0%`
  if (share >= 0.001) return `${share.toFixed(share >= 9.95 ? 1 : share >= 0.995 ? 2 : 3)}\u00a0%`
  const [digit, power] = share.toExponential(0).split("e-")
  return `${digit}·${tenToMinus(power)}\u00a0%`
}

/** The same where there is no room for the sign: 77.3; nothing where that would be less than half of one percent. */
export const percentDigits = (part) => (Math.abs(part) >= 0.005 ? percentText(part).replace(/\s%$/, "") : "")
