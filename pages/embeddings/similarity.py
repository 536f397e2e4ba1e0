"""How similar are they? Token by token in one line, or sentence by sentence."""

from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.embeddings.chance import baseline
from pages.embeddings.choices import (
    CENTRED,
    DEPTH,
    LINE,
    POOLING,
    POOLINGS,
    SIMILAR,
    line_there,
    texts,
)
from pages.shared import thread
from pages.shared.asking_engine import ask
from pages.shared.bound_widgets import bound, names_of, pick
from pages.shared.sentences_and_charts import chart, remark
from pages.shared.theme import palette
from viz.embeddings_charts import matrix_chart
from viz.number_format import cosine_text

_MOST_CELLS = 3_600


def how_similar(status: DeltaGenerator) -> None:
    """Token × token in one line, or sentence × sentence."""
    lines = texts()
    left, right = st.columns([3, 5], gap="large")
    with left:
        pick(SIMILAR, "Compare", {"tokens": "Tokens", "sentences": "Sentences"})
        if SIMILAR.value == "sentences":
            bound(
                st.radio,
                POOLING,
                "One vector for a sentence",
                **names_of(POOLINGS),
                help="Of the last layer. As trained: what a folder of sentence-transformers says, else the mean, which "
                "counts every token that is attended to, special ones included.",
            )
        else:
            line_there(LINE, len(lines))
            bound(
                st.selectbox,
                LINE,
                "Line",
                range(len(lines)),
                format_func=lambda place: f"{place + 1}: {lines[place][:60]}",
            )
    with right:
        if SIMILAR.value == "sentences":
            _sentences_matrix(lines, status)
        else:
            _tokens_matrix(lines[LINE.value], status)


def _tokens_matrix(text: str, status: DeltaGenerator) -> None:
    from models.embeddings import TokenCosinesRequest

    found = ask(TokenCosinesRequest(thread.MODEL.value, text, DEPTH.value, CENTRED.value == "yes"), status)
    if len(found.pieces) ** 2 > _MOST_CELLS:
        st.caption(f"{len(found.pieces)} tokens make a matrix that nobody can read; take a shorter line.")
        return
    chart(matrix_chart(found.matrix, found.pieces, found.pieces, palette()), key="cosines", width="content")
    mean = " without their mean" if found.is_centred else ""
    remark(
        f"Cosines of the tokens{mean} {'at the input' if DEPTH.value == 0 else f'after layer {DEPTH.value}'}. "
        f"{baseline(found.anisotropy, 'tokens of this line alone, special ones included,').capitalize()}: only what is "
        "above that says something."
    )


def _sentences_matrix(lines: tuple[str, ...], status: DeltaGenerator) -> None:
    from models.embeddings import SentencesRequest, anisotropy, centred, cosines

    pooling: Any = POOLING.value
    found = ask(SentencesRequest(thread.MODEL.value, lines, pooling), status)
    vectors = centred(found.vectors) if CENTRED.value == "yes" and len(found.vectors) > 1 else found.vectors
    if len(vectors) ** 2 > _MOST_CELLS:
        st.caption(f"{len(vectors)} sentences make a matrix that nobody can read; take fewer lines.")
        return
    names = [f"{place + 1}: {lines[place][:40]}" for place in found.lines]
    chart(
        matrix_chart(cosines(vectors), names, [str(place + 1) for place in found.lines], palette()),
        key="cosines",
        width="content",
    )
    if len(vectors) > 1:
        remark(f"Cosines of sentence vectors. The mean of all pairs is {cosine_text(anisotropy(vectors))}.")
