"""What the plan of a model costs, the sum of all its parts, and another part, layer or token on the anatomy page."""

import itertools
from collections.abc import Callable, Iterator
from functools import partial
from statistics import median

from playwright.sync_api import Browser, Locator, Page

from benchmarks.capture import plain_forward, plain_model
from benchmarks.heads import engine_with
from benchmarks.measuring import Limit, Row, alone, compared, duration, interleaved, rerun_rows, seconds_of, size
from benchmarks.passages import passage, passage_ids
from benchmarks.serving import (
    Server,
    beside_empty,
    both_apps,
    painted,
    seconds_and_bytes,
    seconds_in,
    settled,
    visitor,
)
from models.anatomy import PlanRequest
from models.anatomy.contributions import ContributionsRequest
from models.attention import TraceRequest
from models.heads.measured_quantity import Quantity
from models.loaded import LoadedModel
from models.loading import load_model

_MODEL, _TOKENS, _TEXT = "smollm2", 20, "The capital of France is"
_PLANS = {"": Limit(1.0, "value", "at most 1 s"), "llama-3-70b": Limit(2.0, "value", "under 2 s")}
_SUM = Limit(2.0, "ratio's lower end", "interval begins at or below 2 forwards")
_PICTURE = Limit(40e3, "value", "under 40 kB")
# With the weights of a part as a picture, which the plan is without.
_BYTES = Limit(100e3, "value", "under 100 kB")
_RERUN = Limit(3.0, "ratio", "at most 3 × an empty rerun")
_AS_STUDIO = Limit(1.1, "ratio", "at most 1.1 × what the studio takes")
_LONG, _MOST_OFF = 128, 12
# No divisor in common with the numbers of layers and heads, so that all of them have their turn.
_STRIDE = 7
_UP, _SAYS = "one-token-on-its-way-up", "what-does-each-part-say-for-the-next-token"


def measure(pairs: int) -> list[Row]:
    """The plans, the sum of parts, the page."""
    loaded = load_model(_MODEL)
    rows = [*(_plan(loaded, of, pairs) for of in _PLANS), _sum(loaded, pairs)]
    with both_apps() as (browser, server, empty_server):
        rows += _part(browser, server, empty_server, pairs)
        few = min(pairs, 30)
        rows.append(_rerun(browser, empty_server, "another layer on the way up", _layers(server), few))
        rows.append(_rerun(browser, empty_server, "another token on its way up", _tokens(server, _UP, "up"), few))
        what = "the parts of another token, seen before"
        rows.append(_rerun(browser, empty_server, what, _tokens(server, _SAYS, "said"), few))
        rows.append(_off(browser, server, loaded, min(pairs, _MOST_OFF)))
    return rows


def _plan(loaded: LoadedModel, of: str, pairs: int) -> Row:
    def drawn() -> float:
        engine = engine_with(loaded)
        return seconds_of(lambda: engine.run(PlanRequest(_MODEL, _TEXT, of)))

    drawn()
    taken = [drawn() for _ in range(min(pairs, 5))]
    return alone(f"plan of {of or _MODEL}", median(taken), duration, _PLANS[of], taken)


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
        page.wait_for_function("() => bench.otherPart() !== null")
        settled(page)
        picture = traffic.largest
        received: list[int] = []
        ours = partial(seconds_and_bytes, page, "() => bench.nextPart()", traffic, received)
        measured = interleaved(ours, empty_rerun, min(pairs, 30))
    yield from rerun_rows("another part of the plan", "click to the inspector", measured, received, _BYTES)
    yield alone("the anatomy page: its largest message", picture, size, _PICTURE)


def _rerun(
    browser: Browser,
    empty_server: Server,
    what: str,
    steps: Callable[[Page], Iterator[float]],
    pairs: int,
) -> Row:
    """Something that changes on the page over and over, until its sentence is there, beside an empty rerun."""
    with beside_empty(browser, empty_server) as (page, _, empty_rerun):
        each = steps(page)
        measured = interleaved(lambda: next(each), empty_rerun, pairs)
    return compared(f"{what} (beside: an empty rerun of Streamlit as it comes)", measured, duration, _RERUN)


def _layers(server: Server) -> Callable[[Page], Iterator[float]]:
    """A layer after the other, by a click on its box."""

    def steps(page: Page) -> Iterator[float]:
        page.goto(server.link("anatomy", model=_MODEL, text=_TEXT, part="layer.0", plan_layers="all", tab=_UP))
        painted(page, component="block-diagram")
        page.wait_for_function("() => bench.said()")
        settled(page)
        for layer in itertools.cycle((*range(1, 30), 0)):
            yield seconds_in(page, "path => bench.pressBox(path)", f"layer.{layer}")

    return steps


def _tokens(server: Server, tab: str, name: str) -> Callable[[Page], Iterator[float]]:
    """Two tokens in turn, by the list of them; both were there before, so that no forward is among it."""

    def steps(page: Page) -> Iterator[float]:
        page.goto(server.link("anatomy", model=_MODEL, text=_TEXT, token=4, tab=tab))
        page.wait_for_function("() => bench.said()")
        settled(page)
        for place in itertools.count():
            _opened(page, f"{name}_at_box")
            label = page.get_by_role("option").nth(3 + place % 2).text_content()
            yield seconds_in(page, "name => bench.choose(name)", label)

    return steps


def _opened(page: Page, key: str) -> Locator:
    """A list of choices that is open: in the middle of the window, since scrolling closes it."""
    box = page.locator(f".st-key-{key} input")
    box.evaluate("each => each.scrollIntoView({ block: 'center' })")
    settled(page)
    box.click()
    page.get_by_role("option").first.wait_for()
    return box


def _off(browser: Browser, server: Server, loaded: LoadedModel, pairs: int) -> Row:
    """A head off, each another one, until it is said what is left, beside the same head off in the studio."""
    heads = [((turn * _STRIDE) % loaded.card.layers, turn % loaded.card.heads) for turn in range(pairs + 2)]
    text = passage(loaded, _LONG)
    with visitor(browser) as context, visitor(browser) as other:
        page, studio = context.new_page(), other.new_page()
        page.goto(server.link("anatomy", model=_MODEL, text=text, tab=_SAYS))
        page.wait_for_function("() => bench.said()")
        settled(page)
        ours_in_turn, studios_in_turn = iter(heads), iter(heads)

        def ours() -> float:
            layer, head = next(ours_in_turn)
            label = f"L{layer} H{head}"
            page.bring_to_front()
            _opened(page, "said_off_box").press_sequentially(label)
            page.get_by_role("option", name=label, exact=True).wait_for()
            return seconds_in(page, "name => bench.choose(name)", label)

        def beside() -> float:
            layer, head = next(studios_in_turn)
            studio.goto(server.link("attention", model=_MODEL, text=text, layer=layer, head=head))
            painted(studio, f"decoder-{layer}-{head}")
            settled(studio)
            return seconds_in(studio, "() => bench.headOff()")

        measured = interleaved(ours, beside, pairs, warm_up=2)
    what = f"a head off, {_MODEL}, {_LONG} tokens, until it is said what is left (beside: off in the studio)"
    return compared(what, measured, duration, _AS_STUDIO)
