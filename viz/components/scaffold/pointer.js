// Where the pointer is in a picture. What a picture shows for it follows from that place and the data of now.

export class Pointer {
  constructor(view) {
    const { root } = view
    Object.assign(this, { view, root, place: null, isPressed: false })
    const on = (target, name, act, capture) => {
      target.addEventListener(name, act, capture)
      view.onLeave(() => target.removeEventListener(name, act, capture))
    }
    on(root, "pointermove", ({ clientX, clientY }) => (this.place = { clientX, clientY }))
    // Who goes on by keys has left the pointer lying: it points no more before it moves.
    on(root, "keydown", () => (this.place = null), true)
    on(root, "pointercancel", () => this.gone())
    on(root, "pointerleave", (event) => this.onOut(event), true)
    on(root, "pointerup", (event) => this.onUp(event), true)
    on(root, "pointerup", (event) => this.onTapped(event))
    on(window, "pointerdown", (event) => this.onDown(event), true)
  }

  /** A press anywhere: here it may become a choice; elsewhere it ends what is pointed at. */
  onDown(event) {
    this.isPressed = event.composedPath().includes(this.root)
    if (!this.isPressed && this.root.dataset.ready) this.gone()
  }

  /** What was pressed outside of the picture, or in something that is gone, chooses nothing in it. */
  onUp(event) {
    if (!this.isPressed) event.stopImmediatePropagation()
    this.isPressed = false
  }

  /** A finger that is lifted leaves as well; what it tapped is still pointed at, until somebody taps elsewhere. */
  onOut(event) {
    if (event.pointerType === "touch") event.stopImmediatePropagation()
    else if (event.target === this.root) this.place = null
  }

  onTapped({ pointerType, clientX, clientY }) {
    if (pointerType !== "touch") return
    this.place = { clientX, clientY }
    this.again()
  }

  gone() {
    this.place = null
    this.view.unpoint()
  }

  /** Point once more, at what is there now. */
  again() {
    if (!this.place) return
    const { clientX, clientY } = this.place
    this.view.unpoint()
    const found = this.root.getRootNode().elementFromPoint(clientX, clientY)
    if (!found || !this.root.contains(found)) return
    const point = { clientX, clientY, pointerType: "mouse" }
    for (let at = found; at !== this.root; at = at.parentElement) at.dispatchEvent(new PointerEvent("pointerenter", point))
    for (const name of ["pointerover", "pointermove"]) found.dispatchEvent(new PointerEvent(name, { ...point, bubbles: true }))
  }
}
