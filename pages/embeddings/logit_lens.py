"""The logit lens: what the model would say if it stopped at a layer."""

from typing import TYPE_CHECKING

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from models.catalog import MODELS
from pages.embeddings.choices import ANSWER, PLACE
from pages.shared import thread
from pages.shared.asking_engine import ask
from pages.shared.bound_widgets import bound
from pages.shared.link import NumberPair, note
from pages.shared.sentences_and_charts import chart
from pages.shared.theme import palette
from viz.components.lens_grid import LensGrid, lens_grid
from viz.embeddings_charts import rank_chart

if TYPE_CHECKING:
    from models.embeddings import Lens

_MOST_COLUMNS = 48


def controls() -> None:
    """The token that is followed."""
    bound(
        st.text_input,
        ANSWER,
        "Follow a token",
        max_chars=60,
        placeholder="the model's own answer",
        help="Its place among all tokens after each layer. A word is taken as it comes in a text, with a space before "
        "it. Left empty: the token that the model itself finds likeliest.",
    )


def lens(status: DeltaGenerator) -> "Lens":
    """What is shown: the table of all places, and one token through one column. Raises HeadlightError."""
    from models.decoding import WordsRequest
    from models.embeddings import LensRequest

    name = thread.MODEL.value
    token = None
    if ANSWER.value.strip():
        (word,) = ask(WordsRequest(name, (ANSWER.value,)), status)
        # The last way is the one with a space before it, where the tokenizer puts spaces into tokens.
        ids = word.ids[-1]
        token = ids[0]
        if len(ids) > 1:
            note(
                f"“{ANSWER.value.strip()}” is {len(ids)} tokens here; the first one, {word.pieces[-1][0]}, is followed."
            )
    place = PLACE.value
    found = ask(LensRequest(name, thread.TEXT.value, token=token, position=None if place is None else place[1]), status)
    if place is not None and place[0] >= len(found.ranks):
        note(f"The link names layer {place[0]}; this model has {len(found.ranks) - 1}. None is selected.")
        PLACE.forget()
    return found


def layer_names(count: int) -> list[str]:
    """As everywhere on the page: the input, then after each layer."""
    return ["input", *(f"L{layer}" for layer in range(1, count))]


def picture(found: "Lens") -> None:
    """The chart of the followed token over the table of all places."""
    table = found.table
    names = layer_names(len(table.ids))
    place = PLACE.value
    chart(
        rank_chart(
            found.ranks.tolist(), found.shares.tolist(), found.piece, None if place is None else place[0], palette()
        ),
        key="ranks",
    )
    first = max(0, len(table.read) - _MOST_COLUMNS)
    cut = f" The first {first} positions are not drawn." if first else ""
    with st.container(key="lens"):
        lens_grid(
            LensGrid(
                tokens=table.read[first:],
                first=first,
                layers=names,
                pieces=[row[first:] for row in table.pieces],
                probabilities=table.probabilities[:, first:],
                selected=None if place is None else (place[0], place[1]),
                caption=f"The likeliest next token after each layer. The last layer's reader, applied early."
                f"{cut} {MODELS[thread.MODEL.value].title}. Click for the ten likeliest.",
            ),
            key="lens_grid",
            on_cell=lambda layer, position: PLACE.choose(NumberPair((layer, position))),
        )
