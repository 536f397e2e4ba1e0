"""What a model writes: the output of a seq2seq model, and what a decoder goes on with, token by token."""

import html
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from models.catalog import MODELS
from models.engine import JobError, engine
from models.errors import HeadlightError
from pages.attention.choices import LENGTH, LENGTHS, STEP, TARGET, WAY, WAYS
from pages.shared import jobs, thread
from pages.shared.asking import ask
from pages.shared.link import note, run_again

if TYPE_CHECKING:
    from models.attention import TracedText
    from models.decoding import GenerationStep, WriteRequest

LONGEST_TARGET = 512
_LONGEST_OUTPUT = 128
_BEAMS = 4
_JOB = "writing:job"


class OutputError(HeadlightError):
    """An output that cannot be shown."""


@dataclass(frozen=True)
class Written:
    """What a model wrote, token by token: what each adds to the text, and the model's probability for it."""

    pieces: tuple[str, ...]
    texts: tuple[str, ...]
    probabilities: tuple[float, ...]
    is_special: tuple[bool, ...]


def seq2seq_target(status: DeltaGenerator) -> str | tuple[int, ...]:
    """What the decoder is given: what the model itself writes, or what was typed. Raises HeadlightError."""
    from models.decoding import BeamSearchRequest, DecodingSettings, WriteRequest

    model, text = thread.MODEL.value, thread.TEXT.value
    if WAY.value == "typed":
        if len(TARGET.value.split()) > LONGEST_TARGET:
            raise OutputError(
                f"The typed output has {len(TARGET.value.split()):,} pieces; at most {LONGEST_TARGET} can be shown."
            )
        return TARGET.value
    longest = MODELS[model].most_tokens(text, _LONGEST_OUTPUT)
    if WAY.value == "beams":
        found = ask(BeamSearchRequest(model, text, _BEAMS, longest), status)
        return found.beams[0].ids
    steps = ask(WriteRequest(model, text, DecodingSettings(max_new_tokens=longest)), status)
    if steps[-1].ends == "length":
        note(f"The model did not come to an end; its first {longest} tokens are shown.")
    return tuple(step.token_id for step in steps)


def output_controls(written: str) -> None:
    """How the output of a seq2seq model comes about; `written` is what is shown now, to start typing from."""
    with st.popover(f"Output: {WAYS[WAY.value].lower()}", width="stretch"):
        st.session_state["way_box"] = WAY.value

        def way() -> None:
            if st.session_state["way_box"] == "typed" and not TARGET.value:
                TARGET.choose(written)
            WAY.choose(st.session_state["way_box"])
            STEP.choose(0)

        st.radio("Output", list(WAYS), format_func=lambda each: WAYS[each], key="way_box", on_change=way)
        if WAY.value == "typed":
            st.session_state["target_box"] = TARGET.value
            st.text_input(
                "What the model is made to write",
                key="target_box",
                on_change=lambda: TARGET.choose(thread.readable(st.session_state["target_box"])),
                help="The decoder is given this, whatever it would have written itself (teacher forcing).",
            )
            writes = MODELS[thread.MODEL.value].writes
            if writes:
                st.caption(f"This model writes {writes}, with spaces between them.")


def length_control() -> None:
    """How much a decoder goes on to write."""
    st.session_state["length_box"] = LENGTH.value
    st.select_slider(
        "New tokens",
        sorted({*LENGTHS, LENGTH.value}),
        key="length_box",
        on_change=lambda: LENGTH.choose(st.session_state["length_box"]),
    )


def decoder_steps() -> "tuple[GenerationStep, ...] | None":
    """What the decoder wrote; None while it is writing, which is shown as it grows. Raises HeadlightError."""
    from models.decoding import DecodingSettings, WriteRequest

    request = WriteRequest(thread.MODEL.value, thread.TEXT.value, DecodingSettings(max_new_tokens=LENGTH.value))
    job = _job_of(request)
    progress = engine.poll(job)
    if not progress.is_done:
        _growing(job)
        return None
    if progress.error:
        raise OutputError(progress.error)
    if not progress.steps:
        st.session_state.pop(_JOB)
        raise OutputError("It was stopped before the first token; choose a length to start again.")
    if progress.is_cancelled:
        note(f"Stopped after {progress.count} tokens.")
        LENGTH.choose(progress.count)
        st.session_state[_JOB] = (
            replace(request, settings=replace(request.settings, max_new_tokens=progress.count)),
            job,
        )
    return progress.steps


def written_after(steps: "Sequence[GenerationStep]") -> Written:
    """What a decoder wrote after a text."""
    return Written(
        pieces=tuple(step.piece.text for step in steps),
        texts=tuple(step.text for step in steps),
        probabilities=tuple(step.probability for step in steps),
        is_special=tuple(step.piece.is_special for step in steps),
    )


def written_from_source(traced: "TracedText") -> Written:
    """What a seq2seq model wrote, or was made to write."""
    return Written(
        pieces=tuple(each.text for each in traced.written),
        texts=traced.written_texts,
        probabilities=tuple(each.probability for each in traced.written),
        is_special=traced.written_special,
    )


def leave() -> None:
    """Stop what is being written for a view that is not shown any more."""
    _, job = st.session_state.pop(_JOB, (None, None))
    if job is not None:
        with suppress(JobError):
            engine.cancel(job)


def _job_of(request: "WriteRequest") -> str:
    """This session's job for the request; another one is left first."""
    known: tuple[Any, str] | None = st.session_state.get(_JOB)
    if known is not None and known[0] == request:
        try:
            engine.poll(known[1])
        except JobError:
            pass
        else:
            return known[1]
    leave()
    job = jobs.start(request)
    st.session_state[_JOB] = (request, job)
    return job


@st.fragment(run_every=0.3)
def _growing(job: str) -> None:
    progress = engine.poll(job)
    if progress.is_done:
        run_again()
    with st.container(key="growing"):
        if progress.place and not progress.count:
            st.info(f"Others are computing. Your place in the queue: {progress.place}.")
        said = html.escape("".join(step.text for step in progress.steps))
        st.html(f'<p class="headlight-writing">{html.escape(thread.TEXT.value)}<b>{said}</b></p>')
        st.caption(
            f"{progress.count} of at most {LENGTH.value} tokens. The steps can be walked through when it is done."
        )
        st.button("Stop", key="stop_writing", on_click=lambda: engine.cancel(job))
