"""What is in the vocabulary? All pieces of one tokenizer, to be browsed and searched."""

from typing import TYPE_CHECKING

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from models.catalog import TokenizerCard
from models.engine import engine
from pages.shared.asking_engine import ask, working
from pages.shared.bound_widgets import bound, names_of, pick
from pages.shared.export import Download, download_row
from pages.shared.link import NumberPair, note
from pages.shared.messages import in_place
from pages.shared.sentences_and_charts import chart, remark, say
from pages.shared.theme import palette
from pages.tokenizers.choices import (
    KIND,
    KINDS,
    LENGTH,
    LONGEST_LENGTH,
    LONGEST_SOUGHT,
    PIECE,
    PIECES_FROM,
    SCRIPT,
    SEARCH_BY,
    SEARCHES,
    SOUGHT,
    ShownTokenizers,
)
from pages.tokenizers.export import vocabulary_as_csv, vocabulary_as_json
from pages.tokenizers.how_cut import choose_one
from viz.components.figure_grid import figure_grid
from viz.inspector import heading, line
from viz.number_format import counted, part_text
from viz.tokenizers_tables import piece_chips
from viz.vocabulary_charts import length_chart, script_chart
from viz.vocabulary_grid import kinds_text, piece_grid

if TYPE_CHECKING:
    from models.tokenization.vocabulary import Vocabulary
    from models.tokenization.vocabulary_search import SearchRequest

_ROWS = 100
_MOST_BYTES = 64
_ABOUT = {
    "special": "Special tokens are found in a text before anything is cut.",
    "byte": "Pieces of one byte, of which anything can be put together.",
    "part": "Bytes that are no whole characters: several pieces make one.",
    "unused": "Named as unused, reserved or extra by who published the vocabulary; most were never trained.",
    "unreachable": "No text that was tried gives these: their own, that between other letters, and, of parts of "
    "characters, characters that they are a part of.",
    "otherwise": "Their own text, cut by itself, comes out as other pieces. Those that are not unreachable come up "
    "inside of a longer text, for instance behind a letter.",
    "glitch": "Pieces at which models with GPT-2's vocabulary were seen to go astray (Rumbelow and Watkins 2023): a "
    "published list of names, which vocabularies made later need not share. Whether a model stumbles over one, only "
    "the model can tell.",
}


def what_is_in_it(now: ShownTokenizers, status: DeltaGenerator) -> None:
    """The search, the list, and what is known of the piece that is looked at."""
    from models.tokenization.vocabulary import VocabularyRequest

    card = choose_one(now, "vocabulary_box")
    with working(f"Reading the vocabulary of {card.title}…", status):
        known = ask(VocabularyRequest(card.name), status)
    _controls(known)
    with in_place():
        _found(card, known, status)


def _controls(known: "Vocabulary") -> None:
    with st.container(horizontal=True, vertical_alignment="bottom", key="vocabulary_search"):
        bound(
            st.text_input,
            SOUGHT,
            "Search the pieces",
            placeholder={"text": "part of a piece; ␣ is a space", "pattern": "^ ?[A-Z]{4,}$", "bytes": "F0 9F"}[
                SEARCH_BY.value
            ],
            max_chars=LONGEST_SOUGHT,
        )
        pick(SEARCH_BY, "by", SEARCHES, label_visibility="collapsed")
    if SCRIPT.value and SCRIPT.value not in known.scripts:
        note(f"This vocabulary has no pieces in {SCRIPT.value}; all scripts are shown.")
        SCRIPT.choose("")
    with st.container(horizontal=True, vertical_alignment="bottom", key="vocabulary_filters"):
        bound(st.selectbox, KIND, "Which pieces", **names_of(KINDS))
        scripts = {"": "All scripts", **{each: each for each in sorted(known.scripts)}}
        bound(st.selectbox, SCRIPT, "Script", **names_of(scripts))
        for place, label in enumerate(("From characters", f"To ({LONGEST_LENGTH}: or more)")):
            bound(
                st.number_input,
                LENGTH,
                label,
                0,
                LONGEST_LENGTH,
                key=f"piece_length_{place}",
                shown=lambda pair, place=place: pair[place],
                meant=lambda number, place=place: _with_end(place, int(number)),
            )


def _with_end(place: int, number: int) -> NumberPair:
    """The lengths with another shortest or longest one, which takes the other along where it goes past it."""
    shortest, longest = LENGTH.value
    return NumberPair((min(shortest, number), number) if place else (number, max(longest, number)))


def _request(card: TokenizerCard) -> "SearchRequest":
    from models.tokenization.vocabulary_search import SearchRequest

    shortest, longest = LENGTH.value
    most = None if longest == LONGEST_LENGTH else longest
    by = {each: each for each in SEARCHES}[SEARCH_BY.value]
    return SearchRequest(card.name, SOUGHT.value, by, KIND.value, SCRIPT.value, shortest, most)  # ty: ignore[invalid-argument-type]


def _found(card: TokenizerCard, known: "Vocabulary", status: DeltaGenerator) -> None:
    request = _request(card)
    with working("Searching the pieces…", status):
        places = ask(request, status).places
    count = len(places)
    say(
        f"{count:,} of {counted(len(known.ids), 'piece')} of {card.title}"
        + (f" ({part_text(count / len(known.ids))})" if 0 < count < len(known.ids) else "")
        + ("." if count else ": change the search."),
        *([_ABOUT[KIND.value]] if KIND.value in _ABOUT else []),
    )
    if not count:
        return
    start = min(PIECES_FROM.value, (count - 1) // _ROWS * _ROWS)
    shown = places[start : start + _ROWS]
    ids = known.ids[shown].tolist()
    if PIECE.value is not None and known.place_of(PIECE.value) is None:
        note(f"This vocabulary has no piece {PIECE.value}; none is looked at.")
        PIECE.choose(None)
    left, right = st.columns([7, 5], gap="medium")
    with left, st.container(key="pieces"):
        figure_grid(
            piece_grid(known, shown, selected=ids.index(PIECE.value) if PIECE.value in ids else None),
            key="piece_grid",
            on_cell=lambda row, _: PIECE.choose(ids[row]) if 0 <= row < len(ids) else None,
        )
        if count > _ROWS:
            _pager(start, count)
    with right, st.container(key="piece"):
        if PIECE.value is None:
            remark("Choose a piece to read what it is made of and what is made of it.")
            chart(length_chart(known.lengths[places], LONGEST_LENGTH, palette()), key="piece_lengths")
            chart(script_chart(known.script[places], known.scripts, palette()), key="piece_scripts")
        else:
            _one_piece(card, known, int(PIECE.value), status)
            st.button("Back to the lengths and scripts", key="piece_back", on_click=PIECE.forget)
    download_row(
        (
            Download("CSV", "vocabulary.csv", lambda: vocabulary_as_csv(known, places)),
            Download("JSON", "vocabulary.json", lambda: vocabulary_as_json(known, places)),
        ),
        "vocabulary_",
    )


def _pager(start: int, count: int) -> None:
    end = min(count, start + _ROWS)
    with st.container(horizontal=True, vertical_alignment="center", key="pieces_pager"):
        st.button(
            "‹ Before",
            key="pieces_before",
            disabled=start == 0,
            on_click=lambda: PIECES_FROM.choose(max(0, start - _ROWS)),
        )
        st.caption(f"{start + 1:,} to {end:,} of {count:,}, in the order of their ids.")
        st.button("Further ›", key="pieces_further", disabled=end == count, on_click=lambda: PIECES_FROM.choose(end))


def _one_piece(card: TokenizerCard, known: "Vocabulary", number: int, status: DeltaGenerator) -> None:
    """What the piece is, how its own text is cut, and the merges round it."""
    from models.tokenization import tokenize
    from models.tokenization.vocabulary import PART
    from models.tokenization.vocabulary_search import KinshipRequest

    place = known.place_of(number)
    if place is None:
        return
    related = ask(KinshipRequest(card.name, number), status)

    def named(piece: int) -> str:
        at = known.place_of(piece)
        return "–" if at is None else known.shown(at)

    is_part = bool(known.kinds[place] & PART)
    about = [f"id {number}", counted(int(known.lengths[place]), "byte" if is_part else "character")]
    about += [known.scripts[known.script[place]], *filter(None, [kinds_text(int(known.kinds[place]))])]
    parts = [heading("The piece"), piece_chips([known.shown(place)], 0), line(" · ".join(about))]
    parts.append(line(f"Bytes: {known.data[place][:_MOST_BYTES].hex(' ').upper() or 'none'}"))
    if text := known.texts[place]:
        cut = tokenize(engine.tokenizer(card.name), text)
        parts.append(heading("Its own text, cut by itself"))
        parts.append(piece_chips([each.text for each in cut.pieces]))
        if [each.id for each in cut.pieces] != [number]:
            parts.append(line("That is not the piece: something else comes first, or the text is changed before."))
    if related.made_by:
        parts.append(heading("Made by"))
        for rank, left, right in related.made_by[:8]:
            parts.append(line(f"merge {rank:,}:") + piece_chips([named(left), named(right)]))
    if related.makes:
        parts.append(heading(f"Part of {counted(related.makes_count, 'merge')}, the first of them"))
        parts.append(piece_chips([named(result) for _, _, _, result in related.makes]))
    elif card.family in ("BPE", "byte-level BPE"):
        parts.append(line("Nothing further is made of it."))
    st.html("".join(parts))
