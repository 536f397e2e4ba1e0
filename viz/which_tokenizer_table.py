"""Which tokenizer to take: a table with reasons, and no score."""

from collections.abc import Sequence
from dataclasses import dataclass

from models.tokenization.file_figures import WordCost
from models.tokenization.pieces import readable_text
from viz.number_format import bytes_text, counted, part_text, times_text
from viz.tables import table


@dataclass(frozen=True)
class JudgedTokenizer:
    """One tokenizer for what is shown.

    tokens: None where it cannot be used. loses: what it loses, a clause each; () where nothing. rows: of the model's
    table of embeddings, 0 for no vocabulary. why_not: a clause, where it cannot be used. dearest: the language that
    costs most, and how much of English.
    """

    title: str
    tokens: int | None
    loses: tuple[str, ...]
    rows: int
    longest_cut: WordCost | None
    why_not: str = ""
    dearest: str = ""


def cheapest(candidates: Sequence[JudgedTokenizer]) -> JudgedTokenizer | None:
    """The one with the fewest tokens of those that lose nothing and have a vocabulary; None where there is none."""
    usable = [each for each in candidates if each.tokens is not None and not each.loses and each.rows]
    return min(usable, key=lambda each: (each.tokens or 0, each.rows), default=None)


def reason(each: JudgedTokenizer, best: JudgedTokenizer | None, size: int) -> str:
    """Why or why not, in a clause or two. size: bytes of a row of the model's table."""
    if each.tokens is None:
        return each.why_not
    if each.loses:
        return f"loses something: {', '.join(each.loses)}"
    if best is None or best.tokens is None:
        return "no vocabulary: nothing to compare with"
    if each is best:
        return "the fewest tokens of those that lose nothing"
    if not each.rows:
        return "a baseline, no model reads it"
    more = (each.tokens - best.tokens) / max(1, best.tokens)
    first = f"{part_text(more)} more tokens than {best.title}" if more else f"as many tokens as {best.title}"
    table_bytes, other = each.rows * size, best.rows * size
    if table_bytes < other:
        return f"{first}, but its table is {bytes_text(other - table_bytes)} smaller"
    return f"{first}, and its table is {bytes_text(table_bytes - other)} larger"


def verdict_sentences(candidates: Sequence[JudgedTokenizer], of: str, size: int) -> list[str]:
    """What follows from the table, in words."""
    best = cheapest(candidates)
    if best is None or best.tokens is None:
        return [f"For {of} none of these loses nothing; read what each loses, and choose others above."]
    lines = [
        f"For {of}: {best.title} takes the fewest tokens of those that lose nothing, {best.tokens:,}, with a table of "
        f"{bytes_text(best.rows * size)}."
    ]
    smaller = [each for each in candidates if each.tokens is not None and not each.loses and 0 < each.rows < best.rows]
    if smaller:
        least = min(smaller, key=lambda each: (each.rows, each.tokens or 0))
        more = ((least.tokens or 0) - best.tokens) / max(1, best.tokens)
        lines.append(
            f"The smallest table that loses nothing is that of {least.title}: {bytes_text(least.rows * size)}, for "
            + (f"{part_text(more)} more tokens." if more else "as many tokens.")
        )
    cheaper = [each for each in candidates if each.tokens is not None and each.loses and each.tokens < best.tokens]
    if cheaper:
        names = ", ".join(each.title for each in cheaper)
        lines.append(f"Fewer tokens, but something is lost: {names}.")
    return lines


def verdict_rows(candidates: Sequence[JudgedTokenizer], width: int, number_bytes: int) -> list[list[object]]:
    """A row for each, in full, under a head."""
    size = width * number_bytes
    best = cheapest(candidates)
    rows: list[list[object]] = [
        [
            *("tokenizer", "tokens", "vocabulary", "bytes of the table", "longest word cut", "its tokens"),
            *("dearest language", "loses", "reason"),
        ]
    ]
    for each in candidates:
        cut = ("", "") if each.longest_cut is None else (each.longest_cut.word, each.longest_cut.tokens)
        tokens = "" if each.tokens is None else each.tokens
        said = "; ".join(each.loses)
        rows.append(
            [each.title, tokens, each.rows, each.rows * size, *cut, each.dearest, said, reason(each, best, size)]
        )
    return rows


def verdict_table(candidates: Sequence[JudgedTokenizer], width: int, number_bytes: int) -> str:
    """A row for each, those that lose nothing first, the cheapest at the top."""
    size = width * number_bytes
    best = cheapest(candidates)
    order = sorted(
        candidates, key=lambda each: (each.tokens is None, bool(each.loses), not each.rows, each.tokens or 0, each.rows)
    )
    least = best.tokens if best is not None else None
    rows = []
    for each in order:
        cut = each.longest_cut
        rows.append(
            (
                each.title,
                "–" if each.tokens is None else f"{each.tokens:,}",
                times_text(each.tokens / least) if each.tokens is not None and least else "–",
                "–" if each.tokens is None else ", ".join(each.loses) or "nothing",
                f"{each.rows:,}" if each.rows else "–",
                bytes_text(each.rows * size) if each.rows else "–",
                "–" if cut is None else f"{readable_text(cut.word)}: {counted(cut.tokens, 'token')}",
                each.dearest or "–",
                reason(each, best, size),
            )
        )
    head = (
        *("", "tokens", "to the cheapest", "loses", "vocabulary"),
        *(f"its table, {width:,} wide", "longest word cut", "dearest language", "why, why not"),
    )
    return table(head, rows, chosen=0 if best is not None else None)
