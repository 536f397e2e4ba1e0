// Words of the glossary in a picture's own text, explained where they stand (viz/glossary.py).

import { element } from "./elements_and_canvases.js"

let known = null
/** What finds the words, and their names: they come with the page's style. */
function glossary() {
  if (known) return known
  const said = getComputedStyle(document.documentElement).getPropertyValue("--headlight-terms").trim()
  if (!said) return null
  // A text of a style sheet: quoted, its quotation marks and backslashes behind a backslash.
  const forms = JSON.parse(said.slice(1, -1).replace(/\\(3c |.)/g, (_, sign) => (sign === "3c " ? "<" : sign)))
  const parts = Object.values(forms).map((form) => `(${form})`)
  const pattern = new RegExp(`“[^”]*”|(?<![\\w-])(?:${parts.join("|")})(?![\\w-])`, "gi")
  return (known = { names: Object.keys(forms), pattern })
}

/** Write a text into an element, each word of the glossary explained where it stands first. */
export function writeExplained(root, text) {
  if (root.textContent === text && root.dataset.explained) return
  const found = glossary()
  if (!found) {
    root.textContent = text
    return
  }
  const parts = []
  const seen = new Set()
  let at = 0
  for (const match of text.matchAll(found.pattern)) {
    const which = match.slice(1).findIndex((each) => each !== undefined)
    if (which < 0 || seen.has(which)) continue
    seen.add(which)
    const marked = element("span", "headlight-term", match[0])
    marked.tabIndex = 0
    marked.style.setProperty("--means", `var(--headlight-means-${found.names[which]})`)
    parts.push(text.slice(at, match.index), marked)
    at = match.index + match[0].length
  }
  root.replaceChildren(...parts, text.slice(at))
  root.dataset.explained = true
}
