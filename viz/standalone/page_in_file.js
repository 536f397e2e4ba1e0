// Plays the part of the page and its server: draws the picture, and answers what it asks from the maps in the file.

import { AttentionView } from "../components/attention_view/index.js"
import { mount } from "../components/scaffold/mount.js"
import { unpack } from "../components/scaffold/message_numbers.js"
import { sharedEntry } from "../components/scaffold/shared_by_scripts.js"
import { Controls } from "./view_controls.js"
import { Maps } from "./unpacked_maps.js"
import { messageOf, nameOf } from "./messages_from_maps.js"

const picture = mount(".attention-view", AttentionView)

class Host {
  constructor(place, bytes) {
    const { header, take } = unpack(bytes)
    this.header = header
    this.kinds = header.kinds.map((about) => ({ about, maps: new Maps(about, header.coder, take) }))
    this.products = header.products && { ...header.products, data: take(header.products.size) }
    this.state = { ...header.opening, selected: Object.fromEntries(header.kinds.map((each) => [each.kind, each.selected])) }
    this.place = place
    this.said = document.getElementById("said")
    this.controls = new Controls(document.getElementById("controls"), (changes) => this.choose(changes))
    // What the picture tells, by the names that attention_view/__init__.py has for it.
    this.told = {
      token: ([place, key]) => this.select(place, key < 0 ? null : key),
      head: ([layer, head]) => this.choose({ layer, head, view: "matrix" }),
      heads: (heads) => this.showHeads(heads),
      step: ([layer, head]) => this.step(layer, head),
      view: (view) => this.choose({ view }),
      part: (zoom) => (this.state.zoom = zoom),
    }
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw())
    this.choose({})
  }

  get kind() {
    return this.kinds.find(({ about }) => about.kind === this.state.kind)
  }

  /** Whether q·k of this head and query is in the file. */
  get hasProducts() {
    const { products, state } = this
    return Boolean(products) && ["kind", "layer", "head"].every((name) => products[name] === state[name])
  }

  choose(changes) {
    const { state } = this
    const isOther = "kind" in changes && changes.kind !== state.kind
    if ("sentences" in changes || isOther) state.zoom = []
    if (isOther) Object.assign(state, { pinned: null, beside: [], layer: this.kinds.find(({ about }) => about.kind === changes.kind).about.layers[0], head: 0 })
    if ("head" in changes && changes.head !== state.head) state.beside = []
    if (changes.view === "qk") {
      if (!this.products) return
      const { kind, layer, head, query } = this.products
      Object.assign(state, { kind, layer, head })
      state.selected[kind] = query
    }
    Object.assign(state, changes)
    this.keepWithin()
    this.draw()
  }

  /** A layer has heads of its own, and lines are drawn of one layer. */
  keepWithin() {
    const { state } = this
    const { about, maps } = this.kind
    if (state.view !== "matrix" && state.layer === null) state.layer = about.layers[0]
    if (state.view === "model" && state.head === null) state.head = 0
    if (state.layer === null) state.head = null
    else if (state.head !== null) state.head = Math.min(state.head, maps.headsOf(state.layer).length - 1)
    if (state.view === "qk" && !this.hasProducts) state.view = "matrix"
  }

  step(layer, head) {
    const { layers } = this.kind.about
    const nearest = layers.reduce((best, each) => (Math.abs(each - layer) < Math.abs(best - layer) ? each : best))
    this.choose({ layer: nearest, head })
  }

  showHeads(heads) {
    this.state.beside = heads
    if (heads.length === 1) this.state.head = heads[0]
    this.drawControls()
    this.tellState()
  }

  select(place, key) {
    const { state } = this
    if (state.view === "qk" && place !== this.products.query) {
      this.said.textContent = `q·k is in this file for “${this.products.token}” in ${nameOf(this.products.layer, this.products.head)} alone; the map has the weights of every token.`
      state.view = "matrix"
      Object.assign(state, { pinned: null })
      state.selected[state.kind] = place
      return this.draw(true)
    }
    state.selected[state.kind] = place
    state.pinned = key
    this.tellState()
  }

  /** The queries and keys of the chosen sentences, from and to below; null for all. */
  get part() {
    const { about } = this.kind
    const { sentences } = this.state
    if (!about.second || sentences === "all") return null
    const bounds = { a: [0, about.second], b: [about.second, about.rows] }
    return [...bounds[sentences[0]], ...bounds[sentences[1]]]
  }

  draw(isSaid = false) {
    if (!isSaid) this.said.textContent = ""
    const isProducts = this.state.view === "qk"
    const data = isProducts ? this.products.data : messageOf(this.kind, this.state, this.part)
    this.of = unpack(data).header.of
    document.body.dataset.view = this.state.view
    this.drawControls()
    this.tellState()
    picture({ parentElement: this.place, data, setTriggerValue: (name, value) => this.told[name]?.(value) })
  }

  drawControls() {
    const { about, maps } = this.kind
    const { state } = this
    this.controls.draw(state, {
      kinds: this.header.kinds,
      layers: about.layers,
      heads: state.layer === null ? [] : maps.headsOf(state.layer),
      hasProducts: Boolean(this.products),
      hasSentences: Boolean(about.second),
    })
  }

  /** As picture_state has it: what is selected in the picture that has this mark. */
  tellState() {
    const { kind, view, layer, head, pinned, zoom, beside, selected } = this.state
    const told = { of: this.of, selected: selected[kind], note: "", pinned }
    if (view === "matrix") told.zoom = zoom
    if (view === "heads") {
      const heads = this.kind.maps.headsOf(layer)
      const chosen = beside.filter((each) => heads.includes(each))
      told.shown = chosen.length ? chosen : head === null ? heads : [head]
    }
    if (view === "model") Object.assign(told, { layer, head, offHeads: [] })
    const known = sharedEntry("states", this.header.key, () => ({}))
    known.state = told
    known.arrived?.()
  }
}

/** Called as a component is: see mount.js. */
export default ({ parentElement, data }) => new Host(parentElement, data)
