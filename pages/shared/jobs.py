"""A job of a page from its start to its answer: started, watched by a fragment, stopped, or left."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from models.engine import JobError, engine
from pages.shared.link import run_again
from pages.shared.messages import problem

_SECONDS = 0.5


Told = Callable[[Any], tuple[float, str]]


def start(request: Any) -> str:
    """Begin a job of this session's.

    Raises JobError where too many run, of this session or of all, and RequestTooLargeError.
    """
    script = get_script_run_ctx()
    return engine.start(request, script.session_id if script is not None else None)


def answer_of(name: str, request: Any, told: Told, *, is_wanted: bool) -> Any:
    """The request's answer, or None: not asked for, stopped, gone wrong (said here), or under way.

    name: of its widgets and where the session keeps it. told: how far a step is, as a part and in words. is_wanted:
    start it, if it was not started before. What is
    under way is shown with its progress and a way to stop it, and the page runs again when it is done. What the engine
    keeps already is there at once.

    Raises JobError where too many run, and what the kept answer raises.
    """
    if request in engine.answers:
        return engine.run(request)
    known = st.session_state.get(_key(name))
    if known is not None and known[0] != request:
        leave(name)
        known = None
    if known is None and is_wanted:
        known = (request, start(request))
        st.session_state[_key(name)] = known
    if known is None:
        return None
    try:
        progress = engine.poll(known[1])
    except JobError:
        st.session_state.pop(_key(name))
        st.caption("This is not known any more; start it again.")
        return None
    if progress.error:
        problem(progress.error)
        return None
    if not progress.is_done:
        st.fragment(_running, run_every=_SECONDS)(name, known[1], told)
        return None
    # A job that came to its end keeps its answer.
    if request in engine.answers:
        return engine.run(request)
    st.caption("Stopped before it was whole.")
    if st.button("Start again", key=f"{name}_again"):
        leave(name)
        st.session_state[_key(name)] = (request, start(request))
        run_again()
    return None


def leave(name: str) -> None:
    """Stop it, unless it is done, and forget it."""
    _, job = st.session_state.pop(_key(name), (None, None))
    if job is not None:
        _stop(job)


def _running(name: str, job: str, told: Told) -> None:
    """Shown again and again while it runs."""
    try:
        progress = engine.poll(job)
    except JobError:
        run_again()
    if progress.is_done:
        run_again()
    part, said = 0.0, "Reading the text…"
    if progress.steps:
        part, said = told(progress.steps[-1])
    elif progress.place:
        said = f"Others are computing. Your place in the queue: {progress.place}."
    st.progress(min(1.0, part), text=said)
    st.button("Stop", key=f"{name}_stop", on_click=lambda: _stop(job))


def _stop(job: str) -> None:
    with suppress(JobError):
        engine.cancel(job)


def _key(name: str) -> str:
    return f"{name}:job"
