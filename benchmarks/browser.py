"""What a person waits for: another head, the first map of a server that was just started, and the second."""

import itertools
import time
from collections.abc import Callable, Iterator

from playwright.sync_api import Browser, Page

from benchmarks.measuring import Limit, MeasuredPairs, Row, compared, duration, interleaved
from benchmarks.passages import passage
from benchmarks.serving import (
    APP,
    EMPTY_APP,
    Server,
    beside_empty,
    chromium,
    empty_is_there,
    painted,
    seconds_in,
    serving,
    settled,
    visitor,
)
from models.loaded import LoadedModel
from models.loading import load_model

_LENGTHS = (20, 128)
_STARTS = 3
_LIMIT = Limit(3.0, "ratio", "at most 3 × an empty rerun")
# After the address was printed; a person reads it and opens it.
_COMES_AFTER = 3.0
_AS_THE_SECOND = Limit(1.5, "ratio", "at most 1.5 × what the second one waits")


def measure(pairs: int) -> list[Row]:
    """Another head at both lengths, then the way from the command line to the first map."""
    loaded = load_model("minilm")
    rows = []
    with chromium() as browser:
        with serving(APP) as server, serving(EMPTY_APP) as empty_server:
            for length in _LENGTHS:
                measured = _another_head(browser, server, empty_server, loaded, length, pairs)
                what = f"another head, click to painted, minilm, {length} tokens (beside: an empty Streamlit rerun)"
                rows.append(compared(what, measured, duration, _LIMIT))
        visitors = [_first_and_second(browser, loaded, _COMES_AFTER) for _ in range(min(pairs, _STARTS))]
        link = {"model": "minilm", "text": passage(loaded, 20), "layer": 3, "head": 1}
        measured = interleaved(
            lambda: _seconds_to(browser, APP, lambda server: server.link("attention", **link), painted),
            lambda: _seconds_to(browser, EMPTY_APP, lambda server: server.address, empty_is_there),
            min(pairs, _STARTS),
            warm_up=1,
        )
    first_two = MeasuredPairs(*zip(*visitors, strict=True))
    what = (
        f"the first map, for who comes {_COMES_AFTER:.0f} s after the address was printed (beside: for the second one)"
    )
    rows.append(compared(what, first_two, duration, _AS_THE_SECOND))
    rows.append(
        compared("`streamlit run` to the first painted map, minilm (beside: the empty app)", measured, duration)
    )
    return rows


def _first_and_second(browser: Browser, loaded: LoadedModel, after: float) -> tuple[float, float]:
    """How long the first two visitors of a fresh server wait for the map of a text of their own, in seconds."""
    with serving(APP) as server:
        time.sleep(max(0.0, server.printed + after - time.perf_counter()))
        seconds = []
        for number in range(2):
            link = server.link("attention", model="minilm", text=passage(loaded, 20, 5 * number), layer=3, head=1)
            with visitor(browser) as context:
                page = context.new_page()
                start = time.perf_counter()
                page.goto(link)
                painted(page)
                seconds.append(time.perf_counter() - start)
        return seconds[0], seconds[1]


def _another_head(
    browser: Browser, server: Server, empty_server: Server, loaded: LoadedModel, length: int, pairs: int
) -> MeasuredPairs:
    """Each head is one that nobody has asked for: its map is computed, not taken from the cache."""
    with beside_empty(browser, empty_server) as (page, _, empty_rerun):
        heads = _unseen_heads(page, server, loaded, length)

        def ours() -> float:
            layer, head = next(heads)
            which = [str(head), f"encoder-{layer}-{head}"]
            return seconds_in(page, "which => bench.anotherHead(which)", which)

        return interleaved(ours, empty_rerun, pairs)


def _unseen_heads(page: Page, server: Server, loaded: LoadedModel, length: int) -> Iterator[tuple[int, int]]:
    """Layer and head after head; when a layer is through, the next one is opened, with a new text after the last."""
    for start in itertools.count(step=5):
        text = passage(loaded, length, start)
        for layer in range(loaded.card.layers):
            page.goto(server.link("attention", model="minilm", text=text, layer=layer, head=0))
            painted(page, f"encoder-{layer}-0")
            settled(page)
            for head in range(1, loaded.card.heads):
                yield layer, head


def _seconds_to(
    browser: Browser, what: tuple[str, ...], link: Callable[[Server], str], there: Callable[[Page], None]
) -> float:
    """From the start of the server's process until a fresh visitor sees the picture."""
    with serving(what) as server, visitor(browser) as context:
        page = context.new_page()
        page.goto(link(server))
        there(page)
        return time.perf_counter() - server.started
