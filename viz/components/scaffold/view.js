// The base of a view: what draws a component into one element.

import { clearActive, operatedIn, setActive } from "./active_cell.js"
import { rampColours, themePalette } from "./colours.js"
import { unpack } from "./message_numbers.js"
import { sharedEntry } from "./shared_by_scripts.js"
import { Pointer } from "./pointer.js"

/**
 * A view must have
 *   receive(header, take)   draws what the server sent (see packing.py): once at first, and again whenever that differs.
 *                   The colours are those of the theme then. When it has painted it calls `ready`.
 * and calls in its constructor
 *   offer({...})    what tests and curious people read at `root.headlight`; `value(...)` is the number behind a cell.
 *   onLeave(act)    where it holds on to something (timers, listeners): `act` lets go of it.
 * It may have
 *   keyTable()      the table of its keys; see keys.js.
 *   unpoint()       lets go of what is pointed at (tooltip, ring, dimming). It is called when the pointer leaves, when
 *                   somebody presses elsewhere, and before other data; after these the pointer points again (Pointer).
 * It is given
 *   root            the element; part(name): the first element in it of this class.
 *   tell(name, value)   tells the server, where the value is heard that `told` names so; from the first `show` on.
 *   fail(error)     ends in the sentence (see mount.js), for what others call; from the first `show` on.
 */
export class View {
  // Nothing that is sent can take its place.
  #ends = []

  constructor(root) {
    this.root = root
    this.pointer = new Pointer(this)
  }

  part(name) {
    return this.root.querySelector(`.${name}`)
  }

  offer(numbers) {
    this.root.headlight = numbers
  }

  show(bytes) {
    const { header, take, left } = unpack(bytes)
    if (this.root.dataset.ready) this.unpoint()
    this.isNewlySent = true
    this.takeColours(header.palette)
    this.receive(header, take)
    if (left()) throw new Error(`expected nothing behind the numbers, found ${left()} bytes`)
  }

  unpoint() {
    this.say(null)
  }

  onLeave(act) {
    this.#ends.push(act)
  }

  leave() {
    for (const end of this.#ends) end()
    if (this.state && this.state.arrived === this.arrived) this.state.arrived = null
  }

  /** Call `act` when the size of an element changes, and at first. */
  onResize(element, act) {
    const observer = new ResizeObserver(act)
    observer.observe(element)
    this.onLeave(() => observer.disconnect())
  }

  /** Take the colours of the theme that is shown: `colours`, and `ramp` from nothing to the most. */
  takeColours(palettes) {
    this.colours = themePalette(this.root, palettes)
    this.ramp = rampColours(this.colours.amount)
  }

  /**
   * What is selected comes apart from the picture, before it or after it (picture_state): `apply(state)` is called with
   * each state of the picture `name` that has the mark `of`.
   */
  followState(name, of, apply) {
    if (!name || !of) throw new Error("expected the name and the mark of a picture with a state")
    this.state = sharedEntry("states", name, () => ({}))
    this.onState = () => {
      const { state } = this.state
      if (state && !state.of) throw new Error("expected a state with the mark of its picture")
      if (state?.of !== of) return
      apply(state)
      this.pointer.again()
    }
    this.arrived = this.state.arrived = this.guarded(this.onState)
    this.onState()
  }

  /** What another script calls; its faults are this picture's. */
  guarded(act) {
    return () => {
      try {
        act()
      } catch (error) {
        this.fail(error)
      }
    }
  }

  /**
   * A tooltip at a place in the element, in pixels; text null for none. spoken: what a screen reader says, of the cell
   * that is active where the picture has the focus.
   */
  say(text, x, y, spoken = text) {
    const tip = this.part("tip")
    tip.hidden = text === null
    if (text === null) return clearActive(this.root)
    tip.textContent = text
    const operated = operatedIn(this.root)
    if (operated) setActive(operated, spoken)
    this.part("unseen").textContent = operated ? "" : spoken
    tip.style.left = `${Math.max(0, Math.min(x, this.root.clientWidth - tip.offsetWidth))}px`
    tip.style.top = `${y}px`
  }

  /** A place in the window as one in the element. */
  inRoot({ x, y }) {
    const box = this.root.getBoundingClientRect()
    return [x - box.left, y - box.top]
  }

  /** It has painted; `facts` are told by attributes of the element. */
  ready(facts = {}) {
    Object.assign(this.root.dataset, facts, { ready: true })
    if (!this.isNewlySent) return
    this.isNewlySent = false
    this.pointer.again()
  }
}
