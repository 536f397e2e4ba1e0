"""The inspector beside a map of effects: one part's effect, exactly and as estimated, and what the head does."""

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.heads.choices import INTO, OF_HEAD, PART, head_name
from pages.heads.effects import effects_request, estimate_of, exact_now
from pages.heads.inspector import to_the_studio
from pages.heads.subject import Subject
from pages.heads.transfer import largest, transfer_now, transfer_request
from pages.shared import thread
from pages.shared.link import NumberPair
from pages.shared.parts import explanation, remark, say
from viz.inspector import heading
from viz.quantities import part_text, signed_text
from viz.tables import table

if TYPE_CHECKING:
    from models.heads import Atlas
    from models.heads.effects import Effects
    from models.heads.places import Place

_CAUTION = "With the rest left on; two heads that do the same hide each other. The estimate is one slope: confirm it."
_TRANSFER = "Share of the difference between the two texts: put in alone, the rest of the run as it is."


def inspect_effect(about: Subject, found: "Atlas | None", status: DeltaGenerator) -> None:
    """What becomes of the number without the chosen part."""
    request = effects_request(about, status)
    estimate, exact = estimate_of(request, status), exact_now(request)
    place = chosen_place(about, exact if exact is not None and exact.done else estimate)
    if place is None:
        explanation("Press the button in the middle, then click a cell.")
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
    if is_head:
        _does(found, NumberPair((place.layer, place.head)))
    remark(_CAUTION)
    if is_head:
        head = NumberPair((place.layer, place.head))
        to_the_studio(thread.MODEL.value, about.kind, head, thread.TEXT.value)


def inspect_transfer(about: Subject, found: "Atlas | None", status: DeltaGenerator) -> None:
    """How much comes over with the chosen head; else with the part with which most does."""
    explanation(_TRANSFER)
    if not INTO.value:
        return
    request = transfer_request(about, status)
    given = transfer_now(request)
    ranked = largest(given) if given is not None else []
    if given is None or not ranked:
        return
    own = next((each for each in given.maps if each.kind == about.kind), None)
    if request.carrier != "heads" or own is None:
        name, share = ranked[0]
        st.html(heading(f"Most with {name}") + table(["", "comes over"], [["share", _share(share)]]))
        return
    head = OF_HEAD.value
    if head is None or head[0] not in own.layers or head[1] >= own.effects.shape[1]:
        row, number = np.unravel_index(int(np.nanargmax(own.effects)), own.effects.shape)
        head = NumberPair((own.layers[int(row)], int(number)))
    share = float(own.effects[own.layers.index(head[0]), head[1]])
    st.html(heading(f"With {head_name(*head)}") + table(["", "comes over"], [["share", _share(share)]]))
    _does(found, head)
    to_the_studio(thread.MODEL.value, about.kind, head, thread.TEXT.value)


def _share(share: float) -> str:
    return "not computed" if np.isnan(share) else part_text(share)


def _does(found: "Atlas | None", head: NumberPair) -> None:
    if found is not None:
        names = found.names(*head)
        say(f"It does: {', '.join(each.text for each in names[:3])}." if names else "It has earned no name.")


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
