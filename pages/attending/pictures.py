"""The pictures in the middle of the attention page."""

from typing import TYPE_CHECKING

import numpy as np
from streamlit.delta_generator import DeltaGenerator

from models.catalog import MODELS
from pages.attending.choices import HEAD, LAYER, SINK, STEP, VIEW, head_name, map_name
from pages.attending.output import Written, written_from_source
from pages.shared import sounds, thread
from pages.shared.asking import ask, working
from viz.components.attention_map import MapPicture, attention_map
from viz.components.head_grid import head_grid
from viz.components.written_steps import StepsPicture, written_steps
from viz.inspector import part_text

if TYPE_CHECKING:
    from models.attention import HeadMapRequest, HeadPicture, StepRows, TracedText, TraceRequest

# Sources up to this length leave room for the map beside the lines.
LONGEST_BESIDE = 20


def show_map(traced: "TracedText", picture: "HeadPicture", request: "HeadMapRequest", selected: int) -> None:
    """One map; for cross-attention, rows are the written tokens and columns the source."""
    kind, layer, head = request.kind, request.layer, request.head
    is_cross = kind == "cross"
    queries = _queries(traced, kind)
    own = kind != "decoder" or not traced.target_tokens
    special = traced.is_special if own else ()
    unknown = traced.is_unknown if own else ()
    caption = f"{_title()}, {head_name(layer, head)}: rows are queries (who looks), columns are keys (looked at)."
    if is_cross:
        caption = f"{_title()}, {head_name(layer, head)}: each row is the step that writes its token."
    elif kind == "decoder" and traced.target_tokens:
        caption += f" The decoder is given {queries[0]} to start with; each row writes the token of the next one."
    steps_are_rows = is_cross or (kind == "decoder" and bool(traced.target_tokens))
    attention_map(
        MapPicture(
            name=head_name(layer, head),
            map=map_name(kind, layer, head),
            queries=queries,
            keys=traced.tokens if is_cross else None,
            cells=picture.cells,
            row=picture.row,
            selected=selected,
            most=picture.most,
            special=_places(special),
            unknown=_places(unknown),
            unseen_means="the future, which a decoder cannot see",
            caption=caption + _means(traced, kind, layer, head) + _without_sink(picture.seen, "in the selected row"),
            has_strip=not is_cross,
        ),
        key="attention_map",
        on_token=STEP.choose if steps_are_rows else lambda place: thread.choose_token(place, traced.spans),
    )


def cross_steps(
    traced: "TracedText", rows: "StepRows", request: "HeadMapRequest", selected: int, key: str = "written_steps"
) -> None:
    """Source above, output below, lines between them."""
    what = "a line is as wide and as dark as the weight from an output's step to a source token."
    _steps(traced, rows, request, written_from_source(traced), selected, what, key=key)


def decoder_steps(
    traced: "TracedText", rows: "StepRows", request: "HeadMapRequest", written: Written, selected: int
) -> None:
    """The text as a strip that grows step by step."""
    what = "what the step that writes the outlined token looks at; the likeliest token is written each time (greedy)."
    # The last token that was written is nobody's key.
    prompt = len(traced.tokens) - len(written.pieces) + 1
    _steps(traced, rows, request, written, selected, what, written_from=prompt, text_before=thread.TEXT.value)


def _steps(
    traced: "TracedText",
    rows: "StepRows",
    request: "HeadMapRequest",
    written: Written,
    selected: int,
    what: str,
    *,
    written_from: int | None = None,
    text_before: str = "",
    key: str = "written_steps",
) -> None:
    name = head_name(request.layer, request.head)
    means = _means(traced, request.kind, request.layer, request.head)
    written_steps(
        StepsPicture(
            name=name,
            map=map_name(request.kind, request.layer, request.head),
            keys=traced.tokens,
            outputs=written.pieces,
            hints=tuple(_hint(*each) for each in zip(written.pieces, written.probabilities, strict=True)),
            probabilities=written.probabilities,
            weights=rows.weights,
            selected=selected,
            most=rows.most,
            written_from=written_from,
            special=_places(traced.is_special),
            unknown=_places(traced.is_unknown),
            special_outputs=_places(written.is_special),
            text_before=text_before,
            texts=written.texts,
            caption=f"{_title()}, {name}: {what}{means}{_without_sink(None)}",
        ),
        key=key,
        on_step=STEP.choose,
    )


def show_grid(trace: "TraceRequest", kind: str, layer: int | None, head: int | None, status: DeltaGenerator) -> None:
    """All heads of all layers as thumbnails; one of them opened becomes the main picture."""
    from models.attention import HeadGridRequest

    def opened(new_layer: int, new_head: int) -> None:
        LAYER.choose(new_layer)
        HEAD.choose(new_head)
        VIEW.choose("head")

    without_sink = SINK.value == "out"
    with working("Computing the maps of all heads; for a long text this takes a while…", status):
        grid = ask(HeadGridRequest(trace, kind, without_sink), status)
    rows, columns = grid.thumbnails.shape[2:]
    caption = f"{_title()}: lightness goes with the square root of the weight, from 0 to 1."
    if (rows, columns) != grid.tokens:
        caption += f" Each thumbnail is pooled from {grid.tokens[0]} to {rows} tokens a side (largest weight)."
    if without_sink:
        caption += " The sink is taken out and the rows are rescaled."
    head_grid(
        grid.thumbnails,
        layers=grid.layers,
        name=f"{kind}-grid",
        chosen=(-1 if layer is None else layer, head),
        caption=caption,
        key="head_grid",
        on_head=opened,
    )


def _queries(traced: "TracedText", kind: str) -> tuple[str, ...]:
    if kind == "cross":
        return tuple(each.text for each in traced.written)
    return traced.target_tokens if kind == "decoder" and traced.target_tokens else traced.tokens


def _title() -> str:
    return MODELS[thread.MODEL.value].title


def _means(traced: "TracedText", kind: str, layer: int | None, head: int | None) -> str:
    if layer is None:
        return f" Mean over all heads of {len(traced.layers_of(kind))} layers."
    return f" Mean over the {traced.heads_of(kind, layer)} heads of the layer." if head is None else ""


def _without_sink(seen: float | None, where: str = "") -> str:
    if SINK.value != "out":
        return ""
    if seen is None:
        return " The sink is taken out (special tokens; in a decoder the first token too), the rest is rescaled."
    return f" The sink is taken out: {where} you see {seen:.0%} of the weight, rescaled."


def _hint(name: str, probability: float) -> str:
    said = sounds.in_words(name) if MODELS[thread.MODEL.value].writes else ""
    return f"{name}{': ' + said if said else ''}, {part_text(probability)}"


def _places(marks: tuple[bool, ...]) -> tuple[int, ...]:
    return tuple(int(place) for place in np.flatnonzero(marks))
