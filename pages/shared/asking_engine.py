"""Asking the engine from a page, with the place in the queue shown while it waits."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.scriptrunner_utils.script_requests import ScriptRequestType

from models.engine import Request, engine
from models.engine.cancellation import NobodyWaits, Wanted
from pages.shared.queue_sentence import in_the_queue

Answer = TypeVar("Answer")


@contextmanager
def working(sentence: str, status: DeltaGenerator) -> Iterator[None]:
    """Show in `status` (an `st.empty`) what is being done, where it takes longer than half a second.

    What is done sooner shows nothing: a line that comes and goes moves the whole page down and up again.
    """
    with status.spinner(sentence):
        yield


def ask(request: Request[Answer], status: DeltaGenerator) -> Answer:
    """The engine's answer; while somebody else computes, `status` (an `st.empty`) shows the place in the queue.

    It stops, and the script with it, when the person has left or turned to something else. Raises what the request
    raises.
    """
    waited = False

    def on_wait(place: int) -> None:
        nonlocal waited
        waited = True
        status.info(in_the_queue(place), icon=":material/hourglass_top:")

    try:
        return engine.run(request, on_wait, still_here())
    except NobodyWaits:
        st.stop()
    finally:
        if waited:
            status.empty()


def still_here() -> Wanted:
    """Whether this run of a script is still wanted, to be asked from any thread: false once its session has ended, or
    runs anew because of what the person did.

    Streamlit tells a script so with its next element, and in a forward there is none.
    """
    script = get_script_run_ctx()
    requests = script.script_requests if script is not None else None
    return lambda: requests is None or requests._state is not ScriptRequestType.STOP


def let_it_leave() -> None:
    """Let what the page has sent leave, before more is computed: another thread sends it, and waits for a moment in
    which this one does nothing.
    """
    time.sleep(0.002)
