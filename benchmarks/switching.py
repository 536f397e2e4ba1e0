"""What switching off costs, and how soon a long text has a picture."""

from collections.abc import Sequence

import torch
from playwright.sync_api import Browser

from benchmarks.measuring import WARM_UP, Limit, Row, compared, duration, interleaved, seconds_of
from benchmarks.passages import passage, passage_ids
from benchmarks.serving import Server, beside_empty, both_apps, painted, seconds_in, settled
from models.attention import HeadMapRequest, HeadPictureRequest, TraceRequest, ZeroHead, trace_attention, trace_rows
from models.engine import Engine
from models.loaded import LoadedModel
from models.loading import load_model

_TOKENS, _LONG = 128, 2_048
_ROWS, _TOKENS_OF_ROWS = 30, 24
_FORWARDS = 1.3
# No divisor in common with the number of layers, so that all of them have their turn.
_STRIDE = 7
_SWITCHED = Limit(1.0, "ratio", "at most 1.3 forwards and an empty rerun")
_BATCH = Limit(0.6, "ratio", "at most 0.6 of 30 single forwards")
_FIRST = Limit(1.5, "ratio", "at most 1.5 × the forward")


def measure(pairs: int) -> list[Row]:
    """Rows of a batch, a long text, and a click."""
    loaded = load_model("smollm2")
    rows = [_batch(loaded, min(pairs, 10)), _long(loaded, min(pairs, 3))]
    with both_apps() as (browser, server, empty_server):
        layers, heads = loaded.card.layers, loaded.card.heads
        # What ran before the layer is not computed again: nothing in the first one, nearly all in the last.
        in_turn = [((number * _STRIDE) % layers, number % heads) for number in range(layers * heads)]
        for where, each in (("layers in turn", in_turn), ("the first layer", [(0, head) for head in range(heads)])):
            rows.append(_click(browser, server, empty_server, loaded, min(pairs, len(each) - WARM_UP), where, each))
    return rows


def _batch(loaded: LoadedModel, pairs: int) -> Row:
    """Different heads off in each row, beside one forward for each."""
    ids = passage_ids(loaded, _TOKENS_OF_ROWS)
    changes = [(ZeroHead("decoder", number, number % loaded.card.heads),) for number in range(_ROWS)]

    def one_by_one() -> None:
        for each in changes:
            trace_attention(loaded, ids, interventions=each)

    measured = interleaved(
        lambda: seconds_of(lambda: trace_rows(loaded, ids, changes)), lambda: seconds_of(one_by_one), pairs, warm_up=1
    )
    what = f"{_ROWS} rows with different heads off, smollm2, {_TOKENS_OF_ROWS} tokens (beside: one by one)"
    return compared(what, measured, duration, _BATCH)


def _long(loaded: LoadedModel, pairs: int) -> Row:
    """From the request to the pooled picture, nothing kept from before, beside the model's own forward."""
    ids = passage_ids(loaded, _LONG)
    tensor = torch.tensor([ids])

    def picture() -> None:
        head = HeadMapRequest(TraceRequest("smollm2", ids), "decoder", 17, 3)
        Engine().run(HeadPictureRequest(head, _LONG - 1))

    def forward() -> None:
        with torch.inference_mode():
            loaded.model(input_ids=tensor, use_cache=False, logits_to_keep=1)

    # A fresh engine has answers to nothing, but not the time to load the model once more.
    held = Engine.model
    Engine.model = lambda *_: loaded  # ty: ignore[invalid-assignment]
    try:
        measured = interleaved(lambda: seconds_of(picture), lambda: seconds_of(forward), pairs, warm_up=1)
    finally:
        Engine.model = held
    return compared(f"first picture of {_LONG:,} tokens, smollm2 (beside: its forward)", measured, duration, _FIRST)


def _click(
    browser: Browser,
    server: Server,
    empty_server: Server,
    loaded: LoadedModel,
    pairs: int,
    where: str,
    off: Sequence[tuple[int, int]],
) -> Row:
    """Each head is one that was not off before: its forward is computed, not taken from the cache."""
    ids = passage_ids(loaded, _TOKENS)
    text = passage(loaded, _TOKENS)
    with beside_empty(browser, empty_server) as (page, _, empty_rerun):
        heads = iter(off)

        def ours() -> float:
            layer, head = next(heads)
            page.goto(server.link("attention", model="smollm2", text=text, layer=layer, head=head))
            painted(page, f"decoder-{layer}-{head}")
            settled(page)
            return seconds_in(page, "() => bench.headOff()")

        def beside() -> float:
            return empty_rerun() + _FORWARDS * seconds_of(lambda: trace_attention(loaded, ids))

        measured = interleaved(ours, beside, pairs, min(WARM_UP, 2))
    what = f"one head off in {where}, click to both maps painted, smollm2, {_TOKENS} tokens"
    what += " (beside: 1.3 forwards and an empty rerun)"
    return compared(what, measured, duration, _SWITCHED)
