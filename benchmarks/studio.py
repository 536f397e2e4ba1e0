"""The studio's views beside BertViz's: the same arrays, each as one document that Chromium opens.

Both documents hold everything they need, scripts and numbers, so that neither waits for a network or for Streamlit.
"""

import base64
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np
from playwright.sync_api import Browser, Page

from benchmarks.measuring import Limit, Row, alone, compared, duration, interleaved, interval, milliseconds, size
from benchmarks.passages import passage
from benchmarks.serving import chromium
from benchmarks.watched_server import random_bert
from models.attention import THUMBNAIL_STEPS, HeadGridRequest, bertviz_drawing, max_pooled, trace_attention
from models.loading import load_model
from viz.bertviz_document import bertviz_document
from viz.components.attention_view import AttentionPicture, Frame, Heads, Matrix, Model, Panel, packed, state_of
from viz.components.scaffold import skeleton
from viz.components.scaffold.bundling import browser_source

_VIEWS: tuple[Literal["head", "model"], ...] = ("head", "model")
_LENGTHS = (64, 128)
# BertViz's model view of 128 tokens takes a minute and a half.
_TIMES = {("head", 64): 12, ("head", 128): 5, ("model", 64): 3, ("model", 128): 1}
_SOONER = {"model": Limit(1 / 50, "ratio", "at most 1/50"), "head": Limit(1 / 20, "ratio", "at most 1/20")}
_SMALLER = Limit(1 / 100, "ratio", "at most 1/100")
_HOVER = Limit(0.008, "value", "at most 8 ms")
_FRAME = Limit(0.016, "value", "at most 16 ms")
_MOVES = 100
_PATIENCE = 400_000.0
_PAGE = """<meta charset="utf-8"><style>:root { --st-background-color: #ffffff; --st-font: sans-serif; }
body { margin: 0; width: 1000px; }</style><div id="place">%(html)s</div>
<script type="module">
%(library)s
const bytes = Uint8Array.fromBase64("%(data)s")
globalThis.headlight.states = new Map([["attention_view", { state: %(state)s }]])
attention_view({ data: bytes, parentElement: document.getElementById("place"), setTriggerValue() {} })
</script>"""
# The first thing in both documents: from here on they are read, with everything that they hold, until what was drawn
# has been painted.
_HANDED = """<!doctype html><script>
const handed = performance.now()
globalThis.painted = new Promise((done) => addEventListener("load", () =>
  requestAnimationFrame(() => setTimeout(() => done(performance.now() - handed)))))
</script>"""
_PAINTED = "() => painted"
# The work of a handler, and of the drawing that it asked for, which reading a pixel waits for.
_HANDLER = """(count) => {
  const root = document.querySelector(".attention-view"), over = root.querySelector(".over")
  const box = over.getBoundingClientRect(), drawn = over.getContext("2d"), took = []
  for (let move = 0; move < count; move++) {
    const at = { clientX: box.left + 30, clientY: box.top + 8 + ((move * 37) % 128) * 17, bubbles: true }
    const start = performance.now()
    over.dispatchEvent(new PointerEvent("pointermove", at))
    drawn.getImageData(0, 0, 1, 1)
    took.push(performance.now() - start)
  }
  return took
}"""
_FRAMES = """async (count) => {
  const root = document.querySelector(".attention-view"), over = root.querySelector(".over")
  const base = root.querySelector(".base").getContext("2d"), took = [], later = window.requestAnimationFrame
  window.requestAnimationFrame = (draw) => later((now) => {
    const start = performance.now()
    draw(now)
    base.getImageData(0, 0, 1, 1)
    took.push(performance.now() - start)
  })
  const box = over.getBoundingClientRect(), middle = [box.left + box.width / 2, box.top + box.height / 2]
  const frame = () => new Promise((done) => later(() => later(done)))
  const pointer = (type, dx) =>
    over.dispatchEvent(new PointerEvent(type, { clientX: middle[0] + dx, clientY: middle[1] + dx, bubbles: true }))
  const wheel = (deltaY) => {
    const at = { clientX: middle[0], clientY: middle[1], deltaY, ctrlKey: true, cancelable: true }
    over.dispatchEvent(new WheelEvent("wheel", at))
  }
  over.setPointerCapture = () => {}
  for (let step = 0; step < count / 2; step++) {
    wheel(step < count / 4 ? -1 : 1)
    await frame()
  }
  for (let step = 0; step < 6; step++) {
    wheel(-1)
    await frame()
  }
  pointer("pointerdown", 0)
  for (let step = 0; step < count / 2; step++) {
    pointer("pointermove", (step % 20) * 5)
    await frame()
  }
  return took
}"""


def measure(pairs: int) -> list[Row]:
    """Time and bytes of the head view and the model view; hovering, zooming and moving."""
    loaded = random_bert(load_model("minilm").tokenizer)
    rows = []
    with chromium() as browser, tempfile.TemporaryDirectory() as folder:
        for length in _LENGTHS:
            trace = trace_attention(loaded, passage(loaded, length))
            maps = [trace.weights("encoder", layer) for layer in trace.layers("encoder")]
            ours = {"head": _heads(trace.tokens, maps[0]), "model": _model(trace.tokens, maps)}
            for view in _VIEWS:
                message, document = ours[view]
                drawing = bertviz_drawing(maps, trace.tokens, view, as_it_comes=True)
                theirs = bertviz_document(view, drawing.elements, drawing.scripts)
                times = min(pairs, _TIMES[view, length])
                rows += _beside(browser, Path(folder), (view, length), document, message, theirs, times)
            if length == 128:
                rows.append(_handled(browser, Path(folder), ours["head"][1]))
        rows.append(_framed(browser, Path(folder)))
    return rows


def _beside(
    browser: Browser, folder: Path, what: tuple[str, int], document: str, message: bytes, theirs: str, times: int
) -> list[Row]:
    view, length = what
    ours_file, theirs_file = folder / "ours.html", folder / "bertviz.html"
    ours_file.write_text(_HANDED + document, "utf-8")
    theirs_file.write_text(_HANDED + theirs, "utf-8")
    measured = interleaved(
        lambda: _opened(browser, ours_file), lambda: _opened(browser, theirs_file), times, int(view == "head")
    )
    name = f"{view} view, random BERT-base, {length} tokens"
    count, beside = len(message), len(theirs.encode())
    shares = interval([count / beside])
    return [
        compared(f"{name}: data handed over to painted (beside: bertviz)", measured, duration, _SOONER[view]),
        Row(f"bytes, {name}", size(count), f"{size(beside)} (bertviz)", shares, limit=_SMALLER),
    ]


def _opened(browser: Browser, file: Path) -> float:
    """Seconds from the document's first line to the paint, in a page of its own."""
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    try:
        page.set_default_timeout(_PATIENCE)
        page.goto(file.as_uri(), timeout=_PATIENCE)
        return page.evaluate(_PAINTED) / 1000
    finally:
        page.close()


def _frame(tokens: tuple[str, ...]) -> Frame:
    return Frame("L0", "encoder-0-0", "encoder", 0, 0, tokens, None, 1, (), (), "", "", heads=12)


def _document(frame: Frame, view: AttentionPicture) -> tuple[bytes, str]:
    message, of = packed(frame, view)
    parts = {
        "html": skeleton("attention_view"),
        "library": browser_source("attention_view").replace("export default", "const attention_view ="),
        "data": base64.b64encode(message).decode(),
        "state": json.dumps({"of": of, **state_of(frame, view)}),
    }
    return message, _PAGE % parts


def _heads(tokens: tuple[str, ...], weights: np.ndarray) -> tuple[bytes, str]:
    """All heads of a layer at once, as BertViz opens."""
    return _document(_frame(tokens), Heads(weights, tuple(range(len(weights)))))


def _model(tokens: tuple[str, ...], maps: list[np.ndarray]) -> tuple[bytes, str]:
    pooled = np.stack([max_pooled(each, HeadGridRequest.side) for each in maps])
    steps = np.rint(THUMBNAIL_STEPS * np.sqrt(pooled)).astype(np.uint16)
    return _document(_frame(tokens), Model(steps, tuple(range(len(maps)))))


def _in_page(browser: Browser, folder: Path, document: str, work: Callable[[Page], list[float]]) -> list[float]:
    file = folder / "page.html"
    file.write_text(_HANDED + document, "utf-8")
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    try:
        page.goto(file.as_uri())
        page.evaluate(_PAINTED)
        return [each / 1000 for each in work(page)]
    finally:
        page.close()


def _handled(browser: Browser, folder: Path, document: str) -> Row:
    took = _in_page(browser, folder, document, lambda page: page.evaluate(_HANDLER, _MOVES))
    what = f"hovering a token, 12 heads, 128 tokens: median work of {_MOVES} moves"
    return alone(what, float(np.median(took)), milliseconds, _HOVER, took)


def _framed(browser: Browser, folder: Path) -> Row:
    loaded = load_model("minilm")
    weights = trace_attention(loaded, passage(loaded, 512)).weights("encoder", 3, 1)
    tokens = tuple(f"token{number}" for number in range(512))
    panel = Panel("L3 H1", weights, float(weights.max()), (512, 512))
    _, document = _document(_frame(tokens), Matrix((panel,), weights[1]))
    took = _in_page(browser, folder, document, lambda page: page.evaluate(_FRAMES, _MOVES))
    what = f"zoom and pan, 512 tokens: median work of {len(took)} frames"
    return alone(what, float(np.median(took)), milliseconds, _FRAME, took)
