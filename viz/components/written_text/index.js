// A written text as tokens that can be selected, and the tree of its branches.

import { element } from "../scaffold/elements_and_canvases.js"
import { paintGround } from "../scaffold/text_on_colour.js"
import { press } from "../scaffold/keys.js"
import { mount } from "../scaffold/mount.js"
import { sharedEntry } from "../scaffold/shared_by_scripts.js"
import { percentText } from "../scaffold/percent.js"
import { isCalm } from "../scaffold/step_player.js"
import { writeExplained } from "../scaffold/glossary_terms.js"
import { View } from "../scaffold/view.js"

const FULL_SURPRISAL = 10

class WrittenTextView extends View {
  constructor(root) {
    super(root)
    this.part("text").onkeydown = (event) => press(this.keyTable(), event)
    this.offer({
      value: (place) => this.tokens[place][2],
      tokens: () => this.tokens.map(([text, piece, probability, drawn, rank]) => ({ text, piece, probability, drawn, rank })),
      text: () => this.tokens.map(([text]) => text).join(""),
    })
  }

  receive(header) {
    Object.assign(this, header)
    this.paint()
    this.paintTree()
    this.comeIntoSight()
    this.ready({ tokens: this.tokens.length, done: this.isDone, selected: this.selected })
  }

  /** Whoever asks for a text may stand a screen below it. */
  comeIntoSight() {
    const seen = sharedEntry("asked", "written_text", () => ({ asked: 0 }))
    if (this.asked <= seen.asked) return
    // Its first token gives it its height.
    if (this.tokens.length) seen.asked = this.asked
    requestAnimationFrame(() => this.root.scrollIntoView({ behavior: isCalm() ? "auto" : "smooth", block: "nearest" }))
  }

  /** 0 to 1, as dark as the token is. */
  amount([, , probability, , rank]) {
    if (this.shade === "probability") return probability
    if (this.shade === "rank") return Math.log(rank + 1) / Math.log(this.vocabulary)
    return Math.min(1, -Math.log(Math.max(probability, 1e-30)) / FULL_SURPRISAL)
  }

  paint() {
    const text = this.part("text")
    const hadFocus = text.contains(this.root.getRootNode().activeElement)
    const chips = this.tokens.map((token, place) => this.chip(token, place))
    if (this.goesOn && this.isDone && chips.length) chips.push(this.button("…", this.tokens.length, "next", "What would come next"))
    text.replaceChildren(element("span", "before", this.before), ...chips)
    const selected = chips[this.selected]
    if (hadFocus) selected?.focus({ preventScroll: true })
    if (!this.isDone) text.scrollTop = text.scrollHeight
    else if (selected) {
      const { offsetTop, offsetHeight } = selected
      const from = offsetTop - text.offsetTop
      if (from < text.scrollTop || from + offsetHeight > text.scrollTop + text.clientHeight) text.scrollTop = from - 20
    }
    writeExplained(this.part("says"), this.says)
    this.paintShades()
    const ramp = element("i", "ramp")
    ramp.style.background = `linear-gradient(90deg, ${this.colours.amount})`
    const ends = { probability: [percentText(0), percentText(1)], rank: ["the likeliest", "the least likely"], surprisal: ["0", `${FULL_SURPRISAL} nats`] }[this.shade]
    this.part("scale").replaceChildren(...(chips.length ? [ends[0], ramp, ends[1]] : []))
  }

  paintShades() {
    const made = this.shades.map((name) => {
      const button = element("button", "shade", name)
      Object.assign(button, { role: "radio", ariaChecked: String(name === this.shade) })
      button.onclick = () => {
        this.shade = name
        this.paint()
        this.tell("shade", name)
        this.root.querySelector(".shade[aria-checked='true']").focus()
      }
      return button
    })
    this.part("shades").replaceChildren(...(this.tokens.length ? made : []))
  }

  chip(token, place) {
    const [text, piece, probability, drawn, rank, isTurned] = token
    const isShown = /\S/.test(text)
    const nats = -Math.log(Math.max(probability, 1e-30))
    const title = `${piece}\n${percentText(probability)} by the model, place ${(rank + 1).toLocaleString("en")}, ${nats.toFixed(2)} nats\n${isTurned ? "chosen by hand" : `drawn from ${percentText(drawn)}`}`
    const chip = this.button(isShown ? text : piece + (text.includes("\n") ? "\n" : ""), place, isShown ? "" : "sign", title)
    paintGround(chip, this.ramp[Math.round(255 * this.amount(token))])
    chip.classList.toggle("turned", Boolean(isTurned))
    return chip
  }

  button(text, place, className, title) {
    const button = element("button", `token ${className}`, text)
    Object.assign(button, { role: "option", title, ariaSelected: String(place === this.selected) })
    button.classList.toggle("selected", place === this.selected)
    button.tabIndex = place === this.selected || (this.selected > this.tokens.length && place === 0) ? 0 : -1
    button.onclick = () => this.select(place)
    return button
  }

  select(place) {
    this.selected = place
    this.root.dataset.selected = place
    this.part("text").querySelectorAll(".token").forEach((each, at) => {
      each.classList.toggle("selected", at === place)
      each.ariaSelected = String(at === place)
      each.tabIndex = at === place ? 0 : -1
    })
    this.tell("token", place)
  }

  keyTable() {
    return [{ name: "← →", says: "go from token to token", keys: { ArrowRight: 1, ArrowLeft: -1 }, act: (by) => this.step(by) }]
  }

  step(by) {
    const chips = [...this.part("text").querySelectorAll(".token")]
    const to = chips[Math.max(0, Math.min(chips.length - 1, chips.indexOf(this.root.getRootNode().activeElement) + by))]
    to?.focus()
    to?.click()
  }

  paintTree() {
    const lines = this.branches.map(([piece, at, text, depth], place) => {
      const line = element("button", "branch")
      Object.assign(line, { role: "treeitem", ariaLevel: String(depth + 1), ariaSelected: String(place === this.current) })
      line.style.marginLeft = `${16 * depth}px`
      line.style.maxWidth = `calc(100% - ${16 * depth}px)`
      line.classList.toggle("current", place === this.current)
      if (depth) line.append("└ ", element("span", "", `at ${at}: `), element("b", "", piece))
      else line.append(element("span", "", "as drawn: "))
      line.append(element("span", "", text))
      line.onclick = () => this.tell("branch", place)
      return line
    })
    this.part("tree").replaceChildren(...(lines.length > 1 ? lines : []))
  }
}

export default mount(".written-text", WrittenTextView)
