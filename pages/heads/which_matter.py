"""Which parts matter for this text: the ranking, estimate and exact side by side, and what chance gives."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.heads.choices import BESIDE, OF_HEAD, OF_PART, PARTS, SHOW, head_name, place_name
from pages.heads.controls import OTHER_TEXTS, means_are_known, other_text_is_missing
from pages.heads.effects import ESTIMATE, estimate_of, exact_now, quantity_words
from pages.heads.text_and_kind import Subject, bank, offer_picture
from pages.shared.asking_engine import ask, working
from pages.shared.bound_widgets import toggle
from pages.shared.scroll_into_sight import Sight
from pages.shared.sentences_and_charts import chart, explanation, remark, say
from pages.shared.theme import palette
from viz.heads_charts import chance_chart
from viz.inspector import heading
from viz.number_format import counted, part_text, signed_text
from viz.tables import table

if TYPE_CHECKING:
    from models.heads import Controls, Effects, EffectsOfPartsRequest, Part, Place

_MOST = 10
# Of MLPs and layers, which stand below the heads.
_MOST_OTHERS = 5
_DRAWS = 20
_CHANCE = Sight("beside_chance")
# What a head does, where that is known.
NameOf = Callable[["Place"], str]


def show(about: Subject, request: "EffectsOfPartsRequest", name_of: NameOf, status: DeltaGenerator) -> None:
    """The parts that matter most, and whether that is more than chance."""
    if SHOW.value != "effects":
        why = (
            "Switch each head off in a run of its own, and see how much the model's answer changes: the picture "
            "above shows it then."
        )
        offer_picture("effects", why, "Show what matters here")
        return
    if other_text_is_missing():
        explanation("Type the other text on the left first.")
        return
    if not means_are_known(about, request.parts):
        explanation("Wait until the sentences above are read.")
        return
    estimates, exacts = estimate_of(request, status), exact_now(request)
    with st.container(key="matters"):
        for part in request.parts:
            _of_part(about, request, part, exacts.get(part), estimates.get(part), name_of, status)
        if not estimates and not exacts:
            explanation("Nothing is computed yet: begin above.")


def _of_part(
    about: Subject,
    request: "EffectsOfPartsRequest",
    part: "Part",
    exact: "Effects | None",
    estimate: "Effects | None",
    name_of: NameOf,
    status: DeltaGenerator,
) -> None:
    """The ranking of one sort of parts, and of heads what stands beside it."""
    shown = exact if exact is not None and exact.done else estimate
    if shown is None:
        return
    if len(request.parts) > 1:
        st.html(heading(PARTS[part]))
    _ranking(part, shown, exact, estimate, name_of, about.kind)
    if exact is not None and estimate is not None and exact.done:
        _agreement(exact, estimate)
    if part == "heads":
        own = [each for each, _ in shown.ranked() if each.kind == about.kind]
        _beside_chance(about, request, own[0], status)


def _ranking(
    part: "Part",
    shown: "Effects",
    exact: "Effects | None",
    estimate: "Effects | None",
    name_of: NameOf,
    kind: str,
) -> None:
    ranked = shown.ranked()
    unit = shown.measured.unit
    most = _MOST if part == "heads" else _MOST_OTHERS
    sides = {
        "Without it falls": [each for each in ranked if each[1] < 0][:most],
        "Without it rises": [each for each in ranked if each[1] > 0][:most],
    }
    say(*_largest(part, sides, unit, with_kind=len(shown.maps) > 1))
    places = st.columns(2, gap="large")
    for place, (title, some) in zip(places, sides.items(), strict=True):
        head = [f"{title} ({unit})", "exact", "estimate", *(["does"] if part == "heads" else [])]
        rows = [
            [
                place_name(each, part, with_kind=len(shown.maps) > 1),
                _number(exact, each),
                _number(estimate, each),
                *([name_of(each)] if part == "heads" else []),
            ]
            for each, _ in some
        ]
        with place:
            st.html(table(head, rows, chosen=_row_of([each for each, _ in some], part, kind)))
    so_far = f" {shown.done:,} of {shown.of:,} are computed." if shown.done < shown.of else ""
    ranked_by = "exactly" if shown is exact else f"by the estimate ({ESTIMATE})"
    name = PARTS[part] if part == "mlps" else PARTS[part].lower()
    remark(f"Of {quantity_words(shown.measured)}; {name} ranked {ranked_by}.{so_far}")


def _largest(
    part: "Part", sides: "Mapping[str, list[tuple[Place, float]]]", unit: str, *, with_kind: bool
) -> list[str]:
    """The first of each side in a sentence."""
    verbs = {"Without it falls": "falls", "Without it rises": "rises"}
    return [
        f"Without {place_name(some[0][0], part, with_kind=with_kind)} it {verbs[title]} most: "
        f"{signed_text(some[0][1])} {unit}."
        for title, some in sides.items()
        if some
    ]


def _row_of(places: "list[Place]", part: "Part", kind: str) -> int | None:
    chosen = OF_HEAD.value
    if chosen is None or OF_PART.value != part:
        return None
    at = [
        number
        for number, each in enumerate(places)
        if each.layer == chosen[0] and (part != "heads" or (each.head == chosen[1] and each.kind == kind))
    ]
    return at[0] if at else None


def _number(found: "Effects | None", place: "Place") -> str:
    if found is None:
        return "–"
    value = next(each for each in found.maps if each.kind == place.kind).of(place)
    return "–" if np.isnan(value) else signed_text(value)


def _agreement(exact: "Effects", estimate: "Effects") -> None:
    from models.heads.estimated_effects import agreement

    found = agreement(exact, estimate, _MOST)
    correlation = "" if np.isnan(found.spearman) else f" Rank correlation over all: {found.spearman:.2f}."
    say(
        f"Of the {found.most} largest exact effects the estimate has {found.common} among its own {found.most}, and of "
        f"{part_text(found.signs)} the sign.{correlation}"
    )


def _beside_chance(about: Subject, request: "EffectsOfPartsRequest", first: "Place", status: DeltaGenerator) -> None:
    from models.heads.control_effects import ControlsRequest
    from models.heads.parts_of_model import Place

    toggle(
        BESIDE,
        "Beside chance",
        "on",
        help=f"The chosen head beside random heads of its layer, and beside itself on {OTHER_TEXTS} other texts.",
        also=_CHANCE.wanted,
    )
    if BESIDE.value != "on":
        return
    head = OF_HEAD.value
    place = Place(about.kind, *head) if head is not None else first
    texts = tuple(each.text for each in bank().sentences[:OTHER_TEXTS])
    controls = ControlsRequest(request.trace, request.quantity, (place,), request.off, draws=_DRAWS, texts=texts)
    with working("Switching off other heads, and this one on other texts…", status):
        found = ask(controls, status)
    with st.container(key=_CHANCE.name):
        _draw_chance(found, head_name(place.layer, place.head))
        _CHANCE.drawn()


def _draw_chance(found: "Controls", name: str) -> None:
    unit = found.measured.unit
    groups = [("other heads of its layer", found.drawn), (f"{name} on other texts", found.elsewhere)]
    chart(chance_chart(found.chosen, [each for each in groups if len(each[1])], unit, palette()), key="chance_chart")
    say(
        f"{name}: {signed_text(found.chosen)} {unit}. {part_text(found.exceeded_by)} of "
        f"{counted(len(found.drawn), 'other head')} of its layer change it as much or more.",
        "The line is this head on this text. On other texts its effect is that on their own likeliest answer: a head "
        "that matters everywhere says little of this text.",
    )
