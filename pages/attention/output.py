"""What a model writes: the output of a seq2seq model, and what a decoder goes on with, token by token."""

import html
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from models.catalog import MODELS
from models.errors import HeadlightError
from pages.attention.choices import LENGTH, STEP, TARGET, WAY, WAYS
from pages.shared import thread
from pages.shared.asking_engine import ask
from pages.shared.bound_widgets import bound, names_of
from pages.shared.greedy_output import LONGEST_OUTPUT, greedy_output
from pages.shared.job import Job, waits
from pages.shared.link import note, run_again

if TYPE_CHECKING:
    from models.attention.outputs import OutputToken
    from models.decoding import GenerationStep

LONGEST_TARGET = 512
_BEAMS = 4
JOB = Job("steps")


class OutputError(HeadlightError):
    """An output that cannot be shown."""


def seq2seq_target(status: DeltaGenerator) -> str | tuple[int, ...]:
    """What the decoder is given: what the model itself writes, or what was typed. Raises HeadlightError."""
    from models.decoding import BeamSearchRequest

    model, text = thread.MODEL.value, thread.TEXT.value
    if WAY.value == "typed":
        if len(TARGET.value.split()) > LONGEST_TARGET:
            raise OutputError(
                f"The typed output has {len(TARGET.value.split()):,} pieces; at most {LONGEST_TARGET} can be shown."
            )
        return TARGET.value
    if WAY.value == "beams":
        longest = MODELS[model].most_tokens(text, LONGEST_OUTPUT)
        found = ask(BeamSearchRequest(model, text, _BEAMS, longest), status)
        return found.beams[0].ids
    return greedy_output(status)


def output_controls(written: str) -> None:
    """How the output of a seq2seq model comes about; `written` is what is shown now, to start typing from."""

    def another_way() -> None:
        if WAY.value == "typed" and not TARGET.value:
            TARGET.choose(written)
        STEP.forget()

    with st.popover(f"Output: {WAYS[WAY.value].lower()}", width="stretch"):
        bound(st.radio, WAY, "Output", **names_of(WAYS), key="way_box", also=another_way)
        if WAY.value == "typed":
            bound(
                st.text_input,
                TARGET,
                "What the model is made to write",
                help="The decoder is given this, whatever it would have written itself (teacher forcing).",
            )
            writes = MODELS[thread.MODEL.value].writes
            if writes:
                st.caption(f"This model writes {writes}, with spaces between them.")


def steps_of_writing() -> "tuple[GenerationStep, ...] | None":
    """What the decoder wrote; None while it is writing, which is shown as it grows. Raises HeadlightError."""
    from models.decoding import DecodingSettings, WriteRequest

    request = WriteRequest(thread.MODEL.value, thread.TEXT.value, DecodingSettings(max_new_tokens=LENGTH.value))
    progress = JOB.ensure(request)
    if not progress.is_done:
        st.fragment(_growing, run_every=0.3)()
        return None
    if progress.error:
        raise OutputError(progress.error)
    if not progress.steps:
        JOB.leave()
        raise OutputError("It was stopped before the first token; choose a length to start again.")
    if progress.is_cancelled:
        note(f"Stopped after {progress.count} tokens.")
        LENGTH.choose(progress.count)
        JOB.is_for(replace(request, settings=replace(request.settings, max_new_tokens=progress.count)))
    return progress.steps


def written_after(steps: "Sequence[GenerationStep]") -> "tuple[OutputToken, ...]":
    """What a decoder wrote after a text."""
    from models.attention.outputs import OutputToken

    return tuple(
        OutputToken(piece.id, piece.text, step.probability, step.text, piece.is_special, piece.is_unknown)
        for step, piece in ((each, each.piece) for each in steps)
    )


def _growing() -> None:
    progress = JOB.poll()
    if progress is None or progress.is_done:
        run_again()
    with st.container(key="growing"):
        if said := waits(progress):
            st.info(said)
        text = html.escape("".join(step.text for step in progress.steps))
        st.html(f'<p class="headlight-writing">{html.escape(thread.TEXT.value)}<b>{text}</b></p>')
        st.caption(
            f"{progress.count} of at most {LENGTH.value} tokens. The steps can be walked through when it is done."
        )
        JOB.stop_button()
