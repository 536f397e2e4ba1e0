// What of a painted page cannot be read or hit, as `legibility.read()` lists it: [{kind, text, detail, place}]. Added to
// each frame before its own scripts run, after painted.js.
//
// contrast  text of less than 4.5 : 1 (3 : 1 from 24 px, or 18.66 px bold, and for symbols) on what lies behind it
// clipped   text that its box or the edge of another cuts through, unless all of it is in a title or a name
// overlap   two texts that are written over each other
// target    what is pressed and smaller than 24 x 24 px, with the exceptions of WCAG 2.5.8: spacing, words in a line
// hidden    what is scrolled along, hides something, and does not fade towards it
// name      what is pressed and has no name for a screen reader
;(() => {
  const PRESSED =
    "a[href], button, input:not([type=hidden]), select, textarea, summary, " +
    ["button", "tab", "radio", "checkbox", "switch", "option", "slider", "link", "menuitem"].map((each) => `[role=${each}]`).join(", ")
  const SYMBOLS = /material symbols|material icons/i

  const { written, colourOf, over, contrast, within } = globalThis.legibility

  // ----- The tree as it is painted

  const GRADIENT_COLOUR = /(?:rgba?|color|oklab|oklch|hsla?)\([^()]*\)|#[0-9a-f]{3,8}|\btransparent\b/gi
  const parentOf = (node) => node.assignedSlot ?? node.parentElement ?? node.getRootNode().host ?? null
  const styles = new Map()
  const styleOf = (each) => styles.get(each) ?? styles.set(each, getComputedStyle(each)).get(each)
  const chainOf = (each) => {
    const chain = []
    for (let at = each; at; at = parentOf(at)) chain.unshift(at)
    return chain
  }
  function* elements(root) {
    for (const each of root.querySelectorAll("*")) {
      yield each
      if (each.shadowRoot) yield* elements(each.shadowRoot)
    }
  }
  /** Beside the window is what was put aside, such as the closed sidebar; below it is what is scrolled to. */
  const isSeen = (each) => {
    if (!each.checkVisibility({ opacityProperty: true, visibilityProperty: true, contentVisibilityAuto: true })) return false
    return !each.closest("[data-collapsed=true]")
  }
  /** How wide the fade at an end is, in px: `across` of two gradients, the first from left to right, the second down. */
  const fadeOf = (style, across) => {
    const widths = [...(style.maskImage || "").matchAll(/100%(?: - ([\d.]+)px)?/g)].map((each) => Number(each[1] ?? 0))
    return widths[across] ?? 0
  }

  /** Colours of a text and of what lies behind it: as many pairs as a gradient behind it has colours. */
  function painted(chain, [x, y], colour, backdrop) {
    const [element, ...rest] = chain
    if (!element) return [[over(colour, backdrop), backdrop]]
    const style = styleOf(element)
    // What hangs out of an element is not on its ground.
    const isOn = isPage(element) || style.display === "inline" || within([x, y], corners(element.getBoundingClientRect()), 1)
    const plain = isOn ? over(colourOf(style.backgroundColor), backdrop) : backdrop
    const shades = (isOn && style.backgroundImage.includes("gradient") && style.backgroundImage.match(GRADIENT_COLOUR)) || []
    const grounds = shades.length ? shades.map((each) => over(colourOf(each), plain)) : [plain]
    const opacity = Number(style.opacity)
    return grounds.flatMap((ground) =>
      painted(rest, [x, y], colour, ground).map((pair) => pair.map((each) => over([...each.slice(0, 3), opacity], backdrop))),
    )
  }

  const SHAPES = "rect, path, circle, ellipse, polygon"
  /** What of a drawing lies behind its text. */
  function behindInSvg(text, x, y, backdrop) {
    let ground = backdrop
    for (const shape of text.ownerSVGElement.querySelectorAll(SHAPES)) {
      if (text.compareDocumentPosition(shape) & Node.DOCUMENT_POSITION_FOLLOWING) continue
      const style = styleOf(shape)
      if (style.fill === "none" || !shape.getScreenCTM()) continue
      if (!shape.isPointInFill(new DOMPoint(x, y).matrixTransform(shape.getScreenCTM().inverse()))) continue
      const [r, g, b, a] = colourOf(style.fill)
      ground = over([r, g, b, a * style.fillOpacity * style.opacity], ground)
    }
    return ground
  }

  // ----- Boxes

  const boxOf = (rect) => ({ left: rect.left, top: rect.top, right: rect.right, bottom: rect.bottom })
  const corners = ({ left, top, right, bottom }) => [[left, top], [right, top], [right, bottom], [left, bottom]]
  /** How far two convex shapes reach into each other; at most 0 where they do not. */
  function overlapOf(one, other) {
    let least = Infinity
    for (const shape of [one, other])
      shape.forEach(([x, y], at) => {
        const [nextX, nextY] = shape[(at + 1) % shape.length]
        const length = Math.hypot(nextX - x, nextY - y)
        if (!length) return
        const along = (points) => points.map(([a, b]) => (a * (y - nextY) + b * (nextX - x)) / length)
        const [a, b] = [along(one), along(other)]
        least = Math.min(least, Math.min(Math.max(...a), Math.max(...b)) - Math.max(Math.min(...a), Math.min(...b)))
      })
    return least
  }

  /** The box of `element` to which its content is cut, and whether it is scrolled along: x, y. */
  function windowOf(element) {
    const style = styleOf(element)
    const cuts = [style.overflowX, style.overflowY].map((each) => each !== "visible")
    const clips = style.clipPath !== "none" || style.contain.includes("paint") || /content|strict/.test(style.contain)
    if (!cuts.some(Boolean) && !clips) return null
    if (style.display === "inline" || style.display === "contents") return null
    const box = element.getBoundingClientRect()
    const scrolls = [style.overflowX, style.overflowY].map((each) => each === "auto" || each === "scroll")
    return { box, cuts: clips ? [true, true] : cuts, scrolls }
  }

  const isPage = (element) =>
    element.matches("html, body, [data-testid=stMain], [data-testid=stSidebar], [data-testid=stSidebarContent], [data-testid=stAppViewContainer]")

  /** The part of a text's box that is not cut off, null for none; `lost`: px that are cut off on a side without a way to them. */
  function shown(chain, box) {
    let part = { ...box }
    let lost = 0
    let layer = chain.length - 1
    for (let at = chain.length - 1; at >= 0; at--) {
      const element = chain[at]
      if (isPage(element)) break
      const position = styleOf(element).position
      const cut = at < layer ? windowOf(element) : at === chain.length - 1 ? windowOf(element) : null
      if (position === "fixed") break
      layer = at
      if (!cut) continue
      const { box: edge, cuts, scrolls } = cut
      if (cuts[0]) {
        const beside = Math.max(edge.left - part.left, part.right - edge.right)
        if (!scrolls[0]) lost = Math.max(lost, beside)
        part = { ...part, left: Math.max(part.left, edge.left), right: Math.min(part.right, edge.right) }
      }
      if (cuts[1]) {
        const beside = Math.max(edge.top - part.top, part.bottom - edge.bottom)
        if (!scrolls[1]) lost = Math.max(lost, beside)
        part = { ...part, top: Math.max(part.top, edge.top), bottom: Math.min(part.bottom, edge.bottom) }
      }
      if (part.right - part.left <= 1 || part.bottom - part.top <= 1) return null
    }
    const beside = Math.max(-part.left, part.right - innerWidth)
    return { part, lost: Math.max(lost, beside) }
  }

  const place = (element) => {
    const names = chainOf(element).flatMap((each) => [...each.classList].filter((name) => name.startsWith("st-key-")))
    const own = [...element.classList].filter((name) => !/^(st-emotion|e[0-9a-z]{5,}|st-[a-z0-9]{2}$)/.test(name))
    return `${names.at(-1) ?? ""} ${element.tagName.toLowerCase()}${own.map((each) => `.${each}`).join("")}${
      element.dataset?.testid ? `[${element.dataset.testid}]` : ""
    }`.trim()
  }
  const isDisabled = (chain) => chain.some((each) => each.matches(":disabled, [aria-disabled=true], label[disabled]"))
  const isFullElsewhere = (chain, text) =>
    chain.some((each) => [each.getAttribute("title"), each.getAttribute("aria-label")].some((said) => said?.includes(text)))

  // ----- Reading

  function read() {
    styles.clear()
    const found = []
    const texts = []
    const note = (kind, text, detail, element) =>
      found.push({ kind, text: String(text).trim().replace(/\s+/g, " ").slice(0, 60), detail, place: place(element) })
    const ground = colourOf("white")
    const check = (text, pairs, font, isBold, isSymbol, element) => {
      const ratio = Math.min(...pairs.map((pair) => contrast(...pair)))
      const least = font >= 24 || (font >= 18.66 && isBold) || isSymbol ? 3 : 4.5
      if (ratio < least - 0.005) note("contrast", text, `${ratio.toFixed(2)} : 1`, element)
    }

    for (const element of elements(document)) {
      if (!isSeen(element)) continue
      if (element instanceof HTMLCanvasElement) {
        readCanvas(element)
        continue
      }
      if (element.matches("style, script, noscript, title, option, textarea")) continue
      const nodes = [...element.childNodes].filter((each) => each.nodeType === Node.TEXT_NODE && each.data.trim())
      if (nodes.length) readText(element, nodes)
      // What is typed moves along with the cursor; what was chosen does not.
      if (element.matches("input[role=combobox], input[readonly]") && element.value) {
        if (element.scrollWidth > element.clientWidth + 1 && !isFullElsewhere([element], element.value))
          note("clipped", element.value, `${element.scrollWidth - element.clientWidth} px`, element)
      }
      readWindow(element)
    }

    function readText(element, nodes) {
      const chain = chainOf(element)
      const style = styleOf(element)
      if (chain.some((each) => /inset\(50%|rect\(0px,? 0px,? 0px,? 0px\)/.test(styleOf(each).clipPath + styleOf(each).clip))) return
      const isSymbol = SYMBOLS.test(style.fontFamily)
      const isSvg = element instanceof SVGElement
      const font = Number.parseFloat(style.fontSize)
      const range = document.createRange()
      for (const node of nodes) {
        range.selectNodeContents(node)
        let lines = [...range.getClientRects()].filter((each) => each.width > 1 && each.height > 1).map(boxOf)
        if (isSvg) lines = [boxOf(element.getBoundingClientRect())]
        let lost = 0
        const parts = lines.flatMap((line) => {
          // Of the height of a line only the letters count.
          const inset = (line.bottom - line.top) * (isSvg ? 0.12 : 0.2)
          const seen = shown(chain, { ...line, top: line.top + inset, bottom: line.bottom - inset })
          if (!seen) return []
          lost = Math.max(lost, seen.lost)
          return [seen.part]
        })
        if (!parts.length) continue
        if (lost > 1 && !isSymbol && !isFullElsewhere(chain, node.data.trim())) note("clipped", node.data, `${Math.round(lost)} px`, element)
        if (!isDisabled(chain)) {
          const colour = isSvg ? style.fill : style.webkitTextFillColor || style.color
          const [x, y] = [(parts[0].left + parts[0].right) / 2, (parts[0].top + parts[0].bottom) / 2]
          const [r, g, b, a] = colourOf(colour)
          const own = [r, g, b, a * (isSvg ? Number(style.fillOpacity) : 1)]
          let pairs = painted(chain, [x, y], own, ground)
          if (isSvg && element.ownerSVGElement)
            pairs = pairs.map(([, behind]) => behindInSvg(element, x, y, behind)).map((behind) => [over([own[0], own[1], own[2], own[3] * Number(style.opacity)], behind), behind])
          check(node.data, pairs, font, Number(style.fontWeight) >= 600, isSymbol, element)
        }
        if (!isSymbol) texts.push({ text: node.data, parts: parts.map(corners), element, chain })
      }
    }

    function readCanvas(canvas) {
      const all = written(canvas)
      const box = canvas.getBoundingClientRect()
      if (!all || !box.width) return
      const [across, down] = [box.width / canvas.width, box.height / canvas.height]
      const chain = chainOf(canvas)
      const [[, behind]] = painted(chain, [box.left + box.width / 2, box.top + box.height / 2], [0, 0, 0, 1], ground)
      const context = canvas.getContext("2d")
      const edge = corners({ left: 0, top: 0, right: canvas.width, bottom: canvas.height })
      for (const each of all) {
        const [xs, ys] = [each.quad.map(([x]) => x), each.quad.map(([, y]) => y)]
        // Some room round it: a full stop fills its own box.
        const room = 0.2 * each.font
        const on = [
          Math.max(0, Math.min(...xs) - room),
          Math.max(0, Math.min(...ys) - room),
          Math.min(canvas.width, Math.max(...xs) + room),
          Math.min(canvas.height, Math.max(...ys) + room),
        ].map(Math.round)
        if (on[2] - on[0] < 2 || on[3] - on[1] < 2) continue
        // What is scrolled along is drawn as far as it is in view.
        const slack = chain.some((parent) => ["auto", "scroll"].includes(styleOf(parent).overflowX) && !isPage(parent)) ? Infinity : 0
        const outside = Math.max(
          ...each.quad.map(([x, y]) => Math.max(-x * across - slack, -y * down, (x - canvas.width) * across - slack, (y - canvas.height) * down)),
        )
        if (outside > 1.5) note("clipped", each.text, `${outside.toFixed(1)} px outside of the canvas`, canvas)
        // The colour that is most often in the box lies behind the letters.
        const { data } = context.getImageData(on[0], on[1], on[2] - on[0], on[3] - on[1])
        const counts = new Map()
        for (let at = 0; at < data.length; at += 4) {
          const key = data.slice(at, at + 4).join()
          counts.set(key, (counts.get(key) ?? 0) + 1)
        }
        const [most] = [...counts].sort((a, b) => b[1] - a[1])[0]
        const [r, g, b, a] = most.split(",").map(Number)
        const under = over([r, g, b, a / 255], behind)
        const [R, G, B, A] = colourOf(each.colour)
        check(each.text, [[over([R, G, B, A * each.alpha], under), under]], each.font * down, each.bold, false, canvas)
        const points = each.quad.map(([x, y]) => [box.left + x * across, box.top + y * down])
        if (edge.length) texts.push({ text: each.text, parts: [points], element: canvas, chain, isWritten: true })
      }
    }

    /** What an element hides that is scrolled along, or ends in an ellipsis. */
    function readWindow(element) {
      const style = styleOf(element)
      if (isPage(element) || element.matches("input") || element instanceof SVGElement) return
      const [beside, below] = [element.scrollWidth - element.clientWidth, element.scrollHeight - element.clientHeight]
      const scrolls = (each) => each === "auto" || each === "scroll"
      if (scrolls(style.overflowX) && beside > 4 && element.clientWidth > 24 && fadeOf(style, 0) < 8 && element.scrollLeft < 4) note("hidden", element.textContent, `${beside} px beside`, element)
      if (scrolls(style.overflowY) && below > 8 && element.clientHeight > 24 && fadeOf(style, 1) < 8 && element.scrollTop < 4) note("hidden", element.textContent, `${below} px below`, element)
      if (style.textOverflow === "ellipsis" && style.overflowX === "hidden" && beside > 1 && element.textContent.trim()) {
        const text = element.textContent.trim()
        if (!isFullElsewhere(chainOf(element), text) && !found.some((each) => each.kind === "clipped" && text.startsWith(each.text)))
          note("clipped", text, `${beside} px behind …`, element)
      }
    }

    // Texts over each other. What lies in a layer of its own (a menu, a heading that stays) covers what is below it.
    const isLayer = (each) => ["fixed", "sticky"].includes(styleOf(each).position) || (styleOf(each).position === "absolute" && styleOf(each).zIndex !== "auto")
    const boxes = texts.flatMap(({ parts, ...rest }) => parts.map((part) => ({ ...rest, part, top: Math.min(...part.map(([, y]) => y)), bottom: Math.max(...part.map(([, y]) => y)) })))
    boxes.sort((one, other) => one.top - other.top)
    const told = new Set()
    boxes.forEach((one, at) => {
      for (let next = at + 1; next < boxes.length && boxes[next].top < one.bottom; next++) {
        const other = boxes[next]
        if (one.element === other.element && !(one.isWritten && other.isWritten)) continue
        if (one.isWritten !== other.isWritten && (one.isWritten || other.isWritten)) continue
        if (one.isWritten && one.text === other.text) continue
        if (overlapOf(one.part, other.part) <= 1) continue
        const common = one.chain.filter((each) => other.chain.includes(each)).length
        if ([one, other].some(({ chain }) => chain.slice(common).some(isLayer))) continue
        const key = `${one.text}|${other.text}`
        if (told.has(key)) continue
        told.add(key)
        note("overlap", one.text, `over ${other.text.trim().slice(0, 40)}`, one.element)
      }
    })

    // What is pressed
    const targets = []
    for (const element of elements(document)) {
      if (!element.matches(PRESSED) || !isSeen(element) || isDisabled(chainOf(element))) continue
      if (chainOf(element).some((each) => each.inert)) continue
      let box = element.getBoundingClientRect()
      const label = element.matches("input") && (element.closest("label") ?? (element.labels?.length ? element.labels[0] : null))
      if (label) {
        const [own, around] = [box, label.getBoundingClientRect()]
        box = around.width * around.height > own.width * own.height ? around : own
      }
      if (box.width < 2 || box.height < 2 || Number(styleOf(element).opacity) === 0 || !shown(chainOf(element), boxOf(box))) continue
      if (!nameOf(element)) note("name", element.outerHTML, "no name", element)
      targets.push({ element, box, isSmall: box.width < 23.9 || box.height < 23.9 })
    }
    const middle = ({ left, right, top, bottom }) => [(left + right) / 2, (top + bottom) / 2]
    for (const each of targets.filter((target) => target.isSmall)) {
      if (isInLine(each.element)) continue
      const [x, y] = middle(each.box)
      const tooNear = targets.find((other) => {
        if (other === each || other.element.contains(each.element) || each.element.contains(other.element)) return false
        const [nx, ny] = [Math.max(other.box.left, Math.min(x, other.box.right)), Math.max(other.box.top, Math.min(y, other.box.bottom))]
        const [mx, my] = middle(other.box)
        return Math.hypot(nx - x, ny - y) < 11.9 || (other.isSmall && Math.hypot(mx - x, my - y) < 23.9)
      })
      if (tooNear) note("target", each.element.textContent || each.element.getAttribute("aria-label"), `${each.box.width.toFixed(0)} x ${each.box.height.toFixed(0)} px`, each.element)
    }
    return found
  }

  function nameOf(element) {
    const by = (element.getAttribute("aria-labelledby") ?? "").split(" ").map((id) => id && element.getRootNode().getElementById(id)?.textContent)
    const named = [element.getAttribute("aria-label"), ...by, element.textContent, element.getAttribute("title"), element.getAttribute("placeholder")]
    const labels = [...(element.labels ?? [])].map((each) => each.textContent)
    return [...named, ...labels, element.querySelector?.("img[alt], [aria-label], title")?.outerHTML, element.type === "file" && "file"].some((each) => each?.trim?.())
  }

  /** Words that are pressed in a line of text are as high as the line. */
  function isInLine(element) {
    return styleOf(element).display.startsWith("inline") && /^inline/.test(styleOf(element).display) && styleOf(element).display === "inline"
  }

  globalThis.legibility.read = read
})()
