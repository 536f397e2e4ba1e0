"""Tables and sentences about tokens, as escaped HTML."""

import html
from collections.abc import Sequence
from dataclasses import dataclass

from models.tokenization import Counts, LongestMatch, ShownMerge, Stages, readable_text
from viz.number_format import counted, part_text
from viz.table_cells import bar_cell, number_cells, rows_table

_MOST_CHIPS = 60
_NARROW = "\N{NO-BREAK SPACE}"


def column_figures(counts: Counts) -> str:
    """The line under a column's name: what a word costs (a character, where no words are told apart), what is lost."""
    of, what = (counts.words, "word") if counts.words else (counts.characters, "character")
    parts = [f"{counts.tokens / of:.2f} per {what}" if of else "no words"]
    if counts.unknown:
        parts.append(f"{counts.unknown:,} unknown")
    parts.append("round trip exact" if counts.difference is None else "round trip not exact")
    return " · ".join(parts)


def piece_chips(pieces: Sequence[str], marked: int | None = None) -> str:
    """Pieces in a row, at most the first sixty of them; the marked one has a blue frame."""
    shown = "".join(
        f'<span class="headlight-chip{" marked" if place == marked else ""}"><bdi>{html.escape(piece)}</bdi></span>'
        for place, piece in enumerate(pieces[:_MOST_CHIPS])
    )
    more = f" and {len(pieces) - _MOST_CHIPS:,} more" if len(pieces) > _MOST_CHIPS else ""
    return f'<span class="headlight-chips">{shown}{more}</span>'


@dataclass(frozen=True)
class StretchLine:
    """What one tokenizer makes of a stretch: its pieces as shown, and their ids."""

    title: str
    pieces: tuple[str, ...]
    ids: tuple[int, ...]


def stretch_sentence(text: str, lines: Sequence[StretchLine]) -> str:
    """How many pieces the stretch is for each, in words."""
    counts = [
        f"<b>{len(line.pieces)}</b> {'piece' if len(line.pieces) == 1 else 'pieces'} in {html.escape(line.title)}"
        for line in lines
    ]
    joined = ", ".join(counts[:-1]) + (" and " if len(counts) > 1 else "") + counts[-1]
    return (
        f'<p class="headlight-sentence"><b><bdi>{html.escape(readable_text(text[:40]))}</bdi></b>'
        f"{'…' if len(text) > 40 else ''} is {joined}.</p>"
    )


def stretch_table(lines: Sequence[StretchLine]) -> str:
    """The pieces and ids of a stretch, a tokenizer in each row."""
    rows = (
        f"<th>{html.escape(line.title)}</th><td>{piece_chips(line.pieces)}"
        f'<span class="headlight-ids">{" ".join(map(str, line.ids[:_MOST_CHIPS]))}</span></td>'
        for line in lines
    )
    return rows_table("headlight-stretch", *rows)


def difference(title: str, counts: Counts) -> str:
    """Where the text and what its ids give back part, with the part struck out and what stands there instead."""
    found = counts.difference
    if found is None:
        return ""
    return (
        f'<p class="headlight-line"><b>{html.escape(title)}</b> gives back …'
        f"<bdi>{html.escape(readable_text(found.before))}</bdi>"
        f"<del><bdi>{html.escape(readable_text(found.text)) or '∅'}</bdi></del> "
        f"<ins><bdi>{html.escape(readable_text(found.decoded)) or '∅'}</bdi></ins>…</p>"
    )


def pipeline(stages: Stages) -> str:
    """The text at each stage, one under the other, with what changed at each of them marked."""
    words = [word.shown for word in stages.words]
    pieces = [piece.text for piece in stages.pieces]
    before, after = ([piece.text for piece in each] for each in (stages.added_before, stages.added_after))
    changed = stages.normalized != stages.text
    rows = [
        ("raw", _plain(stages.text), counted(len(stages.text), "character")),
        ("normalised", _marked_change(stages.text, stages.normalized), "changed" if changed else "nothing changed"),
        ("pre-tokens", piece_chips(words), f"{counted(len(words), 'pre-token')}, beyond which no piece reaches"),
        ("pieces", piece_chips(pieces), counted(len(pieces), "piece")),
        (
            "with the template",
            _template(before, pieces, after),
            f"{len(before) + len(after)} added" if before or after else "nothing added",
        ),
        ("ids", f'<span class="headlight-ids">{" ".join(map(str, stages.ids[:200]))}</span>', f"{len(stages.ids):,}"),
        (
            "decoded",
            _marked_change(stages.text, stages.decoded),
            "the text as it was" if stages.decoded == stages.text else "not the text as it was",
        ),
    ]
    made = (
        f'<th>{name}</th><td class="stage"><bdi>{stage}</bdi></td><td class="note">{html.escape(note)}</td>'
        for name, stage, note in rows
    )
    return rows_table("headlight-pipeline", *made)


def _plain(text: str) -> str:
    return html.escape(readable_text(text))


def _marked_change(before: str, after: str) -> str:
    """`after`, with each character marked that is not at its place in `before`."""
    from difflib import SequenceMatcher

    parts = []
    for kind, _, _, low, high in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        part = _plain(after[low:high])
        parts.append(part if kind == "equal" else f"<mark>{part or '∅'}</mark>")
    return "".join(parts) or "∅"


def _template(before: Sequence[str], pieces: Sequence[str], after: Sequence[str]) -> str:
    added = [
        "".join(f'<span class="headlight-chip marked"><bdi>{html.escape(each)}</bdi></span>' for each in some)
        for some in (before, after)
    ]
    return f'<span class="headlight-chips">{added[0]}{piece_chips(pieces)}{added[1]}</span>'


def merge_steps(start: Sequence[str], merges: Sequence[ShownMerge], step: int) -> str:
    """The parts after each merge up to `step`, one row each, the newest part marked; the rank stands beside it."""
    rows = [f"{number_cells('start')}<td>{piece_chips(start)}</td>"]
    rows += [
        f"{number_cells(f'merge {each.rank:,}')}<td>{piece_chips(each.parts, each.place)}</td>"
        for each in merges[:step]
    ]
    return rows_table("headlight-merges", *rows)


def longest_match_table(match: LongestMatch) -> str:
    """Each place of a word with the pieces that were tried there, longest first; the one that fits is marked."""
    rows = []
    for step in match.matches:
        shown = step.tried[-_MOST_CHIPS:]
        left_out = len(step.tried) - len(shown)
        tried = (f"{left_out:,} longer ones, " if left_out else "") + "".join(
            f'<span class="headlight-chip{" marked" if step.fits and place == len(shown) - 1 else " missed"}">'
            f"<bdi>{html.escape(each)}</bdi></span>"
            for place, each in enumerate(shown)
        )
        rows.append(f'{number_cells(f"from {step.start}")}<td class="headlight-chips">{tried}</td>')
    return rows_table("headlight-merges", *rows)


@dataclass(frozen=True)
class CostLine:
    """One tokenizer's counts in the table of costs."""

    title: str
    counts: Counts


def costs_rows(lines: Sequence[CostLine]) -> list[list[object]]:
    """The same numbers for a file, in full, under a head."""
    rows: list[list[object]] = [
        ["tokenizer", "tokens", "words", "characters", "bytes", "unknown", "context", "round trip", "seconds"]
    ]
    for line in lines:
        found = line.counts
        context = "" if found.context is None else found.context
        counted = (found.tokens, found.words or "", found.characters, found.bytes, found.unknown)
        rows.append([line.title, *counted, context, int(found.difference is None), found.seconds])
    return rows


def costs(lines: Sequence[CostLine]) -> str:
    """What the whole text costs with each tokenizer; the bars have one scale, from 0 to the most tokens."""
    most = max((line.counts.tokens for line in lines), default=1) or 1
    rows = []
    for line in lines:
        found = line.counts
        part = found.tokens / found.context if found.context else None
        context = "–" if part is None else part_text(part) if part <= 1 else f"too long: {part:,.1f} times it"
        ratios = ((found.tokens, found.words), (found.bytes, found.tokens), (found.characters, found.tokens))
        told = (f"{found.tokens:,}", *(_ratio(*each) for each in ratios), f"{found.unknown:,}", context)
        rows.append(
            f"<th>{html.escape(line.title)}</th>{bar_cell(found.tokens / most)}{number_cells(*told)}"
            f"<td>{'exact' if found.difference is None else 'not exact'}</td>"
            f"{number_cells(f'{1000 * found.seconds:,.1f}{_NARROW}ms')}"
        )
    words = {"tokenizer": "", "": "bar", "round trip": ""}
    names = ("tokenizer", "", "tokens", "per word", "bytes per token", "characters per token")
    names += ("unknown", "of the context", "round trip", "time")
    head = "".join(f'<th class="{words.get(name, "number")}">{name}</th>' for name in names)
    return f'<div class="headlight-wide">{rows_table("headlight-costs", head, *rows)}</div>'


def _ratio(part: int, whole: int) -> str:
    return f"{part / whole:.2f}" if whole else "–"


def tokenizer_cards(rows: Sequence[tuple[str, Sequence[str]]], titles: Sequence[str]) -> str:
    """What each tokenizer is made of: a property in each row, a tokenizer in each column."""
    head = "<tr><th></th>" + "".join(f"<th>{html.escape(title)}</th>" for title in titles) + "</tr>"
    body = "".join(
        f"<tr><th>{html.escape(name)}</th>" + "".join(f"<td>{html.escape(each)}</td>" for each in cells) + "</tr>"
        for name, cells in rows
    )
    return f'<div class="headlight-wide"><table class="headlight-cards">{head}{body}</table></div>'
