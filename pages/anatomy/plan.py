"""The plan as a picture: the model in a row, and below it what is in the part that is open."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import streamlit as st

from models.catalog import ARCHITECTURES
from pages.anatomy.choices import PART, PLAN_CONFIG, PLAN_OF, SHADED, SHADES, UNFOLDED
from pages.shared import download_names, thread
from pages.shared.bound_widgets import bound, names_of, pick, toggle
from pages.shared.link import note
from pages.shared.pasted_config import PASTED, config_box
from pages.shared.sentences_and_charts import remark
from viz.components.block_diagram import BlockDiagram, DrawnBox, DrawnRow, block_diagram
from viz.number_format import count_text, counted, part_text, short_count

if TYPE_CHECKING:
    from models.anatomy import Box, Diagram, ModelPlan, PlanRequest

_SHAPE_SIGN = "×"
_MOST_WITH_NUMBERS = 14


def request() -> "PlanRequest | None":
    """What is drawn; None where a config.json is to be pasted first."""
    from models.anatomy import PlanRequest

    config = PLAN_CONFIG.value
    if PLAN_OF.value == PASTED and config is None:
        return None
    text = "" if config is None or PLAN_OF.value != PASTED else config.text
    return PlanRequest(thread.MODEL.value, thread.TEXT.value, PLAN_OF.value, text)


def controls() -> None:
    """Which model, how its layers stand, what makes a box dark."""
    names = {"": "this page's", PASTED: "a config.json, pasted"}
    names |= {each.name: each.title for each in ARCHITECTURES.values()}
    bound(
        st.selectbox,
        PLAN_OF,
        "Model to draw",
        **names_of(names),
        help="A published model is drawn from its config alone: no weights are needed, and none are here.",
    )
    if PLAN_OF.value == PASTED:
        config_box(PLAN_CONFIG, "This config.json is too long for a link: the link opens the page's model.")
    pick(SHADED, "Shade", SHADES, help="What makes a box dark: its part of what stands in its row.")
    toggle(UNFOLDED, "Each layer by itself", on="all")


def way(plan: "ModelPlan") -> "tuple[Box, ...]":
    """The boxes on the way to the part that is chosen; where nobody chose one, the first layers are open."""
    diagram = shown(plan)
    if PART.value is None:
        first = next((each for each in diagram.boxes if each.kind in ("layer", "layers")), None)
        return () if first is None else (first,)
    names = [each for each in PART.value.split("/") if each]
    found = diagram.way(names)
    if len(found) < len(names):
        note("There is no such part in this plan; what is there of the way to it is shown.")
        PART.choose("/".join(each.name for each in found))
    return found


def shown(plan: "ModelPlan") -> "Diagram":
    """Equal layers as one, or each by itself."""
    return plan.folded if UNFOLDED.value == "folded" else plan.every


def show(plan: "ModelPlan") -> None:
    """The picture."""
    boxes = way(plan)
    rows = [_row(shown(plan), "", boxes[0] if boxes else None, None)]
    for place, box in enumerate(boxes):
        if box.inner is not None:
            after = boxes[place + 1] if place + 1 < len(boxes) else None
            rows.append(_row(box.inner, _heading(box), after, box))
    selected = None
    if PART.value is not None and boxes:
        depth = len(boxes) - 1
        names = [each.name for each in rows[depth].boxes]
        selected = (depth, names.index(boxes[-1].name))
    picture = BlockDiagram(
        rows,
        (plan.parameters, plan.bytes, plan.operations),
        selected,
        _caption(plan),
        f"{download_names.of_model(thread.MODEL.value)}-plan",
    )
    with st.container(key="plan"):
        block_diagram(picture, key="block_diagram", on_box=lambda path: PART.choose(path))
    for each in plan.notes:
        remark(each)


def _heading(box: "Box") -> str:
    several = f", one of {box.count} equal ones" if box.count > 1 and box.kind != "layers" else ""
    turns = next((f", {said}" for name, said in box.facts if name == "layers"), "")
    return f"In {box.title}{several}{turns}" + (f" ({box.module})" if box.module else "")


def _row(diagram: "Diagram", title: str, opened: "Box | None", above: "Box | None") -> DrawnRow:
    by_operations = SHADED.value == "operations"
    sizes = [each.operations if by_operations else each.parameters for each in diagram.boxes]
    whole = max(1, sum(sizes))
    places = {each.name: place for place, each in enumerate(diagram.boxes)}
    # A strip of very many layers has numbers alone.
    is_long = len(diagram.boxes) > _MOST_WITH_NUMBERS
    return DrawnRow(
        title,
        [
            DrawnBox(
                each.name,
                each.kind,
                each.title.removeprefix("Layer ") if is_long and each.layers else each.title,
                "" if is_long and each.layers else _said(each, size, whole, above),
                (each.parameters, each.bytes, each.operations),
                size / whole,
                each.count,
                each.inner is not None,
            )
            for each, size in zip(diagram.boxes, sizes, strict=True)
        ],
        [(places[each.source], places[each.target], _SHAPE_SIGN.join(map(str, each.shape))) for each in diagram.arrows],
        -1 if opened is None or opened.inner is None else places[opened.name],
    )


def _said(box: "Box", size: int, whole: int, above: "Box | None") -> str:
    """Below its title: how many heads or experts, how much it is, and which part of its row that is."""
    if box.kind in ("text", "sum", "product"):
        return ""
    of = dict(box.facts)
    parts = []
    if box.kind == "attending" and above is not None:
        parts.append(heads_text(dict(above.facts)))
    if "heads" in of:
        parts.append(heads_text(of))
    if "experts" in of:
        used = of.get("used for a token")
        parts.append(f"{of['experts']}" + (f", {used} used" if used else ""))
    if size:
        parts.append(f"{short_count(size)} · {part_text(size / whole)}")
    elif box.shared and not box.parameters:
        parts.append("tied: counted before")
    return " · ".join(each for each in parts if each)


def heads_text(facts: "Mapping[str, object]") -> str:
    """9 heads, 3 of keys."""
    heads, keys = facts.get("heads"), facts.get("key and value heads")
    if not isinstance(heads, int):
        return ""
    return counted(heads, "head") + ("" if keys == heads else f", {keys} of keys")


def _caption(plan: "ModelPlan") -> str:
    what = "operations" if SHADED.value == "operations" else "parameters"
    text = counted(plan.tokens, "token") + (f" read, {plan.target_tokens} written" if plan.target_tokens else "")
    return (
        f"{plan.title}: {count_text(plan.parameters)} parameters, {count_text(plan.operations)} operations for "
        f"{text}. Percent, and how dark a box is: its part of the {what} in its row. Arrows carry shapes."
    )
