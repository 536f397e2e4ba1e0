// What heads look at, in words.

import { weightText } from "./weight_text.js"


/** What the heads that are shown give a token most; of more than `most` heads only the strongest, the strongest first. */
export function describe(view, { side, token }, most = Infinity) {
  const weightOf = (other, head) => (side ? view.weight(other, token, head) : view.weight(token, other, head))
  const lines = view.shown.map((head) => {
    let best = -1
    for (let other = 0; other < (side ? view.rows : view.columns); other++)
      if (weightOf(other, head) > (best < 0 ? 0 : weightOf(best, head))) best = other
    if (best < 0) return [0, `H${head}: nothing`]
    const weight = weightOf(best, head)
    return [weight, `H${head}: ${side ? view.queries[best] : view.keys[best]} ${weightText(weight, view.header)}`]
  })
  if (lines.length > most) lines.sort(([one], [other]) => other - one)
  const more = lines.length > most ? `, and ${lines.length - most} heads more` : ""
  const said = lines.slice(0, most).map(([, text]) => text).join(", ")
  return `${side ? `${view.keys[token]} is looked at most by` : `${view.queries[token]} looks most at`} ${said}${more}`
}
