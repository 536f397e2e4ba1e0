"""Where it looks, and what counts: four ways to read weights beside what hiding each token changes."""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from models.catalog import MODELS
from pages.heads.controls import OTHER_TEXTS, chosen_quantity
from pages.heads.effects import quantity_words
from pages.heads.text_and_kind import Subject, bank
from pages.shared import thread
from pages.shared.asking_engine import ask, working
from pages.shared.job import Job
from pages.shared.scroll_into_sight import Sight
from pages.shared.sentences_and_charts import remark, say
from viz.attributions_table import WayColumn, attributions_table
from viz.tables import table

if TYPE_CHECKING:
    from models.heads.attributions import Agreements

JOB = Job("agreements")
_OVER_THE_BANK = Sight("agreements")

WAYS = {
    "attention": "attention",
    "rollout": "rollout",
    "value norm": "weight × value",
    "gradient": "gradient × weight",
    "hidden": "hidden: what counts",
}


def show(about: Subject, status: DeltaGenerator) -> None:
    """A table of the tokens with a bar for each way, and how far each agrees with the truth."""
    from models.heads.attributions import AttributionsRequest

    place = thread.TOKEN.value
    if place is not None and (about.traced.target_tokens or place >= len(about.traced.tokens)):
        place = None
    with working("Hiding each token in turn…", status):
        found = ask(AttributionsRequest(about.trace, chosen_quantity(status), place), status)
    columns = [
        WayColumn(WAYS.get(each.way, each.way), tuple(each.scores.tolist()), each.agreement) for each in found.ways
    ]
    st.html(attributions_table(found.tokens, columns))
    known = [(WAYS.get(each.way, each.way), each.agreement) for each in found.ways if not np.isnan(each.agreement)]
    if known:
        best = max(known, key=lambda each: each[1])
        say(f"On this text “{best[0]}” agrees best with what counts: rank correlation {best[1]:.2f}; 0 is chance.")
    notes = " ".join(dict.fromkeys(each.note for each in found.ways if each.note))
    remark(
        f"{MODELS[about.trace.model].title}, {quantity_words(found.measured)}. Hidden: by how much that changes when "
        "no head may look at the token. The bars of each column have a scale of their own, and go to the left where "
        "the number is below 0; the last row is each way's "
        "rank correlation with the column of what counts, by size. One text: try three others."
        f"{' ' + notes if notes else ''}"
    )
    _over_the_bank(about, status)


def _over_the_bank(about: Subject, status: DeltaGenerator) -> None:
    """How far each way agrees with the truth over the bank's sentences: a job."""
    from models.heads.attributions import AgreementsRequest

    texts = tuple(each.text for each in bank().sentences[:OTHER_TEXTS])
    quantity = replace(chosen_quantity(status), token="", other="", position=None)
    request = AgreementsRequest(about.trace.model, texts, quantity, about.trace.target)
    begin = st.button(f"The same over {len(texts)} sentences", key="agreements_start", on_click=_OVER_THE_BANK.wanted)
    found: Agreements | None = JOB.answer(request, _progress_text, is_wanted=begin)
    if found is None:
        return
    known = [
        [WAYS[way], f"{np.nanmean(column):.2f}", f"{np.nanmin(column):.2f}", f"{np.nanmax(column):.2f}"]
        for way, column in zip(found.ways, found.correlations.T, strict=True)
        if not np.isnan(column).all()
    ]
    with st.container(key=_OVER_THE_BANK.name):
        st.html(table(["agrees with what counts", "mean", "least", "most"], known))
        remark(f"Rank correlations over {len(found.texts):,} sentences of the bank that could be read; 0 is chance.")
        _OVER_THE_BANK.drawn()


def _progress_text(step: "Agreements") -> tuple[float, str]:
    return step.done / max(1, step.of), f"{step.done:,} of {step.of:,} sentences"
