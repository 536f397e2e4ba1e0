"""Known models on the chosen cards, in a table and as curves: by the formula alone."""

from contextlib import nullcontext
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from models.catalog import ARCHITECTURES
from models.engine import engine
from pages.kv_cache.choices import (
    BITS,
    CARD_GIGABYTES,
    CARDS,
    CONTEXT,
    CURVES,
    DTYPES,
    MOST_CURVES,
    USED,
    WEIGHT_BITS,
)
from pages.kv_cache.export import known_as_csv
from pages.shared.asking_engine import ask, working
from pages.shared.bound_widgets import bound, names_of
from pages.shared.export import Download, download_button
from pages.shared.link import Names
from pages.shared.sentences_and_charts import chart
from pages.shared.theme import palette
from viz.inspector import heading
from viz.kv_cache_charts import Curve, Mark, bytes_chart
from viz.number_format import bytes_text
from viz.tables import table

if TYPE_CHECKING:
    from models.kv_cache import Cards, KnownCache, MemoryPlan

_BITS = 16
_MOST_FETCHED = 24


def cards() -> "Cards":
    """Those that are chosen."""
    from models.kv_cache import Cards

    return Cards(CARDS.value, CARD_GIGABYTES.value, USED.value / 100)


def fetched(status: DeltaGenerator) -> "tuple[KnownCache, ...]":
    """Those that were fetched from the hub on this server, whoever did."""
    from models.kv_cache.fetched_configs import FetchedCachesRequest
    from models.loading.hub import fetched_configs

    configs = fetched_configs(_MOST_FETCHED)
    return ask(FetchedCachesRequest(configs), status) if configs else ()


def show(on: "Cards", here: "tuple[KnownCache, ...]", status: DeltaGenerator) -> None:
    """What each takes, and how far it goes on these cards. here: what was fetched stands first."""
    from models.kv_cache import KnownCachesRequest, Load, bytes_per_token, plan
    from models.kv_cache.kept_shapes import kept_shape

    request = KnownCachesRequest()
    # With another version of transformers each is run without weights, which takes seconds for all of them.
    first = request not in engine.answers and any(kept_shape(each) is None for each in ARCHITECTURES.values())
    with working("Running known models without weights, once for everybody…", status) if first else nullcontext():
        known = (*here, *ask(request, status))
    bits = BITS.value or _BITS
    count = "one card" if on.count == 1 else f"{on.count:,} cards"
    st.html(heading(f"Known models on {count} of {on.gigabytes:g} GB"))
    context = CONTEXT.value
    rows, plans = [], []
    for each in known:
        limit = each.architecture.positions
        load = Load(1, min(context, limit), WEIGHT_BITS.value or each.planned.weight_bits, DTYPES[bits])
        found = plan(each.planned, on, load)
        plans.append((each, load, found))
        rows.append(
            (
                each.architecture.title,
                bytes_text(bytes_per_token(each.shape, DTYPES[bits])),
                bytes_text(found.weight_bytes * on.count),
                f"{limit:,}",
                *_reach(found, limit, is_shorter=context > limit),
            )
        )
    head = (
        "",
        f"one token, {bits} bits",
        "weights",
        "the model's limit",
        "longest text beside the weights",
        f"users: texts of {context:,} tokens at once",
    )
    with st.container(key="known"):
        st.html(table(head, rows))
    download_button(Download("CSV", "known-models.csv", lambda: known_as_csv(on, plans)), key="known_csv")
    _known_curves(known, DTYPES[bits], on.usable_bytes * on.count)
    sources = ", ".join(f"[{each.architecture.title}]({each.architecture.source})" for each in known)
    st.caption(
        "One token: bytes in all layers while no window is full, on one card. Weights as published (16 bits a "
        "parameter; GPT-2 32, DeepSeek-V3 8) unless other bits are chosen above. "
        f"* texts as long as the model's limit. Figures of the configs: {sources}."
    )


def _reach(found: "MemoryPlan", limit: int, *, is_shorter: bool) -> tuple[str, str]:
    """The longest text, and how many of the chosen length."""
    if found.weight_bytes > found.usable_bytes:
        return "the weights do not fit", "–"
    longest = "no end: every layer has a window" if found.longest is None else f"{found.longest:,}"
    beyond = " (beyond its limit)" if found.longest is not None and found.longest > limit else ""
    most = "no end" if found.most_texts is None else f"{found.most_texts:,}"
    return longest + beyond, most + (" *" if is_shorter else "")


def _known_curves(known: "tuple[KnownCache, ...]", numbers: str, memory: int) -> None:
    from models.kv_cache import bytes_at

    # A link to curves opens on any server, so what was fetched on this one has none.
    names = {each.name: each.title for each in ARCHITECTURES.values()}
    ways = {"shown": list, "meant": Names, "key": "known_curves"}
    bound(st.multiselect, CURVES, "Curves", **names_of(names), max_selections=MOST_CURVES, **ways)
    curves = []
    for each in known:
        if each.architecture.name in CURVES.value:
            lengths = np.unique(np.geomspace(1, each.architecture.positions, 50).astype(np.int64))
            sizes = bytes_at(each.shape, lengths.tolist(), dtype=numbers)
            curves.append(Curve(each.architecture.title, lengths, sizes))
    if curves:
        chart(bytes_chart(curves, [Mark("the cards", bytes=memory)], palette()), key="known_chart")
