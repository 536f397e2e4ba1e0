"""One token on its way up: how long its residual stream is, and what each layer adds to it."""

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from models.catalog import MODELS
from pages.anatomy.choices import UP_LAYER
from pages.anatomy.text_and_token import AtToken, at_token, layer_of_plan, token_control
from pages.shared.asking_engine import ask, let_it_leave
from pages.shared.bound_widgets import bound
from pages.shared.export import Download, download_row
from pages.shared.link import note
from pages.shared.sentences_and_charts import chart, remark, say
from pages.shared.spreadsheet import as_csv, as_json
from pages.shared.theme import palette
from viz.anatomy_charts import way_chart
from viz.inspector import heading
from viz.number_format import cosine_text, level_text
from viz.tables import table

if TYPE_CHECKING:
    from models.anatomy.way_up import Added, LayerUp, NormEffect, WayUp

_NAMES = {"attention": "attention", "cross-attention": "cross-attention", "mlp": "MLP", "other": "another part"}
_FILE = ["token", "layer", "part", "stream", "adds", "cosine", "norm", "mean", "spread", "normed", "gain_middle"]


def show(status: DeltaGenerator) -> None:
    """The tab."""
    from models.anatomy.way_up import WayUpRequest

    at = at_token(status)
    found = ask(WayUpRequest(at.trace), status)
    last = len(found.layers) - 1
    if UP_LAYER.value is not None and UP_LAYER.value > last:
        note(f"There is no layer {UP_LAYER.value} on the way: they go from 0 to {last}; the last one is shown.")
        UP_LAYER.choose(last)
    opened = layer_of_plan(at.kind, range(last + 1))
    layer = UP_LAYER.value if UP_LAYER.value is not None else last if opened is None else opened
    controls = st.container(key="up_controls")
    left, right = st.columns([7, 3.4], gap="medium")
    # What is said is there before the rest is drawn, which takes longer than all of it.
    with right, st.container(key="up_inspector"):
        _inspector(found, at, layer)
    let_it_leave()
    with controls:
        _controls(at, layer, last)
    with left:
        _picture(found, at, layer)
    rows = [_FILE, *_rows(found, at)]
    about = {"model": at.trace.model}
    download_row(
        [
            Download("CSV", "way_up.csv", lambda: as_csv(rows)),
            Download("JSON", "way_up.json", lambda: as_json(rows, about, "parts")),
        ],
        "up_",
    )


def _controls(at: AtToken, layer: int, last: int) -> None:
    one, two = st.columns([1, 2], vertical_alignment="bottom")
    with one:
        token_control(at, "Token", "up_at_box")
    with two:
        bound(st.select_slider, UP_LAYER, "Layer", list(range(last + 1)), shown=lambda _: layer)


def _picture(found: "WayUp", at: AtToken, layer: int) -> None:
    place = at.place
    stream = np.array([found.layers[0].entered[place], *(each.left[place] for each in found.layers)])
    added: dict[str, np.ndarray] = {}
    for number, each in enumerate(found.layers):
        for part in each.added:
            values = added.setdefault(_NAMES[part.what], np.full(len(found.layers), np.nan))
            values[number] = part.lengths[place]
    chart(way_chart(stream, added, layer, palette()), key="up_way")
    remark(
        f"{MODELS[at.trace.model].title}, the token “{found.tokens[place]}”. Lengths (L2 norms) of the stream and of "
        "what is added, on a logarithmic axis; the line stands at the chosen layer."
    )
    head = ["layer", "stream", "attention adds", "cosine", "MLP adds", "cosine", "stream after", "turned"]
    shown = found.layers[max(0, layer - 2) : layer + 3]
    st.html(table(head, [_line(each, place) for each in shown], chosen=shown.index(found.layers[layer])))
    remark(
        "Cosine: of what is added with the stream it is added to; turned: of the stream before with that after. Two "
        f"random directions of {found.width:,} numbers have 0, give or take {found.chance:.3f}."
    )


def _line(layer: "LayerUp", place: int) -> list[str]:
    def told(whats: tuple[str, ...]) -> list[str]:
        part = next((each for each in layer.added if each.what in whats), None)
        if part is None:
            return ["–", "–"]
        return [level_text(float(part.lengths[place])), cosine_text(float(part.cosines[place]))]

    return [
        f"L{layer.layer}",
        level_text(float(layer.entered[place])),
        *told(("attention",)),
        *told(("mlp", "other")),
        level_text(float(layer.left[place])),
        cosine_text(float(layer.turned[place])),
    ]


def _inspector(found: "WayUp", at: AtToken, number: int) -> None:
    layer, place = found.layers[number], at.place
    if not layer.added:
        say(
            f"Layer {layer.layer} takes a stream of length {level_text(float(layer.entered[place]))} and gives one of "
            f"{level_text(float(layer.left[place]))}.",
            "Its parts do not add up to the difference, so that they are not told apart here.",
        )
    else:
        largest = max(layer.added, key=lambda each: float(each.lengths[place]))
        before, after = (level_text(float(each[place])) for each in (layer.entered, layer.left))
        say(
            f"In layer {layer.layer} “{found.tokens[place]}” goes from length {before} to {after}: "
            f"{_NAMES[largest.what]} adds most, {level_text(float(largest.lengths[place]))}, "
            f"{_direction(float(largest.cosines[place]), found.chance)}."
        )
    for part in layer.added:
        st.html(heading(f"{_NAMES[part.what].capitalize() if part.what != 'mlp' else 'MLP'}"))
        remark(_part_line(part, place))
        for norm, where in ((part.before, "reads it through"), (part.after, "is followed by")):
            if norm is not None:
                remark(_norm_line(norm, place, where))
    if number == len(found.layers) - 1 and found.final is not None:
        st.html(heading("Before the head"))
        remark(_norm_line(found.final, place, "is read through"))


def _part_line(part: "Added", place: int) -> str:
    return (
        f"adds a vector of length {level_text(float(part.lengths[place]))}, cosine "
        f"{cosine_text(float(part.cosines[place]))} with the stream."
    )


def _direction(cosine: float, chance: float) -> str:
    if abs(cosine) < 2 * chance:
        return "across the stream, as a random direction would be"
    return "along the stream" if cosine > 0 else "against the stream"


def _norm_line(norm: "NormEffect", place: int, where: str) -> str:
    mean = f"mean {level_text(float(norm.means[place]))}, " + ("taken away; " if norm.kind == "LayerNorm" else "kept; ")
    low, middle, high = map(level_text, norm.gain)
    kind = f"{'a' if norm.kind == 'LayerNorm' else 'an'} {norm.kind}"
    bias = ", plus a bias" if norm.has_bias else ""
    before, spread, after = (level_text(float(each[place])) for each in (norm.before, norm.spreads, norm.after))
    return (
        f"It {where} {kind}: {mean}divided by {spread}, times gains of {low} to {high} ({middle} in the middle){bias}. "
        f"Length {before} before, {after} after."
    )


def _rows(found: "WayUp", at: AtToken) -> list[list[object]]:
    place, rows = at.place, []
    for layer in found.layers:
        for part in layer.added:
            norm = part.before or part.after
            told = ["", "", "", "", ""]
            if norm is not None:
                told = [norm.kind, *(float(each[place]) for each in (norm.means, norm.spreads, norm.after))]
                told.append(norm.gain[1])
            start = [found.tokens[place], layer.layer, part.what, float(layer.entered[place])]
            rows.append([*start, float(part.lengths[place]), float(part.cosines[place]), *told])
    return rows
