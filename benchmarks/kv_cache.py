"""What watching the KV cache costs, what the cache buys, and a thousand tokens on the page."""

import time
from collections.abc import Iterator

import numpy as np
import psutil
from playwright.sync_api import Browser, Page

from benchmarks.capture import plain_model
from benchmarks.decoding import generating
from benchmarks.measuring import NONE, Interval, Limit, Row, alone, compared, duration, interleaved, seconds_of, size
from benchmarks.serving import APP, Server, chromium, serving, settled, visitor
from models.decoding import CacheTimingRequest, DecodingSettings, cache_timing, decode
from models.engine import Engine
from models.loading import load_model

_MODEL = "smollm2"
_PROMPT = "Once upon a time there was a"
_TOKENS = 64
_ROUNDS = 3
_MANY = 1_000
_LATE = 900
_RECORDING = Limit(1 / 0.95, "ratio", "at most 1.05 x its time")
_SLOPE = Limit(0.10, "ratio", "at most 1/10")
_UPDATE = Limit(5e3, "value", "under 5 kB")
_MEMORY = Limit(30e6, "value", "under 30 MB")
_PATIENCE = 600.0


def measure(pairs: int) -> list[Row]:
    """The loop, the slopes, the page; the last two are long, and done once."""
    rows = [_recording(pairs), _slopes()]
    with chromium() as browser, serving(APP) as server:
        rows += _many(browser, server)
    return rows


def _recording(pairs: int) -> Row:
    """Each step with what the cache holds and the norms of what came new, as the page asks for it."""
    loaded = load_model(_MODEL)
    ids = loaded.tokenizer(_PROMPT)["input_ids"]
    settings = DecodingSettings(max_new_tokens=_TOKENS, with_norms=True)
    theirs = generating(loaded, plain_model(loaded, "sdpa"), ids, _TOKENS)
    if theirs()[len(ids) :] != [step.token_id for step in decode(loaded, ids, settings)]:
        raise ValueError("generate writes other tokens than decode; there is nothing to compare.")
    measured = interleaved(
        lambda: seconds_of(lambda: list(decode(loaded, ids, settings))), lambda: seconds_of(theirs), pairs
    )
    what = f"{_TOKENS} new tokens with the cache measured at each, {_MODEL} (beside: generate)"
    return compared(what, measured, duration, _RECORDING)


def _slopes() -> Row:
    engine = Engine()
    found = cache_timing(list(CacheTimingRequest(_MODEL, _PROMPT, _TOKENS, _ROUNDS).steps(engine)))
    if found is None:
        raise ValueError("No round of the timing was whole.")
    ratio = found.slope_with / found.slope_without
    return Row(
        f"time that each column adds to a token, {_TOKENS} tokens, {_MODEL} (beside: without the cache)",
        f"{1e6 * found.slope_with:,.0f} µs",
        f"{1e6 * found.slope_without:,.0f} µs",
        Interval(ratio, ratio, ratio),
        limit=_SLOPE,
        raw={"ours": found.seconds_with.tolist(), "beside": found.seconds_without.tolist()},
    )


def _many(browser: Browser, server: Server) -> Iterator[Row]:
    """A thousand tokens in a browser: messages while the last hundred come, steps that arrived, the server's memory."""
    memory = psutil.Process(server.process.pid).memory_info
    with visitor(browser) as context:
        first = context.new_page()
        first.goto(server.link("kv_cache", model=_MODEL, text=_PROMPT, tokens=8))
        _done(first)
        settled(first)
        first.close()
    with visitor(browser) as context:
        page = context.new_page()
        sizes: list[tuple[float, int]] = []
        page.on(
            "websocket",
            lambda socket: socket.on("framereceived", lambda data: sizes.append((time.perf_counter(), len(data)))),
        )
        before = memory().rss
        page.goto(server.link("kv_cache", model=_MODEL, text=_PROMPT, tokens=_MANY))
        page.wait_for_function(_has_steps(_LATE), timeout=_PATIENCE * 1000)
        late = time.perf_counter()
        page.wait_for_function(_has_steps(_MANY), timeout=_PATIENCE * 1000)
        ended = time.perf_counter()
        grown = memory().rss - before
        _done(page)
        settled(page)
        after = memory().rss - before
        root = page.locator(".cache-growth")
        steps, columns = (int(root.get_attribute(f"data-{name}") or 0) for name in ("steps", "columns"))
        cells = root.evaluate(
            "root => [...Array(+root.dataset.columns).keys()].filter(at => !root.headlight.value(29, at)?.key).length"
        )
        updates = [count for moment, count in sizes if late < moment < ended]
    held = 45 * 1024 * columns
    what = f"{_MANY:,} tokens on the KV cache page"
    missing = f"{what}: steps and columns that are missing in the browser ({steps:,} and {columns:,} came)"
    yield alone(missing, _MANY - steps + cells, "{:,}".format, NONE)
    largest = f"{what}: the largest message from step {_LATE} on (median {size(float(np.median(updates)))})"
    yield alone(largest, max(updates), size, _UPDATE, updates)
    yield alone(
        f"{what}: the server's memory at the last step, beyond the cache's {size(held)} (afterwards, cache and all: "
        f"{size(max(0, after))})",
        max(0, grown - held),
        size,
        _MEMORY,
        [grown, after],
    )


def _has_steps(count: int) -> str:
    return f"() => +(bench.root('cache-growth')?.dataset.steps ?? 0) >= {count}"


def _done(page: Page) -> None:
    page.wait_for_function("() => bench.root('cache-growth')?.dataset.done === 'true'", timeout=_PATIENCE * 1000)
