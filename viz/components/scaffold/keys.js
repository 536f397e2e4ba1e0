// What the keys do: one table, which the handler reads, and from which the list of the keys is written.
//
// A table is an array of rows:
//   name, says    how the list has it: "arrows" "move"
//   keys          for each key what `act` is told, by the names of KeyboardEvent.key: "Enter", "x", "Shift+ArrowUp".
//                 "Alt+" and "Ctrl+" are written as well; "Shift+" only before keys that have a name of their own.
//   act           does it; what returns false has done nothing, and the key goes its way.

/** Down and along, for what lies in rows and columns. */
export const ARROWS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }
/** Onward and back, for what lies one after the other. */
export const ROW_ARROWS = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }

function nameOf({ key, ctrlKey, metaKey, altKey, shiftKey }) {
  return (ctrlKey || metaKey ? "Ctrl+" : "") + (altKey ? "Alt+" : "") + (shiftKey && key.length > 1 ? "Shift+" : "") + key
}

/** The handler of a key event. */
export function press(table, event) {
  const name = nameOf(event)
  for (const { keys, act } of table) {
    if (!Object.hasOwn(keys, name) || act(keys[name]) === false) continue
    event.preventDefault()
    event.stopPropagation()
    return
  }
}

/** The table in words: "arrows move, Enter chooses". */
export const keyList = (table) => table.map(({ name, says }) => `${name} ${says}`).join(", ")

/** Whether a key goes into a field. */
export function isTyping(event) {
  const [target] = event.composedPath()
  return target.isContentEditable || target.matches?.("input:not([type=radio], [type=checkbox], [type=range]), textarea, select")
}
