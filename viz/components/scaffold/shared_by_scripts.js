// What all scripts of a page share: pictures, feeds and libraries come in separate messages, each with a script of its own.

/** The one object that they share; the scripts that stand alone (picture_state, cache_feed) know it by its name. */
export const shared = (globalThis.headlight ??= {})

/** The entry `key` of the map `name`, which begins as `first()`. */
export function sharedEntry(name, key, first) {
  const entries = (shared[name] ??= new Map())
  if (!entries.has(key)) entries.set(key, first())
  return entries.get(key)
}
