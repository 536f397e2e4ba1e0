"""What each head does and which matter: the atlas beside its forwards alone, all effects of a decoder's heads, one by
one and as the estimate, beside single forwards of the same text, and the page as it opens on what is bundled.
"""

import time
from dataclasses import replace
from statistics import median

from benchmarks.capture import plain_forward, plain_model
from benchmarks.measuring import Limit, MeasuredPairs, Row, alone, compared, duration, interleaved, seconds_of, size
from benchmarks.passages import passage_ids
from benchmarks.serving import Traffic, both_apps, empty_is_there, painted, settled, visitor
from models.attention import TraceRequest, trace_attention
from models.engine import Engine
from models.heads import bundled_bank
from models.heads.atlas_measurement import Measurement
from models.heads.effects import EffectsRequest
from models.heads.estimated_effects import EstimateRequest
from models.heads.measured_quantity import Quantity
from models.heads.random_tokens import repeated_tokens
from models.loaded import LoadedModel
from models.loading import load_model

_MODEL, _TOKENS = "smollm2", 20
_MOST_PAIRS = 3
# So many are timed, and stand for as many as there are heads.
_SINGLE = 30
_HALF = Limit(0.5, "ratio", "at most half of as many single forwards")
_FOUR = Limit(4.0, "ratio's lower end", "interval begins at or below 4 forwards")
_FIRST = Limit(1.0, "value", "at most 1 s")
_SENTENCES = 300
_ATLAS = Limit(1.3, "ratio", "at most 1.3 × the forwards with recording alone")
_PAGE = Limit(300e3, "value", "at most 300 kB")
_MESSAGE = Limit(60e3, "value", "at most 60 kB")
_MOST_ATLASES, _MOST_VISITS = 1, 3


def measure(pairs: int) -> list[Row]:
    """The exact effects, their first cells, the estimate; the atlas; the page."""
    loaded = load_model(_MODEL)
    return [*_effects(loaded, pairs), _atlas(loaded, pairs), *_opened(pairs)]


def _effects(loaded: LoadedModel, pairs: int) -> list[Row]:
    ids = tuple(passage_ids(loaded, _TOKENS))
    trace = TraceRequest(_MODEL, ids)
    forward = plain_forward(plain_model(loaded, "sdpa"), ids)
    heads = loaded.card.layers * loaded.card.heads
    first: list[float] = []

    def exact() -> float:
        engine = engine_with(loaded)
        engine.run(trace)
        begun: list[float] = []
        start = time.perf_counter()
        for step in EffectsRequest(trace, Quantity("next token")).computed(engine):
            if step.done and not begun:
                begun.append(time.perf_counter() - start)
        first.append(begun[0])
        return time.perf_counter() - start

    def singly() -> float:
        return heads / _SINGLE * sum(seconds_of(forward) for _ in range(_SINGLE))

    def guessed() -> float:
        engine = engine_with(loaded)
        engine.run(trace)
        return seconds_of(lambda: engine.run(EstimateRequest(trace, Quantity("next token"))))

    what = f"{_MODEL}, {_TOKENS} tokens"
    few = min(pairs, _MOST_PAIRS)
    each = interleaved(exact, singly, few, warm_up=0)
    estimate = interleaved(guessed, lambda: seconds_of(forward), pairs)
    return [
        compared(
            f"exact effects of all {heads} heads, {what} (beside: {heads} single forwards)", each, duration, _HALF
        ),
        alone(f"first cells of them, {what}", median(first), duration, _FIRST, first),
        compared(f"estimate of all effects, {what} (beside: one forward)", estimate, duration, _FOUR),
    ]


def _atlas(loaded: LoadedModel, pairs: int) -> Row:
    """Every role of every head, beside the same forwards with nothing but the recording: text by text in turn, so that
    what else the machine does meets both alike.
    """
    bank = bundled_bank()
    bank = replace(bank, rows="\n\n".join(bank.rows.split("\n\n")[:_SENTENCES]))
    sequences = repeated_tokens(loaded, 0)
    texts = [*(each.ids for each in sequences), *(each.text for each in bank.sentences)]
    trace_attention(loaded, texts[0])

    def passed() -> tuple[float, float]:
        steps = Measurement(_MODEL, "decoder", bank).computed(engine_with(loaded))
        ours = beside = 0.0
        for number, text in enumerate(texts):
            both = (lambda: next(steps), lambda text=text: trace_attention(loaded, text))
            taken = [seconds_of(each) for each in (both if number % 2 else both[::-1])]
            one, other = taken if number % 2 else taken[::-1]
            ours, beside = ours + one, beside + other
        # What is judged when all was read.
        return ours + seconds_of(lambda: next(steps, None)), beside

    ours, beside = zip(*(passed() for _ in range(min(pairs, _MOST_ATLASES))), strict=True)
    what = f"atlas of {_MODEL} over {_SENTENCES} sentences (beside: its {len(texts)} forwards)"
    return compared(what, MeasuredPairs(ours, beside), duration, _ATLAS)


def _opened(pairs: int) -> list[Row]:
    """The page on its first example, whose atlas is bundled, beside the empty app; and what the browser receives."""
    received: list[int] = []
    pictures: list[int] = []
    with both_apps() as (browser, server, empty_server):

        def ours() -> float:
            with visitor(browser) as context:
                page = context.new_page()
                traffic = Traffic(page)
                start = time.perf_counter()
                page.goto(server.link("heads"))
                painted(page, component="head-atlas")
                took = time.perf_counter() - start
                settled(page)
                received.append(traffic.received)
                pictures.append(traffic.largest)
                return took

        def beside() -> float:
            with visitor(browser) as context:
                page = context.new_page()
                start = time.perf_counter()
                page.goto(empty_server.address)
                empty_is_there(page)
                return time.perf_counter() - start

        each = interleaved(ours, beside, min(pairs, _MOST_VISITS), warm_up=1)
    what = f"the heads page, opened on {_MODEL}"
    return [
        compared(f"{what}, until the atlas is painted (beside: the empty app)", each, duration),
        alone(f"{what}: bytes received", max(received), size, _PAGE, received),
        alone(f"{what}: its largest message, which has the atlas", max(pictures), size, _MESSAGE, pictures),
    ]


def engine_with(loaded: LoadedModel) -> Engine:
    """One that has computed nothing yet."""
    engine = Engine(10**8)
    engine._models.get(_MODEL, lambda: loaded)
    return engine
