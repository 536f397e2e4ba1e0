// A lesson beside the page. How far one has come is kept in this browser, and nowhere else.

import { element } from "../scaffold/elements_and_canvases.js"
import { mount } from "../scaffold/mount.js"
import { View } from "../scaffold/view.js"
import { asking } from "./question_forms.js"
import { stepOf } from "./arrow_keys.js"
import { kept, keep } from "./progress.js"
import { result } from "./guess_and_truth.js"

// Told in place of a guess.
const CHOSEN_IN_PICTURE = "chosen in the picture"
const TO_THE_LIST = 2
const GUESSING = "The class is guessing: Reveal, in the bar below, shows the answer to all."

class LessonRail extends View {
  constructor(root) {
    super(root)
    this.offer({ value: () => this.shown.step })
    const stay = () => clearTimeout(this.sight)
    for (const each of ["wheel", "pointerdown", "keydown"]) addEventListener(each, stay)
    const turn = (event) => this.turn(event)
    addEventListener("keydown", turn)
    this.onLeave(() => {
      removeEventListener("keydown", turn)
      for (const each of ["wheel", "pointerdown", "keydown"]) removeEventListener(each, stay)
      stay()
      clearTimeout(this.idle)
      const { dataset } = document.documentElement
      delete dataset.lesson
      delete dataset.lessonCover
    })
  }

  receive(header) {
    const { lesson, step, count, isOpen } = header
    const isNew = !this.shown || this.shown.lesson !== lesson || this.shown.step !== step
    const hadGuess = this.shown?.result
    const wasBelow = this.shown?.isBelow
    // Most runs of a page leave the lesson as it was.
    const text = JSON.stringify(header)
    if (text === this.text && !this.waits) return this.ready()
    Object.assign(this, { shown: header, text, waits: false })
    keep(lesson, step, step === count && isOpen)
    if (isNew) this.isOpened = this.isWarned = false
    this.fold(header.isSlim ? !this.isOpened : kept("folded") === true)
    if (header.isCovered) document.documentElement.dataset.lessonCover = "on"
    else delete document.documentElement.dataset.lessonCover
    this.paint()
    if (this.acted && (isNew || (header.result && !hadGuess))) this.root.querySelector(isNew ? "h2" : ".result")?.focus()
    const isOther = isNew || (header.result && !hadGuess)
    if (isOther && (header.isBelow || wasBelow || innerWidth <= 1100)) this.bringIntoSight(header.isBelow)
    this.ready({ lesson, step })
  }

  /** Where the rail stands beside the page: the tab that a step shows lies below the picture, and comes with it. Where
      it stands above the page: the step itself, however the page grows below it.
   */
  bringIntoSight(isBelow) {
    const main = document.querySelector("[data-testid=stMain]")
    clearTimeout(this.sight)
    let tries = 12
    const look = () => {
      const tabs = isBelow ? main?.querySelector(".stTabs [role=tab][aria-selected=true]") : main
      if (innerWidth > 1100 && tabs) main.scrollBy({ top: isBelow ? tabs.getBoundingClientRect().top - 90 : -1e6 })
      if (innerWidth <= 1100 && this.acted) this.keepInSight(main)
      if ((isBelow || innerWidth <= 1100) && tries-- > 0) this.sight = setTimeout(look, 300)
    }
    look()
  }

  keepInSight(main) {
    const { top } = (this.root.querySelector(".result") ?? this.root.querySelector("h2")).getBoundingClientRect()
    if (top < 60 || top > innerHeight * 0.6) main?.scrollBy({ top: top - 90 })
  }

  /** Told once until the server has answered. */
  told(name, value) {
    this.acted = this.waits = true
    for (const each of this.root.querySelectorAll("button, input")) each.disabled = true
    this.tell(name, value)
  }

  fold(isFolded) {
    this.isFolded = isFolded
    document.documentElement.dataset.lesson = isFolded ? (this.shown.isSlim ? "slim" : "folded") : "open"
  }

  turn(event) {
    const by = stepOf(event, this.shown)
    if (!by) return
    event.preventDefault()
    this.whenIdle(() => this.go(by))
  }

  /** Once the run of the page has ended that is on its way: until then its address is that of the step before. */
  whenIdle(act) {
    clearTimeout(this.idle)
    const isRunning = document.querySelector("[data-testid=stApp]")?.dataset.testScriptState === "running"
    if (this.waits || isRunning) this.idle = setTimeout(() => this.whenIdle(act), 100)
    else act()
  }

  go(by) {
    const { step, count, isOpen, isAsked } = this.shown
    if (step + by < 1 || step + by > count) return
    if (isAsked && !this.isWarned) {
      this.isWarned = true
      return this.paint()
    }
    if (by < 0 || isOpen) return this.told("step", step + by)
    this.isOpened = true
    this.fold(false)
    this.paint()
    this.root.querySelector("h2").focus()
  }

  button(text, className, act) {
    const made = element("button", className, text)
    made.onclick = act
    return made
  }

  paint() {
    const { title, step, count, say, kind, prompt, result: answer, after, isOpen, problem, note, isOwn, isCovered, isTaught, isAsked } = this.shown
    const head = element("div", "head")
    const fold = this.button(this.isFolded ? "Show" : "Hide", "plain", () => {
      if (this.shown.isSlim) this.isOpened = this.isFolded
      else keep("folded", !this.isFolded)
      this.fold(!this.isFolded)
      this.paint()
      this.root.querySelector(".head button").focus()
    })
    fold.ariaExpanded = String(!this.isFolded)
    head.append(element("b", "", title), fold, this.button("Close", "plain", () => this.told("leave", 1)))
    const heading = element("h2", "", `Step ${step} of ${count}`)
    heading.tabIndex = -1
    const dots = element("div", "dots")
    dots.ariaHidden = "true"
    for (let each = 1; each <= count; each++) dots.append(element("i", each < step ? "done" : each === step ? "now" : ""))
    const parts = [head]
    if (this.isFolded && this.shown.isSlim) this.slim(head, heading)
    if (!this.isFolded) {
      parts.push(heading, dots)
      if (say) parts.push(element("p", "say", say))
      if (note) parts.push(element("p", "note", note))
      if (problem) {
        const said = element("p", "problem", problem)
        said.setAttribute("role", "alert")
        parts.push(said)
      }
      if (isCovered) parts.push(element("p", "note", `The picture is covered until you have ${isTaught ? "revealed the answer" : "guessed"}.`))
      if (isAsked) parts.push(element("p", "note", GUESSING))
      if (kind && !answer && !isOpen && !problem) {
        const [skip, there] = [null, CHOSEN_IN_PICTURE].map((guess) => () => this.commit(guess))
        parts.push(asking(this.shown, (guess) => this.commit(guess), skip, there))
      }
      if (answer) {
        parts.push(element("p", "prompt", prompt))
        const made = result(this.shown)
        made.tabIndex = -1
        parts.push(made)
      }
      if (after) parts.push(element("p", "after", after))
      if (isOwn) parts.push(this.button("Back to the lesson's text", "plain", () => this.told("text", 1)))
      parts.push(this.foot())
    }
    const lesson = this.root.querySelector(".lesson")
    lesson.classList.toggle("asks", Boolean(kind) && !this.isFolded)
    lesson.replaceChildren(...parts)
  }

  /** All in one line: where one is, back and on, what the step says. */
  slim(head, heading) {
    const { title, step, count, say, isAsked } = this.shown
    heading.textContent = `${step} of ${count}`
    const [back, next] = [["‹", "Back", -1], ["›", "Next", 1]].map(([sign, name, by]) => {
      const made = this.button(sign, "turn", () => this.go(by))
      const disabled = step + by < 1 || step + by > count
      return Object.assign(made, { ariaLabel: name, title: `${name} (arrow key)`, disabled })
    })
    const [, ...others] = head.children
    const said = element("span", "said", isAsked && this.isWarned ? `${GUESSING} Once more: on without it.` : say)
    said.setAttribute("role", "status")
    head.replaceChildren(back, heading, next, element("b", "", title), said, ...others)
    head.classList.add("slim")
  }

  commit(guess) {
    const { lesson, step } = this.shown
    this.told("guess", { lesson, step, guess })
  }

  foot() {
    const { step, count, isOpen, isAsked, problem } = this.shown
    const foot = element("div", "foot")
    if (step > 1) foot.append(this.button("Back", "plain", () => this.told("step", step - 1)))
    if (problem && !isOpen) foot.append(this.button("Skip", "plain", () => this.commit(null)))
    if (isOpen && step < count) foot.append(this.button(...(isAsked ? ["Go on without the answer", "plain"] : ["Next", "main"]), () => this.told("step", step + 1)))
    if (isOpen && step === count) foot.append(element("span", "end", "That was the last step."), this.button("All lessons", "main", () => this.told("leave", TO_THE_LIST)))
    return foot
  }
}

export default mount(".lesson-rail", LessonRail)
