"""Where does a token start, how does each layer move it, and what is near it?"""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from models.engine import engine
from pages.embeddings import context, lens, table
from pages.embeddings.choices import (
    EVERY,
    SHOW,
    SHOWN,
    forget_text,
    heed_model,
    in_the_link,
    open_example,
)
from pages.embeddings.tabs import below
from pages.shared import thread
from pages.shared.asking import ask
from pages.shared.examples import EMBEDDINGS
from pages.shared.link import mirror, receive, run_again
from pages.shared.loading import loading
from pages.shared.messages import in_place, keep_notes, show_notes
from pages.shared.text import question_and_text

_COLUMNS = (2.2, 7, 3)


@st.fragment
def explore() -> None:
    """Everything that changes with the view, the layer and the point."""
    status = st.empty()
    name = thread.MODEL.value
    heed_model(name)
    left, centre, right = st.columns(_COLUMNS, gap="medium")
    example = next((each for each in EMBEDDINGS if (each.model, each.text) == (name, thread.TEXT.value)), None)
    look = example.look if example is not None and example.show == SHOW.value else None
    # Whoever chooses another layer waits for the picture; whoever waits for a model has the controls first.
    is_soon = engine.has_model(name)
    if not is_soon:
        _controls(left)
    with centre, in_place():
        with loading(name, status):
            from models.embeddings import EmbedRequest, TableFactsRequest

            engine.model(name)
        if SHOW.value == "context":
            now = context.journey()
            if now is not None:
                layer, point = context.chosen(now)
                around, random = (None, 0.0) if point is None else context.near(now, layer, point)
                facts = ask(EmbedRequest(name, now.texts[0]), status)
                show_notes()
                with right, st.container(key="inspector"):
                    context.inspect(now, layer, point, around, random, look)
                context.picture(now, layer, point, around, facts.first, facts.last)
        elif SHOW.value == "lens":
            found = lens.lens(status)
            show_notes()
            lens.picture(found)
            with right, st.container(key="inspector"):
                lens.inspect(found, look, status)
        else:
            row, near, parts = table.look_up(status)
            facts = ask(TableFactsRequest(name), status)
            show_notes()
            table.picture(row, near, parts, facts)
            with right, st.container(key="inspector"):
                table.inspect(facts, look)
    if is_soon:
        _controls(left)
    below()
    mirror(in_the_link())


def _controls(column: DeltaGenerator) -> None:
    with column, in_place():
        st.session_state["show_box"] = SHOW.value
        st.radio(
            "View",
            list(SHOWN),
            format_func=lambda each: SHOWN[each],
            key="show_box",
            label_visibility="collapsed",
            on_change=lambda: SHOW.choose(st.session_state["show_box"]),
        )
        {"context": context.controls, "lens": lens.controls, "table": table.controls}[SHOW.value]()


receive(EVERY)
if not thread.TEXT.is_chosen and not thread.MODEL.is_chosen:
    open_example(EMBEDDINGS[0])
    # The sidebar has named another model already.
    keep_notes()
    run_again()
question_and_text(
    "What does context do to a word?",
    [(each.label, each.look, lambda each=each: open_example(each)) for each in EMBEDDINGS],
    on_text=forget_text,
)
explore()
