// A token as a chip: a button with its piece, and below that a share.

import { element } from "./elements_and_canvases.js"
import { press } from "./keys.js"

/** Pointing at it and coming to it by keys are one. */
export function chipOf(text, { click, hover, leave, keyTable }) {
  const chip = Object.assign(element("button", "chip"), { role: "option", onclick: click })
  chip.append(element("span", "piece", text), element("span", "share"))
  chip.onpointerenter = hover
  chip.onpointerleave = leave
  // A press gives the focus as well, and what it points at is the pointer's.
  let isByKeys = false
  chip.onfocus = () => (isByKeys = chip.matches(":focus-visible")) && hover()
  chip.onblur = () => isByKeys && leave()
  chip.onkeydown = (event) => press(keyTable(), event)
  return chip
}
