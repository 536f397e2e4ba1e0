"""Do the senses part? Cosines within and between the senses of a word, layer by layer."""

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from models.catalog import MODELS
from pages.embeddings.chance import baseline, how_often, share_of_cases
from pages.embeddings.choices import (
    DEPTH,
    WORD,
    senses,
    texts,
)
from pages.shared import thread
from pages.shared.asking_engine import ask
from pages.shared.sentences_and_charts import chart, remark, say
from pages.shared.theme import palette
from viz.embeddings_charts import gap_chart, matrix_chart
from viz.number_format import cosine_text
from viz.tables import table


def do_senses_part(status: DeltaGenerator) -> None:
    """Cosines within and between senses, layer by layer, and whose nearest neighbour shares its sense."""
    from models.embeddings import SensesRequest

    lines, word = texts(), WORD.value.strip()
    named = senses(len(lines))
    if not word or not all(named):
        st.caption("Name a word and its sense in each line, at the left: then the senses can be compared.")
        return
    found = ask(SensesRequest(thread.MODEL.value, lines, word, named), status)
    layer = min(DEPTH.value, len(found.layers) - 1)
    best = max(range(len(found.layers)), key=lambda place: (found.layers[place].shared, -place))
    where = "at the input" if best == 0 else f"after layer {best}"
    chance = found.layers[0].chance
    say(
        f"At the input the nearest neighbour has the same sense for {share_of_cases(found.layers[0])}; "
        f"most have it {where}, {share_of_cases(found.layers[best])}. "
        f"Dealt out by chance, the senses come as far in some layer {how_often(found.best_by_chance, chance.ways)}.",
        f"Chance: the same senses dealt out at random over the {len(lines)} lines, "
        + (f"in all {chance.ways:,} ways." if chance.is_exact else f"{chance.ways:,} times."),
    )
    chart(
        gap_chart(
            np.array([each.within for each in found.layers], dtype=np.float32),
            np.array([each.between for each in found.layers], dtype=np.float32),
            np.array(found.anisotropy, dtype=np.float32),
            [share_of_cases(each) for each in found.layers],
            layer,
            palette(),
        ),
        key="gap",
    )
    of_all = baseline(found.anisotropy[layer], f"tokens of all {len(lines)} lines, special ones left out,")
    rows = [
        [
            name,
            share_of_cases(each),
            "–"
            if each.tied == len(lines)
            else f"{each.chance.mean:.1f} ({how_often(each.chance.as_many, each.chance.ways)})",
            *(cosine_text(value) for value in (each.within, each.between, each.gap)),
        ]
        for name, each in (
            ("row of the table", found.static),
            ("mean of the sentence's rows", found.average),
            *((("input" if not place else f"layer {place}"), each) for place, each in enumerate(found.layers)),
        )
    ]
    st.html(table(["", "nearest shares it", "by chance", "same sense", "another", "gap"], rows, chosen=layer + 2))
    remark(
        "By chance: the mean, and how often it gives as many. "
        f"Mean cosines of “{word}” in {len(lines)} lines. Raw cosines part weakly, as all vectors of a layer share "
        f"a direction: {of_all} here. So look at the gap. "
        f"At the input the word differs only by its position. {MODELS[thread.MODEL.value].title}."
    )
    with st.container(key="senses_matrix"):
        labels = [f"{place + 1} {sense}" for place, sense in enumerate(named)]
        chart(matrix_chart(found.layers[layer].cosines, labels, labels, palette()), key="cosines", width="content")
