// The slider over the steps, its buttons, and the text as it stood at the step.

class Player {
  /** `go(step, rest)` shows a step and tells the server after `rest` quiet ms; with null not yet. */
  constructor(part, go) {
    Object.assign(this, { part, go })
    part("slider").oninput = ({ target }) => go(+target.value, 150)
    part("back").onclick = () => go(this.step - 1, 0)
    part("onward").onclick = () => go(this.step + 1, 0)
    part("play").onclick = () => this.onPlay()
  }

  show(step, { outputs, hints, texts, textBefore }) {
    const { part } = this
    const slider = part("slider")
    this.step = step
    this.last = slider.max = outputs.length - 1
    slider.value = step
    const counter = (part("counter").textContent = `step ${step + 1} of ${outputs.length}`)
    part("hint").textContent = hints[step]
    slider.ariaValueText = this.said = `${counter}: ${hints[step]}`
    const text = part("text")
    const texted = [textBefore, texts.slice(0, step).join(""), texts[step]]
    texted.forEach((piece, at) => (text.children[at].textContent = piece))
    text.scrollTop = text.scrollHeight
  }

  onPlay() {
    const next = this.step < this.last ? this.step + 1 : 0
    if (this.beat) this.go(this.step, 0)
    // Whoever asked for less motion gets one step for each press.
    else if (matchMedia("(prefers-reduced-motion: reduce)").matches) this.go(next, 0)
    else {
      this.part("play").textContent = "Pause"
      // The server is told where it stops: a rerun for each beat would be work that nobody looks at.
      this.beat = setInterval(() => this.go(this.step + 1, this.step + 1 < this.last ? null : 0), 900)
      this.go(next, null)
    }
  }

  stop() {
    this.beat = clearInterval(this.beat)
    this.part("play").textContent = "Play"
  }
}
