"""The shown head switched off, beside every other head of its layer."""

from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.attention.choices import head_name
from pages.attention.pictures import open_head
from pages.shared.asking_engine import ask
from pages.shared.messages import in_place
from pages.shared.sentences_and_charts import remark
from viz.inspector import Share, heading, line, shares
from viz.number_format import part_text

if TYPE_CHECKING:
    from models.attention import HeadMapRequest, HeadsOff

_MEASURED = {
    "next token": "How likely “{token}” comes next",
    "output": "How likely the model holds the output as it stands",
    "vector": "How much of its direction the last vector of “{token}” keeps (cosine)",
}
_LINE = (
    "Zeroing a head is unnatural, and other heads make up for it: compare with the other heads of the layer. A head "
    "that looks at a token need not matter for what is said, and one that matters may look nowhere in particular."
)


def show(request: "HeadMapRequest", shown: "HeadMapRequest", selected: int, status: DeltaGenerator) -> None:
    """Before and after, and the other heads as controls.

    request: the map with everything switched on; shown: as it is shown.
    """
    layer, head = request.layer, request.head
    if request.trace != shown.trace:
        _changed_maps(request, shown, status)
    if layer is None or head is None:
        remark("Several heads are shown; choose one of them to switch it off.")
    else:
        _beside_the_others(shown, layer, head, selected, status)


def _changed_maps(request: "HeadMapRequest", shown: "HeadMapRequest", status: DeltaGenerator) -> None:
    """The heads that look somewhere else than before, each a click away."""
    from models.attention import ChangedMapsRequest

    with in_place():
        changed = ask(ChangedMapsRequest(request.trace, shown.trace, request.kind), status)
        if not changed:
            remark("No map of these is another one than before: nothing comes after what is switched off.")
            return
        st.html(heading("Maps that what is switched off changes most (largest difference of a weight)"))
        with st.container(horizontal=True, key="changed_maps"):
            for each in changed:
                label = f"{head_name(each.layer, each.head)} · {part_text(each.largest)}"
                st.button(
                    label, key=f"changed_map_{each.layer}_{each.head}", on_click=open_head, args=(each.layer, each.head)
                )


def _beside_the_others(request: "HeadMapRequest", layer: int, head: int, selected: int, status: DeltaGenerator) -> None:
    from models.attention import HeadsOffRequest, ZeroHead

    # The heads of this layer are switched off one by one here; everything else that is off stays off.
    others = tuple(
        each
        for each in request.trace.interventions
        if not (isinstance(each, ZeroHead) and (each.kind, each.layer) == (request.kind, layer))
    )
    trace = replace(request.trace, interventions=others)
    asked = HeadsOffRequest(trace, request.kind, layer, selected if request.kind == "encoder" else 0)
    found = ask(asked, status)
    name = head_name(layer, head)
    # What else is off is off in every bar here.
    whole = "all heads" if not others else f"{name} on"
    left, right = st.columns(2, gap="large")
    left.html(
        heading(_MEASURED[found.measured].format(token=found.token))
        + shares([Share(whole, found.before), Share(f"without {name}", _drawn(found.without[head]))])
        + line(_verdict(found, name, head))
        + line(_LINE + (" What else you switched off or changed stays so in every bar here." if others else ""))
    )
    others = [(each, part) for each, part in enumerate(found.without) if each != head]
    right.html(
        heading(f"Without one of the other heads of layer {layer}")
        + shares([Share(f"without {head_name(layer, each)}", _drawn(part)) for each, part in others])
    )
    if found.next_tokens:
        for column, title, candidates in (
            (left, f"Next token, {whole}", found.next_tokens[0]),
            (right, f"Next token, without {name}", found.next_tokens[head + 1]),
        ):
            column.html(heading(title) + shares([Share(each.text, each.probability) for each in candidates]))


def _drawn(part: float) -> float:
    """A cosine may be below nothing; a bar is not."""
    return min(1.0, max(0.0, part))


def _verdict(found: "HeadsOff", name: str, head: int) -> str:
    """Where its effect stands among those of the layer's heads."""
    effects = [abs(part - found.before) for part in found.without]
    larger = sum(effect > effects[head] for effect in effects)
    others = len(effects) - 1
    change = part_text(found.without[head]) if found.without[head] >= 0 else f"{found.without[head]:.2f}"
    said = f"From {part_text(found.before)} to {change} without {name}"
    if not others:
        return f"{said}, the only head of its layer."
    if others == 1:
        return f"{said}. The other head of its layer changes this {'more' if larger else 'less'}."
    who = {0: "None", 1: "One", others: "All"}.get(larger, str(larger))
    return f"{said}. {who} of the {others} other heads of its layer change{'s' if larger <= 1 else ''} this more."
