"""The views in the middle of the attention page: matrix, heads, model, q·k."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from models.catalog import MODELS
from pages.attention.choices import (
    BY,
    HEAD,
    HEAD_OFF,
    HEADS,
    HELD,
    LAYER,
    LEAST,
    PIN,
    POOLED,
    SCALE,
    SINK,
    STEP,
    VIEW,
    ZOOM,
    head_name,
    left_out,
    map_name,
)
from pages.attention.selection import choose_head, shown_heads, views
from pages.attention.switched_off import off_here, switch
from pages.attention.two_sentences import part_of
from pages.shared import thread
from pages.shared.asking_engine import ask, working
from pages.shared.head_names import head_names
from pages.shared.link import NumberPair, note
from pages.shared.page import tab_name
from pages.shared.sentences_and_charts import remark
from viz.components.attention_view import Frame, Heads, Matrix, Model, Panel, Products, attention_view, captions
from viz.components.picture_state import digest_of
from viz.number_format import part_text, points_text

if TYPE_CHECKING:
    from models.attention import HeadMapRequest, HeadPicture, MapDifference, QueryKey, TracedText, TraceRequest

_MOST_PANELS = 6
_MOST_LINES = 256
_MOST_KEYS = 40
_WINDOW = "attending:window"
Labels = tuple[tuple[str, ...], tuple[str, ...]]
_LEFT_OUT = {
    "out": "The sink (special tokens; in a decoder the first token too) is",
    "special": "The special tokens are",
    "first": "The first token is",
}


def frame_of(
    traced: "TracedText", request: "HeadMapRequest", selected: int, *, note: str = "", can_switch: bool = True
) -> Frame:
    """What the views share: names, tokens, marks and the caption."""
    kind, layer, head = request.kind, request.layer, request.head
    is_cross = kind == "cross"
    axes, queries = traced.axes(kind), traced.row_names(kind)
    name = head_name(layer, head)
    caption = f"{title()}, {name}{captions.ROWS_AND_COLUMNS}"
    if is_cross:
        caption = f"{title()}, {name}{captions.WRITING_STEPS}"
    elif axes.columns_are_target:
        caption += f" The decoder is given {queries[0]} to start with; each row writes the token of the next one."
    heads, tokens = off_here(kind, keys_are_target=axes.columns_are_target)
    return Frame(
        name=name,
        map=map_name(kind, layer, head),
        kind=kind,
        layer=layer,
        head=head,
        queries=queries,
        keys=axes.columns if is_cross else None,
        selected=selected,
        special=marked_places(() if axes.columns_are_target else traced.is_special),
        unknown=marked_places(() if axes.columns_are_target else traced.is_unknown),
        unseen_means="the future, which a decoder cannot see" if kind == "decoder" else "what it may not see",
        caption=caption + means(traced, kind, layer, head),
        note=note,
        part=part_of(traced, queries, kind),
        off_heads=heads,
        off_tokens=tokens,
        keys_are_target=axes.columns_are_target,
        can_switch=can_switch,
        heads=max(traced.heads[traced.kinds.index(kind)]),
        pinned=PIN.value if selected >= 0 else None,
        zoom=tuple(map(int, ZOOM.value.split("-"))) if ZOOM.value and selected >= 0 else (),
        model=re.sub(r"[^\w.-]+", "-", request.trace.model)[-60:].strip("-"),
    )


def callbacks(
    traced: "TracedText", kind: str, map_request: "HeadMapRequest | None" = None
) -> dict[str, Callable[..., None]]:
    """What the page does when something happens in a view."""
    steps_are_rows = traced.axes(kind).rows_are_target

    def switched(what: str) -> None:
        switch(what)
        if what.startswith("head:"):
            # Its controls, the other heads of the layer, are the open tab now.
            thread.TAB.choose(tab_name(HEAD_OFF))

    def heads(numbers: Sequence[int]) -> None:
        HEADS.choose(",".join(str(int(each)) for each in numbers))
        if len(numbers) == 1:
            # The one that is drawn is the one that is spoken of.
            HEAD.choose(int(numbers[0]))

    def step(layer: int, head: int) -> None:
        there = traced.layers_of(kind)
        nearest = min(there, key=lambda each: abs(each - layer))
        LAYER.choose(nearest)
        choose_head(max(0, min(traced.heads_of(kind, nearest) - 1, head)))

    def token(place: int, key: int) -> None:
        if steps_are_rows:
            STEP.choose(place)
        else:
            thread.choose_token(place, traced.spans)
        PIN.choose(key if key >= 0 else None)

    def window(q0: int, q1: int, k0: int, k1: int) -> None:
        st.session_state[_WINDOW] = (map_request, (q0, q1), (k0, k1))

    return {
        "token": token,
        "part": lambda part: ZOOM.choose("-".join(map(str, part))),
        "head": open_head,
        "heads": heads,
        "held": lambda place: HELD.choose(NumberPair(place) if len(place) == 2 else None),
        "switch": switched,
        "window": window,
        "step": step,
        "view": lambda name: VIEW.choose(name) if name in views() else None,
    }


def open_head(layer: int, head: int) -> None:
    """A head of the model view becomes the main picture."""
    LAYER.choose(layer)
    choose_head(head)
    VIEW.choose("matrix")


def show_matrix(
    traced: "TracedText",
    before: "HeadMapRequest",
    after: "HeadMapRequest",
    picture: "HeadPicture",
    selected: int,
    status: DeltaGenerator,
) -> None:
    """One map, several heads' maps, or, with something switched off, the map before and after and the difference."""
    from models.attention import HeadPictureRequest, HeadWindowRequest, MapDifferenceRequest

    kind, layer, head = after.kind, after.layer, after.head
    name = head_name(layer, head)
    main, window, panels = 0, None, [_panel(name, picture)]
    caption = _by_value() + left_out_note(picture.seen if layer is not None else None, "in the selected row")
    others = [] if head is None or layer is None else _beside(traced.heads_of(kind, layer), head)
    kept = st.session_state.get(_WINDOW)
    if before.trace != after.trace:
        found = ask(MapDifferenceRequest(before, after), status)
        panels = difference_panels(found, picture.size, picture.size, ("before", "after", "after − before"))
        main = 1
        if found.largest:
            caption += f" Largest difference: {difference_said(found.largest)}."
        else:
            caption += " No difference at all: what is switched off changes what comes after it, not this map."
    elif others:
        shown = [(each, ask(HeadPictureRequest(replace(after, head=each), selected), status)) for each in others]
        panels += [_panel(head_name(layer, each), other) for each, other in shown]
        most = max(each.most for each in panels)
        panels = [replace(each, most=most) for each in panels]
        caption += " All on one scale."
    elif kept and kept[0] == after and picture.cells.shape != picture.size:
        cells = ask(HeadWindowRequest(after, kept[1], kept[2]), status)
        panels = [replace(panels[0], cells=cells)]
        window = (kept[1][0], kept[2][0])
    attention_view(
        frame_of(traced, after, selected, note=f"{caption} {_pinned_said(traced, kind, selected, picture)}".strip()),
        Matrix(
            panels=tuple(panels),
            row=picture.row,
            main=main,
            window=window,
            pooling="largest weight" if POOLED.value == "max" else "mean weight",
            base=digest_of(
                repr(after).encode("utf-8", "surrogatepass"),
                POOLED.value.encode(),
                MODELS[after.trace.model].stamp.encode(),
            ),
            has_strip=kind != "cross",
            unit=number_unit(),
            least=LEAST.value,
            is_log=SCALE.value == "log",
        ),
        key="attention_view",
        on=callbacks(traced, kind, after),
    )


def _pinned_said(traced: "TracedText", kind: str, selected: int, picture: "HeadPicture") -> str:
    """The pinned link and its weight: who opens a link to it has pointed at nothing yet."""
    if PIN.value is None or not picture.row[PIN.value] >= 0:
        return ""
    names = traced.row_names(kind)[selected], traced.axes(kind).columns[PIN.value]
    return f"Pinned: {' → '.join(names)} {weight_said(float(picture.row[PIN.value]))}."


def difference_panels(
    found: "MapDifference",
    size: tuple[int, int],
    other_size: tuple[int, int],
    titles: tuple[str, str, str],
    labels: tuple[Labels | None, Labels | None] = (None, None),
) -> list[Panel]:
    """Both maps on one scale, and what the second has more or less; labels: of rows and columns, if they differ."""
    return [
        Panel(titles[0], found.before, found.most, size, labels=labels[0]),
        Panel(titles[1], found.after, found.most, other_size, labels=labels[1]),
        Panel(titles[2], found.difference, found.largest, found.compared, is_difference=True, labels=labels[1]),
    ]


def _panel(title: str, picture: "HeadPicture") -> Panel:
    return Panel(title, picture.cells, picture.most, picture.size)


def _beside(heads: int, head: int) -> list[int]:
    return [each for each in shown_heads(heads, head) if each != head][: _MOST_PANELS - 1] if HEADS.value else []


def show_heads(traced: "TracedText", request: "HeadMapRequest", selected: int, status: DeltaGenerator) -> None:
    """The heads of one layer as lines; of a long text, the tokens round the selected one."""
    from models.attention import LayerMapsRequest

    if request.layer is None:
        remark("Lines are drawn for the heads of one layer: choose one on the left.")
        return
    frame = frame_of(traced, request, selected)
    rows, columns = len(frame.queries), len(frame.keys or frame.queries)
    q0, q1, k0, k1 = frame.part or (0, rows, 0, columns)
    queries, keys = _near(q0, q1, selected), _near(k0, k1, selected)
    held = HELD.value
    if held is not None and held[1] >= (columns if held[0] else rows):
        note(f"The link holds token {held[1]}, which is not there; none is held.")
        HELD.forget()
        held = None
    maps = ask(LayerMapsRequest(replace(request, head=None), queries, keys), status)
    caption = f"{title()}, layer {request.layer}{captions.LINES}{captions.faintest(LEAST.value)}"
    if (queries, keys) != ((q0, q1), (k0, k1)):
        caption += f" {_MOST_LINES} of {max(rows, columns):,} tokens round the selected one; another one moves it."
    attention_view(
        replace(frame, caption=caption + _by_value() + left_out_note(None), part=None),
        Heads(maps, shown_heads(len(maps), request.head), (queries[0], keys[0]), LEAST.value, number_unit(), held),
        key="attention_view",
        on=callbacks(traced, request.kind),
    )


def _near(first: int, last: int, place: int) -> tuple[int, int]:
    """At most `_MOST_LINES` of the places from `first` to below `last`, round this one as far as it goes."""
    start = max(first, min(place - _MOST_LINES // 2, last - _MOST_LINES))
    return start, min(last, start + _MOST_LINES)


def show_products(traced: "TracedText", request: "HeadMapRequest", selected: int, status: DeltaGenerator) -> None:
    """How the weights of one query in one head come about."""
    from models.attention import QueryKeyRequest

    if request.layer is None or request.head is None:
        remark("Queries and keys are those of one head: choose a layer on the left, and one of its heads.")
        return
    found = ask(QueryKeyRequest(request.trace, request.kind, request.layer, request.head, selected), status)
    attention_view(
        *products_of(traced, request, found, selected), key="attention_view", on=callbacks(traced, request.kind)
    )


def products_of(
    traced: "TracedText", request: "HeadMapRequest", found: "QueryKey", selected: int
) -> tuple[Frame, Products]:
    """The q·k view: of many keys, those with the largest weights."""
    best = np.argsort(-found.weights, kind="stable")[:_MOST_KEYS]
    places = np.sort(best) if len(found.weights) > _MOST_KEYS else np.arange(len(found.weights))
    caption = (
        f"{title()}, {head_name(request.layer, request.head)}: purple is below 0, green above; each kind of vector "
    )
    caption += "has a scale of its own."
    if len(places) < len(found.weights):
        part = part_text(float(found.weights[places].sum()))
        caption += f" The {len(places)} of {len(found.weights):,} keys with the largest weight, {part} together."
    if found.rotary:
        caption += " Query and keys are shown as they are compared: turned by their positions (rotary embedding)."
    if SINK.value != "in":
        caption += " The sink is in here: these are all the weights, as the model computes them."
    if found.changed:
        caption += " What left this head is not what its weights say: it is switched off, or has another pattern."
    return (
        replace(frame_of(traced, request, selected), caption=caption),
        Products(tuple(places.tolist()), found),
    )


def show_model(
    traced: "TracedText", trace: "TraceRequest", kind: str, layer: int | None, head: int | None, status: DeltaGenerator
) -> None:
    """All heads of all layers as thumbnails; one of them opened becomes the main picture."""
    from models.attention import HeadGridRequest, HeadMapRequest

    with working("Computing the maps of all heads; for a long text this takes a while…", status):
        grid = ask(HeadGridRequest(trace, kind, left_out()), status)
    rows, columns = grid.thumbnails.shape[2:]
    caption = f"{title()}{captions.THUMBNAILS}"
    if (rows, columns) != grid.tokens:
        caption += f" Each thumbnail is pooled from {grid.tokens[0]} to {rows} tokens a side (largest weight)."
    frame = frame_of(traced, HeadMapRequest(trace, kind, layer, head, left_out()), 0)
    attention_view(
        replace(
            frame, name="all heads", map=f"{kind}-model", caption=caption + left_out_note(None), part=None, selected=0
        ),
        Model(grid.thumbnails, grid.layers, head_names(trace.model, kind)),
        key="attention_view",
        on=callbacks(traced, kind),
    )


def title() -> str:
    """The chosen model's name."""
    return MODELS[thread.MODEL.value].title


def means(traced: "TracedText", kind: str, layer: int | None, head: int | None) -> str:
    """What a map is the mean of, in words; nothing for one head."""
    if layer is None:
        return f" Mean over all heads of {len(traced.layers_of(kind))} layers."
    return f" Mean over the {traced.heads_of(kind, layer)} heads of the layer." if head is None else ""


def number_unit() -> str:
    """What a number of a map is, as people read it."""
    return "weight" if BY.value == "weight" else "weight × length of the value"


def weight_said(weight: float) -> str:
    """A number of a map as the pictures write it (weight_text.js)."""
    return part_text(weight) if BY.value == "weight" else f"{weight:.3g}"


def difference_said(difference: float) -> str:
    """How far apart two numbers of a map are."""
    return points_text(difference) if BY.value == "weight" else weight_said(difference)


def _by_value() -> str:
    if BY.value == "weight":
        return ""
    return (
        " Each weight is multiplied by the length of its key's value vector: how much is moved, not how much is seen."
    )


def left_out_note(seen: float | None, where: str = "") -> str:
    """What is taken out of the rows, in words; `seen`, where it is known, is what is left of one of them."""
    if SINK.value == "in":
        return ""
    if seen is not None:
        return f" {_LEFT_OUT[SINK.value]} taken out: {where} you see {part_text(seen)} of the weight, rescaled."
    return f" {_LEFT_OUT[SINK.value]} taken out, the rest is rescaled."


def marked_places(marks: tuple[bool, ...]) -> tuple[int, ...]:
    """The numbers of those that are marked."""
    return tuple(int(place) for place in np.flatnonzero(marks))
