// How every picture is mounted. What goes wrong in its script, whenever that is, ends in one sentence in its place and
// in the server's log; the next data that differs is drawn again.

import { element } from "./elements_and_canvases.js"
import { shared } from "./shared_by_scripts.js"

// As stack traces name this script.
const ownName = /([^\s(@]+):\d+:\d+/.exec(new Error().stack)?.[1]
const pictures = new Set()
const SENTENCE = "This picture could not be drawn. It is in the server's log; choose something else, or reload the page."

/** The default export of a component: it draws a `ViewClass` (see view.js) into the element `selector`. */
export function mount(selector, ViewClass) {
  const known = new WeakMap()
  return (component) => {
    const root = component.parentElement.querySelector(selector)
    if (!known.has(root)) known.set(root, new Mounted(root, ViewClass))
    const picture = known.get(root)
    picture.show(component)
    return () => {
      picture.leave()
      known.delete(root)
    }
  }
}

class Mounted {
  constructor(root, ViewClass) {
    Object.assign(this, { root, ViewClass, skeleton: copies(root.childNodes) })
    pictures.add(this)
  }

  show(component) {
    const { root } = this
    this.component = component
    const { data } = component
    if (this.broken && isSame(this.broken, data)) return
    try {
      if (this.broken) root.replaceChildren(...copies(this.skeleton))
      this.broken = null
      this.view ??= new this.ViewClass(root)
      this.view.tell = component.setTriggerValue
      this.view.fail = (error) => this.fail(error)
      this.view.show(data)
    } catch (error) {
      this.fail(error)
    }
  }

  leave() {
    pictures.delete(this)
    this.forget()
  }

  forget() {
    const { view } = this
    this.view = null
    try {
      view?.leave()
    } catch (error) {
      console.error(error)
    }
  }

  fail(error) {
    if (this.broken) return
    const { root } = this
    this.broken = this.component.data
    this.forget()
    for (const name of Object.keys(root.dataset)) delete root.dataset[name]
    delete root.headlight
    const said = element("p", "fault", SENTENCE)
    said.setAttribute("role", "alert")
    root.replaceChildren(said)
    console.error(error)
    tellFault(this.component, error)
  }
}

const copies = (nodes) => [...nodes].map((each) => each.cloneNode(true))

/** Tell the server, after what is being done: the same once a minute, and few at all. */
function tellFault({ setTriggerValue }, error) {
  const told = (shared.faults ??= new Map())
  const fault = { message: String(error?.message ?? error).slice(0, 300), stack: String(error?.stack ?? "").slice(0, 4000) }
  const now = Date.now()
  for (const [stack, at] of told) if (now - at > 60_000) told.delete(stack)
  if (told.has(fault.stack) || told.size >= 5) return
  told.set(fault.stack, now)
  setTimeout(() => setTriggerValue("fault", fault))
}

function isSame(one, other) {
  if (one === other) return true
  if (!(one instanceof Uint8Array && other instanceof Uint8Array)) return JSON.stringify(one) === JSON.stringify(other)
  return one.length === other.length && one.every((byte, at) => byte === other[at])
}

/** What was thrown after mounting: by an event, a frame, a timer, an observer, a promise. `fail` writes it down. */
function onThrown(event, error) {
  if (!ownName || !String(error?.stack).includes(ownName)) return
  event.preventDefault()
  const all = [...pictures]
  const touched = all.filter(({ root }) => root.matches(":hover, :focus-within"))
  for (const picture of all.length > 1 && touched.length ? touched : all) picture.fail(error)
}
addEventListener("error", (event) => onThrown(event, event.error))
addEventListener("unhandledrejection", (event) => onThrown(event, event.reason))
