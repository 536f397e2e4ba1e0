"""The written text: a job while it is written, its tokens, and the tree of its branches."""

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import streamlit as st

from models.catalog import MODELS
from models.engine import engine
from pages.sampling.choices import AT, BRANCH, BRANCHES, COLOUR, PICK, WRITTEN, Branch, settings_of
from pages.shared import thread
from pages.shared.job import Job, waits
from pages.shared.link import note, run_again
from pages.shared.messages import keep_notes, problem
from viz.components.written_text import BranchLine, WrittenText, WrittenToken, written_text
from viz.number_format import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.decoding import DecodingSettings, GenerationStep, WriteRequest

JOB = Job("text")
_ASKED = "written:asked"
_EVERY_SECONDS = 0.3
_LABEL_CHARACTERS = 80


@dataclass(frozen=True, eq=False)
class Continuation:
    """What is written so far: by which request, its steps, and whether no more will come of themselves."""

    request: "WriteRequest"
    steps: "tuple[GenerationStep, ...]"
    is_done: bool

    @property
    def settings(self) -> "DecodingSettings":
        """With which it was written."""
        return self.request.settings

    @property
    def goes_on(self) -> bool:
        """Whether a token could follow the last one."""
        return not self.steps or self.steps[-1].ends in (None, "length")


def written_now(vocabulary: int) -> Continuation | None:
    """The text that is chosen, as far as it is written; None where none is. Starts its job where it must.

    vocabulary: how many tokens the model has; a link may forbid others.
    """
    from models.decoding import WriteRequest

    said = WRITTEN.value
    if said is None:
        JOB.leave()
        return None
    settings = settings_of(said)
    named = (*(token for word in settings.bad_words for token in word), *(token for token, _ in settings.logit_bias))
    if any(token >= vocabulary for token in named):
        _give_up(f"The text was written with a rule for a token that is not here; the vocabulary has {vocabulary:,}.")
        return None
    request = WriteRequest(thread.MODEL.value, thread.TEXT.value, settings, BRANCH.value.turns)
    if request in engine.answers:
        return Continuation(request, engine.run(request), is_done=True)
    progress = JOB.ensure(request)
    if progress.is_done and progress.error:
        _give_up(progress.error)
        return written_now(vocabulary)
    return Continuation(request, tuple(progress.steps), progress.is_done)


def _give_up(error: str) -> None:
    """A text that cannot be written is not tried again with every rerun; a branch falls back to what it left."""
    JOB.leave()
    if BRANCH.value:
        note(error)
        BRANCHES.choose(type(BRANCHES.value)(each for each in BRANCHES.value if each != BRANCH.value))
        BRANCH.choose(Branch(BRANCH.value[:-1]))
    else:
        problem(error)
        WRITTEN.choose(None)


def ask_for_it() -> None:
    """Called for whoever asks for a text, or for more of it: it comes into sight, wherever it was asked for."""
    st.session_state[_ASKED] = st.session_state.get(_ASKED, 0) + 1


def show(written: Continuation, vocabulary: int) -> None:
    """The text, again and again while it is written; in a container that holds nothing else."""
    if written.is_done:
        _show(written, vocabulary, AT.value)
    else:
        st.fragment(_show, run_every=_EVERY_SECONDS)(written, vocabulary, AT.value)


def _show(written: Continuation, vocabulary: int, shown: int) -> None:
    steps, in_the_queue = written.steps, ""
    if not written.is_done:
        progress = JOB.poll()
        # What is selected meanwhile is shown beside the text, outside of this fragment.
        if progress is None or progress.is_done or AT.value != shown:
            keep_notes()
            run_again()
        steps, in_the_queue = tuple(progress.steps), waits(progress)
    lines, current = tree(written, steps)
    by_hand = {step for step, _ in BRANCH.value}
    is_seq2seq = MODELS[thread.MODEL.value].family == "seq2seq"
    written_text(
        WrittenText(
            before="" if is_seq2seq else thread.TEXT.value,
            tokens=[
                WrittenToken(
                    step.text,
                    step.piece.text,
                    step.probability,
                    step.drawn_probability,
                    step.rank,
                    step.index in by_hand,
                )
                for step in steps
            ],
            selected=min(AT.value, len(steps)),
            goes_on=written.goes_on,
            is_done=written.is_done,
            shade=COLOUR.value,
            vocabulary=vocabulary,
            # In the picture and not above it: the fragment always has the same elements, in the same places.
            says=in_the_queue or _says(steps, written.is_done),
            branches=lines,
            current=current,
            asked=st.session_state.get(_ASKED, 0),
        ),
        key="written_text",
        on_token=_select,
        on_shade=COLOUR.choose,
        on_branch=lambda place: _walk(branches()[place]) if place < len(branches()) else None,
    )
    if not written.is_done:
        JOB.stop_button()


def _select(place: int) -> None:
    AT.choose(place)
    PICK.choose(None)


def _walk(branch: Branch) -> None:
    BRANCH.choose(branch)
    PICK.choose(None)
    if branch:
        AT.choose(branch[-1][0])


def _says(steps: "Sequence[GenerationStep]", is_done: bool) -> str:
    """Mean cross-entropy and perplexity of what was written, by the model's own probabilities, and how it ended."""
    if not steps:
        return "Writing…"
    mean = sum(step.surprisal for step in steps) / len(steps)
    said = (
        f"{counted(len(steps), 'token')}. Mean cross-entropy {mean:.2f} nats a token ({mean / math.log(2):.2f} bits), "
        f"perplexity {math.exp(min(mean, 700)):,.4g}."
    )
    ends = {
        "end token": "It drew its end token.",
        "stop text": "A stop text came.",
        "positions": "The model has no positions left.",
    }.get(steps[-1].ends or "", "")
    if not is_done:
        ends = "Writing…"
    elif steps[-1].ends is None:
        ends = "Stopped."
    return f"{said} {ends}".strip()


def branches() -> list[Branch]:
    """Every branch that was walked, the text as drawn first, each behind the one it left."""
    known = {Branch(), BRANCH.value, *BRANCHES.value}
    # What a branch left is a way that one can walk back to.
    known |= {Branch(each[:count]) for each in known for count in range(len(each))}
    return sorted(known, key=lambda branch: tuple(branch))


def tree(written: Continuation, steps: "Sequence[GenerationStep]") -> tuple[list[BranchLine], int]:
    """The lines of the tree and which of them is shown."""
    every = branches()
    if len(every) == 1:
        return [], 0
    loaded = engine.model(written.request.model)
    lines = []
    for branch in every:
        request = replace(written.request, branch=branch.turns)
        known = steps if branch == BRANCH.value else engine.run(request) if request in engine.answers else ()
        first = branch[-1][0] if branch else 0
        token = branch[-1][1] if branch else None
        # A link may name a token that this model does not have.
        is_known = token is not None and token < loaded.vocabulary
        piece = loaded.pieces([token])[0].text if is_known else "" if token is None else str(token)
        text = "".join(step.text for step in known[first + 1 if branch else 0 :])
        lines.append(BranchLine(piece, first + 1, text[:_LABEL_CHARACTERS], len(branch)))
    return lines, every.index(BRANCH.value)


def chosen_place(written: Continuation | None) -> int:
    """The place in the text whose next-token distribution is shown; a place beyond it is said and not taken."""
    if written is None:
        if AT.value and MODELS[thread.MODEL.value].family != "encoder":
            note(f"The link points at token {AT.value + 1:,} of a text, but none is written; press “Write”.")
        AT.choose(0)
        return 0
    most = len(written.steps) if written.goes_on else len(written.steps) - 1
    if written.is_done and AT.value > max(0, most):
        note(
            f"The link points at token {AT.value + 1:,}, but this text has {len(written.steps)}; its first one is "
            "shown."
        )
        AT.choose(0)
    return min(AT.value, len(written.steps))
