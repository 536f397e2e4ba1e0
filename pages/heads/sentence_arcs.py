"""One sentence below the atlas: where the chosen head looks in the page's own text, or in a case of its role."""

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from models.catalog import MODELS
from pages.heads.choices import CASE, head_name
from pages.heads.text_and_kind import subject
from pages.shared.asking_engine import ask
from pages.shared.link import NumberPair, note
from viz.components.sentence_arcs import SentenceArcs, sentence_arcs
from viz.number_format import part_text

if TYPE_CHECKING:
    from models.heads import Case, Cases, Name

# Tokens of a text whose arcs are drawn.
MOST_WORDS = 120


def chosen_case(cases: "Cases | None") -> "Case | None":
    """The case that is looked at; None for the page's own text."""
    if not CASE.value or cases is None:
        return None
    side, _, place = CASE.value.partition("-")
    found = cases.most if side == "most" else cases.least
    if int(place) >= len(found):
        note("There is no such case; the page's own text is shown.")
        CASE.forget()
        return None
    return found[int(place)]


def show_case(model: str, head: NumberPair, name: "Name", case: "Case") -> None:
    """A sentence of the bank with its grammar, and where the head looks in it."""
    words = case.words[:MOST_WORDS]
    count = len(words)
    arcs = tuple((one, other) for one, other in case.arcs if one < count and other < count)
    heads = tuple(each if each < count else -1 for each in case.heads[:count])
    of = " of what the head gives to other words" if name.role.group == "grammar" else ""
    caption = (
        f"{MODELS[model].title}, {head_name(*head)}. {_ABOVE if heads else ''}{_BELOW} In colour: where “{name.text}” "
        f"says that it looks: {part_text(case.score)}{of}."
    )
    with st.container(key="sentence"):
        sentence_arcs(
            SentenceArcs(words, heads, case.relations[:count], arcs, case.weights[:count, :count], caption),
            key="sentence_arcs",
        )


def show_text(kind: str, head: NumberPair, status: DeltaGenerator) -> None:
    """The page's own text, token by token; its grammar is not known."""
    from models.attention import HeadMapRequest

    about = subject(kind, status)
    axes = about.traced.axes(kind)
    weights = np.array(ask(HeadMapRequest(about.trace, kind, *head), status).weights, dtype=np.float32)
    of = f"{MODELS[about.trace.model].title}, {head_name(*head)} on your text. "
    if kind == "cross":
        rows, columns = (_words(each) for each in (about.traced.row_names(kind), axes.columns))
        shown = weights[: len(rows), : len(columns)]
        caption = (
            f"{of}Above the output, below your text: what each written token looks at most, as thick as the weight."
            f"{_first_of(axes.columns)} Where it looks, not why."
        )
        picture = SentenceArcs(rows, (), (), (), shown, caption, columns)
    else:
        resting = _resting(about.traced.is_special if not axes.columns_are_target else (), kind, len(axes.columns))
        weights[:, resting] = 0
        left_out = " Special tokens are left out." if kind == "encoder" else " The first token, its rest, is left out."
        words = _words(axes.columns)
        shown = weights[: len(words), : len(words)]
        caption = (
            f"{of}Below: what each token looks at most, as thick as the weight.{left_out if resting.any() else ''}"
            f"{_first_of(axes.columns)} Where it looks, not why, and on this text. {_NO_GRAMMAR}"
        )
        picture = SentenceArcs(words, (), (), (), shown, caption)
    with st.container(key="sentence"):
        sentence_arcs(picture, key="sentence_arcs")


def _words(tokens: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(each.strip(_SPACE) or each for each in tokens[:MOST_WORDS])


def _first_of(tokens: tuple[str, ...]) -> str:
    return f" The first {MOST_WORDS} of {len(tokens):,} tokens." if len(tokens) > MOST_WORDS else ""


# As tokens are shown, before what stands apart.
_SPACE = "␣"
_ABOVE = "Above: the grammar, from each word to what it depends on. "
_NO_GRAMMAR = (
    "Grammar stands over the bank's sentences alone, which come with it: for your own text it would take a parser."
)
_BELOW = "Below: what each word looks at most, as thick as the weight; special tokens are left out, the first word not."


def _resting(is_special: tuple[bool, ...], kind: str, count: int) -> np.ndarray:
    marks = np.array(is_special or (False,) * count, dtype=bool)
    if kind == "decoder" and count > 1:
        marks[0] = True
    return marks
