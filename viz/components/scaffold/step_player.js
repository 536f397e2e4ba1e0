// The slider over the steps, its buttons, and when the server is told where it stands.

const QUIET = 150
const BEAT = 900

/** Whether somebody asked for less motion. */
export const isCalm = () => matchMedia("(prefers-reduced-motion: reduce)").matches

export class Player {
  /**
   * Of a view that has its parts. `go(step, rest)` shows a step and calls `settle` with it: the person is done when `rest` ms have passed, with null
   * not yet. `tell(step)` tells the server.
   */
  constructor(view, { go, tell }) {
    const part = (name) => view.part(name)
    // Before there is a step, there is none to go to.
    const goTo = (step, rest) => this.last >= 0 && go(step, rest)
    Object.assign(this, { part, go: goTo, tell, told: [] })
    view.onLeave(() => this.leave())
    const slider = part("slider")
    slider.oninput = ({ target }) => this.go(+target.value, QUIET)
    slider.onpointerdown = () => (this.before = this.step)
    // A finger that only came by, and scrolls the page.
    slider.onpointercancel = () => this.go(this.before, 0)
    part("back").onclick = () => this.go(this.step - 1, 0)
    part("onward").onclick = () => this.go(this.step + 1, 0)
    part("play").onclick = () => this.onPlay()
  }

  /** Where it stands, of how many steps, and what a screen reader says of that. */
  show(step, count, said) {
    Object.assign(this, { step, last: count - 1 })
    const slider = this.part("slider")
    slider.max = Math.max(0, this.last)
    slider.value = step
    slider.ariaValueText = said
  }

  settle(step, rest) {
    clearTimeout(this.rest)
    this.rest = rest === null ? null : setTimeout(() => this.tellOf(step), rest)
    if (this.rest) this.stop()
  }

  tellOf(step) {
    this.rest = null
    if (step === (this.told.at(-1) ?? this.answered)) return
    this.told.push(step)
    this.tell(step)
  }

  /**
   * Whether the step that the server names is to be shown; isNew: of another picture. An answer to what the person did
   * earlier must not pull the step back.
   */
  isNews(step, isNew) {
    const isEcho = !isNew && (step === this.answered || this.told.includes(step) || this.rest || this.beat)
    if (!isEcho || step === this.step) this.told = []
    if (!isEcho) this.leave()
    this.answered = step
    return !isEcho
  }

  onPlay() {
    if (!(this.last >= 0)) return
    const next = this.step < this.last ? this.step + 1 : 0
    if (this.beat) this.go(this.step, 0)
    // Whoever asked for less motion gets one step for each press.
    else if (isCalm()) this.go(next, 0)
    else {
      this.part("play").textContent = "Pause"
      // The server is told where it stops: a rerun for each beat would be work that nobody looks at.
      this.beat = setInterval(() => this.go(this.step + 1, this.step + 1 < this.last ? null : 0), BEAT)
      this.go(next, null)
    }
  }

  stop() {
    this.beat = clearInterval(this.beat)
    this.part("play").textContent = "Play"
  }

  leave() {
    this.stop()
    this.rest = clearTimeout(this.rest)
  }

  /** Below the slider: where it stands, a hint at the step, and the text as it stood at the step. */
  showWritten(counter, hint, texts) {
    this.part("counter").textContent = counter
    this.part("hint").textContent = hint
    const text = this.part("text")
    texts.forEach((piece, at) => (text.children[at].textContent = piece))
    text.scrollTop = text.scrollHeight
  }
}
