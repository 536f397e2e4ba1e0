"""A job of a page from its start to its end: started, watched by a fragment, stopped, left.

A session has one job of each name at a time. What a job ended with stays until another one is started or it is left.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from models.engine import JobError, engine
from pages.shared.link import note, run_again
from pages.shared.messages import keep_notes, problem
from pages.shared.queue_sentence import in_the_queue

if TYPE_CHECKING:
    from models.engine import Progress

_SECONDS = 0.5
_NOT_KNOWN = "This is not known any more; start it again."

# How far a step is: as a part of 1, and in words.
ProgressText = Callable[[Any], tuple[float, str]]
# Told the request, and the progress with which it ended: by itself, stopped, or with an error.
Ended = Callable[[Any, "Progress"], None]


@dataclass(frozen=True)
class Job:
    """Where a session keeps its job of this name."""

    name: str

    @property
    def request(self) -> Any:
        """What it was started for; None where there is none."""
        return self._known[0]

    def start(self, request: Any) -> None:
        """Begin it for this session; the one that was there is left.

        Raises JobError where too many run, of this session or of all, and RequestTooLargeError.
        """
        self.leave()
        script = get_script_run_ctx()
        job = engine.start(request, script.session_id if script is not None else None)
        st.session_state[self._key] = (request, job)

    def ensure(self, request: Any) -> "Progress":
        """How far the job of this request is, which is started where it is not the one that is known.

        Raises what `start` raises.
        """
        progress = self.poll() if self.request == request else None
        if progress is None:
            self.start(request)
            progress = engine.poll(self._known[1])
        return progress

    def is_for(self, request: Any) -> None:
        """It has answered this request as well: one that asks for no more than it has computed."""
        st.session_state[self._key] = (request, self._known[1])

    def poll(self, since: int = 0) -> "Progress | None":
        """How far it is, with its steps from this one on; None where there is none, or it is not known any more."""
        _, job = self._known
        if job is not None:
            with suppress(JobError):
                return engine.poll(job, since)
        st.session_state.pop(self._key, None)
        return None

    def stop(self) -> None:
        """Stop it; what it has computed so far stays."""
        _, job = self._known
        if job is not None:
            with suppress(JobError):
                engine.cancel(job)

    def leave(self, *, unless_done: bool = False) -> None:
        """Stop it and forget it; called for a view that is not shown any more. unless_done: what is whole stays."""
        if unless_done and (progress := self.poll()) is not None and progress.is_done:
            return
        self.stop()
        st.session_state.pop(self._key, None)

    def stop_button(self, label: str = "Stop") -> None:
        """For a person to stop it with."""
        st.button(label, key=f"{self.name}_stop", on_click=self.stop)

    def start_again_button(self) -> None:
        """For a person to start it again with, once it was stopped."""
        request = self.request
        if st.button("Start again", key=f"{self.name}_again") and request is not None:
            self.start(request)
            run_again()

    def answer(
        self,
        request: Any,
        progress_text: ProgressText,
        *,
        is_wanted: bool,
        instead: Callable[[str], object] = problem,
    ) -> Any:
        """The request's answer, or None: not asked for, stopped, gone wrong (said here), or under way.

        is_wanted: start it, if it was not started before. What is under way is shown with its progress and a way to
        stop it, and the page runs again when it is done. What the engine keeps already is there at once.
        instead: says why it has gone wrong.

        Raises JobError where too many run, and what the kept answer raises.
        """
        if request in engine.answers:
            return engine.run(request)
        if self.request is not None and self.request != request:
            self.leave()
        if self.request is None:
            if not is_wanted:
                return None
            self.start(request)
        progress = self.poll()
        if progress is None:
            st.caption(_NOT_KNOWN)
        elif progress.error:
            instead(progress.error)
        elif not progress.is_done:
            st.fragment(self._bar, run_every=_SECONDS)(progress_text)
        elif request in engine.answers:
            # A job that came to its end keeps its answer.
            return engine.run(request)
        else:
            st.caption("Stopped before it was whole.")
            self.start_again_button()
        return None

    def watch(
        self, ended: Ended, progress_text: ProgressText, at_first: str, *, doing: str = "computing", stop: str = "Stop"
    ) -> None:
        """Show how far it is, if there is one, until it ends; for what leaves something behind, and is no answer.

        ended: told what it ended with, once; the job is left by then, and the page runs again afterwards. at_first,
        doing: as for `bar`. stop: on the button.
        """

        def until_it_ends() -> None:
            request, progress = self.request, self.poll()
            if progress is not None and not progress.is_done:
                bar(progress, progress_text, at_first, doing)
                self.stop_button(stop)
                return
            if progress is not None:
                self.leave()
                ended(request, progress)
            elif request is not None:
                note(_NOT_KNOWN)
            run_again()

        if self.request is not None:
            st.fragment(until_it_ends, run_every=_SECONDS)()

    def state(self, progress_text: ProgressText, at_first: str) -> "Progress":
        """For a fragment that draws what there is so far: a way to stop it, and how far it is. The page runs again once
        it has ended. at_first: as for `bar`.
        """
        progress = self.poll()
        if progress is None or progress.is_done:
            keep_notes()
            run_again()
        with st.container(horizontal=True, vertical_alignment="center", key=f"{self.name}_state"):
            self.stop_button()
            with st.container(width="stretch"):
                bar(progress, progress_text, at_first)
        return progress

    def _bar(self, progress_text: ProgressText) -> None:
        """Shown again and again while it runs."""
        progress = self.poll()
        if progress is None or progress.is_done:
            keep_notes()
            run_again()
        bar(progress, progress_text)
        self.stop_button()

    @property
    def _known(self) -> tuple[Any, Any]:
        return st.session_state.get(self._key, (None, None))

    @property
    def _key(self) -> str:
        return f"{self.name}:job"


def bar(
    progress: "Progress", progress_text: ProgressText, at_first: str = "Reading the text…", doing: str = "computing"
) -> None:
    """How far a job is. at_first: said before its first step. doing: what others do, while it waits for them."""
    part, said = 0.0, waits(progress, doing) or at_first
    if progress.steps:
        part, said = progress_text(progress.steps[-1])
    st.progress(min(1.0, part), text=said)


def waits(progress: "Progress", doing: str = "computing") -> str:
    """The place in the queue of a job that has not begun; "" of one that has."""
    return "" if progress.count or not progress.place else in_the_queue(progress.place, doing)
