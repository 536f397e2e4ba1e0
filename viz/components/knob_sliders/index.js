// Sliders whose picture follows while they are dragged; the server hears of them once they are let go.

import { element } from "../scaffold/elements_and_canvases.js"
import { mount } from "../scaffold/mount.js"
import { sharedEntry } from "../scaffold/shared_by_scripts.js"
import { View } from "../scaffold/view.js"

class KnobSliders extends View {
  constructor(root) {
    super(root)
    this.rows = new Map()
    this.values = {}
    this.told = {}
    this.heard = this.count = 0
    this.held = null
    // Where the pointer or the focus comes, a finger will.
    for (const type of ["pointerenter", "pointerdown", "focusin"]) root.addEventListener(type, () => this.shared?.near?.())
    this.onLeave(() => (this.shared.values = null))
    this.offer({ value: (name) => this.values[name] })
  }

  receive({ picture, sliders, heard }) {
    this.shared = sharedEntry("knobs", picture, () => ({}))
    this.shared.hints = Object.fromEntries(sliders.map(({ name, help }) => [name, help]))
    // The server has heard all; or it has begun anew, and knows of nothing.
    if (heard < this.heard) this.count = heard
    this.heard = heard
    this.sliders = sliders
    const isHeard = heard >= this.count
    for (const slider of sliders) {
      const { name, value } = slider
      if (!this.rows.has(name)) this.addRow(name)
      this.told[name] = value
      if (!(name in this.values) || (isHeard && this.held?.name !== name)) this.values[name] = value
      this.paintRow(slider)
    }
    this.publish()
    this.ready()
  }

  addRow(name) {
    const row = element("div", "row")
    row.dataset.knob = name
    const [title, number, mark, input] = [element("label", "title"), element("span", "number"), element("span", "turned", "●"), element("input")]
    const help = element("button", "help", "?")
    Object.assign(input, { type: "range", id: `knob-${name}`, min: 0 })
    title.htmlFor = input.id
    input.oninput = () => this.move(name, Number(input.value))
    input.onpointerdown = () => this.hold(name, "pointerup", "pointercancel")
    // A key that stays down is a drag as well, though each of its steps is a change.
    input.onkeydown = ({ key }) => /^(Arrow|Page|Home|End)/.test(key) && this.hold(name, "keyup", "blur")
    input.onchange = () => this.held?.until.includes("keyup") || this.letGo()
    const explain = (isOn) => this.explain(isOn ? name : null)
    Object.assign(help, { onpointerenter: () => explain(true), onpointerleave: () => explain(false) })
    Object.assign(help, { onfocus: () => explain(true), onblur: () => explain(false), onclick: () => explain(true) })
    help.onkeydown = ({ key }) => key === "Escape" && explain(false)
    row.append(title, mark, help, number, input)
    this.rows.set(name, { row, title, number, mark, input, help })
    this.part("rows").append(row)
  }

  paintRow({ name, title, help, default: own, most, step, digits }) {
    const { rows, values } = this
    const row = rows.get(name)
    const value = values[name]
    const said = digits === 0 ? String(value) : digits > 2 ? String(Number(value.toPrecision(digits))) : value.toFixed(2)
    row.title.textContent = title
    row.number.textContent = said
    row.mark.hidden = value === own
    row.mark.title = `Turned; the page opens with ${own}`
    row.help.ariaLabel = `About ${title}`
    Object.assign(row.input, { max: most, step, value })
    row.input.ariaValueText = said
    row.input.ariaDescription = help
    row.input.style.setProperty("--filled", value / most)
  }

  move(name, value) {
    const slider = this.sliders.find((each) => each.name === name)
    this.values[name] = Math.max(slider.least, value)
    this.paintRow(slider)
    this.publish()
  }

  /** Until one of these happens, wherever the pointer is by then. */
  hold(name, ...until) {
    if (this.held?.name === name) return
    this.held = { name, until }
    const before = this.values[name]
    this.shared.heldAt = this.rows.get(name).row.getBoundingClientRect().y
    const end = ({ type }) => {
      for (const each of until) removeEventListener(each, end, true)
      // A finger that only came by: the browser sets a slider where it is touched before it knows that the page scrolls.
      if (type === "pointercancel") this.move(name, before)
      this.letGo()
    }
    for (const type of until) addEventListener(type, end, true)
  }

  /** The picture follows as long as a slider stands elsewhere than the server says. */
  publish() {
    const isAhead = Object.entries(this.values).some(([name, value]) => value !== this.told[name])
    this.shared.values = isAhead ? { ...this.values } : null
    this.shared.moved?.()
  }

  letGo() {
    this.held = null
    const said = JSON.stringify(this.values)
    if (said === (this.count > this.heard ? this.said : JSON.stringify(this.told))) return
    this.said = said
    this.count++
    this.tell("moved", { count: this.count, values: { ...this.values } })
  }

  explain(name) {
    if (name === null) return this.say(null)
    const { row } = this.rows.get(name)
    const { x: left, bottom } = row.getBoundingClientRect()
    const [x, y] = this.inRoot({ x: left, y: bottom })
    this.say(this.sliders.find((each) => each.name === name).help, x, y)
  }
}

export default mount(".knob-sliders", KnobSliders)
