// A document in a frame of its own origin: it may run scripts, and can reach neither this page nor its address.

import { element } from "../scaffold/elements_and_canvases.js"
import { mount } from "../scaffold/mount.js"
import { View } from "../scaffold/view.js"

const TALLEST = 1600

class FramedDocument extends View {
  constructor(root) {
    super(root)
    const onMessage = (event) => this.takeHeight(event)
    addEventListener("message", onMessage)
    this.onLeave(() => removeEventListener("message", onMessage))
  }

  receive(header, take) {
    this.isDark = this.colours === header.palette.dark
    const shown = new TextDecoder().decode(take(header.size))
    if (shown !== this.shown) {
      this.shown = shown
      delete this.root.dataset.ready
      this.frame?.remove()
      this.frame = element("iframe")
      this.frame.sandbox = "allow-scripts"
      this.frame.srcdoc = shown
      this.root.prepend(this.frame)
    } else if (this.frame.style.height) this.isThere()
    this.frame.title = header.title
  }

  /** Only what this frame says counts, and only a height. */
  takeHeight(event) {
    if (!this.frame || event.source !== this.frame.contentWindow) return
    const height = Number(event.data?.height)
    if (!(height > 0)) return
    this.frame.style.height = height <= TALLEST ? `${Math.ceil(height)}px` : "90vh"
    this.isThere()
  }

  isThere() {
    this.tellColours()
    this.ready()
  }

  tellColours() {
    const { ground, ink, hatch } = this.colours
    const scheme = this.isDark ? "dark" : "light"
    this.frame.contentWindow?.postMessage({ scheme, ground, ink, mark: hatch }, "*")
  }
}

export default mount(".framed-document", FramedDocument)
