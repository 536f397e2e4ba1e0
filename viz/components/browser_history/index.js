// One entry of the browser's history for each thing that a person did: an address that a page wrote by itself, as it
// opened or once more after an answer, takes the place of the one before. Where the Tab key enters a
// row of choices. And a tab that the page opened takes nobody away from a picture.
const OPEN_LIST = "[data-testid=stSidebar][data-collapsed=false] [data-testid=stSidebarCollapseButton] button"

export default () => {
  const shared = (globalThis.headlight ??= {})
  if (shared.browsing) return
  shared.browsing = true
  let isDone = false
  // A page that was just come to has its address to write: what a finger does meanwhile (it closes the list of pages) is no
  // choice there.
  let isOpening = false
  let picture
  const act = ({ target }) => {
    picture = target.closest?.("[class*=st-key-row_of_]")
    if (isOpening && document.querySelector("[data-test-script-state=running]")) return
    isOpening = false
    isDone = true
  }
  for (const name of ["pointerdown", "keydown"]) addEventListener(name, act, true)
  addEventListener("popstate", () => (isDone = false), true)
  const push = history.pushState.bind(history)
  history.pushState = (state, unused, address) => {
    const isPage = new URL(address, location).pathname !== location.pathname
    if (isDone || isPage) push(state, unused, address)
    else history.replaceState(state, unused, address)
    isDone = false
    isOpening = isPage
    // On a telephone the list of pages lies over the page that was chosen in it.
    if (isPage && innerWidth <= 768) document.querySelector(OPEN_LIST)?.click()
  }
  // A tab that is open is in sight in its row, also where a link opened it; what is wider than the window is scrolled along.
  const reach = (tab) => {
    const row = tab.closest("[role=tablist]")
    const [box, room] = [tab, row].map((each) => each.getBoundingClientRect())
    if (box.left < room.left || box.right > room.right) row.scrollLeft += box.left - room.left - (room.width - box.width) / 2
  }
  // Once its letters have come, it is wider.
  const show = (tab) => {
    reach(tab)
    setTimeout(reach, 300, tab)
  }
  addEventListener("animationstart", ({ animationName, target }) => animationName === "headlight-chosen" && show(target))
  document.querySelectorAll(".stTabs [role=tab][aria-selected=true]").forEach(show)
  // Streamlit brings a tab into sight that the page opened: who switched something off in a picture goes on looking at that.
  const bring = Element.prototype.scrollIntoView
  Element.prototype.scrollIntoView = function (how) {
    if (picture && this.matches("[role=tab]")) reach(this)
    else bring.call(this, how)
  }
  // The checked one, and not the first.
  addEventListener("focusin", ({ target, relatedTarget }) => {
    const group = target.matches?.("[role=radio]:focus-visible") && target.closest("[role=radiogroup]")
    if (group && !group.contains(relatedTarget)) group.querySelector("[role=radio][aria-checked=true]")?.focus()
  })
}
