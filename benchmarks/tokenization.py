"""What cutting text costs: `tokenize` beside `tokenizers` itself, loading, memory, and one word changed on the page."""

import itertools
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence

from playwright.sync_api import Browser, Page

from benchmarks.measuring import WARM_UP, Limit, Row, alone, compared, duration, interleaved, seconds_of, size
from benchmarks.passages import words
from benchmarks.serving import ROOT, Server, beside_empty, both_apps, painted, seconds_in, settled
from models.catalog import TOKENIZERS
from models.engine import Engine
from models.tokenization import (
    ComparisonRequest,
    CountsRequest,
    keep_own,
    load_tokenizer,
    new_own_name,
    open_tokenizer_file,
    prepared_tokenizer,
    tokenize,
)

_COMPARED = ("gpt2", "llama3", "bert", "mistral")
_EIGHT = ("gpt2", "bert", "smollm2", "llama3", "llama4", "qwen", "mistral", "deepseek")
_TIMES = 3
_ENCODING = Limit(1.5, "ratio", "at most 1.5 × its time")
_LOADING = Limit(0.5, "value", "under 0.5 s")
_MEMORY = Limit(300e6, "value", "under 300 MB")
_OWN = Limit(1.3, "ratio", "at most 1.3 × their time")
_REPAINTED = Limit(4.0, "ratio", "at most 4 × an empty rerun")
_BYTES = Limit(150e3, "value", "under 150 kB")
# In a process of its own: what is imported first does not count.
_MEMORY_PROGRAM = """
import gc, psutil
from models.catalog import TOKENIZERS
from models.tokenization import load_tokenizer
memory = psutil.Process().memory_info
before = memory().rss
loaded = [load_tokenizer(name) for name in TOKENIZERS]
gc.collect()
print(memory().rss - before)
"""


def measure(pairs: int) -> list[Row]:
    """Encoding, loading, memory, long texts, the page."""
    rows = [_encoding(name, pairs) for name in _COMPARED]
    rows += [_loading(min(pairs, _TIMES)), _memory(), *_long_texts(), _own(pairs)]
    with both_apps() as (browser, server, empty_server):
        rows += _one_word(browser, server, empty_server, pairs)
    return rows


def english(characters: int, start: int = 0) -> str:
    """So many characters of English with some punctuation, numbers, accents and other scripts in it."""
    parts, length = [], 0
    for number, word in enumerate(words(start)):
        extra = {20: "naïve,", 45: "1,234,567", 70: "สวัสดี", 95: "🍓", 120: "\n\n"}.get(number % 140, "")
        part = f"{word} {extra} " if extra else f"{word} "
        parts.append(part)
        length += len(part)
        if length >= characters:
            return "".join(parts)[:characters]
    return ""


def _encoding(name: str, pairs: int) -> Row:
    loaded = load_tokenizer(name)
    text = english(100_000)
    backend = loaded.backend_tokenizer
    if backend is None:
        raise ValueError(f"{name} has no encode of its own to compare with")
    measured = interleaved(
        lambda: seconds_of(lambda: tokenize(loaded, text)),
        lambda: seconds_of(lambda: backend.encode(text, add_special_tokens=False)),
        pairs,
    )
    count = len(tokenize(loaded, text).pieces)
    what = f"`tokenize`, 100,000 characters, {name}, {count:,} pieces with spans and bytes (beside: `Tokenizer.encode`)"
    return compared(what, measured, duration, _ENCODING)


def _loading(times: int) -> Row:
    """The slowest of all, each at its median."""
    medians = {}
    for name, card in TOKENIZERS.items():
        if card.pack is not None:
            load_tokenizer(name)
            medians[name] = sorted(seconds_of(lambda name=name: load_tokenizer(name)) for _ in range(times))[times // 2]
    slowest = max(medians, key=lambda name: medians[name])
    what = f"loading a converted tokenizer, the slowest of {len(medians)}: {slowest}"
    return alone(what, medians[slowest], duration, _LOADING, medians)


def _memory() -> Row:
    run = subprocess.run([sys.executable, "-c", _MEMORY_PROGRAM], cwd=ROOT, capture_output=True, text=True, check=True)
    return alone("memory of all offline tokenizers together", int(run.stdout), size, _MEMORY)


def _long_texts() -> Iterator[Row]:
    for characters in (100_000, 1_000_000):
        engine = Engine()
        text = english(characters)
        for name in _EIGHT:
            engine.tokenizer(name)
        start = time.perf_counter()
        for name in _EIGHT:
            engine.run(CountsRequest(name, text, False))
        counted = time.perf_counter() - start
        engine.run(ComparisonRequest(_EIGHT, text, False, 0))
        whole = time.perf_counter() - start
        yield Row(
            f"eight tokenizers over {characters:,} characters: counts and round trips, then a window of eight columns",
            f"{duration(counted)}, {duration(whole)}",
            raw={"ours": [counted, whole]},
        )


def _own(pairs: int) -> Row:
    """What the page asks of four columns, for the same tokenizers as somebody's own, which work in the sandbox."""
    engine, text, numbers = Engine(), english(4_100), itertools.count()
    own = []
    for name in _COMPARED:
        opened = open_tokenizer_file((prepared_tokenizer(TOKENIZERS[name]) / "tokenizer.json").read_bytes())
        own.append(new_own_name())
        keep_own(engine, own[-1], opened.tokenizer_json, name, opened.format)

    def ask(names: Sequence[str]) -> None:
        another = f"{text} {next(numbers)}"
        for name in names:
            engine.run(CountsRequest(name, another, False))
        engine.run(ComparisonRequest(tuple(names), another, False, 0))

    measured = interleaved(
        lambda: seconds_of(lambda: ask(own)), lambda: seconds_of(lambda: ask(_COMPARED)), pairs, WARM_UP
    )
    what = "four of one's own over a text of 4,100 characters: all that the page asks (beside: the bundled ones)"
    return compared(what, measured, duration, _OWN)


def _one_word(browser: Browser, server: Server, empty_server: Server, pairs: int) -> list[Row]:
    """Four columns of 1,000 tokens; each time another word in the middle is another one."""
    text = english(4_100)
    counts = [len(tokenize(name, text).ids) for name in _COMPARED]
    received: list[int] = []
    with beside_empty(browser, empty_server) as (page, traffic, empty_rerun):
        page.goto(server.link("tokenizers", text="x", tokenizers=",".join(_COMPARED)))
        painted(page, component="token-columns")
        settled(page)
        texts = _texts(text)
        # With the first long text the page grows by a line, and the picture is mounted anew.
        page.locator(".st-key-text_box textarea").fill(next(texts))
        page.get_by_role("button", name="Look", exact=True).click()
        page.locator(".token-columns .chip").nth(900).wait_for()
        settled(page)

        def ours() -> float:
            traffic.restart()
            seconds = _change(page, next(texts))
            received.append(traffic.received)
            return seconds

        measured = interleaved(ours, empty_rerun, pairs)
    what = f"one word changed, four columns of {min(counts):,} to {max(counts):,} tokens"
    return [
        compared(f"{what}, click to laid out (beside: an empty Streamlit rerun)", measured, duration, _REPAINTED),
        alone(f"{what}: bytes received", sorted(received)[len(received) // 2], size, _BYTES, received),
    ]


def _texts(text: str) -> Iterator[str]:
    """The text with a word in its middle that is longer each time, so that the counts change."""
    middle = text.index(" ", len(text) // 2)
    for number in itertools.count(1):
        yield f"{text[:middle]} {'wolverine' * (1 + number % 7)}{text[middle:]}"


def _change(page: Page, text: str) -> float:
    page.locator(".st-key-text_box textarea").fill(text)
    return seconds_in(page, "() => bench.anotherText()")
