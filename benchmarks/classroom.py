"""A class opens one link, or each person another one: thirty sessions within a second, on a server that just started.

Thirty browsers on the server's own machine would measure each other. So the sessions are websocket clients that say
what a browser says and take everything a browser is sent; where all open one link, one real browser comes among them.
"""

import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
from playwright.sync_api import Browser, Page

from benchmarks.measuring import NONE, Limit, MeasuredPairs, Row, alone, compared, duration, size
from benchmarks.passages import passage
from benchmarks.serving import APP, EMPTY_APP, WATCHED_APP, Server, chromium, painted, serving, visitor
from benchmarks.sessions import WITHIN, Opened, Visit, attend
from benchmarks.watched_server import FORWARDS
from models.loading import load_model

_SESSIONS = 30
_TIMES = 3
_TOKENS = 128
_ONE_FORWARD = Limit(1, "value", "one")


@dataclass(frozen=True)
class ClassRun:
    """What the sessions saw, and how long the one browser among them waited until it had painted."""

    sessions: tuple[Opened, ...]
    browser_seconds: float

    @property
    def seconds(self) -> tuple[float, ...]:
        """Of those who were sent the picture."""
        return tuple(each.seconds for each in self.sessions if each.seconds is not None)

    @property
    def errors(self) -> tuple[str, ...]:
        """Everything that went wrong for anybody."""
        return tuple(fault for each in self.sessions for fault in each.faults)


# What each person of a class opens where everybody is left to themselves: page, picture, models and texts for them.
_WORDS = ("though", "through", "enough", "knight", "colonel", "queue", "island", "yacht", "honest", "doubt")
_SENTENCES = (
    "The cat sat on the mat.",
    "The trophy does not fit in the suitcase because it is too big.",
    "She poured water from the bottle into the cup until it was full.",
    "The bank of the river was steep, and the bank was closed.",
    "Colourless green ideas sleep furiously.",
    "What is the capital of France?",
)
_OPENED = {
    "attention": ("attention_view", ("minilm", "smollm2", "spelling_to_sound")),
    "tokenizers": ("token_columns", ("minilm", "smollm2", "spelling_to_sound")),
    "embeddings": ("vector_map", ("minilm", "smollm2", "spelling_to_sound")),
    # An encoder keeps no cache, and this one writes nothing.
    "kv_cache": ("cache_growth", ("smollm2", "spelling_to_sound")),
    "sampling": ("next_token", ("smollm2", "spelling_to_sound")),
}


def class_of_all_pages(server: Server, count: int = _SESSIONS, start: int = 0) -> list[Visit]:
    """So many links to all pages, each with all of its models, and with texts of which hardly two are equal.

    start: another one gives other texts.
    """
    pages = list(_OPENED)
    visits = []
    for number in range(count):
        page = pages[number % len(pages)]
        picture, names = _OPENED[page]
        name = names[number // len(pages) % len(names)]
        text = start + number
        words = _WORDS[text % len(_WORDS)]
        if name != "spelling_to_sound":
            words = f"{_SENTENCES[text % len(_SENTENCES)]} {words.capitalize()} {text}."
        visits.append(Visit(server.link(page, model=name, text=words), picture))
    return visits


def measure(pairs: int) -> list[Row]:
    """Forwards, seconds, errors, memory per session; a few classes, each on a server of its own."""
    text = passage(load_model("minilm"), _TOKENS)
    chosen = {"model": "minilm", "text": text, "layer": 3, "head": 1}
    ours, beside, forwards = [], [], []
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        for number in range(min(pairs, _TIMES)):
            log = Path(folder) / str(number)
            with serving(WATCHED_APP, {FORWARDS: str(log)}) as server:
                link = server.link("attention", **chosen)
                ours.append(_lesson(browser, server, Visit(link, "attention_view"), painted))
                forwards.append(log.stat().st_size if log.exists() else 0)
            with serving(EMPTY_APP) as server:
                beside.append(_lesson(browser, server, Visit(f"{server.address}/", "text"), _line_is_there))
        with serving(WATCHED_APP) as server:
            per_session = _memory_of_a_session(server, server.link("attention", **chosen))
    errors = [error for lesson in ours for error in lesson.errors]
    browsers = MeasuredPairs(
        tuple(each.browser_seconds for each in ours), tuple(each.browser_seconds for each in beside)
    )
    return [
        Row(
            f"class: {_SESSIONS} sessions open one link ({_TOKENS} tokens) within a second on a fresh server, "
            "to the map received (beside: the empty app)",
            _spread(ours),
            _spread(beside),
            raw={"ours": [each.seconds for each in ours], "beside": [each.seconds for each in beside]},
        ),
        compared("class: a browser among them, to painted (beside: the empty app)", browsers, duration),
        alone("class: forwards", max(forwards), str, _ONE_FORWARD, forwards),
        alone("class: errors", len(errors), str, NONE, errors),
        alone("class: the server's memory per further session of the link", per_session, size),
        *_all_pages(min(pairs, _TIMES)),
    ]


def _all_pages(times: int) -> Iterator[Row]:
    """A class of which each person opens something else: on a fresh server, then there again, with other texts."""
    cold: list[Opened] = []
    warm: list[Opened] = []
    for _ in range(times):
        with serving(APP) as server:
            for start, opened in ((0, cold), (_SESSIONS, warm)):
                opened += attend(server, class_of_all_pages(server, start=start))
    faults = [f"{each.visit.link}: {fault}" for each in (*cold, *warm) for fault in each.faults]
    what = f"class: {_SESSIONS} sessions open five pages, three models and {_SESSIONS} texts within a second"
    for name, opened in (("on a fresh server", cold), ("on a warm server", warm)):
        first = [each.seconds for each in opened if each.seconds is not None]
        last = [each.end_seconds for each in opened if each.end_seconds is not None]
        for words, seconds in (("picture received", first), ("end of the script", last)):
            yield Row(f"{what} {name}, to the {words}", _middle_and_late(seconds), raw={"ours": seconds})
    yield alone("class: errors on all pages", len(faults), str, NONE, faults)


def _spread(lessons: list[ClassRun]) -> str:
    return _middle_and_late([each for lesson in lessons for each in lesson.seconds])


def _middle_and_late(seconds: list[float]) -> str:
    if not seconds:
        return "nobody was sent anything"
    middle, late = np.percentile(seconds, (50, 95))
    return f"median {duration(middle)}, 95th percentile {duration(late)}"


def _lesson(browser: Browser, server: Server, visit: Visit, there: Callable[[Page], None]) -> ClassRun:
    with ThreadPoolExecutor(1) as pool, visitor(browser) as context:
        page = context.new_page()
        sessions = pool.submit(attend, server, [visit] * _SESSIONS)
        time.sleep(WITHIN / 2)
        start = time.perf_counter()
        page.goto(visit.link)
        there(page)
        seconds = time.perf_counter() - start
        return ClassRun(sessions.result(), seconds)


def _line_is_there(page: Page) -> None:
    page.wait_for_selector(".st-key-line")


def _memory_of_a_session(server: Server, link: str) -> float:
    """What the server has grown by, after one visitor and a first class, for each session of the further classes."""
    process = psutil.Process(server.process.pid)
    # Playwright's own event loop has this thread. Streamlit keeps who has left for a while, so that they can come back.
    with ThreadPoolExecutor(1) as pool:
        sizes = []
        for count in (1, *[_SESSIONS] * (1 + _TIMES)):
            pool.submit(attend, server, [Visit(link, "attention_view")] * count).result()
            sizes.append(process.memory_info().rss)
    return (sizes[-1] - sizes[1]) / (_TIMES * _SESSIONS)
