"""What does it cost? The whole text with every tokenizer there is."""

from typing import TYPE_CHECKING

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from models.catalog import TOKENIZERS
from pages.shared.asking_engine import ask, working
from pages.shared.export import Download, download_button
from pages.shared.spreadsheet import as_csv
from pages.tokenizers.choices import ShownTokenizers
from viz.tokenizers_tables import (
    CostLine,
    costs,
    costs_rows,
)

if TYPE_CHECKING:
    from models.tokenization import Counts


def what_it_costs(now: ShownTokenizers, counts: "list[Counts]", status: DeltaGenerator) -> None:
    """The whole text with every tokenizer there is."""
    from models.tokenization import CountsRequest

    known = dict(zip(now.names, counts, strict=True))
    lines = []
    with working("Cutting the whole text with every tokenizer…", status):
        for card in [*now.cards, *(each for each in TOKENIZERS.values() if each.name not in now.names)]:
            found = known.get(card.name) or ask(CountsRequest(card.name, now.text, now.split_special_tokens), status)
            lines.append(CostLine(card.title, found))
    st.html(costs(lines))
    download_button(Download("Costs as CSV", "costs.csv", lambda: as_csv(costs_rows(lines))), "costs_csv")
    contexts = [f"{card.context_of} {card.context:,}" for card in now.cards if card.context]
    is_too_long = any(each.counts.context and each.counts.tokens > each.counts.context for each in lines)
    st.caption(
        "Over the whole text, without the special tokens that a model's template adds. Words are what stands between "
        "white space; none are counted where most letters are of a script without it. Time is of cutting once, on this "
        "server."
        + (f" Context lengths in tokens: {', '.join(contexts)}." if contexts else "")
        + (" A text that is too long for a context is read only in part." if is_too_long else "")
    )
