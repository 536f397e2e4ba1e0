"""Which pieces do they share? Two vocabularies beside each other, and all pairs of the chosen ones."""

from typing import TYPE_CHECKING

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from models.catalog import TokenizerCard
from models.errors import HeadlightError
from pages.shared.asking_engine import ask, working
from pages.shared.bound_widgets import pick
from pages.shared.export import Download, download_row
from pages.shared.plain_text import plain
from pages.shared.sentences_and_charts import remark, say
from pages.shared.spreadsheet import as_csv
from pages.tokenizers.choices import BESIDE, ShownTokenizers
from pages.tokenizers.how_cut import choose_one
from viz.inspector import heading
from viz.number_format import part_text
from viz.tables import table
from viz.tokenizers_tables import piece_chips

if TYPE_CHECKING:
    from models.tokenization.vocabulary_overlap import Overlap, OverlapPart

_MOST_SCRIPTS = 12


class NothingToCompareError(HeadlightError):
    """Fewer than two vocabularies."""


def which_they_share(now: ShownTokenizers, status: DeltaGenerator) -> None:
    """Two of the chosen tokenizers in full, then all pairs."""
    from models.tokenization.vocabulary_overlap import OverlapRequest

    if len(_with_pieces(now)) < 2:
        raise NothingToCompareError("Choose two tokenizers above that have a vocabulary.")
    with st.container(horizontal=True, vertical_alignment="center", key="beside_controls"):
        one = choose_one(now, "shared_box")
        others = {card.name: plain(card.title) for card in _with_pieces(now) if card.name != one.name}
        chosen = BESIDE.value if BESIDE.value in others else next(iter(others))
        st.caption("beside")
        pick(BESIDE, "Other vocabulary", others, shown=lambda _: chosen, label_visibility="collapsed")
    other = next(card for card in now.cards if card.name == chosen)
    with working("Comparing the vocabularies…", status):
        found = ask(OverlapRequest(one.name, other.name), status)
    _both(one, other, found, status)
    _every_pair(now, status)


def _with_pieces(now: ShownTokenizers) -> list[TokenizerCard]:
    return [card for card in now.cards if card.format != "baseline"]


def _both(one: TokenizerCard, other: TokenizerCard, found: "Overlap", status: DeltaGenerator) -> None:
    smaller = min(found.sizes)
    say(
        f"{one.title} and {other.title} share {found.shared.count:,} pieces, {part_text(found.shared.count / smaller)} "
        "of the smaller vocabulary.",
        "Pieces are equal where they stand for equal bytes, however a vocabulary writes them; special tokens are left "
        "out.",
    )
    names = ("in both", f"only in {one.title}", f"only in {other.title}")
    parts = (found.shared, found.only_one, found.only_other)
    for name, part, of in zip(names, parts, (one, one, other), strict=True):
        st.html(heading(f"{name}: {part.count:,}") + piece_chips(_shown(of, part, status)))
    scripts = list(dict.fromkeys(script for part in parts for script, _ in part.scripts))
    rows = _counts(scripts, [dict(part.scripts) for part in parts])
    rows.sort(key=lambda row: -sum(row[1]))
    left, right = st.columns(2, gap="medium")
    left.html(table(["script", *names], [[row[0], *(f"{each:,}" for each in row[1])] for row in rows[:_MOST_SCRIPTS]]))
    if len(rows) > _MOST_SCRIPTS:
        left.caption(f"{len(rows) - _MOST_SCRIPTS} scripts with fewer pieces are in the file.")
    lengths = [most for most, _ in found.shared.lengths]
    by_length = [
        [_length_text(lengths, place), *(f"{part.lengths[place][1]:,}" for part in parts)]
        for place in range(len(lengths))
    ]
    right.html(table(["characters", *names], by_length))
    file = [["script", *names], *([row[0], *row[1]] for row in rows), ["characters", *names], *by_length]
    download_row((Download("CSV", "shared_pieces.csv", lambda: as_csv(file)),), "shared_")


def _counts(scripts: list[str], parts: list[dict[str, int]]) -> list[tuple[str, list[int]]]:
    return [(script, [part.get(script, 0) for part in parts]) for script in scripts]


def _length_text(lengths: list[int | None], place: int) -> str:
    before, most = lengths[place - 1] if place else 0, lengths[place]
    if most is None:
        return f"more than {before}"
    first = (before or 0) + 1
    return str(most) if first >= most else f"{first} to {most}"


def _shown(card: TokenizerCard, part: "OverlapPart", status: DeltaGenerator) -> list[str]:
    from models.tokenization.vocabulary import VocabularyRequest

    known = ask(VocabularyRequest(card.name), status)
    places = (known.place_of(number) for number in part.examples)
    return [known.shown(place) for place in places if place is not None]


def _every_pair(now: ShownTokenizers, status: DeltaGenerator) -> None:
    from models.tokenization.vocabulary_overlap import SharedCountsRequest

    titles = {card.name: card.title for card in _with_pieces(now)}
    if len(titles) < 3:
        return
    with working("Comparing every two of them…", status):
        pairs = ask(SharedCountsRequest(tuple(titles)), status)
    rows = [
        [
            f"{titles[pair.one]} · {titles[pair.other]}",
            f"{pair.shared:,}",
            *(part_text(pair.shared / max(1, size)) for size in pair.sizes),
        ]
        for pair in pairs
    ]
    st.html(heading("Every two of them"))
    with st.container(key="every_pair"):
        st.html(table(["pair", "shared", "of the first", "of the second"], rows))
    remark("Sharing pieces says nothing of sharing ids: the same piece has another number in each.")
