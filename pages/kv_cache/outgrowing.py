"""When does the cache outgrow the model? Its bytes beside the weights, over the length of the text."""

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from models.catalog import MODELS
from pages.kv_cache.choices import BITS, DTYPES, ROWS
from pages.kv_cache.shown_run import ShownRun
from pages.shared import thread
from pages.shared.bound_widgets import bound
from pages.shared.sentences_and_charts import chart, remark, say
from pages.shared.theme import palette
from viz.kv_cache_charts import Curve, Mark, bytes_chart
from viz.number_format import bytes_text

if TYPE_CHECKING:
    from models.kv_cache import CacheFacts


_ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256)


def when_it_outgrows(now: ShownRun) -> None:
    """The cache of a batch beside the weights, over the length of the text; where they cross, and the model's limit."""
    from models.kv_cache import bytes_at, crossover
    from models.kv_cache.planning import bits_of

    facts, source = now.facts, len(now.prompt.pieces) if now.prompt.start else 0
    dtype = DTYPES[BITS.value] if BITS.value else facts.dtype
    left, right = st.columns([2, 5], gap="large")
    with left:
        rows = bound(st.select_slider, ROWS, "Texts at once (batch)", sorted({*_ROWS, ROWS.value}))
        crossing = crossover(facts.shape, facts.weight_bytes, rows=rows, dtype=dtype, source_positions=source)
        say(*_outgrowing(facts, rows, crossing))
    longest = max(16, 2 * (crossing or 0), 2 * (facts.positions or 0))
    lengths = np.unique(np.geomspace(1, longest, 60).astype(np.int64))
    curves = [
        Curve(
            f"{each} text{'s' if each > 1 else ''}",
            lengths,
            bytes_at(facts.shape, lengths.tolist(), rows=each, dtype=dtype, source_positions=source),
            is_chosen=each == rows,
        )
        for each in sorted({1, rows})
    ]
    marks = [Mark(f"weights, {bytes_text(facts.weight_bytes)}", bytes=facts.weight_bytes)]
    if facts.positions:
        marks.append(Mark(f"the model's limit, {facts.positions:,}", length=facts.positions))
    with right, st.container(key="outgrowing"):
        chart(bytes_chart(curves, marks, palette()))
        remark(f"From the formula, in {bits_of(dtype)} bits a kept number; both axes are logarithmic.")


def _outgrowing(facts: "CacheFacts", rows: int, crossing: int | None) -> list[str]:
    title = MODELS[thread.MODEL.value].title
    texts = "one text" if rows == 1 else f"{rows} texts at once"
    if crossing is None:
        return [f"However long {texts} may be, the cache of {title} stays below its weights."]
    said = [f"With {texts} the cache outgrows the weights ({bytes_text(facts.weight_bytes)}) at {crossing:,} tokens."]
    if facts.positions and crossing > facts.positions:
        said.append(
            f"That is beyond the model's limit of {facts.positions:,} tokens: it cannot happen. Try more texts."
        )
    elif facts.positions:
        said.append(
            f"The model goes on to {facts.positions:,} tokens: in texts longer than {crossing:,} most of the memory is "
            "cache."
        )
    return said
