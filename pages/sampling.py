"""What does each knob do to the next token, and to the text?"""

from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from models.catalog import MODELS
from models.engine import engine
from pages.decoding import controls, picture, writing
from pages.decoding.beside import inspect
from pages.decoding.choices import (
    EVERY,
    FOLLOW,
    WRITTEN,
    followed,
    forget_text,
    heed_thread,
    in_the_link,
    look_now,
    open_example,
    settings_now,
    settings_of,
)
from pages.decoding.tabs import Shown, below
from pages.shared import door, thread
from pages.shared.asking import ask
from pages.shared.examples import SAMPLING
from pages.shared.link import mirror, receive, run_again
from pages.shared.loading import loading
from pages.shared.messages import in_place, keep_notes, show_notes
from pages.shared.text import question_and_text
from viz.components.next_token import next_token_library
from viz.inspector import line

if TYPE_CHECKING:
    from models.decoding import DecodingSettings, GenerationStep, SamplingStages, TokenTrajectory

_COLUMNS = (2.2, 7, 3)


@st.fragment
def explore() -> None:
    """Everything that changes with a knob, with the text and with the selected token."""
    status = st.empty()
    name = thread.MODEL.value
    card = MODELS[name]
    heed_thread()
    left, centre, right = st.columns(_COLUMNS, gap="medium")
    # The same places in every run: Streamlit drops what an overtaken run has not sent yet, but for what belongs to a
    # fragment inside of it (the text while it is written), and that must not end up without the place it belongs to.
    with centre:
        notes, text, waterfall = st.container(), st.container(key="written"), st.container(key="waterfall")
    with text:
        text, about_text = st.container(), st.container()
    with in_place():
        with loading(name, status):
            from models.decoding import NextTokenRequest

            loaded = engine.model(name)
        settings = written = found = None
        steps: tuple[GenerationStep, ...] = ()
        with centre, in_place():
            settings = settings_now(controls.bad_word_ids(name, status))
            written = writing.written_now(loaded.vocabulary) if card.family != "encoder" else None
            steps = tuple(written.steps) if written else ()
        at = writing.chosen_place(written)
        before = tuple(step.token_id for step in steps[:at])
        # Whoever turns a knob waits for the picture, and the browser is left alone while it is computed; whoever waits
        # for a forward has the knobs first.
        is_soon = NextTokenRequest(name, thread.TEXT.value, before) in engine.answers
        if not is_soon:
            _knobs(left, settings, status)
        with centre, in_place():
            if settings is not None:
                found, token, came = _answer(settings, written, loaded.vocabulary, status)
                with notes:
                    show_notes()
                if written is not None:
                    with text:
                        writing.show(written, found.vocabulary)
                    with about_text:
                        _about_the_text(settings)
                with waterfall:
                    picture.show(found, settings, name, token.id, came)
        if is_soon:
            _knobs(left, settings, status)
        if settings is not None and found is not None:
            with right, st.container(key="inspector"):
                look = look_now() if written is None and FOLLOW.value is None else None
                inspect(found, token, settings, steps, look, status)
            below(Shown(name, thread.TEXT.value, settings, before, written))
    mirror(in_the_link())


def _knobs(column: DeltaGenerator, settings: "DecodingSettings | None", status: DeltaGenerator) -> None:
    name = thread.MODEL.value
    with column, in_place():
        controls.presets()
        with st.container(key="knobs"):
            controls.knobs(name, status)
        if settings is not None and MODELS[name].family != "encoder":
            controls.writing(settings)


def _answer(
    settings: "DecodingSettings", written: writing.Written | None, vocabulary: int, status: DeltaGenerator
) -> "tuple[SamplingStages, TokenTrajectory, int | None]":
    """The stages at the chosen place of what was written, the token that is selected, and the one that came there."""
    from models.decoding import SamplingStagesRequest

    at = writing.chosen_place(written)
    steps = written.steps if written else ()
    came = steps[at].token_id if at < len(steps) else None
    picked = followed(vocabulary)
    ids = tuple(dict.fromkeys(each for each in (picked, came) if each is not None))
    before = tuple(step.token_id for step in steps[:at])
    found = ask(SamplingStagesRequest(thread.MODEL.value, thread.TEXT.value, settings, ids, before), status)
    selected = picked if picked is not None else came if came is not None else found.top[0].id
    return found, next(each for each in (*found.followed, *found.top) if each.id == selected), came


def _about_the_text(settings: "DecodingSettings") -> None:
    """Whether the knobs have been turned since it was written."""
    written = settings_of(WRITTEN.value or "")
    # How long it was to become changes no token of it.
    if replace(settings, max_new_tokens=written.max_new_tokens) != written:
        st.html(line("Written with other knobs than those that stand now; the picture shows those that stand now."))


door.enter()
receive(EVERY)
next_token_library()
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
