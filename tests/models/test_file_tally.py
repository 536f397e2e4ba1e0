"""A whole file in blocks: the same tokens as in one go, bounded, stopped and gone on with; and where its cost sits."""

import json
import resource
import time
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from models.catalog import TokenizerCard
from models.engine import engine
from models.engine.jobs import Jobs
from models.tokenization import keep_own, new_own_name
from models.tokenization.file_figures import BREAKS, INDENTS, PARTS, QUOTES, figures_request
from models.tokenization.file_tally import LONGEST_LINE, CountFileRequest, begun
from models.tokenization.loading import tokenizer_folder
from models.tokenization.longest_cut import LongestCutRequest
from models.tokenization.text_file import BLOCK_BYTES, TextFileError, blocks_from, text_file
from models.tokenization.words_of_text import words_of

PROSE = "The quick brown fox, 12 of them, jumps “over” the lazy dog. สวัสดี 🍓\n"
CODE = "def mean(values):\n    total = 0\n    for value in values:\n        total += value\n    return total\n\n"


def counted(text, *names, **more):
    data = text if isinstance(text, bytes) else text.encode()
    request = CountFileRequest("run", tally=begun(text_file("file", data), list(map(engine.tokenizer, names))), **more)
    for _ in request.steps(engine):
        pass
    return request


@pytest.mark.parametrize("name", ["gpt2", "llama3", "smollm2", "bert"])
def test_blocks_have_the_tokens_of_the_whole(name):
    text = (PROSE + CODE) * 900
    request = counted(text, name)
    tally = request.tally.tallies[0]
    whole = np.array(engine.tokenizer(name).encode(text).ids)
    assert request.tally.blocks > 3
    np.testing.assert_array_equal(tally.counts[: len(tally.counts)], np.bincount(whole, minlength=len(tally.counts)))
    assert request.tally.line_count == text.count("\n") == tally.lines.sum()
    assert request.tally.characters == len(text)
    assert tally.is_exact == (name != "bert")


@pytest.mark.parametrize("name", ["gpt2", "llama3"])
def test_lines_have_their_own_tokens(name):
    lines = [PROSE, CODE.partition("\n")[0] + "\n", "x" * 300 + "\n", "no end"]
    tally = counted("".join(lines), name).tally.tallies[0]
    sizes = sorted(len(engine.tokenizer(name).encode(line).ids) for line in lines)
    assert sorted(np.repeat(np.arange(len(tally.lines)), tally.lines).tolist()) == sizes
    assert tally.longest[0].tokens == sizes[-1]
    assert tally.over(sizes[-2]) == 1
    assert tally.over(0) == len(lines)
    by_number = {line.number: line.tokens for line in tally.longest}
    assert by_number == {place + 1: len(engine.tokenizer(name).encode(line).ids) for place, line in enumerate(lines)}


def test_one_long_line_is_cut_between_words_and_characters():
    for text in ("word " * 40_000, "🍓" * 40_000):
        file = text_file("line", text.encode())
        blocks = list(blocks_from(file, 0))
        assert "".join(block.text for block in blocks) == text
        assert all(block.end - block.start <= BLOCK_BYTES for block in blocks)
        assert all(block.is_cut for block in blocks[:-1])
    request = counted("word " * 40_000, "gpt2")
    assert request.tally.line_count == 1
    assert request.tally.tallies[0].longest[0].tokens == request.tally.tallies[0].tokens
    assert request.tally.tallies[0].over(LONGEST_LINE * 9) == 0


def test_it_stops_and_goes_on_where_it_was():
    text = PROSE * 6_000
    once = counted(text, "gpt2", "bert")
    tally = begun(text_file("file", text.encode()), [engine.tokenizer("gpt2"), engine.tokenizer("bert")])
    first = list(islice(CountFileRequest("a", tally=tally).steps(engine), 3))
    assert 0 < tally.done < len(text.encode())
    rest = list(CountFileRequest("b", tally=tally).steps(engine))
    assert [step.done for step in (*first, *rest)] == sorted({step.done for step in (*first, *rest)})
    assert tally.is_whole
    for one, other in zip(tally.tallies, once.tally.tallies, strict=True):
        np.testing.assert_array_equal(one.counts, other.counts)
        np.testing.assert_array_equal(one.lines, other.lines)
        assert one.longest == other.longest


def test_a_job_of_it_is_stopped_and_another_goes_on():
    text = PROSE * 9_000
    tally = begun(text_file("file", text.encode()), [engine.tokenizer("gpt2")])
    jobs = Jobs()
    try:
        request = CountFileRequest("a", tally=tally)
        job = jobs.start(request, lambda: request.steps(engine))
        assert jobs.poll(job, wait=20).count
        jobs.cancel(job)
        again = CountFileRequest("b", tally=tally)
        job, seen = jobs.start(again, lambda: again.steps(engine)), 0
        while not (progress := jobs.poll(job, seen, wait=20)).is_done:
            seen = progress.count
        assert progress.error is None
    finally:
        jobs.close()
    assert tally.is_whole
    assert tally.tallies[0].tokens == len(engine.tokenizer("gpt2").encode(text).ids)


def test_what_a_file_is_called_by_its_beginning():
    rows = [{"id": number, "name": "a", "price": 1.5} for number in range(9)]
    looks = {
        "code": CODE * 9,
        "JSON": json.dumps(rows, indent=1),
        "JSON lines": "\n".join(map(json.dumps, rows)),
        "CSV": "id,name,price\n" + "1,a,1.5\n" * 9,
        "text": PROSE * 9,
    }
    assert {kind: text_file("x", text.encode()).kind for kind, text in looks.items()} == {kind: kind for kind in looks}


def test_where_the_cost_sits():
    request = counted(CODE * 40, "gpt2", "llama3")
    gpt2, llama3 = (engine.run(figures_request(request, each)) for each in request.tally.tallies)
    parts = [{kind.kind: kind for kind in each.kinds} for each in (gpt2, llama3)]
    assert parts[0][INDENTS].tokens > 3 * parts[1][INDENTS].tokens
    assert parts[0][BREAKS].characters == CODE.count("\n") * 40
    assert parts[0][QUOTES].tokens > 0
    for each, tally in zip((gpt2, llama3), request.tally.tallies, strict=True):
        assert sum(kind.tokens for kind in each.kinds) == tally.tokens
        assert each.used == np.count_nonzero(tally.counts)
        assert each.pieces[0].times == tally.counts.max()
    words = {word.word: word.times for word in gpt2.words}
    assert words["total"] == 120
    thai = counted("สวัสดี" * 50, "gpt2")
    kinds = [kind.kind for kind in engine.run(figures_request(thai, thai.tally.tallies[0])).kinds]
    assert PARTS in kinds


def test_words_are_without_the_punctuation_at_their_ends():
    text = 'A "strawberry", (don’t) _name C++ — 1,234. สวัสดีครับ, 中文。'
    assert words_of(text) == ["A", "strawberry", "don’t", "_name", "C++", "1,234"]
    cut = engine.run(LongestCutRequest("gpt2", "Strawberrylike, and (strawberrylike)."))
    whole = engine.tokenizer("gpt2").encode(" Strawberrylike")
    assert (cut.word, cut.times, cut.tokens) == ("Strawberrylike", 1, len(whole.ids))
    assert engine.run(LongestCutRequest("gpt2", "สวัสดีครับ")) is None, "Thai puts no spaces between words"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "empty"),
        ("text".encode("utf-16"), "UTF-16"),
        ("some text ".encode("utf-16-le") * 50, "UTF-16"),
        (bytes(range(256)) * 40, "control characters|no text"),
        (b"text \xff more", "Byte 6"),
        (b"\x00" * 5_000, "no text"),
    ],
)
def test_what_is_no_text_is_refused_in_a_sentence(data, said):
    with pytest.raises(TextFileError, match=said):
        text_file("x", data)


def test_bad_bytes_further_on_are_named_and_what_was_counted_stays():
    data = PROSE.encode() * 3_000 + b"\xff"
    tally = begun(text_file("x", data), [engine.tokenizer("gpt2")])
    with pytest.raises(TextFileError, match=f"Byte {len(data):,} "):
        list(CountFileRequest("a", tally=tally).steps(engine))
    assert tally.done > 0


def test_nul_bytes_are_counted():
    request = counted(PROSE * 50 + "a\0b\n", "gpt2")
    assert request.tally.nul == 1


def test_a_tokenizer_of_somebody_counts_in_the_sandbox():
    card = engine.tokenizer("unigram").card
    assert isinstance(card, TokenizerCard)
    name = new_own_name()
    keep_own(engine, name, (tokenizer_folder(card) / "tokenizer.json").read_bytes(), "Mine", "json")
    text = PROSE * 300
    mine, theirs = (counted(text, each).tally.tallies[0] for each in (name, "unigram"))
    assert mine.tokens == theirs.tokens > 0
    np.testing.assert_array_equal(np.trim_zeros(mine.counts, "b"), np.trim_zeros(theirs.counts, "b"))


def memory():
    """Bytes that this process has in memory now."""
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * resource.getpagesize()


@pytest.mark.slow
def test_fifty_megabytes_take_little_memory_and_hardly_longer_than_the_library():
    data = PROSE.encode() * (50_000_000 // len(PROSE.encode()))
    loaded = engine.tokenizer("llama3")
    tally = begun(text_file("x", data), [loaded])
    before = memory()
    began = time.perf_counter()
    steps = CountFileRequest("a", tally=tally).steps(engine)
    next(steps)
    assert time.perf_counter() - began < 1
    most = max(memory() for _ in steps)
    assert most - before < 300_000_000
    each = tally.tallies[0]
    assert each.batch_seconds / each.seconds > 0.8
