"""The inspector beside a map of effects: one part's effect, exactly and as estimated, and what the head does."""

from typing import TYPE_CHECKING

import numpy as np
from streamlit.delta_generator import DeltaGenerator

from pages.heads.choices import OF_HEAD, PART, SHOW, head_name
from pages.heads.effects import effects_request, estimate_of, exact_now
from pages.heads.inspector import to_the_studio
from pages.heads.subject import Subject
from pages.shared import thread
from pages.shared.link import NumberPair
from pages.shared.parts import explanation, remark, say
from viz.inspector import heading
from viz.quantities import signed_text
from viz.tables import table

if TYPE_CHECKING:
    from models.heads import Atlas
    from models.heads.effects import Effects
    from models.heads.places import Place

_CAUTION = "With the rest left on; two heads that do the same hide each other. The estimate is one slope: confirm it."
_TRANSFER = "Share of the difference between the two texts: put in alone, the rest of the run as it is."


def inspect_effect(about: Subject, found: "Atlas | None", status: DeltaGenerator) -> None:
    """What becomes of the number without the chosen part."""
    import streamlit as st

    if SHOW.value == "transfer":
        explanation(_TRANSFER)
        return
    request = effects_request(about, status)
    estimate, exact = estimate_of(request, status), exact_now(request)
    place = chosen_place(about, exact if exact is not None and exact.done else estimate)
    if place is None:
        explanation("Press the button below the picture, then click a cell.")
        return
    is_head = request.part == "heads"
    name = head_name(place.layer, place.head) if is_head else f"L{place.layer}, {PART.value}"
    lines = [
        [title, _signed(each, place)] for title, each in (("exact", exact), ("estimate", estimate)) if each is not None
    ]
    unit = next(each.measured.unit for each in (exact, estimate) if each is not None)
    st.html(heading(f"Without {name}") + table(["", unit], lines))
    parted = _how_they_part(exact, estimate, place)
    if parted:
        say(parted)
    if is_head and found is not None:
        names = found.names(place.layer, place.head)
        say(f"It does: {', '.join(each.text for each in names[:3])}." if names else "It has earned no name.")
    remark(_CAUTION)
    if is_head:
        head = NumberPair((place.layer, place.head))
        to_the_studio(thread.MODEL.value, about.kind, head, thread.TEXT.value)


def chosen_place(about: Subject, found: "Effects | None") -> "Place | None":
    """The part that is chosen, else the one that changes most."""
    from models.heads.places import Place

    if found is None:
        return None
    head = OF_HEAD.value
    ranked = [each for each, _ in found.ranked() if each.kind == about.kind or found.part != "heads"]
    if head is not None:
        kind = about.kind if found.part == "heads" or not ranked else ranked[0].kind
        chosen = Place(kind, head[0], head[1] if found.part == "heads" else 0)
        own = next((each for each in found.maps if each.kind == kind), None)
        if own is not None and chosen.layer in own.layers and chosen.head < own.effects.shape[1]:
            return chosen
    return ranked[0] if ranked else None


def _value(found: "Effects | None", place: "Place") -> float:
    own = None if found is None else next((each for each in found.maps if each.kind == place.kind), None)
    return float("nan") if own is None else own.of(place)


def _signed(found: "Effects", place: "Place") -> str:
    value = _value(found, place)
    return "not computed" if np.isnan(value) else signed_text(value)


def _how_they_part(exact: "Effects | None", estimate: "Effects | None", place: "Place") -> str:
    one, other = _value(exact, place), _value(estimate, place)
    if np.isnan(one) or np.isnan(other):
        return ""
    if one * other < 0:
        return "Here the estimate has the wrong sign."
    if max(abs(one), abs(other)) > 2 * min(abs(one), abs(other)):
        return "Here the estimate is off by more than half."
    return ""
