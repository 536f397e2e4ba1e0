// Hands to a picture what changes in it. As small as it can be: it is sent with every rerun, the picture only once.
// What goes wrong in the picture is the picture's: it follows (followState of view.js).
export default ({ data: { name, ...state } }) => {
  const states = ((globalThis.headlight ??= {}).states ??= new Map())
  const known = states.get(name) ?? {}
  states.set(name, Object.assign(known, { state }))
  try { known.arrived?.() } catch (error) { reportError(error) }
}
