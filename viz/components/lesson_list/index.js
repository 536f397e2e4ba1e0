// The lessons by theme, each with how far this browser has come in it.

import { kept } from "../lesson_rail/progress.js"
import { element } from "../scaffold/elements_and_canvases.js"
import { mount } from "../scaffold/mount.js"
import { View } from "../scaffold/view.js"

class LessonList extends View {
  constructor(root) {
    super(root)
    this.offer({ value: (name) => kept(name)?.step ?? 0 })
  }

  receive({ lessons }) {
    const themes = grouped(lessons)
    const parts = [...themes].map(([theme, some]) => {
      const section = element("section")
      section.append(element("h2", "", theme), ...some.map((each) => this.card(each)))
      return section
    })
    this.root.querySelector(".themes").replaceChildren(...parts)
    this.ready()
  }

  card({ name, title, minutes, aim, cures, sources, steps }) {
    const { step = 0, isDone = false } = kept(name) ?? {}
    const card = element("article")
    const head = element("h3", "", title)
    const facts = element("p", "facts", `${minutes} minutes, ${steps} steps${isDone ? " · done" : step > 1 ? ` · you were at step ${step}` : ""}`)
    const goesOn = step > 1 && !isDone
    const open = (from) => {
      const button = element("button", from > 1 || !goesOn ? "main" : "plain", from > 1 ? `Go on at step ${from}` : isDone ? "Once more" : goesOn ? "From the start" : "Start")
      button.ariaLabel = `${button.textContent}: ${title}`
      button.onclick = () => this.tell("open", { name, step: from })
      return button
    }
    const foot = element("div", "foot")
    foot.append(...(goesOn ? [open(Math.min(step, steps)), open(1)] : [open(1)]))
    card.append(head, facts, element("p", "", aim))
    if (cures) {
      const cured = element("p")
      cured.append(element("b", "", "Cures: "), cures)
      card.append(cured)
    }
    if (sources.length) {
      const read = element("details")
      read.append(element("summary", "", "Sources"), ...sources.map((each) => element("p", "source", each)))
      card.append(read)
    }
    card.append(foot)
    return card
  }
}

function grouped(lessons) {
  const themes = new Map()
  for (const each of lessons) themes.set(each.theme, [...(themes.get(each.theme) ?? []), each])
  return themes
}

export default mount(".lesson-list", LessonList)
