// A step of a lesson before a class.

import { asking } from "../lesson_rail/question_forms.js"
import { barCell, nameCell } from "../lesson_rail/bar_rows.js"
import { element } from "../scaffold/elements_and_canvases.js"
import { mount } from "../scaffold/mount.js"
import { View } from "../scaffold/view.js"

class RoomQuestion extends View {
  constructor(root) {
    super(root)
    this.offer({ value: (name) => this.shown.rows.find((row) => row.name === name)?.text ?? this.shown.answered })
    const { dataset } = document.documentElement
    dataset.question = "on"
    this.onLeave(() => {
      delete dataset.question
      if (this.shown?.covers) delete dataset.lessonCover
    })
  }

  receive(header) {
    const { number, step, covers, isCovered, rows, mayGuess } = header
    const isSameForm = this.shown?.mayGuess && mayGuess && this.shown.number === number
    this.shown = header
    const { dataset } = document.documentElement
    if (covers && isCovered) dataset.lessonCover = "on"
    else if (covers) delete dataset.lessonCover
    this.paint(isSameForm ? this.root.querySelector("form") : null)
    const state = rows.length ? "revealed" : mayGuess ? "asked" : number ? "answered" : "shown"
    this.ready({ question: number, step, state })
  }

  /** form: one that is being filled in, which stays. */
  paint(form) {
    const { number, title, step, count, say, prompt, rows, says, classSays, after, covers, isCovered, problem } = this.shown
    const { mayGuess, isAnswered, answered, of, options } = this.shown
    // Beside the rail of the lesson, which says the same, there is only what the class does.
    const parts = covers ? [element("h2", "", `${title} · step ${step} of ${count}`), element("p", "say", say)] : [element("h2", "", "The class")]
    if (isCovered) parts.push(element("p", "note", "The picture is covered until the answer is shown."))
    if (mayGuess && form) parts.push(form)
    else if (mayGuess) parts.push(asking(this.shown, (guess) => this.tell("guess", { number, guess })))
    else if (prompt) {
      parts.push(element("p", "prompt", prompt))
      if (options.length && !rows.length) parts.push(element("p", "note", options.join(" · ")))
    }
    if (problem) {
      const said = element("p", "problem", problem)
      said.setAttribute("role", "alert")
      parts.push(said)
    }
    if (number && !rows.length) {
      const words = answered < 0 ? "" : `${answered} of ${of} have answered. `
      const own = isAnswered ? "Your guess is in; the answer comes when the teacher shows it." : ""
      const said = element("p", "count", `${words}${own}`)
      said.setAttribute("role", "status")
      if (words || own) parts.push(said)
    }
    if (rows.length) {
      const result = element("section", "result")
      result.setAttribute("role", "status")
      if (says) result.append(element("p", "gap", says))
      result.append(element("p", "class", classSays), this.table(), element("p", "note", "So many answered; nobody's name is kept."))
      parts.push(result)
    }
    if (after) parts.push(element("p", "after", after))
    this.part("question").replaceChildren(...parts)
  }

  table() {
    const { rows, kind } = this.shown
    const hasTruth = rows.some(({ truth }) => truth !== null)
    const table = element("table")
    const head = element("tr")
    for (const name of ["", kind === "order" ? "so many put it here" : "the class", ...(hasTruth ? ["the model"] : [])]) {
      const cell = element("th", "", name)
      cell.scope = "col"
      cell.colSpan = name ? 2 : 1
      head.append(cell)
    }
    table.append(head)
    for (const { name, part, text, truth, truthText, isRight, isOwn } of rows) {
      const row = element("tr", isRight ? "right" : "")
      const words = [...(isRight ? [hasTruth ? "✓" : "● the model"] : []), ...(isOwn ? ["you"] : [])]
      row.append(nameCell(name, ...words), barCell([part, "class"]), element("td", "number", text))
      if (hasTruth) row.append(barCell([truth ?? 0, "truth"]), element("td", "number", truthText))
      table.append(row)
    }
    return table
  }
}

export default mount(".room-question", RoomQuestion)
