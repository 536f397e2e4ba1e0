"""What carries a difference from one text to another: activations of one put into the run of the other."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from models.catalog import MODELS
from models.engine import engine
from pages.heads.choices import CARRIER, CARRIERS, INTO, OF_CELL, OF_HEAD, SHOW, place_name
from pages.heads.controls import chosen_quantity
from pages.heads.effects import quantity_words
from pages.heads.text_and_kind import Subject, offer_picture
from pages.shared.asking_engine import ask
from pages.shared.bound_widgets import bound, pick
from pages.shared.job import Job
from pages.shared.link import NumberPair, run_again
from pages.shared.messages import problem
from pages.shared.sentences_and_charts import explanation, remark
from viz.components.head_atlas import EffectCells, HeadAtlas, head_atlas
from viz.number_format import level_text
from viz.tables import table

if TYPE_CHECKING:
    from models.heads import StreamMap, Transfer, TransferRequest

JOB = Job("transfer")
_EVERY_SECONDS = 0.5
_MOST = 10
_ENDS = ("goes the other way by", "brings over")
_ROW = {"mlps": ("MLP",)}


def transfer_request(about: Subject, status: DeltaGenerator) -> "TransferRequest":
    """What is put into what."""
    from models.heads.activation_patching import TransferRequest

    carrier: Any = CARRIER.value
    into = replace(about.trace, text=INTO.value)
    return TransferRequest(about.trace, into, chosen_quantity(status), carrier)


def controls() -> None:
    """The other text, and what is put into it."""
    bound(
        st.text_area,
        INTO,
        "Put into this text",
        height=68,
        placeholder="The same sentence with another word",
        help="What the model computes of the text above is put into its run of this one, part by part.",
    )
    pick(CARRIER, "What is put in", CARRIERS, key="carrier_box")


def transfer_now(request: "TransferRequest") -> "Transfer | None":
    """What is computed already, all of it or a part."""
    if request in engine.answers:
        return engine.run(request)
    progress = JOB.poll() if JOB.request == request else None
    return progress.steps[-1] if progress is not None and progress.steps else None


def show(about: Subject, status: DeltaGenerator) -> None:
    """The map of how much comes over with each part."""
    if not INTO.value:
        explanation("Type another text on the left: one that differs from yours in a word, and is answered otherwise.")
        return
    request = transfer_request(about, status)
    if JOB.request is not None and JOB.request != request:
        JOB.leave()
    if request in engine.answers:
        _draw(about, request, ask(request, status))
        return
    progress = JOB.poll() if JOB.request == request else None
    if progress is not None and not progress.is_done:
        st.fragment(_watch, run_every=_EVERY_SECONDS)(about, request)
        return
    if progress is not None and progress.error:
        problem(progress.error)
    what = {"stream": "the residual stream, place by place", "heads": "each head", "mlps": "each MLP"}
    if st.button(f"Put {what[request.carrier]} in", key="transfer_start", type="primary"):
        JOB.start(request)
        run_again()
    if progress is not None and progress.steps:
        _draw(about, request, progress.steps[-1])


def _watch(about: Subject, request: "TransferRequest") -> None:
    progress = JOB.state(_progress_text, "Reading both texts…")
    if progress.steps:
        _draw(about, request, progress.steps[-1])


def _progress_text(step: "Transfer") -> tuple[float, str]:
    return step.done / max(1, step.of), f"{step.done:,} of {step.of:,} put in, each in a run of its own"


def _draw(about: Subject, request: "TransferRequest", found: "Transfer") -> None:
    measured = found.measured
    rows: tuple[str, ...] = ()
    columns: tuple[int, ...] = ()
    if request.carrier == "stream":
        stream = shown_stream(about, found)
        layers, shares, columns = stream.layers, stream.shares, stream.places
        rows = tuple(found.tokens_in(stream.kind)[place] for place in columns)
    else:
        shown = next((each for each in found.maps if each.kind == about.kind), found.maps[-1])
        layers, shares = shown.layers, shown.effects
        rows = _ROW.get(request.carrier, ())
    heads = (shares.shape[1],) * len(layers)
    alignment = f" {found.alignment.note}" if found.alignment.note else ""
    picture = HeadAtlas(
        layers=layers,
        heads=heads,
        cells=EffectCells(("comes over",), shares[None].astype(np.float32), "of the difference", _ENDS),
        selected=_selected(request.carrier, layers, heads, columns),
        caption=f"{MODELS[about.trace.model].title}: {quantity_words(measured)} is {level_text(found.taken)} "
        f"{measured.unit} in your text and {level_text(found.into)} in the other. A cell: how much of that difference "
        f"comes over when this part of your text's run is put into the other's; 1 is all of it, 0 nothing."
        f"{alignment} Put in alone, the rest as it is: two parts that do the same hide each other.",
        name="What comes over with each part",
        rows=rows,
    )
    with st.container(key="atlas"):
        head_atlas(
            picture,
            key="transfer_map",
            on_cell=lambda place, row: _choose(request.carrier, layers, columns, place, row),
        )


def shown_stream(about: Subject, found: "Transfer") -> "StreamMap":
    """The stream of the stack that is spoken of, else of the last."""
    return next((each for each in found.stream if each.kind == about.kind), found.stream[-1])


def _selected(
    carrier: str, layers: tuple[int, ...], heads: tuple[int, ...], columns: tuple[int, ...]
) -> tuple[int, int] | None:
    chosen = OF_HEAD.value if carrier == "heads" else OF_CELL.value
    if chosen is None or chosen[0] not in layers:
        return None
    layer, row = chosen
    if carrier == "stream":
        if row not in columns:
            return None
        row = columns.index(row)
    return (layers.index(layer), row) if row < heads[0] else None


def _choose(carrier: str, layers: tuple[int, ...], columns: tuple[int, ...], place: int, row: int) -> None:
    if not 0 <= place < len(layers):
        return
    if carrier == "heads":
        OF_HEAD.choose(NumberPair((layers[place], row)))
    elif carrier == "mlps" or 0 <= row < len(columns):
        OF_CELL.choose(NumberPair((layers[place], columns[row] if columns else 0)))


def details(about: Subject, status: DeltaGenerator) -> None:
    """The parts with which most comes over, as a list."""
    if SHOW.value != "transfer":
        why = (
            "One text says Paris and another Rome: put what the model computed of the one into its run of the other, "
            "part by part, and see where the answer goes over."
        )
        offer_picture("transfer", why, "Show what carries it over")
        return
    if not INTO.value:
        explanation("Type the other text on the left first.")
        return
    request = transfer_request(about, status)
    found = transfer_now(request)
    if found is None or not found.done:
        explanation("Nothing is computed yet: begin above.")
        return
    st.html(table(["part", "comes over"], [[name, f"{share:.1%}"] for name, share in largest(found)[:_MOST]]))
    if found.alignment.note:
        remark(found.alignment.note)


def largest(found: "Transfer") -> list[tuple[str, float]]:
    """Each part with its share, the largest first."""
    from models.heads import Place

    parts = [
        (f"L{layer} at {found.tokens_in(each.kind)[place]} ({place})", float(share))
        for each in found.stream
        for layer, row in zip(each.layers, each.shares, strict=True)
        for place, share in zip(each.places, row, strict=True)
    ]
    sort = "heads" if CARRIER.value == "heads" else "mlps"
    parts += [
        (place_name(Place(each.kind, layer, head), sort, with_kind=len(found.maps) > 1), float(share))
        for each in found.maps
        for layer, row in zip(each.layers, each.effects, strict=True)
        for head, share in enumerate(row)
    ]
    return sorted((each for each in parts if not np.isnan(each[1])), key=lambda each: -each[1])
