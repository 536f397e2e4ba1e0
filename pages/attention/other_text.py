"""The same head on another text, beside the one that is shown: what a changed word changes, and in which rows."""

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.attention.choices import OTHER, head_name
from pages.attention.pictures import difference_panels, difference_said, frame_of, number_unit, title, weight_said
from pages.shared.asking_engine import ask
from pages.shared.bound_widgets import text_area
from pages.shared.sentences_and_charts import remark
from viz.components.attention_view import Matrix, attention_view

if TYPE_CHECKING:
    from models.attention import HeadMapRequest, MapDifference, TracedText

# The pair of examples that differ in their last word.
_OTHER_END = {"tired": "wide", "wide": "tired"}
# Sums over another number of tokens are rounded otherwise, by up to 3e-6 in float32.
_NOTHING = 1e-5


def with_another_end(text: str) -> str:
    """What a person sees first, and then changes: the text itself, an example with the last word of the other one."""
    last = re.search(r"(\w+)\W*$", text)
    if last is None or last[1] not in _OTHER_END:
        return text
    return f"{text[: last.start()]}{_OTHER_END[last[1]]}{text[last.end(1) :]}"


def show(request: "HeadMapRequest", traced: "TracedText", text: str, status: DeltaGenerator) -> None:
    """Both maps on one scale, and the difference; what changed in the rows before the change, in words."""
    from models.attention import MapDifferenceRequest, TracedTextRequest
    from models.heads.token_alignment import aligned_tokens

    typed = text_area(
        OTHER,
        "The other text: change a word, or all of it",
        shown=lambda other: other or with_another_end(text),
        height=80,
        button="Compare",
    )
    other = replace(request, trace=replace(request.trace, text=typed))
    read = ask(TracedTextRequest(other.trace), status)
    stand = aligned_tokens(traced.ids, read.ids)
    axes = traced.axes(request.kind)
    # The output is the same to both.
    rows = None if axes.rows_are_target else stand.pairs
    columns = None if axes.columns_are_target else stand.pairs
    found = ask(MapDifferenceRequest(request, other, rows=rows, columns=columns), status)
    remark(_said(found, traced, read, request))
    # No row is selected: what is compared is the whole map.
    frame = frame_of(traced, request, -1, can_switch=False)
    theirs = frame_of(read, other, -1, can_switch=False)
    panels = difference_panels(
        found,
        (len(frame.queries), len(frame.keys or frame.queries)),
        (len(theirs.queries), len(theirs.keys or theirs.queries)),
        ("this text", "the other text", "the other − this"),
        ((frame.queries, frame.keys or frame.queries), (theirs.queries, theirs.keys or theirs.queries)),
    )
    if columns is not None and stand.note:
        names = tuple(_of_both(traced.tokens[one], read.tokens[other]) for one, other in columns)
        panels[-1] = replace(panels[-1], labels=(frame.queries if rows is None else names, names))
    longest = frame if len(frame.queries) >= len(theirs.queries) else theirs
    caption = (
        f"{title()}, {head_name(request.layer, request.head)}: both maps on one scale, from 0 to "
        f"{weight_said(found.most)}"
    )
    if found.largest:
        caption += f"; differences up to {difference_said(found.largest)}: purple is less, green is more"
    caption += "."
    if columns is not None and stand.note:
        caption += f" {stand.note} The third map has those that stand for each other."
    with st.container(key="other"):
        attention_view(
            replace(longest, name=f"{frame.name}, two texts", map=f"{frame.map}-other", caption=caption, part=None),
            Matrix(tuple(panels), found.before[0], has_strip=False, unit=number_unit()),
            key="other_view",
        )


def _of_both(one: str, other: str) -> str:
    """What two tokens are called that stand for each other."""
    return one if one == other else f"{one} → {other}"


def _said(found: "MapDifference", traced: "TracedText", read: "TracedText", request: "HeadMapRequest") -> str:
    """What changed where nothing was changed: in the rows of the tokens before the first other one."""
    if found.common == 0:
        return "The texts differ from their first token on, so no row can be compared with itself."
    if traced.ids == read.ids:
        return (
            "Both texts are the same to this model: nothing changes. "
            "Change a word of the other text and press “Compare”."
        )
    if traced.axes(request.kind).rows_are_target:
        return (
            f"Both maps are of the same output, step by step: weights change by up to {difference_said(found.largest)}."
        )
    last = traced.tokens[found.common - 1]
    rows, them = f"the rows of the {found.common} tokens before the change, up to “{last}”,", "them"
    if found.common == 1:
        rows, them = f"the row of the first token, “{last}”,", "it"
    if request.kind == "decoder":
        if found.largest_before == 0:
            return f"In {rows} exactly nothing changes: a decoder cannot look ahead, so no later word reaches {them}."
        how = "no more than rounding" if found.largest_before < _NOTHING else "something"
        return f"In {rows} {how} changes (at most {found.largest_before:.1g}): a decoder cannot look ahead."
    if found.largest_before < _NOTHING:
        return f"In {rows} nothing changes in this head ({found.largest_before:.1g} at most)."
    return (
        f"In {rows} weights change by up to {difference_said(found.largest_before)}: an encoder reads the whole text, "
        "so what is changed reaches the rows before it as well."
    )
