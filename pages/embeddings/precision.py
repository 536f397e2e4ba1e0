"""How many numbers? The vectors of the shown texts in fewer bits."""

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.embeddings.choices import (
    texts,
)
from pages.shared import thread
from pages.shared.asking_engine import ask
from pages.shared.sentences_and_charts import remark
from viz.number_format import bytes_text, part_text
from viz.tables import table


def how_many_numbers(status: DeltaGenerator) -> None:
    """The vectors of the shown texts in fewer bits."""
    from models.embeddings import EmbedRequest, precisions

    rows = [ask(EmbedRequest(thread.MODEL.value, text), status).hidden_states[-1] for text in texts()]
    vectors = np.concatenate(rows)
    found = precisions(vectors)
    st.html(
        table(
            ["kept as", "bytes a vector", "a million of them", "mean error", "largest error", "neighbours changed"],
            [
                [
                    each.name,
                    f"{each.bytes_per_vector:,}",
                    bytes_text(each.bytes_per_million),
                    _error(each.mean_error),
                    _error(each.max_error),
                    part_text(each.changed),
                ]
                for each in found
            ],
        )
    )
    remark(
        f"{len(vectors):,} vectors of {vectors.shape[1]} numbers, the last layer's for every token above. Errors "
        f"of cosines over all pairs; of each vector's {found[0].neighbours} nearest, how many are others (of as many "
        f"drawn at random {part_text(1 - found[0].neighbours / (len(vectors) - 1))} would be). int8 keeps one scale "
        "for each vector. Rounding as it is written down, not what a library computes with."
    )


def _error(value: float) -> str:
    return "0" if value == 0 else f"{value:.1e}"
