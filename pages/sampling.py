"""What does each knob do to the next token, and to the text?"""

from contextlib import nullcontext
from typing import TYPE_CHECKING

import streamlit as st

from models.catalog import MODELS
from models.engine import engine
from pages.decoding import controls, picture, writing
from pages.decoding.beside import inspect
from pages.decoding.choices import (
    EVERY,
    WRITTEN,
    followed,
    forget_text,
    heed_thread,
    in_the_link,
    look_now,
    open_example,
    said_of,
    settings_now,
)
from pages.decoding.tabs import Shown, below
from pages.shared import door, thread
from pages.shared.asking import ask, working
from pages.shared.examples import SAMPLING
from pages.shared.link import mirror, receive, run_again
from pages.shared.messages import in_place, keep_notes, show_notes
from pages.shared.text import question_and_text
from viz.inspector import line

if TYPE_CHECKING:
    from models.decoding import DecodingSettings

_COLUMNS = (2.2, 7, 3)


@st.fragment
def explore() -> None:
    """Everything that changes with a knob, with the text and with the selected token."""
    status = st.empty()
    name = thread.MODEL.value
    card = MODELS[name]
    heed_thread()
    left, centre, right = st.columns(_COLUMNS, gap="medium")
    with in_place():
        loading = working(f"Loading {card.title}, once for everybody…", status)
        with nullcontext() if engine.has_model(name) else loading:
            # torch comes with these, and is not waited for before the first paint.
            from models.decoding import WaterfallRequest

            loaded = engine.model(name)
        with left:
            controls.presets()
            with st.container(key="knobs"):
                controls.knobs(name, status)
            settings = settings_now(controls.bad_word_ids(name, status))
            if card.family != "encoder":
                controls.writing(settings)
        with centre:
            written = writing.written_now(loaded.vocabulary) if card.family != "encoder" else None
            at = writing.chosen_place(written)
            steps = written.steps if written else ()
            before = tuple(step.token_id for step in steps[:at])
            came = steps[at].token_id if at < len(steps) else None
            picked = followed(loaded.vocabulary)
            ids = tuple(dict.fromkeys(each for each in (picked, came) if each is not None))
            found = ask(WaterfallRequest(name, thread.TEXT.value, settings, ids, before), status)
            selected = picked if picked is not None else came if came is not None else found.top[0].id
            show_notes()
            if written is not None:
                with st.container(key="written"):
                    writing.show(written, found.vocabulary)
                    _about_the_text(settings)
            with st.container(key="waterfall"):
                picture.show(found, settings, name, selected, came)
        with right, st.container(key="inspector"):
            token = next(each for each in (*found.followed, *found.top) if each.id == selected)
            look = look_now() if written is None and picked is None else None
            inspect(found, token, settings, steps, look, status)
        below(Shown(name, thread.TEXT.value, settings, before, written))
    mirror(in_the_link())


def _about_the_text(settings: "DecodingSettings") -> None:
    """Whether the knobs have been turned since it was written."""
    if said_of(settings) != WRITTEN.value:
        st.html(line("Written with other knobs than those that stand now; the picture shows those that stand now."))


door.enter()
receive(EVERY)
if not thread.TEXT.is_chosen and not thread.MODEL.is_chosen:
    # What the link says of the knobs stays.
    thread.choose_model(SAMPLING[0].model)
    thread.choose_text(SAMPLING[0].text)
    # The sidebar has named another model already.
    keep_notes()
    run_again()
question_and_text(
    "What does each knob do?",
    [(each.label, each.look, lambda each=each: open_example(each)) for each in SAMPLING],
    on_text=forget_text,
)
explore()
