// How far one has come in each lesson: in this browser's local storage. Where that is forbidden, nothing is kept.

const PLACE = "headlight:lessons"

function all() {
  try {
    return JSON.parse(localStorage.getItem(PLACE)) ?? {}
  } catch {
    return {}
  }
}

function write(entries) {
  try {
    localStorage.setItem(PLACE, JSON.stringify(entries))
  } catch {
    // Nothing is kept then.
  }
}

/** What is kept under this name. */
export const kept = (name) => all()[name]

/** Keep the furthest step of a lesson and whether it is done, or a value. */
export function keep(name, step, isDone) {
  const entries = all()
  const { step: before = 0, isDone: wasDone = false } = entries[name] ?? {}
  const now = isDone === undefined ? step : { step: Math.max(before, step), isDone: wasDone || isDone }
  if (JSON.stringify(now) !== JSON.stringify(entries[name])) write({ ...entries, [name]: now })
}
