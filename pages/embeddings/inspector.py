"""The inspector of the embeddings page: what is said beside each of its pictures."""

from typing import TYPE_CHECKING

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.embeddings.chance import baseline
from pages.embeddings.choices import CENTRED, PLACE
from pages.embeddings.context import Journey
from pages.embeddings.logit_lens import layer_names
from pages.shared import thread
from pages.shared.asking_engine import ask
from pages.shared.sentences_and_charts import chart, remark, say
from pages.shared.theme import palette
from viz.embeddings_charts import wave_chart
from viz.inspector import Share, heading, line, shares
from viz.number_format import bytes_text, cosine_text, part_text
from viz.tables import sentences, table

if TYPE_CHECKING:
    from models.embeddings import Lens, NearVectors, TableFacts


def of_context(now: Journey, layer: int, point: int | None, around: "NearVectors | None", random: float) -> None:
    """The selected token: its nearest in the original space, by cosine, and whether they share its sense.

    random: the mean cosine of two random points.
    """
    if point is None or around is None:
        remark("Click a point: its real neighbours are listed here, and its way through the layers is drawn.")
        return
    labels = now.map.labels
    label = labels[point]
    where = "at the input" if layer == 0 else f"after layer {layer}"
    rows = []
    for index, value in zip(around.indices, around.values, strict=True):
        other = labels[int(index)]
        sense = now.senses[other.sentence] if now.marked[int(index)] else ""
        rows.append([f"{other.piece} {other.sentence + 1}", cosine_text(float(value)), sense])
    told = [
        sentences([f"“{label.piece}” in line {label.sentence + 1}, {where}. “{now.texts[label.sentence]}”"]),
        heading(f"Nearest of the {len(labels):,} points, in all dimensions"),
        table(["token, line", "cosine", "sense"], rows),
    ]
    if len(around.values) > 1 and around.values.min() == around.values.max():
        told.append(line(f"These {len(around.values)} are equally near: a tie, whose order says nothing."))
    without = ", without the mean of the shown tokens" if CENTRED.value == "yes" else ""
    of_all = baseline(random, f"ones of these {len(labels):,} points").capitalize()
    told.append(line(f"{of_all} here{without}: only a cosine above that says something."))
    st.html("".join(told))


def of_lens(found: "Lens", status: DeltaGenerator) -> None:
    """The followed token in words, and the ten likeliest of the selected place."""
    from models.embeddings import TopRequest

    read = found.table.read[found.position]
    at = next((layer for layer, rank in enumerate(found.ranks.tolist()) if rank == 0), None)
    came = (
        "never comes to the front"
        if at is None
        else f"first comes to the front after layer {at}"
        if at
        else "is in front at the input"
    )
    say(
        f"After “{read}”, “{found.piece}” {came}.",
        f"At the input it is at place {int(found.ranks[0]) + 1:,}; after the last layer at place "
        f"{int(found.ranks[-1]) + 1:,} with {part_text(float(found.shares[-1]))}.",
    )
    place = PLACE.value
    layer, position = place if place is not None else (len(found.ranks) - 1, found.position)
    top = ask(TopRequest(thread.MODEL.value, thread.TEXT.value, layer, position), status)
    names = layer_names(len(found.ranks))
    st.html(heading(f"{names[layer]}, after “{found.table.read[position]}”"))
    st.html(shares([Share(piece, float(part)) for piece, part in zip(top.pieces, top.probabilities, strict=True)]))
    apart = float(found.table.divergences[layer, position])
    remark(f"{apart:.3f} nats from the model's own answer (Kullback-Leibler divergence).")


def of_table(facts: "TableFacts") -> None:
    """What the table is, and how the model knows positions."""
    st.html(heading("The table"))
    output = {
        "the same matrix": "The same matrix makes the logits at the end: it is tied.",
        "an equal copy": "The matrix that makes the logits is an equal copy of it.",
        "another matrix": "Another matrix makes the logits: it is not tied.",
        "none": "This model makes no logits.",
    }[facts.output]
    say(f"{facts.rows:,} rows of {facts.width} numbers, {bytes_text(facts.nbytes)} in {facts.dtype}.", output)
    st.html(heading("Where a token stands"))
    say(facts.positions.words)
    for rotary in facts.positions.rotary:
        chart(wave_chart(rotary.wavelengths, palette()))
        layers = f" ({rotary.layers})" if rotary.layers else ""
        remark(
            f"{len(rotary.wavelengths)} pairs{layers}: the fastest turns once in {rotary.wavelengths.min():.1f} "
            f"positions, the slowest in {rotary.wavelengths.max():,.0f}."
        )
