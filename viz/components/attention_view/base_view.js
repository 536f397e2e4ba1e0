// What the four views have in common: a picture on one canvas, and over it what changes with the pointer.

import { element, sharpContext } from "../scaffold/elements_and_canvases.js"
import { keyList, press } from "../scaffold/keys.js"

export class Picture {
  constructor(shell) {
    this.shell = shell
    this.stage = element("div", "stage")
    this.base = element("canvas", "base")
    // It takes the focus.
    this.over = Object.assign(element("canvas", "over"), { tabIndex: 0, role: "application" })
    this.over.onkeydown = (event) => press(this.keyTable(), event)
    this.stage.append(this.base, this.over)
  }

  /** `point` is told the place under the pointer, null for none, and `click` the one that was clicked: see `placeAt`. */
  listen(point, click) {
    this.unpoint = () => point(null)
    this.over.onpointermove = (event) => point(this.placeAt(event))
    this.over.onpointerleave = this.unpoint
    this.over.onclick = (event) => click(this.placeAt(event))
  }

  height(width) {
    return this.layOut(element("canvas").getContext("2d"), width)
  }

  /** Both canvases in this size; what a screen reader says of them, beside the keys. */
  spread(width, high, said) {
    this.high = high
    this.baseContext = sharpContext(this.base, width, high)
    this.context = sharpContext(this.over, width, high)
    this.stage.style.height = `${high}px`
    this.speak(said)
  }

  speak(said) {
    this.over.ariaLabel = `${said}: ${keyList(this.keyTable())}.`
  }

  selectionChanged() {}
}
