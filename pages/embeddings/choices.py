"""What can be chosen on the embeddings page."""

from typing import Any

import streamlit as st

from pages.shared import thread
from pages.shared.examples import EmbeddingsExample
from pages.shared.link import Choice, note, one_of, whole_number

_MODEL = "embedding:model"
MOST_TEXTS = 200
SHOWN = {"context": "In context", "lens": "Logit lens", "table": "The table"}
METHODS = {"pca": "PCA", "umap": "UMAP", "t-sne": "t-SNE"}
POOLINGS = {"mean": "Mean of all", "cls": "First token", "last": "Last token"}
MEASURES = {"cosine": "Cosine", "dot": "Dot product"}


class Place(tuple[int, int]):
    """A layer and a position, written in a link as 28-12."""

    __slots__ = ()

    def __str__(self) -> str:
        return f"{self[0]}-{self[1]}"


def _place(text: str) -> Place:
    layer, dash, position = text.partition("-")
    if not dash or not all(part.isascii() and part.isdecimal() and len(part) < 10 for part in (layer, position)):
        raise ValueError("The link's place is not a layer and a position, as in 28-12; none is selected.")
    return Place((int(layer), int(position)))


SHOW: Choice[str] = Choice("show", "context", one_of("view", tuple(SHOWN)))
# The layer; "layer" itself is the attention page's, where the first one is not the table.
DEPTH: Choice[int] = Choice("depth", 0, whole_number("layer"))
METHOD: Choice[str] = Choice("map", "pca", one_of("kind of map", tuple(METHODS)))
AXES: Choice[str] = Choice("axes", "2", one_of("number of axes", ("2", "3")))
POINTS: Choice[str] = Choice("points", "all", one_of("choice of points", ("all", "word")))
WORD: Choice[str] = Choice("word", "", thread.readable)
SENSES: Choice[str] = Choice("senses", "", thread.readable)
POINT: Choice[int | None] = Choice("point", None, whole_number("point"))
CENTRED: Choice[str] = Choice("centred", "no", one_of("way to treat the mean", ("no", "yes")))
SIMILAR: Choice[str] = Choice("similar", "tokens", one_of("kind of similarity", ("tokens", "sentences")))
POOLING: Choice[str] = Choice("pooling", "mean", one_of("pooling", tuple(POOLINGS)))
ANSWER: Choice[str] = Choice("answer", "", thread.readable)
PLACE: Choice[Place | None] = Choice("place", None, _place)
PIECE: Choice[str] = Choice("piece", "", thread.readable)
MINUS: Choice[str] = Choice("minus", "", thread.readable)
PLUS: Choice[str] = Choice("plus", "", thread.readable)
MEASURE: Choice[str] = Choice("measure", "cosine", one_of("measure", tuple(MEASURES)))

_OWN: tuple[Choice[Any], ...] = (
    *(SHOW, DEPTH, METHOD, AXES, POINTS, WORD, SENSES, POINT, CENTRED, SIMILAR, POOLING),
    *(ANSWER, PLACE, PIECE, MINUS, PLUS, MEASURE),
)
EVERY = (*thread.THREAD, *_OWN)


def in_the_link() -> tuple[Choice[Any], ...]:
    """The thread, and the choices that differ from what is shown without them."""
    return (*thread.THREAD, *(each for each in _OWN if each.value != each.default))


def texts() -> tuple[str, ...]:
    """A text to a line; empty lines are none. More than can be shown are said and left out."""
    lines = tuple(line.strip() for line in thread.TEXT.value.splitlines() if line.strip())
    if len(lines) > MOST_TEXTS:
        note(f"There are {len(lines):,} lines; the first {MOST_TEXTS} are shown here. “Many sentences” takes more.")
    return lines[:MOST_TEXTS]


def senses(count: int) -> tuple[str, ...]:
    """A name for each line, as far as they were given."""
    names = [each.strip() for each in SENSES.value.split(",")] if SENSES.value else []
    return tuple((names + [""] * count)[:count])


def heed_model(name: str) -> None:
    """Points and places of a model that was changed in the sidebar mean nothing in this one."""
    if st.session_state.setdefault(_MODEL, name) != name:
        st.session_state[_MODEL] = name
        forget_places()


def forget_places() -> None:
    """Another text or model: what had its place in the former one has none in this."""
    POINT.forget()
    PLACE.forget()


def forget_text() -> None:
    """Another text: the word and its senses were of the former one."""
    forget_places()
    for choice in (WORD, SENSES, ANSWER):
        choice.forget()


def open_example(example: EmbeddingsExample) -> None:
    """Show an example as it was meant."""
    for choice in _OWN:
        choice.forget()
    thread.choose_model(example.model)
    st.session_state[_MODEL] = example.model
    thread.choose_text(example.text)
    SHOW.choose(example.show)
    WORD.choose(example.word)
    POINTS.choose("word" if example.word else "all")
    SENSES.choose(",".join(example.senses))
    ANSWER.choose(example.answer)
    PIECE.choose(example.piece)
    MINUS.choose(example.minus)
    PLUS.choose(example.plus)
