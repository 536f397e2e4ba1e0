"""The tokenizer of any model of the hub: fetched by itself, and opened like a file of one's own."""

from contextlib import suppress

import streamlit as st

from models.engine import JobError, engine
from models.errors import HeadlightError
from models.loading.hub_ids import hub_id, is_closed
from models.one_at_a_time import libraries
from pages.shared import jobs
from pages.shared.link import run_again
from pages.shared.messages import problem
from pages.tokenizing import own
from pages.tokenizing.choices import add

_JOB, _SAID = "hub_tokenizer:job", "hub_tokenizer:said"
_SECONDS = 0.4


def from_hub(pattern: str) -> None:
    """The field for an id, and how far its tokenizer is. `pattern`: for a .tiktoken file, one of PATTERNS."""
    if is_closed():
        st.caption("The hub is closed on this server: open a file instead.")
        return
    with st.form("hub_tokenizer_form", border=False):
        typed = st.text_input(
            "Or a model of the hub",
            key="hub_tokenizer",
            placeholder="openai-community/gpt2",
            help="ORGANISATION/NAME, or ORGANISATION/NAME@REVISION; its tokenizer alone is fetched.",
        )
        pressed = st.form_submit_button("Fetch its tokenizer")
    if pressed:
        _leave()
        st.session_state.pop(_SAID, None)
        libraries()
        from models.loading.hub_tokenizers import FetchTokenizerRequest

        try:
            which = hub_id(typed)
            st.session_state[_JOB] = (which.repository, jobs.start(FetchTokenizerRequest(which.name)))
        except HeadlightError as error:
            st.session_state[_SAID] = str(error)
    if _JOB in st.session_state:
        st.fragment(_watch, run_every=_SECONDS)(pattern)
    if _SAID in st.session_state:
        problem(st.session_state[_SAID])


def _watch(pattern: str) -> None:
    """How far it is; when it is there its tokenizer becomes a column."""
    repository, job = st.session_state.get(_JOB, ("", None))
    if job is None:
        return
    try:
        progress = engine.poll(job)
        if progress.is_done:
            st.session_state.pop(_JOB)
            if progress.error is not None:
                st.session_state[_SAID] = progress.error
            elif progress.steps and not progress.is_cancelled:
                _open(repository, progress.steps[-1].data, pattern)
            run_again()
    except HeadlightError as error:
        st.session_state.pop(_JOB, None)
        st.session_state[_SAID] = str(error)
        run_again()
    part, said = 0.0, "Asking the hub…"
    if progress.steps and hasattr(progress.steps[-1], "total"):
        step = progress.steps[-1]
        part, said = step.done / max(1, step.total), f"{step.done / 1e6:.1f} of {step.total / 1e6:.1f} MB"
    st.progress(min(1.0, part), text=said)
    st.button("Cancel", key="hub_tokenizer_cancel", on_click=_leave)


def _open(repository: str, data: bytes, pattern: str) -> None:
    from models.tokenization import open_tokenizer_file

    opened = open_tokenizer_file(data, pattern)
    add(own.keep(opened, repository.rpartition("/")[2]))
    st.session_state[own.NOTES] = list(opened.notes)


def _leave() -> None:
    _, job = st.session_state.pop(_JOB, (None, None))
    if job is not None:
        with suppress(JobError):
            engine.cancel(job)
