"""A page as it stands once nothing moves any more: looked at once, for all the tests that only read it."""

from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pages.shared.registry import PAGES
from tests.browser.empty_pages import EmptyPages
from tests.browser.tab import Tab

READER = "\n".join(Path(__file__).with_name(each).read_text() for each in ("painted.js", "legibility.js"))
LEGIBILITY = "() => globalThis.legibility.read()"
# Width and height in CSS pixels, dots to each: a telephone, a tablet, a laptop, 1920 pixels at 150 %, a wall.
ROOMS = {
    "telephone": (390, 844, 1),
    "tablet": (768, 1024, 1),
    "laptop": (1280, 720, 1),
    "enlarged": (1280, 720, 1.5),
    "wall": (3840, 2160, 1),
    # A laptop at 150 % is narrower than any of these.
    "enlarged laptop": (853, 480, 1.5),
}
# Where each page is looked at in each run.
TELEPHONE, LAPTOP = QUICK = (("telephone", "dark"), ("laptop", "light"))
# What is read, without buttons, names of choices and what somebody typed; and which words are explained there.
WORDS = """() => {
  const said = [], explained = []
  const passed = "style, script, svg, canvas, textarea, input, code, button, label, bdi bdi, .chip, .unseen, [role=tab]"
  const visit = (node) => {
    for (const each of node.childNodes) {
      if (each.nodeType === 3) said.push(each.textContent)
      if (each.nodeType !== 1 || each.matches(passed)) continue
      if (each.matches(".headlight-term")) explained.push(each.textContent)
      visit(each)
      if (each.shadowRoot) visit(each.shadowRoot)
    }
  }
  visit(document.querySelector("[data-testid=stMain]"))
  return [said, explained]
}"""
# Texts, titles and names of a page and its pictures; axes and what is drawn are not among them.
WITH_NAMES = """() => {
  const said = []
  const visit = (node) => {
    for (const each of node.childNodes) {
      if (each.nodeType === 3) said.push(each.textContent)
      if (each.nodeType !== 1 || each.matches("style, script, svg, textarea, input, code")) continue
      for (const name of ["title", "aria-label"]) if (each.hasAttribute(name)) said.push(each.getAttribute(name))
      visit(each)
      if (each.shadowRoot) visit(each.shadowRoot)
    }
  }
  visit(document.querySelector("section.main, [data-testid=stMain]"))
  return said
}"""
# Whether that has been so for half a second; asked repeatedly. Pictures are painted again when their font has come.
STANDS_STILL = """() => {
  const isRunning = document.querySelector("[data-testid=stApp]").dataset.testScriptState !== "notRunning"
  if (isRunning || document.fonts.status !== "loaded") {
    delete globalThis.stoodStill
    return false
  }
  const within = (each) => (each.shadowRoot ? [each, ...all(each.shadowRoot)] : [each])
  const all = (root) => [...root.querySelectorAll("*")].flatMap(within)
  const found = all(document)
  const boxes = found.map((each) => each.getBoundingClientRect())
  const ends = boxes.reduce((sum, { right, bottom }) => sum + right + bottom, 0)
  const now = [found.length, document.body.innerText.length, ends].join()
  if (globalThis.stoodStill?.now !== now) globalThis.stoodStill = { now, since: performance.now() }
  return performance.now() - globalThis.stoodStill.since >= 500
}"""
# What has the focus, if nothing about it shows that.
UNSEEN_FOCUS = """() => {
    let at = document.activeElement
    while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement
    // A box that is hidden behind its drawing shows the focus on that.
    for (let each = at, up = 0; each && up < 4; each = each.parentElement ?? each.getRootNode().host, up++) {
        const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(each)
        if (outlineStyle !== "none" && parseFloat(outlineWidth) >= 1) return null
        if (boxShadow !== "none") return null
        if ([...each.children].some((child) => getComputedStyle(child).boxShadow !== "none")) return null
    }
    // The page itself is scrolled and not pressed.
    return at.matches("body, .stMain") ? null : `${at.tagName} ${at.className} ${at.textContent.slice(0, 30)}`
}"""


@dataclass(frozen=True)
class AtRest:
    """title: of the tab. headings: of the first level, each with its distance from the top. problems: how many
    sentences say that something is wrong. hangs_over: see Tab. said, explained: texts, and which words in them are
    explained. with_names: all texts, titles and names. faults: what cannot be read or hit. unseen: on a laptop, what
    the Tab key reaches without showing it.
    """

    title: str
    headings: list
    problems: int
    hangs_over: int
    said: list
    explained: list
    with_names: list
    faults: list
    unseen: set


class Looking:
    """Opens pages in rooms; `at_rest` remembers what it saw."""

    def __init__(self, everyday, chromium, server):
        self.chromium, self.server = chromium, server
        # By how many dots a pixel has.
        self.contexts: dict[float, Any] = {1: everyday}
        self.seen, self.empty_pages = {}, EmptyPages(READER)

    @contextmanager
    def opened(self, path, room):
        """A tab with this page, which has come to rest. At the end nothing may have gone wrong in it."""
        name, scheme = room
        width, height, dots = ROOMS[name]
        if dots not in self.contexts:
            self.contexts[dots] = self.chromium.new_context(
                viewport={"width": width, "height": height}, device_scale_factor=dots
            )
        tab = Tab(self.empty_pages.take(self.contexts[dots], (width, height), scheme), self.server)
        tab.page.set_default_timeout(60_000)
        logged = len(self.server.traces())
        try:
            tab.goto(path)
            last = f".st-key-open_{PAGES[-1].address} .headlight-preview"
            # Beside columns of tokens a lesson hides it until its question is answered.
            last = ".st-key-inspector, .st-key-lesson_table" if path else last
            tab.page.locator(last).first.wait_for(state="attached")
            come_to_rest(tab)
            yield tab
        finally:
            self.empty_pages.leave(tab)
        assert tab.faults == []
        assert self.server.traces()[logged:] == []

    def at_rest(self, path, room):
        if (path, room) not in self.seen:
            with self.opened(path, room) as tab:
                self.seen[path, room] = looked(tab, room)
        return self.seen[path, room]

    def end(self):
        for dots, context in self.contexts.items():
            if dots != 1:
                context.close()


def come_to_rest(tab):
    """Until the script has run, its fonts have come, and for a while nothing was added, taken away or moved."""
    tab.page.evaluate("() => { delete globalThis.stoodStill }")
    tab.page.wait_for_function(STANDS_STILL, polling=250)


def looked(tab, room):
    headings = tab.page.get_by_role("heading", level=1).all()
    said, explained = tab.page.evaluate(WORDS)
    return AtRest(
        tab.page.title(),
        [(each.text_content(), round(each.bounding_box()["y"])) for each in headings],
        tab.page.locator("[class*=st-key-problem]").count(),
        tab.hangs_over,
        said,
        explained,
        tab.page.evaluate(WITH_NAMES),
        faults(tab),
        unseen(tab) if room == LAPTOP else set(),
    )


def faults(tab):
    """What legibility.js finds, in all frames. What is found is looked for once more: the fade at a hidden side comes
    some frames after what it fades, and a busy machine takes its time for them.
    """
    if not _read(tab):
        return []
    tab.page.wait_for_timeout(1500)
    return _read(tab)


def _read(tab):
    return [each for frame in tab.page.frames for each in frame.evaluate(LEGIBILITY)]


def told(found):
    """The findings as lines."""
    return sorted({f"{each['kind']}: {each['text']!r} {each['detail']} ({each['place']})" for each in found})


def unseen(tab):
    found = set()
    for _ in range(30):
        tab.press("Tab")
        # A ring may fade in.
        for _ in range(10):
            if (at := tab.page.evaluate(UNSEEN_FOCUS)) is None:
                break
            tab.page.wait_for_timeout(60)
        else:
            found.add(at)
    return found
