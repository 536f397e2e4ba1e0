"""How was it cut? The merges, the longest match or the lattice of the words in a stretch."""

from typing import TYPE_CHECKING

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from models.catalog import TokenizerCard
from pages.shared.asking_engine import ask
from pages.shared.bound_widgets import bound, pick
from pages.shared.link import NumberPair
from pages.shared.plain_text import plain
from pages.shared.sentences_and_charts import chart, remark
from pages.tokenizers.choices import LOOKED_AT, MERGES, WAYS, ShownTokenizers, looked_at_card, of_word, with_word
from viz.inspector import heading, line
from viz.lattice_chart import lattice_chart
from viz.tokenizers_tables import (
    longest_match_table,
    merge_steps,
    piece_chips,
)

if TYPE_CHECKING:
    from models.tokenization import ShownOrigin


def choose_one(now: ShownTokenizers, key: str) -> TokenizerCard:
    """The one of the shown tokenizers that a tab is about."""
    chosen = looked_at_card(now.cards)
    titles = {card.name: plain(card.title) for card in now.cards}
    pick(LOOKED_AT, "Tokenizer", titles, key=key, shown=lambda _: chosen.name, label_visibility="collapsed")
    return chosen


def how_it_was_cut(now: ShownTokenizers, stretch: NumberPair, status: DeltaGenerator) -> None:
    """Merges, longest match or lattice of the words in the stretch."""
    from models.tokenization import OriginsRequest

    card = choose_one(now, "how_box")
    for place, origin in enumerate(
        ask(OriginsRequest(card.name, now.text, (*stretch,), now.split_special_tokens), status)
    ):
        with st.container(key=f"origin_{place}"):
            _origin(origin, place)


def _origin(origin: "ShownOrigin", place: int) -> None:
    if origin.match is not None:
        what = "WordPiece tries the longest piece first; struck-out ones are not in the vocabulary."
        if origin.match.is_too_long:
            what = "The word has too many characters: it is unknown as a whole, untried."
        elif origin.match.pieces is None:
            what = "At some place no piece fits, not even one character: the whole word is unknown."
        st.html(_head(origin) + longest_match_table(origin.match) + line(what))
    elif origin.lattice is not None:
        _lattice(origin, place)
    elif origin.whole and not origin.merges:
        what = "It stands in the vocabulary as it is, and is taken whole."
        if origin.start:
            what += " Its merges alone would not lead there."
        st.html(_head(origin) + line(what))
    else:
        step = len(origin.merges)
        if step:
            done = of_word(MERGES, place, step, step)
            step = bound(
                st.slider,
                MERGES,
                f"Merges of pre-token {place + 1}",
                0,
                step,
                key=f"merge_step_{place}",
                shown=lambda _: done,
                meant=lambda number, every=step: with_word(MERGES, place, number, every),
            )
        what = (
            "It begins with its bytes or characters. Each time the two neighbours are merged that come first in the "
            "list of merges, which the number says; it ends when no neighbours are on the list."
        )
        st.html(_head(origin) + merge_steps(origin.start, origin.merges, step) + line(what))


def _lattice(origin: "ShownOrigin", place: int) -> None:
    found = origin.lattice
    if found is None or not found.best:
        return
    ways = [" ".join(found.pieces[each].text for each in way.pieces) for way in found.best]
    st.html(_head(origin))
    way = of_word(WAYS, place, len(ways) - 1, 0)
    chosen = bound(
        st.radio,
        WAYS,
        f"The likeliest ways to cut pre-token {place + 1}",
        range(len(ways)),
        format_func=lambda way: f"{plain(ways[way])}  ·  {found.best[way].score:.2f}",
        key=f"way_{place}",
        shown=lambda _: way,
        meant=lambda way: with_word(WAYS, place, way, 0),
    )
    chart(lattice_chart(found, chosen))
    remark(
        "Every piece of the vocabulary that fits is a bar. The number is the sum of the log-probabilities of the "
        "pieces; the way with the largest one is taken. What is no piece counts as one that is very unlikely; "
        "unknown characters side by side then become one piece, or bytes where the vocabulary has them."
    )


def _head(origin: "ShownOrigin") -> str:
    return heading("Comes out as") + piece_chips(origin.pieces)
