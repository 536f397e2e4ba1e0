import { isTyping } from "../scaffold/keys.js"

const STEPS = { ArrowLeft: -1, ArrowRight: 1 }

/** On a projector: Right is a step on, or to the question that is to be answered first; Left a step back; else 0. */
export function stepOf(event, shown) {
  const by = STEPS[event.key]
  const isOthers = event.composedPath()[0].matches?.("input, [role=radio], [role=tab], [role=slider]")
  const isWithOthers = event.ctrlKey || event.metaKey || event.altKey || event.shiftKey
  return !by || !shown?.isSlim || event.defaultPrevented || isOthers || isWithOthers || isTyping(event) ? 0 : by
}
