// The foot of every page while a room is open.

import { element } from "../scaffold/elements_and_canvases.js"
import { mount } from "../scaffold/mount.js"
import { View } from "../scaffold/view.js"
import { keepOf, keptOf } from "./stored_rooms.js"

const OURS = ".st-key-room_bar, .st-key-room_question"
const HELD = ["keydown", "pointerdown", "mousedown", "click", "beforeinput", "touchstart"]

class RoomBar extends View {
  constructor(root) {
    super(root)
    this.offer({ value: (name) => this.shown[name] })
    const isOurs = (event) => event.composedPath().some((each) => each.matches?.(OURS))
    // A screen that stands still is not operated, whatever is drawn on it meanwhile.
    const hold = (event) => {
      if (!this.isHeld || isOurs(event) || event.key === "Tab") return
      event.preventDefault()
      event.stopImmediatePropagation()
    }
    // Who types has gone on alone: what the teacher shows next must not take the words away.
    const typed = (event) => {
      const { shown } = this
      if (!shown || shown.isTeacher || !shown.isFollowing || isOurs(event) || this.isLeaving) return
      if (!event.composedPath()[0].matches?.("textarea, input[type=text], input[type=number]")) return
      this.isLeaving = true
      this.tell("command", "explore")
    }
    for (const each of HELD) addEventListener(each, hold, true)
    addEventListener("input", typed, true)
    this.onLeave(() => {
      for (const each of HELD) removeEventListener(each, hold, true)
      removeEventListener("input", typed, true)
      const { dataset } = document.documentElement
      delete dataset.room
      delete dataset.roomScreen
    })
  }

  receive(header) {
    const { room, secret, member, isKnown, isAtStep, isFrozen, isTeacher, isWall, isFollowing } = header
    this.shown = header
    if (!isFollowing) this.isLeaving = false
    this.isHeld = isFrozen && !isTeacher
    const { dataset } = document.documentElement
    dataset.room = this.isHeld ? "frozen" : isKnown ? (isAtStep ? "step" : "open") : "arriving"
    if (isWall) dataset.roomScreen = "wall"
    else delete dataset.roomScreen
    if (secret) keepOf(room, { secret })
    else if (isKnown && member) keepOf(room, { member })
    if (isKnown === false) {
      const { secret: kept = "", member: before = "" } = keptOf(room)
      this.tell("hello", { secret: kept, member: before })
    }
    const active = this.root.getRootNode().activeElement?.name
    this.paint()
    if (active) this.root.querySelector(`button[name="${active}"]`)?.focus()
    this.ready({ room, role: isTeacher ? "teacher" : "follower", following: isFollowing, frozen: isFrozen })
  }

  button(text, name, isMain) {
    const made = element("button", isMain ? "main" : "", text)
    made.name = name
    made.onclick = () => {
      for (const each of this.root.querySelectorAll("button")) each.disabled = true
      this.tell("command", name)
    }
    return made
  }

  paint() {
    const { code, isTeacher, problem } = this.shown
    const bar = this.part("bar")
    const name = element("span", "code")
    name.append("Room ", element("b", "", code))
    const parts = [name, ...(isTeacher ? this.commands() : this.follower())]
    if (problem) {
      const said = element("span", "problem", problem)
      said.setAttribute("role", "alert")
      parts.push(said)
    }
    bar.classList.toggle("held", this.isHeld)
    bar.setAttribute("role", "region")
    bar.ariaLabel = "Room"
    bar.replaceChildren(...parts)
  }

  commands() {
    const { here, following, mayAsk, isAsked, isFrozen, isTogether } = this.shown
    const crowd = element("span", "crowd", here ? `${here} here, ${following} follow` : "nobody here yet")
    crowd.setAttribute("role", "status")
    const asking = isAsked ? [this.button("Reveal", "reveal", true)] : mayAsk ? [this.button("Ask the class", "ask", true)] : []
    const free = isFrozen
      ? [this.button("Unfreeze", "thaw", true)]
      : [this.button("Freeze", "freeze"), ...(isTogether ? [this.button("Let all explore", "loose")] : [])]
    // What comes and goes stands last, so that nothing else comes to stand below the pointer.
    return [crowd, this.button("Call all back", "back"), ...free, ...asking, element("span", "gap"), this.ending()]
  }

  /** For all: it is pressed twice. */
  ending() {
    const made = this.button("End the room", "end")
    const end = made.onclick
    made.onclick = () => {
      made.textContent = "End it for all?"
      made.onclick = end
    }
    return made
  }

  follower() {
    const { isFollowing, isFrozen, hasTeacher, place, isChoosing, isWall } = this.shown
    if (isWall && !isFrozen) return []
    const said = element("span", "said")
    said.setAttribute("role", "status")
    if (isFrozen) {
      said.textContent = hasTeacher ? "The teacher has stopped all screens for a moment." : "The screens stand still, and the teacher is away."
      return [said, ...(hasTeacher ? [] : [this.button("Go on alone", "explore", true)])]
    }
    const where = isChoosing ? "the teacher is choosing what comes next" : `the class is at ${place}`
    said.textContent = isFollowing
      ? place ? `You follow the teacher${isChoosing ? ", who is choosing what comes next" : ""}.` : "You are in. The teacher shows nothing yet."
      : `Exploring on your own${place ? `; ${where}` : ""}.`
    const leave = this.button("Leave the room", "leave")
    return [said, ...(isFollowing ? [] : [this.button("Back to the class", "follow", true)]), element("span", "gap"), leave]
  }
}

export default mount(".room-bar", RoomBar)
