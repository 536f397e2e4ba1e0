// What this browser keeps of rooms: the secrets of those that it opened, and under which name it was in others. Where
// that is forbidden nothing is kept, and whoever reloads the page comes as somebody else.

const PLACE = "headlight:rooms"
const MOST = 12

function all() {
  try {
    return JSON.parse(localStorage.getItem(PLACE)) ?? {}
  } catch {
    return {}
  }
}

/** What is kept of the room with this code. */
export const keptOf = (room) => all()[room] ?? {}

/** Keep a secret, a member, of a room; those of the oldest rooms are forgotten. */
export function keepOf(room, entries) {
  const { [room]: before, ...others } = all()
  const kept = Object.entries({ ...others, [room]: { ...before, ...entries } }).slice(-MOST)
  try {
    localStorage.setItem(PLACE, JSON.stringify(Object.fromEntries(kept)))
  } catch {
    // Nothing is kept then.
  }
}
