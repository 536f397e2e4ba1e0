// Hands to a picture what changes in it. As small as it can be: it is sent with every rerun, the picture only once.
export default ({ data: { name, ...state } }) => {
  const states = (globalThis.headlightStates ??= new Map())
  const known = states.get(name) ?? {}
  states.set(name, Object.assign(known, { state }))
  known.arrived?.()
}
