// What a model wrote, step by step, and what one head looked at for each step.

import { chipOf } from "../scaffold/token_chips.js"
import { rem, sharpContext } from "../scaffold/elements_and_canvases.js"
import { paintGround } from "../scaffold/text_on_colour.js"
import { ROW_ARROWS } from "../scaffold/keys.js"
import { mount } from "../scaffold/mount.js"
import { typedArray } from "../scaffold/message_numbers.js"
import { percentDigits, percentText } from "../scaffold/percent.js"
import { Player } from "../scaffold/step_player.js"
import { writeExplained } from "../scaffold/glossary_terms.js"
import { View } from "../scaffold/view.js"

class WrittenSteps extends View {
  constructor(root) {
    super(root)
    this.player = new Player(this, {
      go: (step, rest) => this.select(step, rest),
      tell: (step) => this.tell("step", step),
    })
    // Rows also change when a font arrives.
    this.onResize(this.part("stage"), () => this.chips && this.draw())
    this.offer({
      value: (step, key) => this.weight(step, key) || 0,
      select: (step) => this.select(step, 0),
      place: (step) => {
        const { x, y, width, height } = this.results[step].getBoundingClientRect()
        return { x: x + width / 2, y: y + height / 2 }
      },
    })
  }

  receive(header, take) {
    const { keys, outputs, selected } = header
    const text = JSON.stringify([keys, outputs, header.writtenFrom])
    const isNew = text !== this.text
    const step = this.player.isNews(selected, isNew) ? selected : this.selected
    Object.assign(this, header, { text, selected: step })
    this.weights = typedArray(Float32Array, take(4 * outputs.length * keys.length))
    this.part("bar").style.background = `linear-gradient(90deg, ${this.colours.amount})`
    this.part("most").textContent = percentText(this.most)
    this.scale = rem()
    if (isNew) this.build()
    this.unpoint()
  }

  /** New chips for new tokens; another head of the same text only paints them anew. */
  build() {
    const { keys, outputs, writtenFrom } = this
    const given = (this.given = writtenFrom ?? keys.length)
    this.isSelf = writtenFrom !== null
    this.sources = keys.slice(0, given).map((text, key) => this.chip(text, key, -1))
    // In the text itself what a step wrote is a key of those that follow.
    this.results = outputs.map((text, step) => this.chip(text, this.isSelf ? given + step : -1, step))
    this.chips = [...this.sources, ...this.results]
    this.part("sources").replaceChildren(...(this.isSelf ? this.chips : this.sources))
    this.part("results").replaceChildren(...(this.isSelf ? [] : this.results))
    const { classList } = this.part("stage")
    classList.toggle("text-itself", this.isSelf)
    classList.toggle("roomy", Math.max(keys.length, outputs.length) <= 16)
    this.scrolledTo = null
  }

  /** A button with its place among the keys and the steps, -1 for none. */
  chip(text, key, step) {
    const chip = chipOf(text, {
      click: () => step >= 0 && this.select(step, 0),
      hover: () => this.hover(chip),
      leave: () => this.unpoint(),
      keyTable: () => this.keyTable(chip),
    })
    return Object.assign(chip, { key, step })
  }

  keyTable(chip) {
    const move = (by) => {
      const row = [...chip.parentElement.children].filter((one) => !one.matches(".text-itself .later"))
      row.at((row.indexOf(chip) + by) % row.length).focus()
    }
    return [{ name: "arrows", says: "move", keys: ROW_ARROWS, act: move }]
  }

  /** NaN where a step cannot look: what it writes, and all that follows, is not there yet. */
  weight(step, key) {
    return key >= this.given + step ? NaN : this.weights[step * this.keys.length + key]
  }

  /** Linear from 0 to the largest weight. */
  amount(weight) {
    return Math.min(1, weight / this.most)
  }

  select(step, rest) {
    this.selected = Math.max(0, Math.min(this.outputs.length - 1, step))
    this.player.settle(this.selected, rest)
    this.paint()
    if (rest !== null) this.part("unseen").textContent = this.said
  }

  paint() {
    this.shown = this.hovered ?? this.selected
    for (const chip of this.chips) this.paintChip(chip)
    const row = this.part("sources")
    row.ariaLabel = `What ${this.name} looks at in step ${this.shown + 1}`
    const { outputs, texts, selected } = this
    const counter = `step ${selected + 1} of ${outputs.length}`
    this.said = `${counter}: ${this.hints[selected]}`
    this.player.show(selected, outputs.length, this.said)
    const written = [this.textBefore, texts.slice(0, selected).join(""), texts[selected]]
    this.player.showWritten(counter, this.hints[selected], written)
    // Not scrollIntoView: that would move the page as well.
    const { offsetTop, offsetHeight } = this.results[selected]
    if (this.scrolledTo !== selected) row.scrollTop = offsetTop + offsetHeight + 6 - row.clientHeight
    this.root.dataset.step = this.scrolledTo = selected
    this.draw()
  }

  paintChip(chip) {
    const { key, step } = chip
    const selected = step === this.selected
    const isKey = key >= 0 && step < this.shown
    const weight = this.weight(this.shown, key)
    const colour = isKey && this.ramp[Math.round(255 * this.amount(weight))]
    paintGround(chip, colour)
    const marks = {
      chip: true,
      written: step >= 0,
      special: this.special.includes(key) || this.specialOutputs.includes(step),
      unknown: this.unknown.includes(key),
      later: step > this.selected,
      barred: isKey && Number.isNaN(weight),
      selected,
    }
    chip.className = Object.keys(marks).filter((name) => marks[name]).join(" ")
    const [piece, share] = chip.children
    share.textContent = isKey ? percentDigits(weight) : this.shares[step]
    chip.ariaLabel = `${piece.textContent} ${isKey ? this.lookText(weight) : this.shares[step]}`
    chip.ariaSelected = selected
    // One stop for the Tab key in each row, from which the arrow keys go on.
    chip.tabIndex = selected || (!this.isSelf && key === 0) ? 0 : -1
  }

  draw() {
    if (!this.root.clientWidth) return
    writeExplained(this.part("caption"), this.caption)
    if (!this.isSelf) this.drawLines()
    this.ready({ map: this.map })
  }

  /** Between where chips stand: rows may wrap. */
  drawLines() {
    const { sources, results, shown } = this
    const stage = this.part("stage")
    const tight = [sources, results].some((row) => row[0].offsetTop !== row.at(-1).offsetTop)
    stage.classList.toggle("tight", tight)
    const context = sharpContext(this.part("lines"), stage.clientWidth, stage.clientHeight)
    if (tight || Math.max(sources.length, results.length) > 60)
      this.part("caption").textContent += " Only the lines of one step are drawn."
    else results.forEach((_, step) => step !== shown && this.drawStep(context, step))
    this.drawStep(context, shown, true)
  }

  drawStep(context, step, isShown) {
    const from = this.results[step]
    const middle = (chip) => chip.offsetLeft + chip.offsetWidth / 2
    for (const to of this.sources) {
      const weight = this.weight(step, to.key)
      if (!(weight >= 0.005)) continue
      const amount = this.amount(weight)
      const high = to.offsetTop + to.offsetHeight
      const half = (from.offsetTop + high) / 2
      context.strokeStyle = `rgb(${this.ramp[Math.round(110 + 100 * amount)]})`
      context.globalAlpha = isShown ? 0.3 + 0.7 * amount : 0.25 * amount
      context.lineWidth = (0.75 + 6 * amount) * this.scale
      context.beginPath()
      context.moveTo(middle(from), from.offsetTop)
      context.bezierCurveTo(middle(from), half, middle(to), half, middle(to), high)
      context.stroke()
    }
  }

  lookText(weight) {
    return Number.isNaN(weight) ? "cannot be looked at" : percentText(weight)
  }

  hover(chip) {
    const { key, step } = chip
    if (key < 0) this.hovered = step
    this.paint()
    chip.classList.add("hovered")
    for (const one of this.chips)
      one.classList.toggle("same", one !== chip && key >= 0 && this.keys[key] === this.keys[one.key])
    // Isolated: a token written from right to left must not swap the two.
    const pair = `\u2068${this.outputs[this.selected]}\u2069 → \u2068${this.keys[key]}\u2069: `
    const looks = key >= 0 && step < this.selected ? pair + this.lookText(this.weight(this.selected, key)) + "\n" : ""
    const { left, bottom } = chip.getBoundingClientRect()
    const [x, y] = this.inRoot({ x: left, y: bottom })
    this.say(looks + (this.hints[step] ?? ""), x, y + 6)
  }

  unpoint() {
    this.hovered = null
    this.say(null)
    this.paint()
  }
}

export default mount(".written-steps", WrittenSteps)
