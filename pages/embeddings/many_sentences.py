"""Many sentences at once, as a job, and the nearest to one of them."""

from typing import Any

import numpy as np
import streamlit as st

from pages.embeddings import export
from pages.embeddings.chance import baseline
from pages.embeddings.choices import (
    EMBEDDED,
    LINES,
    NEAR_LINE,
    line_there,
)
from pages.shared import thread
from pages.shared.bound_widgets import bound
from pages.shared.job import Job
from pages.shared.link import fits
from pages.shared.messages import problem
from pages.shared.sentences_and_charts import remark, say
from viz.number_format import cosine_text
from viz.tables import table

_SENTENCES = Job("sentences")

_MOST_LINES = 5_000


def many_sentences() -> None:
    """Up to 5,000 lines at once, as a job, and the nearest to one of them."""
    from models.embeddings import SentencesRequest, anisotropy, cosines

    bound(
        st.text_area,
        LINES,
        "A sentence to a line",
        key="many_lines_box",
        height=160,
        placeholder="Paste up to 5,000 lines",
    )
    st.button("Embed them", key="embed_lines", on_click=EMBEDDED.choose, args=("yes",))
    lines = tuple(LINES.value.splitlines())
    if not LINES.value.strip():
        st.caption(
            "Nothing pasted yet. Each line becomes one vector of the last layer, pooled as the model was trained to."
        )
        return
    if not fits(LINES):
        remark("These lines are too long for a link: it opens this tab without them.")
    if len(lines) > _MOST_LINES:
        problem(f"{len(lines):,} lines are too many at once: at most {_MOST_LINES:,} are read. Take a part of them.")
        return
    request = SentencesRequest(thread.MODEL.value, lines, "own")
    found = _SENTENCES.answer(request, _progress_text, is_wanted=EMBEDDED.value == "yes")
    if found is None:
        return
    said = f"{len(found.vectors):,} vectors, {found.computed:,} of them computed; equal lines once."
    if found.empty:
        said += f" {found.empty:,} empty lines were left out."
    if found.too_long:
        said += f" Too long for this model: line {', '.join(str(place + 1) for place in found.too_long[:10])}."
    say(said)
    if len(found.vectors) < 2:
        return
    line_there(NEAR_LINE, len(found.lines))
    place = bound(
        st.selectbox,
        NEAR_LINE,
        "Nearest to",
        range(len(found.lines)),
        format_func=lambda each: lines[found.lines[each]][:100],
    )
    values = cosines(found.vectors, found.vectors[[place]])[:, 0]
    values[place] = -np.inf
    order = np.argsort(-values, kind="stable")[: min(10, len(values) - 1)]
    st.html(table(["line", "cosine"], [[lines[found.lines[each]][:120], cosine_text(values[each])] for each in order]))
    remark(f"{baseline(anisotropy(found.vectors), 'sentences of these').capitalize()}.")
    export.vectors_download(found.vectors, [lines[each] for each in found.lines], "sentences")


def _progress_text(step: Any) -> tuple[float, str]:
    return step.done / max(1, step.of), f"{step.done:,} of {step.of:,} sentences."
