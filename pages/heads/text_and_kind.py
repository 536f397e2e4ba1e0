"""What the page is about: a model, a kind of its attention, a text, and the sentences on which heads are judged."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from models.catalog import MODELS
from pages.heads.choices import BANK, KINDS, OF_KIND, SENTENCES, SHOW
from pages.shared import thread
from pages.shared.asking_engine import ask
from pages.shared.greedy_output import greedy_output
from pages.shared.link import note
from pages.shared.scroll_into_sight import PICTURE
from pages.shared.sentences_and_charts import explanation

if TYPE_CHECKING:
    from models.attention import TracedText, TraceRequest
    from models.heads import AtlasRequest, Bank

UPLOADED = "heads:treebank"
# A line of CoNLL-U: a number and nine columns more.
_OF_CONLLU = re.compile(r"^\d[\d.-]*(?:\t[^\t\n]*){9}$", re.MULTILINE)


@dataclass(frozen=True)
class Subject:
    """A text as a model reads it, and the kind of attention that is spoken of."""

    trace: "TraceRequest"
    traced: "TracedText"
    kind: str


def kinds_of(model: str) -> tuple[str, ...]:
    """The kinds of attention of a model, by its family."""
    family = MODELS[model].family
    return tuple(KINDS) if family == "seq2seq" else (family,)


def stack_of(kind: str) -> str:
    """The stack of layers in which attention of this kind stands: "encoder" or "decoder"."""
    return "encoder" if kind == "encoder" else "decoder"


def chosen_kind() -> str:
    """The kind that is spoken of: cross-attention where there is any, unless another is chosen."""
    kinds = kinds_of(thread.MODEL.value)
    kind = OF_KIND.value
    if kind is not None and kind not in kinds:
        note(f"This model has no {KINDS[kind].lower()} attention; another kind is shown.")
        OF_KIND.forget()
        kind = None
    return kind or kinds[-1]


def subject(kind: str, status: DeltaGenerator) -> Subject:
    """The thread's text as the thread's model reads it. Raises HeadlightError."""
    from models.attention import TracedTextRequest, TraceRequest

    model = thread.MODEL.value
    target = greedy_output(status) if MODELS[model].family == "seq2seq" else None
    trace = TraceRequest(model, thread.TEXT.value, target)
    return Subject(trace, ask(TracedTextRequest(trace), status), kind)


def sentences_are_missing() -> bool:
    """Whether a person wants sentences of their own, and has brought none yet."""
    return BANK.value == "own" and not SENTENCES.value.strip() and st.session_state.get(UPLOADED) is None


def bank() -> "Bank":
    """The sentences on which heads are judged: those that come with the page, or a person's own. Raises BankError."""
    from models.heads import bundled_bank, plain_bank, treebank

    if BANK.value == "bundled":
        return bundled_bank()
    if (brought := st.session_state.get(UPLOADED)) is not None:
        return brought
    typed = SENTENCES.value
    # Somebody pasted a treebank where sentences are typed.
    return treebank(typed.encode()) if _OF_CONLLU.search(typed) else plain_bank(typed)


def offer_picture(name: str, why: str, label: str) -> None:
    """For a tab about another picture than the one that is shown: why, and a button that shows it."""

    def show() -> None:
        SHOW.choose(name)
        PICTURE.wanted()

    explanation(why)
    st.button(label, key=f"show_{name}", on_click=show, type="primary")


def atlas_request(kind: str) -> "AtlasRequest":
    """What the atlas of the thread's model is asked for with. Raises BankError."""
    from models.heads import AtlasRequest

    return AtlasRequest(thread.MODEL.value, kind, bank())
