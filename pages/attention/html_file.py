"""The picture as one HTML file that moves: every head of every layer, opened as it is on the screen."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from models.engine import engine
from pages.attention import pictures
from pages.attention.choices import BY, HEADS, KINDS, PIN, SENTENCE, SINK, VIEW, ZOOM, head_name
from pages.attention.selection import shown_heads
from pages.attention.two_sentences import sentences_part
from pages.shared import download_names, local_or_public, thread
from pages.shared.export import Download
from viz.components.attention_view import Frame, Products, captions
from viz.standalone import MOST_NUMBERS, KindMaps, Opening, attention_file

if TYPE_CHECKING:
    from models.attention import HeadMapRequest, TracedText

# Where strangers share the server: a million takes it a second.
_MOST_SHARED = 3_000_000
_HELP = (
    "The picture as it is here, in one file: it opens by double click, without a network, and has every head to point "
    "at and choose."
)


def picture_file(
    request: "HeadMapRequest", traced: "TracedText", selected: int, text: str
) -> tuple[list[Download], list[str]]:
    """The file, and what is said where it is of one layer alone, or there is none: all would be too large."""
    most = MOST_NUMBERS if local_or_public.is_local() else min(MOST_NUMBERS, _MOST_SHARED)
    layers = {kind: traced.layers_of(kind) for kind in traced.kinds}
    notes = []
    if (every := _numbers(traced, layers)) > most:
        alone = request.layer if request.layer is not None else layers[request.kind][0]
        layers = {request.kind: (alone,)}
        if (one := _numbers(traced, layers)) > most:
            return [], [
                f"All maps of this text have {every:,} numbers, those of one layer {one:,}, and a picture as a file "
                f"holds at most {most:,}; take a shorter text."
            ]
        notes.append(
            f"All layers have {every:,} numbers, and a picture as a file holds at most {most:,}: the HTML file has "
            f"layer {alone} alone."
        )
    asked = replace(request, by_value=False)
    if BY.value == "value":
        notes.append("The HTML file has the weights themselves, without the lengths of the values.")
    frames = {
        kind: pictures.frame_of(
            traced,
            replace(asked, kind=kind, layer=None, head=None),
            selected if kind == request.kind else 0,
            can_switch=False,
        )
        for kind in layers
    }
    seconds = {
        kind: None if traced.axes(kind).rows_are_target else sentences_part(traced, thread.TEXT.value)
        for kind in layers
    }
    opening = _opening(request, traced, layers[request.kind], is_cut=seconds[request.kind] is not None)
    products = _products(request, traced, selected) if opening.view == "qk" else None
    model, note = pictures.title(), _note(request)

    def made() -> str:
        # Called outside of the session: nothing that was chosen is asked for here.
        kinds = [_maps(asked, frames[kind], each, note, seconds[kind]) for kind, each in layers.items()]
        return attention_file(f"{model}: {text}", model, kinds, opening, products).html

    head = head_name(request.layer, request.head).replace(" ", "-")
    name = f"{download_names.of_model(request.trace.model)}-{head}.html"
    return [Download("HTML", name, made, _HELP)], notes


def _numbers(traced: "TracedText", layers: Mapping[str, Sequence[int]]) -> int:
    """How many weights the maps of these layers have."""
    return sum(
        sum(traced.heads_of(kind, layer) for layer in some)
        * len(traced.row_names(kind))
        * len(traced.axes(kind).columns)
        for kind, some in layers.items()
    )


def _opening(request: "HeadMapRequest", traced: "TracedText", layers: Sequence[int], *, is_cut: bool) -> Opening:
    layer, head = request.layer, request.head
    if layer not in layers and (len(layers) == 1 or VIEW.value != "matrix"):
        layer = layers[0]
    view = VIEW.value if VIEW.value in ("heads", "model") else "matrix"
    if VIEW.value == "qk" and request.layer is not None and head is not None:
        view = "qk"
    chosen = HEADS.value and layer is not None
    return Opening(
        view=view,
        kind=request.kind,
        layer=layer,
        head=head,
        beside=shown_heads(traced.heads_of(request.kind, layer), head) if chosen and layer is not None else (),
        pinned=PIN.value,
        zoom=tuple(map(int, ZOOM.value.split("-"))) if ZOOM.value else (),
        sentences=SENTENCE.value if is_cut else "all",
    )


def _products(request: "HeadMapRequest", traced: "TracedText", selected: int) -> tuple[Frame, Products]:
    """q·k of the selected query, which is in the file for it alone."""
    from models.attention import QueryKeyRequest

    layer, head = request.layer or 0, request.head or 0
    found = engine.run(QueryKeyRequest(request.trace, request.kind, layer, head, selected))
    return pictures.products_of(traced, request, found, selected)


def _note(request: "HeadMapRequest") -> str:
    note = pictures.left_out_note(None)
    if SINK.value != "in":
        note += " A mean is that of the rescaled heads."
    if request.trace.interventions:
        note += " Something was switched off when these maps were computed."
    return note


def _maps(request: "HeadMapRequest", frame: Frame, layers: Sequence[int], note: str, second: int | None) -> KindMaps:
    """The maps of one kind, layer by layer."""
    from models.attention import LayerMapsRequest

    whole = (0, len(frame.queries)), (0, len(frame.keys or frame.queries))
    is_cross = frame.kind == "cross"
    return KindMaps(
        frame=frame,
        label=KINDS[frame.kind],
        layers=tuple(layers),
        weights=tuple(
            engine.run(LayerMapsRequest(replace(request, kind=frame.kind, layer=layer, head=None), *whole))
            for layer in layers
        ),
        says=captions.WRITING_STEPS if is_cross else captions.ROWS_AND_COLUMNS,
        note=note,
        second=second,
    )
