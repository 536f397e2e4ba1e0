// A canvas in a place that is scrolled along, of which only what is in view is drawn.

import { oncePerFrame } from "./elements_and_canvases.js"
import { press } from "./keys.js"

/** What derives from it has `paint()`, and `at(event)`: what is under the pointer, null for nothing. Where it is operated
 * by keys it has a `keyTable()` (see keys.js). */
export class ScrolledCanvas {
  constructor(root, { hover, select }) {
    Object.assign(this, { root, hover, select })
    this.room = root.querySelector(".room")
    this.canvas = root.querySelector("canvas")
    this.draw = oncePerFrame(() => this.paint())
    root.onscroll = this.draw
    root.onpointermove = (event) => hover(this.at(event))
    root.onpointerleave = () => hover(null)
    root.onclick = (event) => {
      const found = this.at(event)
      if (found) select(found)
    }
    if (!this.keyTable) return
    root.onkeydown = (event) => press(this.keyTable(), event)
    root.onblur = () => hover(null)
  }

  /** How large all of it is, in pixels. */
  spread(width, height) {
    this.height = height
    Object.assign(this.room.style, { width: `${width}px`, height: `${height}px` })
  }
}
