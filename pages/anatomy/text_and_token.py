"""The text as the model reads it, and the token of it that is looked at: the thread's, of a seq2seq model a step."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from models.catalog import MODELS
from pages.anatomy.choices import PART, PLAN_OF, SAID_STEP
from pages.shared import thread
from pages.shared.asking_engine import ask
from pages.shared.bound_widgets import bound, names_of
from pages.shared.greedy_output import greedy_output
from pages.shared.link import note

if TYPE_CHECKING:
    from models.attention import TracedText, TraceRequest


@dataclass(frozen=True)
class AtToken:
    """A text, and a place in it.

    tokens: those that can be chosen: of the text, or what each step of a seq2seq model writes. kind: of the stack that
    they go up. rows: what the decoder is given at each step, or the text's tokens.
    """

    trace: "TraceRequest"
    text: "TracedText"
    tokens: tuple[str, ...]
    place: int
    kind: str

    @property
    def token(self) -> str:
        """The token that is looked at."""
        return self.tokens[self.place]


def at_token(status: DeltaGenerator) -> AtToken:
    """The thread's text in the thread's model, at the thread's token. Raises HeadlightError."""
    from models.attention import TracedTextRequest, TraceRequest

    model = thread.MODEL.value
    is_seq2seq = MODELS[model].family == "seq2seq"
    trace = TraceRequest(model, thread.TEXT.value, greedy_output(status) if is_seq2seq else None)
    text = ask(TracedTextRequest(trace), status)
    if not is_seq2seq:
        place = thread.current_token(text.tokens, text.is_special, text.spans)
        return AtToken(trace, text, text.tokens, place, text.kinds[0])
    tokens = tuple(each.text for each in text.written)
    place = SAID_STEP.value or 0
    if place >= len(tokens):
        note(f"There is no step {place} in what is written; the last one is shown.")
        place = len(tokens) - 1
        SAID_STEP.choose(place)
    return AtToken(trace, text, tokens, place, "decoder")


def layer_of_plan(kind: str, layers: Sequence[int]) -> int | None:
    """The layer of this stack that is open in the plan above, where it is one of these."""
    named = re.match(rf"(?:layer|{kind})\.(\d+)(?:/|$)", PART.value or "")
    return int(named[1]) if named and not PLAN_OF.value and int(named[1]) in layers else None


def token_control(at: AtToken, label: str, key: str) -> None:
    """Which token is looked at. key: of the widget, which stands on several tabs."""
    words = {place: f"{place}  {token}" for place, token in enumerate(at.tokens)}
    choice = SAID_STEP if MODELS[at.trace.model].family == "seq2seq" else thread.TOKEN
    bound(st.selectbox, choice, label, key=key, shown=lambda _: at.place, **names_of(words))
