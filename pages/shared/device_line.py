"""The sidebar's line on the device: which computes, how much of its memory models take, and why one is elsewhere."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from models.engine import engine
from models.errors import HeadlightError
from pages.shared import thread
from pages.shared.plain_text import plain
from viz.number_format import bytes_text

_SAID = "device:said"


def said_before() -> str:
    """What this session read last, to stand there until it is said anew: another height would move what is below."""
    return st.session_state.get(_SAID, "Computes on: …")


def show_device(place: DeltaGenerator) -> None:
    """Say it in `place` (an `st.empty`). Imports torch: called after the page has been painted."""
    try:
        use = engine.memory()
        sentences = [
            f"Computes on: {engine.device().name}. Models take {bytes_text(use.models)}; {bytes_text(use.most)} of its "
            f"{bytes_text(use.has)} are for them."
        ]
        name = thread.MODEL.value
        if engine.has_model(name):
            sentences.append(engine.model(name).note)
    except HeadlightError as error:
        place.error(plain(str(error)))
        return
    st.session_state[_SAID] = " ".join(filter(None, sentences))
    place.caption(said_before())
