// What a person chooses above the picture: the view, the kind, the layer, the head, and which of two sentences.

import { element } from "../components/scaffold/elements_and_canvases.js"

const VIEWS = { matrix: "Matrix", heads: "Heads", model: "Model", qk: "q·k" }
const SENTENCES = { all: "All", aa: "A → A", ab: "A → B", ba: "B → A", bb: "B → B" }

export class Controls {
  /** `choose(changes)` is told what was chosen. */
  constructor(root, choose) {
    Object.assign(this, { root, choose })
  }

  draw(state, { kinds, layers, heads, hasProducts, hasSentences }) {
    const held = this.root.contains(document.activeElement) ? document.activeElement.dataset.name : null
    const parts = [this.views(state.view, hasProducts)]
    const whole = (number) => (number === null ? "mean" : `${number}`)
    if (kinds.length > 1) parts.push(this.list("Attention", "kind", kinds.map(({ kind, label }) => [kind, label]), state.kind))
    if (state.view !== "model") {
      const all = state.view === "matrix" ? [[null, "all"]] : []
      parts.push(this.list("Layer", "layer", [...layers.map((each) => [each, `${each}`]), ...all], state.layer))
    }
    if (state.view !== "model" && state.layer !== null)
      parts.push(this.list("Head", "head", [...heads, null].map((each) => [each, whole(each)]), state.head))
    if (hasSentences && ["matrix", "heads"].includes(state.view))
      parts.push(this.list("Sentences", "sentences", Object.entries(SENTENCES), state.sentences))
    this.root.replaceChildren(...parts)
    if (held) this.root.querySelector(`[data-name="${held}"]`)?.focus({ preventScroll: true })
  }

  views(chosen, hasProducts) {
    const group = element("div", "views")
    group.setAttribute("role", "group")
    group.setAttribute("aria-label", "Show")
    for (const [view, label] of Object.entries(VIEWS)) {
      if (view === "qk" && !hasProducts) continue
      const button = element("button", "", label)
      button.dataset.name = `view-${view}`
      button.setAttribute("aria-pressed", view === chosen)
      button.onclick = () => this.choose({ view })
      group.append(button)
    }
    return group
  }

  list(label, name, entries, chosen) {
    const [line, list] = [element("label", "", label), element("select")]
    list.dataset.name = name
    for (const [value, text] of entries) {
      const option = element("option", "", text)
      option.selected = value === chosen
      list.append(option)
    }
    list.onchange = () => this.choose({ [name]: entries[list.selectedIndex][0] })
    line.append(list)
    return line
  }
}
