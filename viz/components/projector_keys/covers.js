// Which results of the page are covered. It is remembered by their places, so that it stays when the page draws them anew.

// What pages say as results: rows of tables, figures, answers in words, pictures. Whatever else is one has the class
// headlight-result.
const ROWS = '[class*="headlight-"]:is(table) tr:has(td)'
const WORDS = ".headlight-sentence, .headlight-line, .headlight-role, .headlight-result, .st-key-look, .st-key-to_see"
const PICTURES = ".stBidiComponent, .stVegaLiteChart, .stDataFrame, .stImage"
const RESULTS = `${ROWS}, ${WORDS}, .stMetric, ${PICTURES}`
// What is chosen with, what draws nothing, and what is said of the page itself.
const LEFT = '[class*="st-key-row_of_"] > * > .stHorizontalBlock > .stColumn:first-child'
const SILENT = ["_library", "_state", "_scores", "_feed", "into_sight_"].map((part) => `[class*="${part}"]`)
const OTHERS = `${LEFT}, [class*="st-key-controls_of_"], .st-key-lesson_rail, .st-key-lesson_list, .st-key-presenting, .st-key-browsing, ${SILENT}`

export class Covers {
  constructor() {
    // Of `areCovered`, the places of those that are otherwise.
    Object.assign(this, { areCovered: false, others: new Set(), path: location.pathname })
    this.observer = new MutationObserver(() => this.apply())
  }

  /** The results of the page with their places: the key of the container, and which one in it. */
  results() {
    const counts = new Map()
    const found = []
    for (const each of document.querySelectorAll(`.stMain :is(${RESULTS})`)) {
      if (each.closest(OTHERS) || each.parentElement.closest(RESULTS)) continue
      const key = /st-key-(\S+)/.exec(each.closest('[class*="st-key-"]')?.className)?.[1] ?? ""
      const count = counts.get(key) ?? 0
      counts.set(key, count + 1)
      found.push([each, `${key} ${count}`])
    }
    return found
  }

  /** The covered result in which something stands. */
  covered(target) {
    return target.closest?.("[data-covered=yes]")
  }

  /** Cover all or uncover all; where the focus is on a result, that one alone. */
  toggle(focused = null) {
    const own = focused?.closest?.("[data-covered]")
    if (own) return this.turn(own)
    this.areCovered = !this.results().some(([each]) => this.covered(each))
    this.others.clear()
    this.apply()
    const count = this.areCovered ? this.results().length : 0
    this.say(this.areCovered ? `${count} results are covered` : "All results are uncovered")
  }

  /** A press on a result; returns whether it meant its cover. isByKey: the focus stays, for who goes by keys. */
  press(target, isToCover, isByKey = false) {
    const own = this.covered(target) ?? (isToCover && target.closest?.(RESULTS))
    if (!own || !this.results().some(([each]) => each === own)) return false
    this.turn(own)
    if (!isByKey) own.blur()
    return true
  }

  turn(own) {
    const place = this.results().find(([each]) => each === own)?.[1]
    if (!this.others.delete(place)) this.others.add(place)
    this.apply()
    if (!this.covered(own)) this.say(own.textContent.slice(0, 300))
  }

  say(text) {
    for (const each of document.querySelectorAll(".headlight-cover ~ [role=status]")) each.textContent = text
  }

  apply() {
    this.observer.disconnect()
    // Another page has results of its own.
    if (this.path !== location.pathname) this.others.clear()
    this.path = location.pathname
    for (const [each, place] of this.results()) this.cover(each, this.areCovered !== this.others.has(place))
    // What a press on it does (`toggle`).
    const isToShow = this.results().some(([each]) => this.covered(each))
    for (const button of document.querySelectorAll(".headlight-cover")) {
      button.textContent = isToShow ? "Show results" : "Hide results"
      button.classList.toggle("is-to-show", isToShow)
    }
    // What comes while something is covered is covered before it is seen.
    if (this.areCovered || this.others.size) this.observer.observe(document.querySelector(".stApp"), { childList: true, subtree: true })
  }

  /** A covered result is a button: nobody reads what is in it, and it can be pressed. */
  cover(each, isCovered) {
    if (isCovered === (each.dataset.covered === "yes")) return
    if (isCovered) {
      Object.assign(each.dataset, { covered: "yes", role: each.role ?? "" })
      Object.assign(each, { role: "button", tabIndex: 0, ariaPressed: "true", ariaLabel: "Covered result: press to uncover it" })
      return
    }
    each.dataset.covered = "no"
    // The focus may be on it: H covers it again.
    each.tabIndex = -1
    each.role = each.dataset.role || null
    each.ariaPressed = each.ariaLabel = null
  }
}
