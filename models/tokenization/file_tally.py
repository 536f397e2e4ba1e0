"""What a whole file costs, block by block: a tally for each tokenizer, as large however long the file is.

Blocks end at line ends and are cut by themselves, as programs that feed a tokenizer do it.
"""

import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float64, Int32, Int64

from models.engine import Engine
from models.tokenization.loaded_tokenizer import LoadedTokenizer
from models.tokenization.sandboxed import answered
from models.tokenization.text_file import Block, TextFile, blocks_from
from models.tokenization.text_window import looked_up
from models.tokenization.words_of_text import words_of

# So many blocks are handed over at once; the first few alone, so that there is something to see.
_BATCH = 8
# Words are counted, and ids read back, in one block of so many.
_SAMPLED = 16
_MOST_WORDS = 60_000
_LONGEST_WORD = 60
# Longer lines have their tokens counted with those of this length.
LONGEST_LINE = 1 << 17
_MOST_LINES = 10
_LINE_SHOWN = 120
LARGEST_FILE = 100 * 1024**2


@dataclass(frozen=True, eq=False)
class CutBlocks:
    """Several blocks as ids, one after the other. counts: of each block. seconds: in the library's own batch call."""

    ids: Int32[np.ndarray, " piece"]
    counts: Int64[np.ndarray, " block"]
    seconds: float


def cut_blocks(loaded: LoadedTokenizer, texts: Sequence[str], split_special_tokens: bool) -> CutBlocks:
    """Blocks cut with `encode_batch_fast`, without spans. Raises TokenizerFailedError, TypeError (a baseline)."""
    chosen = loaded.literal if split_special_tokens else loaded.backend_tokenizer
    if chosen is None:
        raise TypeError(f"{loaded.card.name} is a baseline: it has no batch call")
    start = time.perf_counter()
    with loaded.in_words():
        encodings = chosen.encode_batch_fast(list(texts), add_special_tokens=False)
    seconds = time.perf_counter() - start
    ids = [np.array(each.ids, dtype=np.int32) for each in encodings]
    counts = np.array([len(each) for each in ids], dtype=np.int64)
    return CutBlocks(np.concatenate(ids) if ids else np.zeros(0, np.int32), counts, seconds)


def reads_back(loaded: LoadedTokenizer, ids: Sequence[int], text: str) -> bool:
    """Whether ids give back a text exactly."""
    return loaded.decode_ids(ids) == text


class CostlyLine(NamedTuple):
    """One line. number: from 1 on. text: its beginning."""

    tokens: int
    number: int
    text: str


@dataclass(eq=False)
class TokenizerTally:
    """What one tokenizer has made of a file so far; it grows.

    counts: of each id. sizes: bytes of each piece, -1 of one that was not met. lines: how many lines have as many
    tokens. is_exact: whether the bytes of the pieces are those of the text, so that it is certain in which line each
    stands; else a piece near a line's end may be counted for the next. unread: sampled blocks that their ids do not
    give back. seconds, batch_seconds: altogether, and in the library's batch call.
    """

    tokenizer: str
    counts: Int64[np.ndarray, " id"]
    sizes: Int32[np.ndarray, " id"]
    lines: Int64[np.ndarray, " tokens"]
    longest: list[CostlyLine] = field(default_factory=list)
    open_line: int = 0
    is_exact: bool = True
    unread: int = 0
    seconds: float = 0.0
    batch_seconds: float = 0.0

    @property
    def tokens(self) -> int:
        """All of them."""
        return int(self.counts.sum())

    def over(self, limit: int) -> int:
        """How many lines have more tokens than that."""
        return int(self.lines[min(limit, LONGEST_LINE) + 1 :].sum())


@dataclass(eq=False)
class FileTally:
    """A file that is being counted, or was: what a job adds to, and goes on with where it was stopped.

    done: bytes of the file that are counted. words: of sampled blocks.
    """

    file: TextFile
    tallies: list[TokenizerTally]
    done: int
    blocks: int = 0
    cut_blocks: int = 0
    sampled: int = 0
    characters: int = 0
    line_count: int = 0
    nul: int = 0
    open_start: int = 0
    words: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def is_whole(self) -> bool:
        """Whether all of the file is counted."""
        return self.done >= len(self.file.data)


def begun(file: TextFile, tokenizers: Sequence[Any]) -> FileTally:
    """A tally of nothing yet. tokenizers: loaded ones, none of them a baseline."""
    tallies = []
    for loaded in tokenizers:
        size = loaded.facts.vocabulary
        zeros = np.zeros(LONGEST_LINE + 2, np.int64)
        tallies.append(TokenizerTally(loaded.card.name, np.zeros(size, np.int64), np.full(size, -1, np.int32), zeros))
    return FileTally(file, tallies, file.start, open_start=file.start)


@dataclass(frozen=True)
class FileStep:
    """How far it is: bytes of all, and for each tokenizer its tokens, and seconds, in all and in the batch call."""

    done: int
    of: int
    tokens: tuple[int, ...]
    seconds: Float64[np.ndarray, "tokenizer kind"] = field(compare=False)


@dataclass(frozen=True)
class CountFileRequest:
    """Count a file on. run: of whom, so that nobody else joins; equal requests would share one computation.

    tally: where the figures are, before, while and after it is computed. Asked again, it goes on where it was stopped.
    """

    run: str
    split_special_tokens: bool = False
    tally: FileTally = field(compare=False, repr=False, kw_only=True)
    # It is worked on in small steps.
    most_characters = LARGEST_FILE

    def steps(self, engine: Engine) -> Iterator[FileStep]:
        """How far it is, after each few blocks. Raises TextFileError, TokenizerFailedError, SandboxError."""
        tally = self.tally
        while not tally.is_whole:
            with tally.lock, engine.gate("files").lock():
                # Whoever asked before may have come further.
                at = tally.done
                few = 1 if tally.blocks < 2 else _BATCH
                self._add(engine, list(islice(blocks_from(tally.file, at), few)))
            yield self.step()

    def step(self) -> FileStep:
        """How far it is now."""
        tally = self.tally
        seconds = np.array([(each.seconds, each.batch_seconds) for each in tally.tallies], dtype=np.float64)
        return FileStep(
            tally.done, len(tally.file.data), tuple(each.tokens for each in tally.tallies), seconds.reshape(-1, 2)
        )

    def _add(self, engine: Engine, blocks: Sequence[Block]) -> None:
        tally = self.tally
        texts = [block.text for block in blocks]
        data = tally.file.data
        start, end = blocks[0].start, blocks[-1].end
        sampled = [place for place in range(len(blocks)) if (tally.blocks + place) % _SAMPLED == 0]
        breaks = np.flatnonzero(np.frombuffer(data, np.uint8, end - start, start) == 0x0A)
        for each in tally.tallies:
            began = time.perf_counter()
            loaded = engine.tokenizer(each.tokenizer)
            cut = answered(loaded, cut_blocks, texts, self.split_special_tokens)
            _count(each, loaded, cut)
            _count_lines(each, tally, cut, blocks, breaks)
            ends = np.cumsum(cut.counts)
            for place in sampled:
                ids = cut.ids[ends[place] - cut.counts[place] : ends[place]]
                each.unread += not answered(loaded, reads_back, ids.tolist(), texts[place])
            each.seconds += time.perf_counter() - began
            each.batch_seconds += cut.seconds
        for place in sampled:
            tally.words.update(word for word in words_of(texts[place]) if len(word) <= _LONGEST_WORD)
        if len(tally.words) > _MOST_WORDS:
            tally.words = Counter(dict(tally.words.most_common(_MOST_WORDS // 2)))
        tally.sampled += len(sampled)
        tally.blocks += len(blocks)
        tally.cut_blocks += sum(block.is_cut for block in blocks)
        tally.characters += sum(map(len, texts))
        tally.line_count += len(breaks)
        tally.nul += data.count(0, start, end)
        if len(breaks):
            tally.open_start = start + int(breaks[-1]) + 1
        if end == len(data) and tally.open_start < end:
            # The last line ends with the file.
            tally.line_count += 1
            for each in tally.tallies:
                _close_line(each, tally, each.open_line, tally.open_start, tally.line_count)
                each.open_line = 0
        tally.done = end


def _count(each: TokenizerTally, loaded: Any, cut: CutBlocks) -> None:
    most = int(cut.ids.max()) + 1 if len(cut.ids) else 0
    if most > len(each.counts):
        each.counts = np.pad(each.counts, (0, most - len(each.counts)))
        each.sizes = np.pad(each.sizes, (0, most - len(each.sizes)), constant_values=-1)
    each.counts += np.bincount(cut.ids, minlength=len(each.counts))
    new = np.flatnonzero((each.counts > 0) & (each.sizes < 0)).tolist()
    if new:
        looks = answered(loaded, looked_up, new).looks
        each.sizes[new] = [len(look.data) for look in looks]


def _count_lines(
    each: TokenizerTally, tally: FileTally, cut: CutBlocks, blocks: Sequence[Block], breaks: Int64[np.ndarray, " line"]
) -> None:
    """Tokens of each line that ends in these blocks; about, where the pieces are not the text's bytes."""
    begin = blocks[0].start
    starts, at = [], 0
    for block, count in zip(blocks, cut.counts.tolist(), strict=True):
        sizes = each.sizes[cut.ids[at : at + count]].astype(np.int64)
        at += count
        before = np.cumsum(sizes) - sizes
        size, found = block.end - block.start, int(sizes.sum())
        if found != size:
            each.is_exact = False
            before = before * size // max(1, found)
        starts.append(before + (block.start - begin))
    # A token is of the line in which it begins; a line break is of the line that it ends.
    line = np.searchsorted(breaks, np.concatenate(starts), side="left") if starts else np.zeros(0, np.int64)
    tokens = np.bincount(line, minlength=len(breaks) + 1)
    tokens[0] += each.open_line
    each.open_line = int(tokens[-1])
    whole = tokens[:-1]
    if not len(whole):
        return
    each.lines += np.bincount(np.minimum(whole, LONGEST_LINE + 1), minlength=len(each.lines))
    least = each.longest[-1].tokens if len(each.longest) == _MOST_LINES else 0
    best = np.argsort(-whole, kind="stable")[:_MOST_LINES]
    for place in best[whole[best] > least].tolist():
        first = tally.open_start if place == 0 else begin + int(breaks[place - 1]) + 1
        _keep(each, tally, int(whole[place]), first, tally.line_count + place + 1)


def _close_line(each: TokenizerTally, tally: FileTally, tokens: int, first: int, number: int) -> None:
    each.lines[min(tokens, LONGEST_LINE + 1)] += 1
    _keep(each, tally, tokens, first, number)


def _keep(each: TokenizerTally, tally: FileTally, tokens: int, first: int, number: int) -> None:
    """Among the lines with the most tokens, if it is one of them."""
    shown = tally.file.data[first : first + 4 * _LINE_SHOWN].partition(b"\n")[0].decode("utf-8", "ignore")
    each.longest.append(CostlyLine(tokens, number, shown[:_LINE_SHOWN]))
    each.longest.sort(key=lambda line: (-line.tokens, line.number))
    del each.longest[_MOST_LINES:]
