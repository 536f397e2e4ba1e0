"""Talking to people: one sentence, in the place where the picture would be."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit.errors import StreamlitDuplicateElementKey
from streamlit.runtime.scriptrunner import RerunData, get_script_run_ctx

from models.errors import HeadlightError, new_fault
from models.errors import unforeseen as unforeseen_sentence
from models.rust_panics import panics_as_failures
from pages.shared.link import note, take_notes
from pages.shared.plain_text import plain
from pages.shared.thread import MODEL

log = logging.getLogger(__name__)
_SHOWN = "notes:shown"
_TRY = "try another text or model"


def problem(sentence: str) -> None:
    """What is wrong and what to do."""
    with _free_place("problem", 1):
        st.error(plain(sentence), icon=":material/error:")


@contextmanager
def in_place(say: Callable[[str], object] = problem, advice: str = _TRY) -> Iterator[None]:
    """Say what goes wrong inside as one sentence, here, and let the rest of the page live on.

    What nobody foresaw is logged with its trace; the person reads a sentence, with the `advice` what to do.
    """
    try:
        with panics_as_failures():
            yield
    except HeadlightError as error:
        log.info("Refused: %s", type(error).__name__)
        say(str(error))
    except Exception:
        fault = new_fault()
        log.exception("The page failed: fault %s", fault)
        say(unforeseen_sentence(fault, advice))


def take_unforeseen(error: Exception) -> bool:
    """What Streamlit asks about an error that nothing else took, in a page, a fragment or a callback; it is logged.

    The person reads a sentence, in the place where the script was; after a callback the page is shown all the same.
    """
    sentence = str(error)
    if not isinstance(error, HeadlightError):
        fault = new_fault()
        # Streamlit has written the trace.
        log.error("A script failed with %s: fault %s", type(error).__name__, fault)
        sentence = unforeseen_sentence(fault, _TRY)
    script = get_script_run_ctx()
    if script is None or script.has_script_started or script.script_requests is None:
        problem(sentence)
        return True
    note(sentence)
    script.script_requests.request_rerun(
        RerunData(
            query_string=script.query_string,
            page_script_hash=script.page_script_hash,
            cached_message_hashes=script.cached_message_hashes,
            context_info=script.context_info,
        )
    )
    return True


def _free_place(name: str, number: int) -> DeltaGenerator:
    """A container of that name: the picture and the tab below it can each have one in the same run."""
    try:
        return st.container(key=name if number == 1 and name == "problem" else f"{name}_{number}")
    except StreamlitDuplicateElementKey:
        return _free_place(name, number + 1)


def show_notes(*, are_more: bool = False) -> None:
    """What was not taken as it was said, for instance in a link. are_more: others are shown already in this run."""
    of, before = st.session_state.get(_SHOWN, ("", [])) if are_more else ("", [])
    shown = take_notes()
    st.session_state[_SHOWN] = (MODEL.value, [*(before if of == MODEL.value else []), *shown])
    for sentence in shown:
        with _free_place("note", 0):
            st.info(plain(sentence), icon=":material/info:")


def keep_notes() -> None:
    """Called before a rerun that nobody asked for: what was said is said again, so that it can be read.

    What was said while another model was chosen is not: it was about that one.
    """
    model, shown = st.session_state.get(_SHOWN, ("", []))
    for sentence in shown if model == MODEL.value else []:
        note(sentence)
