"""The inspector beside a map of effects: one part's effect, exactly and as estimated, and what the head does."""

from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.heads.activation_patching import shown_stream, transfer_now, transfer_request
from pages.heads.choices import INTO, OF_CELL, OF_HEAD, OF_PART, head_name, place_name
from pages.heads.controls import means_are_known
from pages.heads.effects import effects_request, estimate_of, exact_now
from pages.heads.inspector import to_the_studio
from pages.heads.text_and_kind import Subject, stack_of
from pages.shared import thread
from pages.shared.link import NumberPair
from pages.shared.sentences_and_charts import explanation, remark, say
from viz.inspector import heading
from viz.number_format import part_text, signed_text
from viz.tables import table

if TYPE_CHECKING:
    from models.heads import Atlas, EffectMap, Effects, Part, Place, Transfer

_CAUTION = "With the rest left on; two heads that do the same hide each other. The estimate is one slope: confirm it."
# Layers before and after the chosen one that stand beside it.
_NEAR = 3
_TRANSFER = "Share of the difference between the two texts: put in alone, the rest of the run as it is."


def inspect_effect(about: Subject, found: "Atlas | None", status: DeltaGenerator) -> None:
    """What becomes of the number without the chosen part."""
    request = effects_request(about, status)
    if not means_are_known(about, request.parts):
        explanation("The sentences are read in which it is seen what each part gives on average.")
        return
    chosen: Any = OF_PART.value
    part: Part = chosen if chosen in request.parts else request.parts[0]
    estimate, exact = estimate_of(request, status).get(part), exact_now(request).get(part)
    place = chosen_place(about, exact if exact is not None and exact.done else estimate)
    if place is None:
        explanation("Press the button in the middle, then click a cell.")
        return
    lines = [
        [title, _signed(each, place)] for title, each in (("exact", exact), ("estimate", estimate)) if each is not None
    ]
    unit = next(each.measured.unit for each in (exact, estimate) if each is not None)
    st.html(heading(f"Without {place_name(place, part)}") + table(["", unit], lines))
    if OF_HEAD.value is None:
        say("Nothing is chosen yet: this is the one without which the number changes most.")
    parted = _how_they_part(exact, estimate, place)
    if parted:
        say(parted)
    if part == "heads":
        _does(found, NumberPair((place.layer, place.head)))
    remark(_CAUTION)
    if part == "heads":
        head = NumberPair((place.layer, place.head))
        to_the_studio(thread.MODEL.value, about.kind, head, thread.TEXT.value)


def inspect_transfer(about: Subject, found: "Atlas | None", status: DeltaGenerator) -> None:
    """How much comes over with the chosen part; else with that with which most does."""
    explanation(_TRANSFER)
    if not INTO.value:
        return
    request = transfer_request(about, status)
    given = transfer_now(request)
    if given is None or not given.done:
        return
    if request.carrier == "stream":
        _inspect_stream(about, given)
        return
    own = next((each for each in given.maps if each.kind == about.kind), given.maps[-1])
    row, column = _chosen_row(own, is_head=request.carrier == "heads")
    head = NumberPair((own.layers[row], column))
    name = head_name(*head) if request.carrier == "heads" else f"the MLP of L{head[0]}"
    share = _share(float(own.effects[row, column]))
    st.html(heading(f"With {name}") + table(["", "comes over"], [["share", share]]))
    if request.carrier == "heads":
        _does(found, head)
        to_the_studio(thread.MODEL.value, about.kind, head, thread.TEXT.value)


def _chosen_row(own: "EffectMap", *, is_head: bool) -> tuple[int, int]:
    """Where the chosen head or MLP stands in the map; else that with which most comes over."""
    layer, column = (OF_HEAD.value if is_head else OF_CELL.value) or (-1, 0)
    if layer in own.layers and column < own.effects.shape[1]:
        return own.layers.index(layer), column
    row, column = np.unravel_index(int(np.nanargmax(own.effects)), own.effects.shape)
    return int(row), int(column)


def _inspect_stream(about: Subject, given: "Transfer") -> None:
    """What comes over at one token after one layer, and at the same token after the others."""
    stream = shown_stream(about, given)
    layer, place = OF_CELL.value or (-1, -1)
    if layer in stream.layers and place in stream.places:
        row, column = stream.layers.index(layer), stream.places.index(place)
    else:
        row, column = (int(each) for each in np.unravel_index(int(np.nanargmax(stream.shares)), stream.shares.shape))
        place = stream.places[column]
    tokens = given.tokens_in(stream.kind)
    partners = {other: one for one, other in given.alignment.pairs} if tokens is given.into_tokens else {}
    near = slice(max(0, row - _NEAR), row + _NEAR + 1)
    lines = [
        [f"L{layer}", _share(share)]
        for layer, share in zip(stream.layers[near], stream.shares[near, column], strict=True)
    ]
    st.html(heading(f"After L{stream.layers[row]} at “{tokens[place]}” ({place})"))
    share = float(stream.shares[row, column])
    taken = partners.get(place)
    source = "" if taken is None else f" Put in: what your text has at “{given.tokens[taken]}” ({taken})."
    say(f"{_share(share)} of the difference comes over.{source}")
    st.html(heading("The same token, layer by layer") + table(["after", "comes over"], lines, chosen=row - near.start))


def _share(share: float) -> str:
    return "not computed" if np.isnan(share) else part_text(share)


def _does(found: "Atlas | None", head: NumberPair) -> None:
    if found is not None:
        names = found.names(*head)
        say(f"It does: {', '.join(each.text for each in names[:3])}." if names else "It has earned no name.")


def chosen_place(about: Subject, found: "Effects | None") -> "Place | None":
    """The part that is chosen, else the one that changes most."""
    from models.heads import Place

    if found is None:
        return None
    kind = about.kind if found.part == "heads" else stack_of(about.kind)
    head = OF_HEAD.value
    if head is not None:
        chosen = Place(kind, head[0], head[1] if found.part == "heads" else 0)
        own = next((each for each in found.maps if each.kind == kind), None)
        if own is not None and chosen.layer in own.layers and chosen.head < own.effects.shape[1]:
            return chosen
    return next((each for each, _ in found.ranked() if each.kind == kind), None)


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
