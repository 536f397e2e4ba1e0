"""What a whole file costs, as tables and rows."""

from collections.abc import Sequence
from dataclasses import dataclass

from models.tokenization.file_figures import DEAR, FileFigures
from models.tokenization.file_tally import FileStep, FileTally, TokenizerTally
from models.tokenization.pieces import readable_text
from models.tokenization.text_file import FileKind
from viz.number_format import part_text
from viz.tables import table

_MILLION = 1_000_000


@dataclass(frozen=True, eq=False)
class CountedFile:
    """One tokenizer's tally of a file and its figures, under its name."""

    title: str
    tally: TokenizerTally
    figures: FileFigures


def megabytes(count: int) -> str:
    """In millions of bytes."""
    return f"{count / _MILLION:,.{2 if count < 10 * _MILLION else 1}f} MB"


def step_table(titles: Sequence[str], step: FileStep) -> str:
    """Tokens and speed so far, a row for each tokenizer."""
    rows = [
        (title, f"{tokens:,}", *_speeds(tokens, *seconds))
        for title, tokens, seconds in zip(titles, step.tokens, step.seconds.tolist(), strict=True)
    ]
    return table(("", "tokens so far", "tokens per second", "in the library's batch call"), rows)


def _speeds(tokens: int, seconds: float, batch: float) -> tuple[str, str]:
    per_second = [f"{tokens / each:,.0f}" if each else "–" for each in (seconds, batch)]
    return per_second[0], per_second[1]


def file_costs_rows(of: FileTally, counted: Sequence[CountedFile], limit: int, price: float) -> list[list[object]]:
    """All figures of each tokenizer, in full, under a head."""
    rows: list[list[object]] = [
        [
            *("tokenizer", "tokens", "bytes", "characters", "lines", "lines over", "line limit", "pieces used"),
            *("vocabulary", "unknown", "price per million", "cost", "seconds", "seconds in the batch call"),
            "sampled blocks that do not read back",
        ]
    ]
    for each in counted:
        tokens = each.tally.tokens
        rows.append(
            [
                *(each.title, tokens, of.done - of.file.start, of.characters, int(each.tally.lines.sum())),
                *(each.tally.over(limit), limit, each.figures.used, each.figures.vocabulary, each.figures.unknown),
                *(price, tokens / _MILLION * price, each.tally.seconds, each.tally.batch_seconds, each.tally.unread),
            ]
        )
    return rows


def costs_table(of: FileTally, counted: Sequence[CountedFile], limit: int, price: float) -> str:
    """What the file costs with each tokenizer."""
    head = (
        *("", "tokens", "bytes per token", f"at {price:g} a million", f"lines over {limit:,} tokens"),
        *("vocabulary used", "unknown", "reads back", "tokens per second", "batch call alone"),
    )
    rows = []
    for each in counted:
        tokens = each.tally.tokens
        about = "" if each.tally.is_exact else "about "
        used = part_text(each.figures.used / each.figures.vocabulary)
        rows.append(
            (
                *(each.title, f"{tokens:,}", f"{(of.done - of.file.start) / tokens:.2f}" if tokens else "–"),
                *(f"{tokens / _MILLION * price:,.2f}", f"{about}{each.tally.over(limit):,}"),
                *(f"{each.figures.used:,} ({used})", f"{each.figures.unknown:,}"),
                "yes" if not each.tally.unread else f"no: {each.tally.unread:,} of {of.sampled:,} blocks",
                *_speeds(tokens, each.tally.seconds, each.tally.batch_seconds),
            )
        )
    return table(head, rows)


def kinds_table(counted: Sequence[CountedFile]) -> str:
    """Parts of all tokens by kind of piece, a tokenizer in each column; the kind that costs most first."""
    parts = [{kind.kind: kind for kind in each.figures.kinds} for each in counted]
    wholes = [max(1, each.tally.tokens) for each in counted]
    kinds = sorted(
        {kind for each in parts for kind in each},
        key=lambda kind: (
            -sum(each[kind].tokens / whole for each, whole in zip(parts, wholes, strict=True) if kind in each)
        ),
    )
    rows = []
    for kind in kinds:
        cells = []
        for each, whole in zip(parts, wholes, strict=True):
            found = each.get(kind)
            if found is None:
                cells.append("–")
                continue
            per = f", {found.tokens / found.characters:.2f} a character" if found.characters else ""
            cells.append(f"{part_text(found.tokens / whole)}{per}")
        rows.append((kind, *cells))
    return table(("pieces", *(each.title for each in counted)), rows)


def dear_sentence(kind: FileKind, counted: Sequence[CountedFile]) -> str:
    """What makes a file of this kind dear: for each tokenizer the part of what is no word."""
    kinds = DEAR[kind]
    if not kinds:
        return "It looks like text."
    said = []
    for each in counted:
        found = {one.kind: one.tokens for one in each.figures.kinds}
        dear = [(name, found.get(name, 0)) for name in kinds if found.get(name, 0)]
        dear.sort(key=lambda one: -one[1])
        parts = ", ".join(f"{name} {part_text(count / max(1, each.tally.tokens))}" for name, count in dear[:3])
        said.append(f"{each.title}: {parts or 'next to nothing of that'}")
    return f"It looks like {kind}. What makes it dear beside its words: {'; '.join(said)}."


def pieces_table(counted: Sequence[CountedFile]) -> str:
    """The most frequent pieces, a tokenizer in each column."""
    rows = []
    for place in range(max(len(each.figures.pieces) for each in counted)):
        cells = []
        for each in counted:
            if place < len(each.figures.pieces):
                piece = each.figures.pieces[place]
                cells.append(f"{piece.text}  {piece.times:,} ({part_text(piece.times / max(1, each.tally.tokens))})")
            else:
                cells.append("–")
        rows.append((str(place + 1), *cells))
    return table(("", *(each.title for each in counted)), rows)


def words_table(each: CountedFile) -> str:
    """The words that cost most, in the sampled blocks."""
    rows = [
        (readable_text(word.word), f"{word.times:,}", f"{word.tokens:,}", f"{word.cost:,}")
        for word in each.figures.words
    ]
    return table(("word", "times", "tokens each", "tokens"), rows)


def file_lines_table(each: CountedFile) -> str:
    """The lines with the most tokens."""
    about = "" if each.tally.is_exact else "about "
    rows = [
        (f"line {line.number:,}", f"{about}{line.tokens:,}", readable_text(line.text[:60]))
        for line in each.tally.longest
    ]
    return table(("", "tokens", "begins"), rows)
