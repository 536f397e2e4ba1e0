"""Where it looks, and what counts: four ways to read weights beside what hiding each token changes."""

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from models.catalog import MODELS
from pages.heads.effects import quantity_words
from pages.heads.measure import chosen_quantity
from pages.heads.subject import Subject
from pages.shared import thread
from pages.shared.asking import ask, working
from pages.shared.parts import remark, say
from viz.attributions_table import WayColumn, attributions_table

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
        "no head may look at the token. The bars of each column have a scale of their own; the last row is each way's "
        "rank correlation with the column of what counts, by size. One text: try three others."
        f"{' ' + notes if notes else ''}"
    )
