"""What a look-up in a large table, another layer of a map, and many sentences cost on the embeddings page."""

import itertools
from collections.abc import Iterator
from typing import Literal

import numpy as np
import torch
from playwright.sync_api import Browser, Page

from benchmarks.measuring import Limit, Row, compared, duration, interleaved, rerun_rows, seconds_of
from benchmarks.passages import words
from benchmarks.serving import Server, beside_empty, beside_reruns, both_apps, settled
from models.embeddings import SentencesRequest, nearest_rows, row_norms
from models.engine import Engine
from models.loading.packs import model_folder

_ROWS, _WIDTH, _COUNT = 152_000, 1_024, 20
_POINTS = 500
_SENTENCES = 2_000
_ENCODES = 5
_NEAREST = Limit(1.3, "ratio", "at most 1.3 ×")
_BYTES = Limit(100e3, "value", "under 100 kB")
_AS_FAST = Limit(1.0, "ratio", "at least as fast")
# The most words of a sentence.
_LENGTHS = (40, 12)


def measure(pairs: int) -> list[Row]:
    """The table, the sentences, the page."""
    rows = [*_nearest(pairs), *(_sentences(min(pairs, _ENCODES), most) for most in _LENGTHS)]
    with both_apps() as (browser, server, empty_server):
        rows += _layer(browser, server, empty_server, pairs)
    return rows


def _nearest(pairs: int) -> Iterator[Row]:
    """A table as large as Qwen3-0.6B's, of random numbers: what is in it changes nothing."""
    table = torch.randn(_ROWS, _WIDTH, generator=torch.Generator().manual_seed(0))
    array = table.numpy()
    norms = row_norms(table)
    measures: tuple[Literal["cosine", "dot"], ...] = ("cosine", "dot")
    for measure in measures:
        queries = itertools.count()

        def target(queries: Iterator[int] = queries) -> np.ndarray:
            return array[next(queries) % _ROWS].astype(np.float64)

        def ours(measure: Literal["cosine", "dot"] = measure) -> float:
            one = target()
            return seconds_of(lambda: nearest_rows(table, norms, one, measure, _COUNT))

        def beside() -> float:
            one = target().astype(np.float32)
            return seconds_of(lambda: array @ one)

        what = f"the {_COUNT} nearest of {_ROWS:,} × {_WIDTH:,} by {measure} (beside: numpy's product alone)"
        yield compared(what, interleaved(ours, beside, pairs), duration, _NEAREST)


def _sentences(pairs: int, most: int) -> Row:
    """Sentences of 3 to `most` words, each another one, beside the library that MiniLM was published with."""
    # Its import is as heavy as ours, and the other rows do not need it.
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer

    lengths = np.random.default_rng(0).integers(3, most + 1, _SENTENCES)
    lines = tuple(
        f"{number} {' '.join(itertools.islice(words(17 * number), int(length)))}"
        for number, length in enumerate(lengths)
    )
    engine = Engine()
    reader = Transformer(str(model_folder(engine.model("minilm").card)))
    pooling = Pooling(reader.get_embedding_dimension(), pooling_mode="mean")
    theirs = SentenceTransformer(modules=[reader, pooling], device="cpu")

    def ours() -> float:
        # Kept answers are another engine's.
        fresh = Engine()
        fresh.model("minilm")
        return seconds_of(lambda: fresh.run(SentencesRequest("minilm", lines)))

    def beside() -> float:
        return seconds_of(lambda: theirs.encode(list(lines), show_progress_bar=False))

    what = f"{_SENTENCES:,} sentences of 3 to {most} words to vectors, minilm (beside: sentence-transformers' encode)"
    return compared(what, interleaved(ours, beside, pairs, 1), duration, _AS_FAST)


def _layer(browser: Browser, server: Server, empty_server: Server, pairs: int) -> Iterator[Row]:
    """The next layer, by its button, until the list of what is really near is that layer's."""
    text = " ".join(itertools.islice(words(), 20))
    lines = "\n".join(f"{' '.join(itertools.islice(words(7 * number), 11))}." for number in range(36))
    with beside_empty(browser, empty_server) as (page, traffic, empty_rerun):
        page.goto(server.link("embeddings", model="smollm2", text=text))
        _painted(page)
        # More than a link can carry, so it is typed.
        page.locator(".st-key-text_box textarea").fill(lines)
        page.get_by_role("button", name="Look", exact=True).click()
        page.wait_for_function(f"() => bench.points() >= {_POINTS - 50}")
        settled(page)
        points = page.evaluate("() => bench.points()")
        page.evaluate("() => bench.selectPoint()")
        page.wait_for_selector(".st-key-inspector table")
        settled(page)
        measured, received = beside_reruns(page, "() => bench.nextLayer()", traffic, empty_rerun, pairs)
    what = f"another layer of {points} points in 31 layers"
    yield from rerun_rows(what, "click to its neighbours listed", measured, received, _BYTES)


def _painted(page: Page) -> None:
    page.wait_for_function("() => bench.isPainted('vector-map', null)")
    settled(page)
