"""What the browser receives for a BERT-base (12 layers x 12 heads) at 128 tokens, beside what bertviz ships."""

import numpy as np
from playwright.sync_api import Browser, Page

from benchmarks.measuring import Limit, Row, interval, size
from benchmarks.passages import passage
from benchmarks.serving import WATCHED_APP, Server, Traffic, chromium, painted, serving, settled, visitor
from benchmarks.watched_server import RANDOM_BERT, random_bert
from models.loaded import LoadedModel

_TOKENS = 128
_TIMES = 3
_FIRST_VIEW = Limit(300e3, "value", "at most 300 kB")
_ONE_HEAD = Limit(70e3, "value", "at most 70 kB")


def measure(pairs: int) -> list[Row]:
    """First view with the grid, the grid opened directly, one more head; a few times each, as bytes hardly vary."""
    from models.loading import load_model

    tokenizer = load_model("minilm").tokenizer
    loaded = random_bert(tokenizer)
    text = passage(loaded, _TOKENS)
    beside = _bertviz(loaded, text)
    received: dict[str, list[int]] = {}
    with serving(WATCHED_APP, {RANDOM_BERT: "1"}) as server, chromium() as browser:
        for _ in range(min(pairs, _TIMES)):
            for what, count in _visit(browser, server, text).items():
                received.setdefault(what, []).append(count)
    limits = {"one more head": _ONE_HEAD, "head view alone": None, "back from the grid to one head": None}
    return [
        _row(f"bytes, random BERT-base, {_TOKENS} tokens: {what}", counts, beside, limits.get(what, _FIRST_VIEW))
        for what, counts in received.items()
    ]


def _visit(browser: Browser, server: Server, text: str) -> dict[str, int]:
    """One visitor to each view; the bytes that arrived until the page was idle."""
    chosen = {"model": "minilm", "text": text, "layer": 5, "head": 3}
    with visitor(browser) as context:
        page = context.new_page()
        traffic = Traffic(page)
        page.goto(server.link("attention", **chosen))
        painted(page, "encoder-5-3")
        settled(page)
        head_view = traffic.received
        _choose(page, "view_box", "Model")
        painted(page, "encoder-model")
        settled(page)
        both = traffic.received
        _choose(page, "view_box", "Matrix")
        painted(page, "encoder-5-3")
        settled(page)
        back = traffic.received - both
        traffic.restart()
        _choose(page, "head_box", "7")
        painted(page, "encoder-5-7")
        settled(page)
        one_head = traffic.received
    with visitor(browser) as context:
        page = context.new_page()
        traffic = Traffic(page)
        page.goto(server.link("attention", **chosen, view="model"))
        painted(page, "encoder-model")
        settled(page)
        grid = traffic.received
    return {
        "head view alone": head_view,
        "head view, then the grid": both,
        "the grid opened directly": grid,
        "back from the grid to one head": back,
        "one more head": one_head,
    }


def _choose(page: Page, key: str, label: str) -> None:
    page.evaluate("([key, label]) => bench.buttonIn(key, label).click()", [key, label])


def _bertviz(loaded: LoadedModel, text: str) -> int:
    """The bytes of bertviz's head view for the same model and text."""
    import torch
    from bertviz import head_view

    from models.attention import trace_attention

    trace = trace_attention(loaded, text)
    layers = [torch.from_numpy(trace.weights("encoder", layer))[None] for layer in trace.layers("encoder")]
    return len(head_view(layers, list(trace.tokens), html_action="return").data.encode())


def _row(what: str, counts: list[int], beside: int, limit: Limit | None) -> Row:
    middle = float(np.median(counts))
    return Row(
        what,
        size(middle),
        f"{size(beside)} (bertviz)",
        interval(np.divide(counts, beside)),
        value=middle,
        limit=limit,
        raw={"ours": counts, "beside": beside},
    )
