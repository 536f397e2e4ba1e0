// What a step asks: a form for each kind, which says what was chosen once it is committed.

import { element } from "../scaffold/elements_and_canvases.js"
import { percentText } from "../scaffold/percent.js"

const said = (value, { isPart, digit }) =>
  isPart ? percentText(value) : value.toLocaleString("en", { minimumFractionDigits: digit < 1 ? 2 : 0 })

function choose({ options }) {
  const group = element("div", "options")
  const inputs = options.map((option, place) => {
    const label = element("label", "option")
    const input = element("input")
    Object.assign(input, { type: "radio", name: "option", value: place })
    label.append(input, element("bdi", "", option))
    group.append(label)
    return input
  })
  const chosen = () => inputs.findIndex(({ checked }) => checked)
  return { made: group, guess: () => (chosen() < 0 ? null : chosen()), missing: "Choose one first." }
}

function slider(asked, name, at) {
  const { least, most, digit } = asked
  const row = element("label", "bar")
  const input = element("input")
  const number = element("span", "number")
  Object.assign(input, { type: "range", min: least, max: most, step: digit, value: at })
  const show = () => {
    number.textContent = said(Number(input.value), asked)
    input.ariaValueText = number.textContent
  }
  input.oninput = show
  show()
  row.append(element("bdi", "name", name), number, input)
  return { row, input }
}

function number(asked) {
  const { row, input } = slider(asked, "Your guess", (asked.least + asked.most) / 2)
  return { made: row, guess: () => Number(input.value) }
}

function draw(asked) {
  const group = element("div", "bars")
  const even = 1 / asked.options.length
  const inputs = asked.options.map((option) => {
    const { row, input } = slider({ least: 0, most: 1, digit: 0.01, isPart: asked.isPart }, option, Math.round(100 * even) / 100)
    group.append(row)
    return input
  })
  return { made: group, guess: () => inputs.map(({ value }) => Number(value)) }
}

function order({ options }) {
  const list = element("ol", "order")
  const places = options.map((_, place) => place)
  const unseen = element("div", "unseen")
  unseen.ariaLive = "polite"
  const move = (at, by) => {
    const to = at + by
    if (to < 0 || to >= places.length) return
    ;[places[at], places[to]] = [places[to], places[at]]
    paint()
    list.children[to].querySelectorAll("button")[by < 0 ? 0 : 1].focus()
    unseen.textContent = `${options[places[to]]} is number ${to + 1}`
  }
  const paint = () => {
    const lines = places.map((place, at) => {
      const line = element("li")
      const buttons = [["↑", -1, "up"], ["↓", 1, "down"]].map(([sign, by, word]) => {
        const button = element("button", "move", sign)
        button.ariaLabel = `Move ${options[place]} ${word}`
        button.onclick = () => move(at, by)
        return button
      })
      line.append(element("bdi", "", options[place]), ...buttons)
      return line
    })
    list.replaceChildren(...lines)
  }
  paint()
  const made = element("div")
  made.append(element("p", "hint", "The largest first."), list, unseen)
  return { made, guess: () => places }
}

/** A form for what is asked; `commit(guess)` is called with the guess, `inPicture` where it is what is chosen there, and
    `skip` where there is none, if that may be. */
export function asking(asked, commit, skip, inPicture) {
  const form = element("form")
  const group = element("fieldset")
  const legend = element("legend", "", asked.prompt)
  const { made, guess, missing } = { choose, number, order, draw }[asked.kind](asked)
  const warning = element("p", "warning")
  warning.setAttribute("role", "alert")
  const foot = element("div", "foot")
  const button = element("button", "main", "This is my guess")
  button.type = "submit"
  foot.append(button)
  if (skip) {
    const pass = element("button", "plain", "Skip")
    pass.onclick = skip
    foot.append(pass)
  }
  if (asked.inPicture) {
    const there = element("button", "there", "Take the token chosen in the picture")
    there.type = "button"
    there.onclick = inPicture
    made.append(there)
  }
  form.onsubmit = (event) => {
    event.preventDefault()
    const told = guess()
    if (told === null) return void (warning.textContent = missing)
    commit(told)
  }
  group.append(legend, made)
  form.append(group, warning, foot)
  return form
}
