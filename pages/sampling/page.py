"""What does each knob do to the next token, and to the text?"""

from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from models.catalog import MODELS
from models.engine import engine
from pages.sampling import next_token, written_text
from pages.sampling.choices import CHOICES, OFF, WRITTEN, is_preset, picked_token, settings_now, settings_of
from pages.sampling.controls import bad_word_ids, biased, draw_controls
from pages.sampling.examples import EXAMPLES
from pages.sampling.inspector import inspect
from pages.sampling.knobs import KNOBS
from pages.sampling.presets import PRESETS
from pages.sampling.tabs import below
from pages.shared import projector, thread
from pages.shared.asking_engine import ask
from pages.shared.loading import loading
from pages.shared.messages import in_place, show_notes
from pages.shared.page import Page, columns, controls_in, inspector_in, offer_another_model, open_now, show
from pages.shared.sentences_and_charts import explanation, remark
from viz.components.knob_sliders import knob_sliders_library
from viz.components.next_token import next_token_library

if TYPE_CHECKING:
    from models.decoding import DecodingSettings, GenerationStep, SamplingStages, TokenTrajectory

_OPENED = "sampling:opened"
_WHAT_TO_DO = (
    "Turn a knob: the curve, the tokens that are left and the numbers follow. Click on a token to follow it through "
    "the stages, or press *Write*: the text goes on below the picture."
)


def explore(status: DeltaGenerator) -> None:
    """Everything that changes with a knob, with the text and with the selected token."""
    name = thread.MODEL.value
    left, centre, right = columns()
    # The same places in every run: Streamlit drops what an overtaken run has not sent yet, but for what belongs to a
    # fragment inside of it (the text while it is written), and that must not end up without the place it belongs to.
    with centre:
        # The text below the picture, which it would push down when it comes.
        notes, stages, text = st.container(), st.container(key="stages"), st.container(key="written")
    with text:
        text, about_text = st.container(), st.container()
    with loading(name, status):
        from models.decoding import NextTokenRequest
        from models.decoding.masked_token import has_masked_head, why_not_filled

        loaded = engine.model(name)
    if MODELS[name].family == "encoder" and not has_masked_head(loaded):
        with centre:
            show_notes()
            offer_another_model(PAGE, EXAMPLES[0], why_not_filled(loaded), key="no_next_token")
        return
    settings = written = found = None
    steps: tuple[GenerationStep, ...] = ()
    with centre, in_place():
        bias = tuple((each.ids[0], each.bias) for each in biased(name, status))
        settings = settings_now(bad_word_ids(name, status), bias)
        written = written_text.written_now(loaded.vocabulary) if MODELS[name].family != "encoder" else None
        steps = written.steps if written else ()
    at = written_text.chosen_place(written)
    before = tuple(step.token_id for step in steps[:at])
    is_soon = NextTokenRequest(name, thread.TEXT.value, before) in engine.answers
    with controls_in(left, lambda: draw_controls(name, settings, status), is_soon=is_soon), centre, in_place():
        if settings is not None:
            came = steps[at].token_id if at < len(steps) else None
            found, token = _answer(settings, before, came, loaded.vocabulary, status)
            with notes:
                show_notes()
            if written is not None:
                with text:
                    written_text.show(written, found.vocabulary)
                with about_text:
                    _about_the_text(settings)
            elif MODELS[name].family != "encoder" and not projector.is_on():
                with text:
                    remark("Press “Write”: the text goes on here, drawn with these knobs.")
            with stages:
                next_token.show(found, settings, before, token.id, came)
    if settings is None or found is None:
        return
    with inspector_in(right):
        with st.container(key="look"):
            explanation(_look())
        inspect(found, token, settings, steps, status)
    below(settings, before, written)


def _look() -> str:
    """What there is to see: of the example that was opened, as long as its text stands there; once its knobs have given
    way to a preset's, of the preset.
    """
    now = open_now(PAGE)
    if now is not None:
        st.session_state[_OPENED] = now.label
    last = next((each for each in EXAMPLES if each.label == st.session_state.get(_OPENED)), None)
    is_there = last is not None and (last.model, last.text) == (thread.MODEL.value, thread.TEXT.value)
    if last is None or not is_there:
        return _WHAT_TO_DO
    preset = None if now else next((each for each in PRESETS if is_preset(each)), None)
    return (preset or last).look


def _answer(
    settings: "DecodingSettings", before: tuple[int, ...], came: int | None, vocabulary: int, status: DeltaGenerator
) -> "tuple[SamplingStages, TokenTrajectory]":
    """The stages after these ids of what was written, and the token that is selected; `came` is the one that stands
    there.
    """
    from models.decoding import SamplingStagesRequest

    picked = picked_token(vocabulary)
    ids = tuple(dict.fromkeys(each for each in (picked, came) if each is not None))
    found = ask(SamplingStagesRequest(thread.MODEL.value, thread.TEXT.value, settings, ids, before), status)
    selected = picked if picked is not None else came if came is not None else found.top[0].id
    return found, next(each for each in (*found.followed, *found.top) if each.id == selected)


def _about_the_text(settings: "DecodingSettings") -> None:
    """Whether the knobs have been turned since it was written."""
    written = settings_of(WRITTEN.value or "")
    # How long it was to become changes no token of it.
    if replace(settings, max_new_tokens=written.max_new_tokens) != written:
        remark("Written with other knobs than those that stand now; the picture shows those that stand now.")


def _libraries() -> None:
    next_token_library()
    knob_sliders_library()


def pictured() -> list[str]:
    """The knobs that are at work."""
    return [knob.said for knob in KNOBS if knob.is_at_work and knob.stage not in OFF.value] or ["No knob is turned"]


PAGE = Page("sampling", explore, CHOICES, EXAMPLES, library=_libraries, pictured=pictured)
show(PAGE)
