"""How has the block changed? Published models from 2017 on, a row each, with what is new and what that buys."""

from typing import TYPE_CHECKING

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.shared.asking_engine import ask, working
from pages.shared.sentences_and_charts import remark
from viz.components.block_diagram import BlockDiagram, DrawnBox, DrawnRow, block_diagram
from viz.inspector import line
from viz.number_format import bytes_text, count_text, times_text
from viz.tables import table

if TYPE_CHECKING:
    from models.anatomy.history import StationPlan

TITLE = "How has the block changed?"
_LONGEST_TITLE = 150
_WORTH_SAYING = 1.5


def show(status: DeltaGenerator) -> None:
    """The picture, the figures, what each change buys, the sources."""
    from models.anatomy.history import StationRequest
    from models.anatomy.history_models import STATIONS

    found = []
    for place, station in enumerate(STATIONS):
        said = f"Drawing {station.title} from its config, once for everybody: {place + 1} of {len(STATIONS)}…"
        with working(said, status):
            found.append(ask(StationRequest(place), status))
    rows = [_row(each) for each in found]
    caption = (
        "One layer of each model. A coloured frame: another kind of part than in the row above, or one more. Sizes are "
        "in the table."
    )
    with st.container(key="history"):
        block_diagram(
            BlockDiagram(rows, (1, 1, 1), None, caption, "block-history"), key="history_diagram", on_box=_nothing
        )
    st.html(table(_HEAD, [_figures(each) for each in found]))
    remark(
        "Figures are computed from the published configs: operations for one token read alone; the cache in 16 bits a "
        "number, for each token of a text of 8,192 tokens, of an encoder-decoder for source and output."
    )
    st.html("".join(line(said) for each in found for said in buys(each)))
    sources = ", ".join(f"[{each.station.title}: {each.station.source}]({each.station.link})" for each in found)
    st.caption(f"Sources: {sources}.")


_HEAD = ("", "year", "order of tokens", "parameters", "operations a token", "KV cache a token")


def _nothing(_: str) -> None:
    """A box of another model has nothing to open here."""


def _row(each: "StationPlan") -> DrawnRow:
    from models.anatomy.history import box_words

    inner = each.layer.inner
    boxes = () if inner is None else inner.boxes
    places = {box.name: place for place, box in enumerate(boxes)}
    drawn = []
    for box, is_new in zip(boxes, each.is_new, strict=True):
        title, _, said = box_words(box).partition(", ")
        numbers = (box.parameters, box.bytes, box.operations)
        drawn.append(DrawnBox(box.name, box.kind, title, said, numbers, 0.0, mark="new" if is_new else ""))
    arrows = [] if inner is None else [(places[one.source], places[one.target], "") for one in inner.arrows]
    said = f"{each.station.year} · {each.station.title}: {each.station.changed}"
    gone = f" · gone: {'; '.join(each.gone)}" if each.gone else ""
    return DrawnRow(said + (gone if len(said + gone) <= _LONGEST_TITLE else ""), drawn, arrows)


def _figures(each: "StationPlan") -> tuple[str, ...]:
    figures = each.figures
    return (
        *(each.station.title, str(each.station.year), each.positions),
        *(count_text(figures.parameters), count_text(figures.operations)),
        bytes_text(figures.cache) if figures.cache else "none",
    )


def buys(each: "StationPlan") -> list[str]:
    """What its change is worth: its figures beside those without it."""
    own, other, station = each.figures, each.otherwise, each.station
    found = []
    if other is not None:
        for name, now, then, text in (
            ("bytes of cache for each token", own.cache, other.cache, bytes_text),
            ("operations for each token", own.operations, other.operations, count_text),
        ):
            if now and then > 1.005 * now:
                found.append(f"{text(now)}, and {text(then)} {station.instead}: {times_text(then / now)} the {name}")
    if other is None and own.cache_of_heads > _WORTH_SAYING * own.cache > 0:
        found.append(
            f"{bytes_text(own.cache)} of cache for each token, and {bytes_text(own.cache_of_heads)} if the keys and "
            f"values of its heads were kept: {times_text(own.cache_of_heads / own.cache)}"
        )
    return [f"{station.title}: {said}." for said in found]
