"""What a language costs, with eight tokenizers, and a search in the largest vocabulary: time and bytes."""

from collections.abc import Iterator
from functools import partial

from benchmarks.measuring import Limit, Row, alone, duration, seconds_of, size
from models.engine import Engine
from models.tokenization.language_prices import LanguagePricesRequest
from models.tokenization.parallel_text import MessagesRequest
from models.tokenization.vocabulary import VocabularyRequest
from models.tokenization.vocabulary_search import SearchBy, SearchRequest
from viz.components.figure_grid import packed
from viz.language_tables import PricedLanguage, in_order, language_grid, priced_languages

_EIGHT = ("gpt2", "bert", "smollm2", "llama3", "llama4", "qwen", "mistral", "deepseek")
_LARGEST = "llama4"
_COLD = Limit(2.0, "value", "under 2 s")
_AGAIN = Limit(0.1, "value", "under 100 ms")
_BYTES = Limit(60e3, "value", "under 60 kB")
_SEARCHES: dict[SearchBy, tuple[str, ...]] = {
    "text": ("ing", " straw", "тель"),
    "bytes": ("F0 9F", "E0 B8"),
    "pattern": ("^ ?[A-Z]+$", r"\d{3}"),
}


def measure(pairs: int) -> list[Row]:
    """Prices, their picture, and searches."""
    return [*_prices(), *_searches(min(pairs, 5))]


def _prices() -> Iterator[Row]:
    engine = Engine()
    for name in _EIGHT:
        engine.tokenizer(name)
    found: list[PricedLanguage] = []
    cold = seconds_of(lambda: found.extend(_priced(engine)))
    what = f"{len(found)} languages, ten sentences of each, {len(_EIGHT)} tokenizers"
    yield alone(f"{what}: prices", cold, duration, _COLD)
    again = seconds_of(lambda: _priced(engine))
    yield alone(f"{what}: prices, asked again", again, duration, _AGAIN)
    grid = language_grid(in_order(found, "script", 0), _EIGHT, by_script=True, selected=None, caption="")
    yield alone(f"{what}: bytes of the picture", len(packed(grid)), size, _BYTES)


def _priced(engine: Engine) -> list[PricedLanguage]:
    return priced_languages(engine.run(MessagesRequest()), [engine.run(LanguagePricesRequest(name)) for name in _EIGHT])


def _searches(times: int) -> Iterator[Row]:
    """Each search is another one to the engine, by the longest piece that it takes."""
    engine = Engine()
    count = len(engine.run(VocabularyRequest(_LARGEST)).ids)
    # The process for regular expressions starts, and is given the pieces, with the first one.
    engine.run(SearchRequest(_LARGEST, "x", "pattern"))
    for by, searches in _SEARCHES.items():
        measured = sorted(
            seconds_of(partial(engine.run, SearchRequest(_LARGEST, each, by, longest=most)))
            for each in searches
            for most in range(50, 50 + times)
        )
        what = f"a search by {by} in {count:,} pieces, at the server"
        yield alone(what, measured[len(measured) // 2], duration, _AGAIN, measured)
