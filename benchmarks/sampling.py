"""What moving a knob costs on the sampling page, what a batch saves, and the memory of a long text."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import psutil
import torch
from playwright.sync_api import Browser, Page

from benchmarks.capture import plain_model
from benchmarks.measuring import (
    NONE,
    Limit,
    Row,
    alone,
    compared,
    duration,
    interleaved,
    milliseconds,
    rerun_rows,
    seconds_of,
    size,
)
from benchmarks.serving import Server, Traffic, beside_empty, beside_reruns, both_apps, settled, visitor
from models.decoding import DecodingSettings, SamplingStagesRequest, decode, decode_batch
from models.decoding.prepared_generation import processors_for
from models.engine import Engine
from models.loading import load_model

_MODEL = "smollm2"
_PROMPT = "The capital of France is"
_ROWS, _TOKENS = 16, 40
_LONG, _DRAGS = 200, 100
# Every stage that has a knob, each with a value that does something.
_KNOBS: dict[str, Any] = {
    "temperature": 1.5,
    "top_k": 5_000,
    "top_p": 0.98,
    "min_p": 0.001,
    "typical_p": 0.98,
    "epsilon_cutoff": 1e-6,
    "eta_cutoff": 1e-6,
    "top_h": 0.95,
    "repetition_penalty": 1.2,
    "no_repeat_ngram_size": 3,
}
_SETTINGS = replace(DecodingSettings(), **_KNOBS)
_BYTES = Limit(60e3, "value", "under 60 kB")
_FRAME = Limit(0.016, "value", "under 16 ms")
_SCORES = Limit(100e3, "value", "under 100 kB")
_BATCH = Limit(0.25, "ratio", "at most 1/4 of its time")
_MEMORY = Limit(30e6, "value", "under 30 MB")


def measure(pairs: int) -> list[Row]:
    """The stages, a batch, the page."""
    rows = [_stages(pairs), _batch(min(pairs, 3))]
    with both_apps() as (browser, server, empty_server):
        rows += _knob(browser, server, empty_server, pairs)
        rows += _drags(browser, server)
        rows.append(_memory(browser, server))
    return rows


def _stages(pairs: int) -> Row:
    """All stages in what a page shows, a setting that nobody has asked for each time, beside the processors alone."""
    engine = Engine()
    loaded = engine.model(_MODEL)
    ids = torch.tensor([loaded.tokenizer(_PROMPT)["input_ids"]])
    with torch.inference_mode():
        logits = plain_model(loaded, "sdpa")(input_ids=ids).logits[:, -1]
    settings = (replace(_SETTINGS, temperature=1.5 + number / 1e4) for number in range(10_000))
    processors = processors_for(loaded, ids, next(settings))

    def ours() -> float:
        asked = next(settings)
        return seconds_of(lambda: engine.run(SamplingStagesRequest(_MODEL, _PROMPT, asked)))

    measured = interleaved(ours, lambda: seconds_of(lambda: processors(ids, logits)), pairs)
    what = f"every stage of one step, {logits.shape[1]:,} tokens, as a page shows it (beside: the processors alone)"
    return compared(what, measured, duration)


def _batch(pairs: int) -> Row:
    loaded = load_model(_MODEL)
    settings = [
        DecodingSettings(_TOKENS, temperature=1.0, top_p=0.9, seed=seed, min_new_tokens=_TOKENS)
        for seed in range(_ROWS)
    ]
    together = [list(row) for row in zip(*decode_batch(loaded, [_PROMPT], settings), strict=True)]
    alone = [list(decode(loaded, _PROMPT, each)) for each in settings]
    same = sum(
        [step.token_id for step in row if step] == [step.token_id for step in one]
        for row, one in zip(together, alone, strict=True)
    )
    measured = interleaved(
        lambda: seconds_of(lambda: list(decode_batch(loaded, [_PROMPT], settings))),
        lambda: seconds_of(lambda: [list(decode(loaded, _PROMPT, each)) for each in settings]),
        pairs,
        0,
    )
    what = f"{_ROWS} texts of {_TOKENS} tokens in one batch, {same} the same, {_MODEL} (beside: one by one)"
    return compared(what, measured, duration, _BATCH)


def _knob(browser: Browser, server: Server, empty_server: Server, pairs: int) -> Iterator[Row]:
    """The temperature one step on, let go; every place of it is one that nobody has asked for."""
    with beside_empty(browser, empty_server) as (page, traffic, empty_rerun):
        page.goto(server.link("sampling", model=_MODEL, text=_PROMPT, **_KNOBS | {"temperature": 0.05}))
        _painted(page)
        _follows(page)
        measured, received = beside_reruns(page, "() => bench.nextTemperature()", traffic, empty_rerun, pairs)
    what = f"one knob moved, {len(_KNOBS)} stages of 49,152 tokens"
    yield from rerun_rows(what, "let go to the server's numbers painted", measured, received, _BYTES)


def _drags(browser: Browser, server: Server) -> Iterator[Row]:
    """Four knobs dragged to and fro, 25 steps each; every stage that has a knob is on."""
    with visitor(browser) as context:
        page = context.new_page()
        traffic = Traffic(page)
        page.goto(server.link("sampling", model=_MODEL, text=_PROMPT, **_KNOBS))
        _painted(page)
        traffic.restart()
        _follows(page)
        scores = traffic.received
        page.evaluate("() => bench.timeDrags()")
        seconds: list[float] = []
        sent = 0
        for name in ("temperature", "top-k", "top-p", "min-p"):
            box = page.evaluate("name => bench.knob(name).getBoundingClientRect().toJSON()", name)
            page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
            page.mouse.down()
            settled(page)
            traffic.restart()
            page.evaluate("() => { bench.drags.length = 0 }")
            for move in range(_DRAGS // 4):
                page.mouse.move(box["x"] + box["width"] * (0.2 + 0.03 * move), box["y"] + box["height"] / 2)
                page.evaluate("() => new Promise(requestAnimationFrame)")
            page.wait_for_timeout(300)
            seconds += [each / 1000 for each in page.evaluate("() => bench.drags")]
            sent += traffic.sent
            page.mouse.up()
            settled(page)
    what = f"a knob dragged, {len(_KNOBS)} stages of 49,152 tokens"
    painted = f"{what}: input to painted, {len(seconds)} steps"
    yield alone(painted, float(np.median(seconds)), milliseconds, _FRAME, seconds)
    yield alone(f"{what}: messages to the server meanwhile", sent, str, NONE)
    yield alone("what a knob is followed by, sent once for a step", scores, size, _SCORES)


def _follows(page: Page) -> None:
    """Come near a knob, and wait for what it is followed by."""
    box = page.evaluate("() => bench.knob('temperature').getBoundingClientRect().toJSON()")
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.wait_for_function("() => bench.root('next-token').headlight.follows()")
    settled(page)


def _memory(browser: Browser, server: Server) -> Row:
    """A long text written on the page, and ten of its tokens opened: what the server holds of it afterwards."""
    memory = psutil.Process(server.process.pid).memory_info
    with visitor(browser) as context:
        page = context.new_page()
        for count in (8, _LONG):
            settings = f"temperature=1&seed={count}&max_new_tokens={count}"
            before = memory().rss
            page.goto(server.link("sampling", model=_MODEL, text=_PROMPT, written=settings))
            _painted(page)
            page.wait_for_function("() => bench.root('written-text')?.dataset.done === 'true'")
            settled(page)
            tokens = page.locator(".written-text .token")
            for place in range(0, min(count, 100), 10):
                tokens.nth(place).click()
                settled(page)
            after = memory().rss
    grown = max(0, after - before)
    what = f"{_LONG} tokens written on the sampling page, ten of them opened: what the server's memory has grown by"
    return alone(what, grown, size, _MEMORY, [before, after])


def _painted(page: Page) -> None:
    page.wait_for_function("() => bench.isPainted('next-token', null)")
    settled(page)
