// The heads that lines may be drawn for, each a button in its colour.

import { element } from "../scaffold/elements_and_canvases.js"

export function headButton(view, head) {
  const { header } = view
  const button = element("button", "key-head")
  const patch = element("i")
  patch.style.background = view.colour(head)
  button.append(patch, `H${head}`)
  button.title = "Show or hide its lines; twice: this head alone"
  button.classList.toggle("off", header.offHeads.includes(`${header.layer}-${head}`))
  button.onclick = () =>
    view.show(view.shown.includes(head) ? view.shown.filter((each) => each !== head) : [...view.shown, head])
  button.ondblclick = () => view.show([head])
  return button
}

/** All of them, and the one that is looked at, where it is one. */
export function wholeButtons(view) {
  const wide = (label, act) => {
    const button = element("button", "key-head", label)
    button.onclick = act
    return button
  }
  const { head } = view.header
  const all = wide("all", () => view.show(view.buttons.map((_, each) => each)))
  return head === null ? [all] : [all, wide("only this head", () => view.show([head]))]
}
