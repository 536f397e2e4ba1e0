// One entry of the browser's history for each thing that a person did: an address that a page wrote by itself, as it
// opened or once more after an answer, takes the place of the one before. And where the Tab key enters a row of choices.
export default () => {
  const shared = (globalThis.headlight ??= {})
  if (shared.browsing) return
  shared.browsing = true
  let isDone = false
  const act = () => (isDone = true)
  for (const name of ["pointerdown", "keydown"]) addEventListener(name, act, true)
  addEventListener("popstate", () => (isDone = false), true)
  const push = history.pushState.bind(history)
  history.pushState = (state, unused, address) => {
    const isPage = new URL(address, location).pathname !== location.pathname
    if (isDone || isPage) push(state, unused, address)
    else history.replaceState(state, unused, address)
    isDone = false
  }
  // The checked one, and not the first.
  addEventListener("focusin", ({ target, relatedTarget }) => {
    const group = target.matches?.("[role=radio]:focus-visible") && target.closest("[role=radiogroup]")
    if (group && !group.contains(relatedTarget)) group.querySelector("[role=radio][aria-checked=true]")?.focus()
  })
}
