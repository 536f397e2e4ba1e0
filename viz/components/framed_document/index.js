// A document in a frame of its own origin: it may run scripts, and can reach neither this page nor its address.

const TALLEST = 1600
export default mounted(".framed-document", (root) => new FramedDocument(root))

class FramedDocument {
  constructor(root) {
    this.root = root
    this.onMessage = (event) => this.hear(event)
    window.addEventListener("message", this.onMessage)
  }

  leave() {
    window.removeEventListener("message", this.onMessage)
  }

  show(bytes) {
    const { header, take } = unpack(bytes)
    this.colours = themePalette(this.root, header.palette)
    this.isDark = this.colours === header.palette.dark
    const shown = new TextDecoder().decode(take(header.size))
    if (shown !== this.shown) {
      this.shown = shown
      delete this.root.dataset.ready
      this.frame = element("iframe")
      this.frame.title = header.title
      this.frame.sandbox = "allow-scripts"
      this.frame.srcdoc = shown
      this.root.replaceChildren(this.frame)
    } else this.tell()
  }

  /** Only what this frame says counts, and only a height. */
  hear(event) {
    if (!this.frame || event.source !== this.frame.contentWindow) return
    const height = Number(event.data?.height)
    if (!(height > 0)) return
    this.frame.style.height = height <= TALLEST ? `${Math.ceil(height)}px` : "90vh"
    this.tell()
    this.root.dataset.ready = "true"
  }

  tell() {
    const { ground, ink, hatch } = this.colours
    const scheme = this.isDark ? "dark" : "light"
    this.frame.contentWindow?.postMessage({ scheme, ground, ink, mark: hatch }, "*")
  }
}
