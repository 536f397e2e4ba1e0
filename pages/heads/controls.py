"""The controls of what is measured on the text and how parts are switched off, and the requests that they make."""

from typing import TYPE_CHECKING, Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from models.engine import engine
from pages.heads.choices import (
    AT_TOKEN,
    OFF,
    OFF_TEXT,
    OTHER_WORD,
    PART,
    PARTS,
    QUANTITIES,
    QUANTITY,
    SWITCHED_OFF,
    WAYS_OFF,
    WORD,
)
from pages.heads.text_and_kind import Subject, bank
from pages.shared import thread
from pages.shared.asking_engine import ask
from pages.shared.bound_widgets import bound, names_of, pick
from pages.shared.job import Job
from pages.shared.link import note

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.engine import HowFar
    from models.heads import Part
    from models.heads.measured_quantity import Quantity
    from models.heads.switched_off_values import Off, PartMeansRequest

MEANS = Job("means")
# Sentences over which a mean is taken, and other texts that stand beside an effect.
MEAN_SENTENCES, OTHER_TEXTS = 60, 20


def chosen_quantity(status: DeltaGenerator) -> "Quantity":
    """What is measured: as chosen, else what this model is looked at for first."""
    from models.heads.measured_quantity import QuantitiesRequest, Quantity

    there = ask(QuantitiesRequest(thread.MODEL.value), status)
    of: Any = QUANTITY.value
    if of is not None and of not in there:
        note(f"Of this model {QUANTITIES[of]} cannot be measured; {QUANTITIES[there[0]]} is.")
        QUANTITY.forget()
        of = None
    return Quantity(of or there[0], WORD.value, OTHER_WORD.value, AT_TOKEN.value)


def chosen_off() -> "Off":
    """What a part gives when it is off. Raises BankError."""
    from models.heads.switched_off_values import Off

    if OFF.value == "mean":
        return Off("mean", bank=tuple(each.text for each in bank().sentences[:MEAN_SENTENCES]))
    if OFF.value == "other text":
        return Off("other text", other=OFF_TEXT.value)
    return Off()


def chosen_parts(status: DeltaGenerator) -> "tuple[Part, ...]":
    """The sorts of parts that are switched off: the chosen one, else all that the model has."""
    from models.heads import PartsRequest

    part: Any = PART.value
    return ask(PartsRequest(thread.MODEL.value), status) if part == "all" else (part,)


def means_are_known(about: Subject, parts: "Sequence[Part]") -> bool:
    """Whether all is there that these parts are to give, where that is their mean over the bank."""
    return all(each in engine.answers for each in _means(about, parts))


def read_the_bank(about: Subject, parts: "Sequence[Part]") -> bool:
    """The same; what is not there is computed, and how far it is stands here until then."""
    for each in _means(about, parts):
        name = PARTS[each.part]
        if MEANS.answer(each, lambda step, name=name: _bank_text(step, name), is_wanted=True) is None:
            return False
    return True


def _means(about: Subject, parts: "Sequence[Part]") -> "list[PartMeansRequest]":
    from models.heads.switched_off_values import means_request

    off = chosen_off()
    return [means_request(engine, about.trace, part, off) for part in parts] if off.to == "mean" else []


def _bank_text(step: "HowFar", name: str) -> tuple[float, str]:
    said = f"{name}, their mean over the bank: {step.done:,} of {step.of:,} sentences read"
    return step.done / max(1, step.of), said


def other_text_is_missing() -> bool:
    """Whether parts are to give what they have in another text that nobody has typed yet."""
    return OFF.value == "other text" and not OFF_TEXT.value.strip()


def quantity_controls(status: DeltaGenerator, tokens: tuple[str, ...]) -> None:
    """What is measured."""
    from models.heads.measured_quantity import QuantitiesRequest

    there = ask(QuantitiesRequest(thread.MODEL.value), status)
    if len(there) > 1:
        words = {each: QUANTITIES[each].capitalize() for each in there}
        bound(st.selectbox, QUANTITY, "Measured", **names_of(words), shown=lambda of: of or there[0])
    of = QUANTITY.value or there[0]
    if of in ("next token", "difference", "masked token"):
        bound(st.text_input, WORD, "Token", placeholder="the likeliest", help="Typed; empty for the likeliest one.")
    if of == "difference":
        bound(st.text_input, OTHER_WORD, "Against", placeholder="the second likeliest")
    if of == "vector":
        words = {place: f"{place} {token}" for place, token in enumerate(tokens)}
        bound(st.selectbox, AT_TOKEN, "Of token", **names_of(words), shown=lambda place: place or 0)


def has_estimate(about: Subject, status: DeltaGenerator) -> bool:
    """Whether what is measured has a slope, from which an estimate could be made."""
    from models.heads.measured_quantity import MeasuredRequest

    return ask(MeasuredRequest(about.trace, chosen_quantity(status)), status).has_slope


def off_controls(*, with_parts: bool) -> None:
    """How it is switched off, and what."""
    pick(
        OFF,
        "Off means",
        WAYS_OFF,
        key="off_box",
        help=f"Nothing: a part gives 0, which is unnatural. Mean: its mean over {MEAN_SENTENCES} sentences. Other "
        "text: what it gives in another text.",
    )
    if OFF.value == "other text":
        bound(st.text_area, OFF_TEXT, "The other text", height=68)
    if with_parts:
        pick(PART, "Switched off", SWITCHED_OFF, key="part_box")
