"""What a lesson beside a page costs: another text on the same page with its rail and without, time and bytes."""

import numpy as np
from playwright.sync_api import Browser, Page, ViewportSize

from benchmarks.measuring import Limit, Row, alone, compared, duration, interleaved, size
from benchmarks.serving import APP, Server, Traffic, chromium, painted, seconds_in, serving, settled, visitor

# Two examples of the page, of which each is the other's next text.
_EXAMPLES = ("it = the animal", "tired → wide")
# A laptop's, on which the rail takes a quarter of the page.
_WINDOW = ViewportSize(width=1280, height=720)
_TIME = Limit(1.1, "ratio", "at most 1.1 × the page alone")
_BYTES = Limit(5_000, "value", "at most 5 kB")
# What stays the same for all that is typed: words alone, and a question that is not answered.
_STEPS = {"a step that says something": 1, "a step that asks": 2}


def measure(pairs: int) -> list[Row]:
    """Both pages are open at once, on one server that has computed both texts."""
    with serving(APP) as server, chromium() as browser:
        return [row for what, step in _STEPS.items() for row in _beside(browser, server, what, step, pairs)]


def _beside(browser: Browser, server: Server, what: str, step: int, pairs: int) -> list[Row]:
    received: dict[bool, list[int]] = {True: [], False: []}
    with visitor(browser) as one, visitor(browser) as other:
        pages = {
            True: _opened(server, one.new_page(), lesson="attention-by-hand", lesson_step=step),
            False: _opened(server, other.new_page()),
        }
        turns = dict.fromkeys(pages, 0)

        def another_text(with_lesson: bool) -> float:
            page, traffic = pages[with_lesson]
            turns[with_lesson] += 1
            before = traffic.received
            seconds = seconds_in(page, "key => bench.anotherExample(key)", _EXAMPLES[turns[with_lesson] % 2])
            received[with_lesson].append(traffic.received - before)
            return seconds

        measured = interleaved(lambda: another_text(True), lambda: another_text(False), pairs)
    more = float(np.median(received[True]) - np.median(received[False]))
    name = f"a lesson beside the page, {what}: another text"
    return [
        compared(f"{name}, click to painted (beside: without the lesson)", measured, duration, _TIME),
        alone(f"{name}: bytes that the rail adds", more, size, _BYTES, received[True]),
    ]


def _opened(server: Server, page: Page, **lesson: object) -> tuple[Page, Traffic]:
    page.set_viewport_size(_WINDOW)
    traffic = Traffic(page)
    text = "The animal didn't cross the street because it was too tired."
    page.goto(server.link("attention", model="minilm", text=text, layer=3, head=1, **lesson))
    painted(page, "encoder-3-1")
    if lesson:
        page.wait_for_function("() => bench.root('lesson-rail')?.dataset.ready")
    settled(page)
    return page, traffic
