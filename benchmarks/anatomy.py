"""What the plan of a model costs, the sum of all its parts, and another part or another layer on the anatomy page."""

from collections.abc import Iterator
from functools import partial

from playwright.sync_api import Browser

from benchmarks.capture import plain_forward, plain_model
from benchmarks.heads import engine_with
from benchmarks.measuring import (
    Limit,
    Row,
    compared,
    duration,
    interleaved,
    interval,
    rerun_rows,
    seconds_of,
    size,
)
from benchmarks.passages import passage_ids
from benchmarks.serving import Server, beside_empty, both_apps, painted, seconds_and_bytes, settled
from models.anatomy import PlanRequest
from models.anatomy.contributions import ContributionsRequest
from models.attention import TraceRequest
from models.heads.quantity import Quantity
from models.loaded import LoadedModel
from models.loading import load_model

_MODEL, _TOKENS, _TEXT = "smollm2", 20, "The capital of France is"
_PLANS = {"": Limit(1.0, "value", "at most 1 s"), "llama-3-70b": Limit(2.0, "value", "under 2 s")}
_PATIENCE = 120_000.0
_SUM = Limit(2.0, "ratio's lower end", "interval begins at or below 2 forwards")
_PICTURE = Limit(40e3, "value", "under 40 kB")
# With the weights of a part as a picture, which the plan is without.
_BYTES = Limit(100e3, "value", "under 100 kB")


def measure(pairs: int) -> list[Row]:
    """The plans, the sum of parts, the page."""
    loaded = load_model(_MODEL)
    rows = [*(_plan(loaded, of, pairs) for of in _PLANS), _sum(loaded, pairs)]
    with both_apps() as (browser, server, empty_server):
        rows += _part(browser, server, empty_server, pairs)
    return rows


def _plan(loaded: LoadedModel, of: str, pairs: int) -> Row:
    def drawn() -> float:
        engine = engine_with(loaded)
        return seconds_of(lambda: engine.run(PlanRequest(_MODEL, _TEXT, of)))

    drawn()
    taken = [drawn() for _ in range(min(pairs, 5))]
    median = interval(taken).median
    return Row(f"plan of {of or _MODEL}", duration(median), value=median, limit=_PLANS[of], raw={"s": taken})


def _sum(loaded: LoadedModel, pairs: int) -> Row:
    ids = tuple(passage_ids(loaded, _TOKENS))
    trace = TraceRequest(_MODEL, ids)
    forward = plain_forward(plain_model(loaded, "sdpa"), ids)

    def ours() -> float:
        engine = engine_with(loaded)
        engine.run(trace)
        return seconds_of(lambda: engine.run(ContributionsRequest(trace, Quantity("next token"))))

    what = f"what each part says, {_MODEL}, {_TOKENS} tokens (beside: one forward)"
    return compared(what, interleaved(ours, lambda: seconds_of(forward), pairs), duration, _SUM)


def _part(browser: Browser, server: Server, empty_server: Server, pairs: int) -> Iterator[Row]:
    """Attention and the MLP of a layer in turn, until the inspector has the other one."""
    with beside_empty(browser, empty_server) as (page, traffic, empty_rerun):
        page.goto(
            server.link("anatomy", model=_MODEL, text=_TEXT, part="layer.0-29/mlp", tab="one-token-on-its-way-up")
        )
        painted(page, component="block-diagram")
        page.wait_for_function("() => bench.otherPart() !== null", timeout=_PATIENCE)
        settled(page)
        picture = traffic.largest
        received: list[int] = []
        ours = partial(seconds_and_bytes, page, "() => bench.nextPart()", traffic, received)
        measured = interleaved(ours, empty_rerun, min(pairs, 30))
    yield from rerun_rows("another part of the plan", "click to the inspector", measured, received, _BYTES)
    yield Row(
        "the anatomy page: its largest message", size(picture), value=picture, limit=_PICTURE, raw={"ours": [picture]}
    )
