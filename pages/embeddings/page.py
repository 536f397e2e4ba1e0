"""Where does a token start, how does each layer move it, and what is near it?"""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from models.engine import engine
from pages.embeddings import context, input_table, inspector, logit_lens
from pages.embeddings.choices import CHOICES, DEPTH, PIECE, PLACE, SHOW, SHOWN
from pages.embeddings.examples import EXAMPLES
from pages.embeddings.tabs import below
from pages.shared import thread
from pages.shared.asking_engine import ask
from pages.shared.bound_widgets import bound, names_of
from pages.shared.loading import loading
from pages.shared.messages import in_place, show_notes
from pages.shared.page import Page, columns, controls_in, inspector_in, show


def which() -> None:
    """The view, and what is its own."""
    bound(st.radio, SHOW, "View", **names_of(SHOWN), label_visibility="collapsed")
    {"context": context.controls, "lens": logit_lens.controls, "table": input_table.controls}[SHOW.value]()


def explore(status: DeltaGenerator) -> None:
    """Everything that changes with the view, the layer and the point."""
    name = thread.MODEL.value
    left, centre, right = columns(of="vectors")
    with controls_in(left, which, is_soon=engine.has_model(name)), centre, in_place():
        with loading(name, status):
            engine.model(name)
        {"context": in_context, "lens": through_the_lens, "table": in_the_table}[SHOW.value](right, status)
    below()


def in_context(right: DeltaGenerator, status: DeltaGenerator) -> None:
    """The map of each layer."""
    from models.embeddings import EmbedRequest

    now = context.journey()
    if now is None:
        return
    layer, point = context.chosen(now)
    around, random = (None, 0.0) if point is None else context.near(now, layer, point)
    facts = ask(EmbedRequest(thread.MODEL.value, now.texts[0]), status)
    show_notes()
    with inspector_in(right, PAGE):
        inspector.of_context(now, layer, point, around, random)
    context.picture(now, layer, point, around, facts.first, facts.last)


def through_the_lens(right: DeltaGenerator, status: DeltaGenerator) -> None:
    """What the model would say after each layer."""
    found = logit_lens.lens(status)
    show_notes()
    logit_lens.picture(found)
    with inspector_in(right, PAGE):
        inspector.of_lens(found, status)


def in_the_table(right: DeltaGenerator, status: DeltaGenerator) -> None:
    """A row of the input matrix, before any context."""
    from models.embeddings import TableFactsRequest

    row, near, parts = input_table.look_up(status)
    facts = ask(TableFactsRequest(thread.MODEL.value), status)
    show_notes()
    input_table.picture(row, near, parts, facts)
    with inspector_in(right, PAGE):
        inspector.of_table(facts)


def pictured() -> tuple[str, ...]:
    """The view, and the layer or the piece that it is of."""
    of = {
        "context": "at the input" if not DEPTH.value else f"after layer {DEPTH.value}",
        "lens": "" if PLACE.value is None else f"layer {PLACE.value[0]}, position {PLACE.value[1]}",
        "table": PIECE.value,
    }
    return SHOWN[SHOW.value], of[SHOW.value]


PAGE = Page("embeddings", explore, CHOICES, EXAMPLES, pictured=pictured)
show(PAGE)
