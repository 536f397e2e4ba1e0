"""The input embedding matrix: a row of it, what is near it, and sums of rows."""

from typing import TYPE_CHECKING, Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from models.catalog import MODELS
from pages.embeddings.choices import MEASURE, MEASURES, MINUS, PIECE, PLUS
from pages.shared import thread
from pages.shared.asking_engine import ask
from pages.shared.bound_widgets import bound, pick
from pages.shared.link import note
from pages.shared.sentences_and_charts import chart, remark
from pages.shared.theme import palette
from viz.embeddings_charts import strip_chart
from viz.inspector import heading
from viz.number_format import cosine_text
from viz.tables import table

if TYPE_CHECKING:
    from models.embeddings import Neighbours, TableFacts, TableRow

_COUNT = 20


def controls() -> None:
    """The piece that is looked up, and what is taken away and added."""
    help_ = "As the tokenizer writes it, with ␣ or a space for its space, or any word."
    bound(st.text_input, PIECE, "Piece", max_chars=60, help=help_)
    bound(st.text_input, MINUS, "minus", max_chars=60, help="Its row is taken away.")
    bound(st.text_input, PLUS, "plus", max_chars=60, help="Its row is added.")
    pick(
        MEASURE,
        "Near by",
        MEASURES,
        help="The cosine looks at the direction only; the dot product also at the length, so long rows come first.",
    )


def look_up(status: DeltaGenerator) -> "tuple[TableRow, Neighbours, list[tuple[str, int]]]":
    """The row, the nearest rows to the sum, and the parts of the sum as sign and id. Raises HeadlightError."""
    from models.embeddings import NearestRequest, PieceRequest, RowRequest

    name = thread.MODEL.value
    typed = PIECE.value or (thread.TEXT.value.split() or [""])[0]
    parts: list[tuple[str, int]] = []
    for sign, word in (("+", typed), ("-", MINUS.value), ("+", PLUS.value)):
        if not word.strip():
            continue
        found = ask(PieceRequest(name, word), status)
        if found.count > 1:
            note(f"“{word}” is {found.count} tokens here; the first one, {found.pieces[0]}, is taken.")
        parts.append((sign, found.id))
    ids = tuple(number for _, number in parts)
    weights = tuple(1 if sign == "+" else -1 for sign, _ in parts)
    measure: Any = MEASURE.value
    # A sum is nearly always nearest to one of its own parts.
    near = ask(NearestRequest(name, ids, weights, measure, _COUNT, ids), status)
    return ask(RowRequest(name, ids[0]), status), near, parts


def picture(row: "TableRow", near: "Neighbours", parts: list[tuple[str, int]], facts: "TableFacts") -> None:
    """The row as a strip of numbers over the list of the nearest rows."""
    from models.embeddings import RowRequest

    name = thread.MODEL.value
    with st.container(key="row"):
        chart(strip_chart(row.vector, palette()))
        remark(
            f"Row {row.id:,} of {row.rows:,}: {facts.width} numbers. Its length is {row.norm:.3f}, the mean of "
            f"all rows {row.mean_norm:.3f}; {row.rank:,} rows are longer."
        )
    said = "".join(
        f" {sign.replace('-', '−')} " * bool(place) + _shown(name, number, RowRequest)
        for place, (sign, number) in enumerate(parts)
    )
    left = ", ".join(dict.fromkeys(_shown(name, number, RowRequest) for _, number in parts))
    with st.container(key="nearest"):
        st.html(heading(f"Nearest to {said}"))
        rows = [
            [piece, cosine_text(value), f"{norm:.3f}", f"{number:,}"]
            for piece, value, norm, number in zip(near.pieces, near.values, near.norms, near.ids, strict=True)
        ]
        st.html(table(["piece", MEASURES[MEASURE.value].lower(), "length", "id"], rows))
        remark(
            f"Exact, over all {row.rows:,} rows in {facts.width} dimensions. Left out: {left}, which would come "
            f"first. Two random rows have a cosine of {cosine_text(facts.anisotropy)}. {MODELS[name].title}."
        )


def _shown(name: str, number: int, request: Any) -> str:
    from models.engine import engine

    return f"“{engine.run(request(name, number)).piece}”"
