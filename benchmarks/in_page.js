// What the benchmarks do inside a page, timed by the page's own clock.

globalThis.bench = {
  /** The root of one of Headlight's components, which stands in a shadow tree of its own. */
  root(component) {
    for (const each of document.querySelectorAll(".stBidiComponent *")) {
      const found = each.shadowRoot?.querySelector(`.${component}`)
      if (found) return found
    }
    return null
  },

  isPainted(component, map) {
    const root = bench.root(component)
    return root?.dataset.ready === "true" && (map === null || root.dataset.map === map)
  },

  isIdle() {
    return document.querySelector('[data-testid="stApp"]')?.dataset.testScriptState === "notRunning"
  },

  buttonIn(key, label) {
    const buttons = [...document.querySelectorAll(`.st-key-${key} button`)]
    return buttons.find((each) => each.textContent.trim() === label)
  },

  /** Milliseconds from a click on `button` until a change in `watched` after which `isDone`. */
  timed(button, watched, isDone, also = watched) {
    return new Promise((resolve, reject) => {
      setTimeout(() => reject(new Error("Nothing changed within a minute of the click.")), 60_000)
      const start = performance.now()
      const observer = new MutationObserver(() => {
        if (!isDone()) return
        observer.disconnect()
        resolve(performance.now() - start)
      })
      for (const each of [watched, also]) observer.observe(each, { attributes: true, childList: true, characterData: true, subtree: true })
      button.click()
    })
  },

  /** Milliseconds from choosing another head until its map is painted. */
  anotherHead([label, map]) {
    const root = bench.root("attention-view")
    return bench.timed(bench.buttonIn("head_box", label), root, () => root.dataset.map === map)
  },

  /** Milliseconds from a press on an example until its text is painted and the page's run has ended. */
  anotherExample(label) {
    const button = [...document.querySelectorAll(".st-key-examples button")].find((each) => each.textContent.trim() === label)
    const words = () => [...bench.root("attention-view").querySelectorAll(".chip .piece")].map((each) => each.textContent).join(" ")
    const before = words()
    let isPainted = false
    const isDone = () => (isPainted ||= words() !== before) && bench.isIdle()
    return bench.timed(button, document, isDone, bench.root("attention-view"))
  },

  /** Milliseconds from switching the shown head off until the maps before and after are painted. */
  headOff() {
    const root = bench.root("attention-view")
    const button = [...root.querySelectorAll(".tools button")].find((each) => each.textContent.startsWith("head L"))
    return bench.timed(button, root, () => root.headlight.header().panels.length === 3 && root.dataset.ready === "true")
  },

  /** Milliseconds from Look, with another text typed before, until its columns are laid out. */
  async anotherText() {
    const root = bench.root("token-columns")
    const before = root.dataset.tokens
    const look = [...document.querySelectorAll("button")].find((each) => each.textContent.trim() === "Look")
    const start = performance.now()
    await bench.timed(look, root, () => root.dataset.tokens !== before)
    root.getBoundingClientRect()
    return performance.now() - start
  },

  knob(name) {
    return bench.root("knob-sliders")?.querySelector(`[data-knob="${name}"] input`)
  },

  /** Milliseconds from letting go of the temperature, a step further on, until the server's next token is painted. */
  nextTemperature() {
    const root = bench.root("next-token")
    const slider = bench.knob("temperature")
    const stage = () => root.querySelector("[data-stage='temperature'] b").textContent
    const before = stage()
    const press = () => {
      slider.stepUp()
      for (const type of ["input", "change"]) slider.dispatchEvent(new Event(type, { bubbles: true }))
    }
    return bench.timed({ click: press }, root, () => root.dataset.by === "server" && stage() !== before)
  },

  /** From here on, `drags` has for each step of a slider the milliseconds until what follows from it is painted. */
  timeDrags() {
    bench.drags = []
    const timed = ({ timeStamp }) =>
      requestAnimationFrame(() => {
        const { port1, port2 } = new MessageChannel()
        port1.onmessage = () => bench.drags.push(performance.now() - timeStamp)
        port2.postMessage(null)
      })
    addEventListener("input", timed, true)
  },

  points() {
    return bench.root("vector-map")?.headlight?.points().length ?? 0
  },

  selectPoint() {
    const canvas = bench.root("vector-map").querySelector("canvas.main")
    for (const key of ["ArrowDown", "Enter"]) canvas.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }))
  },

  /** Milliseconds from a click on the next layer, or the first after the last, until the neighbours there are listed. */
  nextLayer() {
    const thumbs = [...bench.root("vector-map").querySelectorAll(".thumb")]
    const next = (thumbs.findIndex((each) => each.classList.contains("selected")) + 1) % thumbs.length
    const watched = document.querySelector(".st-key-inspector")
    const said = next ? `after layer ${next}.` : "at the input."
    return bench.timed(thumbs[next], watched, () => watched.textContent.includes(said))
  },

  /** Of attention and MLP of a layer the one that is not selected in the plan, null before it is drawn. */
  otherPart() {
    const root = bench.root("block-diagram")
    const boxes = [...(root?.querySelectorAll(".box") ?? [])].filter(
      (each) => each.dataset.path.split("/").length === 2 && /Attention|MLP/.test(each.textContent),
    )
    return boxes.find((each) => each.dataset.path !== root.dataset.selected) ?? null
  },

  /** Milliseconds from a click on it until the inspector says something else. */
  nextPart() {
    const next = bench.otherPart()
    const watched = document.querySelector(".st-key-inspector")
    const before = watched.textContent
    const click = () => next.dispatchEvent(new MouseEvent("click", { bubbles: true }))
    return bench.timed({ click }, watched, () => watched.textContent !== before)
  },

  /** What the open tab says in full sentences. */
  said() {
    const panel = [...document.querySelectorAll('[role="tabpanel"]')].find((each) => each.checkVisibility())
    return [...(panel?.querySelectorAll(".headlight-sentence") ?? [])].map((each) => each.textContent).join(" ")
  },

  /** Milliseconds from a click until the open tab says something else. */
  untilSaid(click) {
    const before = bench.said()
    return bench.timed({ click }, document.body, () => bench.said() !== before)
  },

  /** The same of what is called so in the list of choices that is open. */
  choose(name) {
    const options = [...document.querySelectorAll('[role="option"]')]
    return bench.untilSaid(() => options.find((each) => each.textContent === name).click())
  },

  /** The same of a box of the plan, by the names on the way to it. */
  pressBox(path) {
    const box = bench.root("block-diagram").querySelector(`.box[data-path="${path}"]`)
    return bench.untilSaid(() => box.dispatchEvent(new MouseEvent("click", { bubbles: true })))
  },

  /** Milliseconds from the press on a patch until its picture is painted and read, the middle one of twenty. */
  otherPatches() {
    const root = bench.root("patch-view"), canvas = root.querySelector(".stage")
    const took = Array.from({ length: 20 }, (_, press) => {
      const { x, y } = root.headlight.place(13 * press + 5)
      const start = performance.now()
      canvas.dispatchEvent(new MouseEvent("click", { clientX: x, clientY: y, bubbles: true }))
      canvas.getContext("2d").getImageData(0, 0, 1, 1)
      return performance.now() - start
    })
    return took.sort((one, other) => one - other)[10]
  },

  /** Milliseconds from the choice of a file, of a picture that nobody has seen, until its map is painted. */
  async anotherPicture() {
    const canvas = new OffscreenCanvas(224, 224), drawing = canvas.getContext("2d")
    for (let dot = 0; dot < 400; dot++) {
      drawing.fillStyle = `hsl(${360 * Math.random()} 80% 50%)`
      drawing.fillRect(224 * Math.random(), 224 * Math.random(), 30, 30)
    }
    const name = `${Math.random()}.jpg`
    const file = new File([await canvas.convertToBlob({ type: "image/jpeg" })], name)
    const given = new DataTransfer()
    given.items.add(file)
    const input = document.querySelector(".st-key-picture_file input[type=file]")
    const click = () => {
      input.files = given.files
      input.dispatchEvent(new Event("change", { bubbles: true }))
    }
    const stem = name.slice(2, -4)
    const isShown = () => bench.root("patch-view")?.dataset.ready === "true" && bench.root("patch-view").headlight.header().name.includes(stem)
    return bench.timed({ click }, document.body, isShown, bench.root("patch-view"))
  },

  /** Milliseconds from a click on the empty page's button until its text has changed. */
  emptyRerun() {
    const line = () => document.querySelector(".st-key-line").textContent
    const before = line()
    return bench.timed(document.querySelector(".stButton button"), document.body, () => line() !== before)
  },
}
