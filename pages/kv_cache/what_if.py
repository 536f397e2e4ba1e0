"""The same model with another cache, and known models on a GPU of a chosen size: by the formula alone."""

from contextlib import nullcontext
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from models.catalog import MODELS
from models.engine import engine
from pages.shared import thread
from pages.shared.asking import ask, working
from pages.shared.bound import names_of
from pages.shared.parts import chart, remark, say
from pages.shared.theme import palette
from viz.inspector import heading
from viz.kv_cache_charts import Curve, Mark, bytes_chart
from viz.quantities import bytes_text, times_text
from viz.tables import table

if TYPE_CHECKING:
    from models.kv_cache import CacheFacts, KnownCache

_GIB = 1 << 30
_CONTEXTS = (128, 512, 1_024, 2_048, 4_096, 8_192, 16_384, 32_768, 65_536, 131_072)
_WINDOWS = (None, 128, 512, 1_024, 4_096)
_ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
_GPUS = {
    "8 GB": 8,
    "16 GB (T4)": 16,
    "24 GB (RTX 4090)": 24,
    "48 GB (L40S)": 48,
    "80 GB (A100, H100)": 80,
    "141 GB (H200)": 141,
    "640 GB (8 × H100)": 640,
    "1128 GB (8 × H200)": 1_128,
}
_NUMBERS = {"fp32": "32", "bf16": "16", "fp8": "8", "int4": "4"}
_SHORT = {"float32": "fp32", "bfloat16": "bf16", "float16": "bf16"}


def what_if(facts: "CacheFacts", source: int, status: DeltaGenerator) -> None:
    """First this model otherwise, then the shelf; `source` is how many tokens an encoder-decoder has read."""
    _this_model(facts, source)
    st.divider()
    _known_models(status)


def _this_model(facts: "CacheFacts", source: int) -> None:
    from models.kv_cache import bytes_at, bytes_per_token, with_key_value_heads, with_window

    title = MODELS[thread.MODEL.value].title
    own_heads = max((layer.heads for layer in facts.shape if layer.kind in ("full", "sliding")), default=0)
    st.html(heading(f"{title}, otherwise"))
    left, right = st.columns([2, 5], gap="large")
    with left:
        heads = own_heads
        if own_heads:
            heads = st.select_slider(
                "Heads with a key and a value",
                [each for each in range(1, facts.query_heads + 1) if facts.query_heads % each == 0],
                value=own_heads,
                format_func=lambda each: _heads_name(each, facts.query_heads, own_heads),
                key="if_heads",
            )
            window = st.select_slider(
                "Window", _WINDOWS, key="if_window", format_func=lambda each: f"{each:,}" if each else "as it is"
            )
        numbers = _bits(_SHORT.get(facts.dtype, "fp32"), "if_numbers")
        rows = st.select_slider("Texts at once", _ROWS, key="if_rows")
        context = st.select_slider("Tokens", _CONTEXTS, value=2_048, format_func="{:,}".format, key="if_context")
    other = facts.shape
    if own_heads:
        other = with_key_value_heads(other, heads, facts.query_heads) if heads != own_heads else other
        other = with_window(other, window) if window else other
    lengths = np.unique(np.geomspace(1, _CONTEXTS[-1], 60).astype(np.int64))
    own, changed = (
        bytes_at(shape, lengths.tolist(), rows=rows, dtype=kind, source_positions=source)
        for shape, kind in ((facts.shape, facts.dtype), (other, numbers))
    )
    at_own, at_changed = (
        int(bytes_at(shape, [context], rows=rows, dtype=kind, source_positions=source)[0])
        for shape, kind in ((facts.shape, facts.dtype), (other, numbers))
    )
    with left:
        said = [f"{bytes_text(at_changed)} for {context:,} tokens" + (f" of {rows} texts" if rows > 1 else "") + "."]
        if at_own != at_changed:
            ratio = at_own / at_changed
            said.append(
                f"As it is: {bytes_text(at_own)}, "
                + (f"{times_text(ratio)} as much." if ratio > 1 else f"{times_text(1 / ratio)} less.")
            )
        said.append(f"One more token: {bytes_text(bytes_per_token(other, numbers))} a text, while no window is full.")
        if facts.positions and context > facts.positions:
            said.append(f"The model itself goes no further than {facts.positions:,} tokens.")
        say(*said)
    with right, st.container(key="otherwise"):
        curves = [Curve("as it is", lengths, own, is_chosen=bool((own == changed).all()))]
        if (own != changed).any():
            curves.append(Curve("otherwise", lengths, changed, is_chosen=True))
        marks = [Mark(f"weights, {bytes_text(facts.weight_bytes)}", bytes=facts.weight_bytes)]
        if facts.positions:
            marks.append(Mark("the model's limit", length=facts.positions))
        chart(bytes_chart(curves, marks, palette()))
        remark(
            "Bytes only: a model with fewer key heads or a window has to be trained so, and would write something "
            "else. 4-bit numbers are counted without the scales that go with them."
        )


def _bits(default: str, key: str) -> str:
    """The numbers that are kept, by the name of their type."""
    words = names_of(_NUMBERS)
    return str(st.segmented_control("Bits per number", **words, default=default, key=key, required=True, wrap=True))


def _heads_name(heads: int, query_heads: int, own: int) -> str:
    kind = " (MQA)" if heads == 1 and query_heads > 1 else " (MHA)" if heads == query_heads else " (GQA)"
    return f"{heads}{kind}" + (", as it is" if heads == own else "")


def _known_models(status: DeltaGenerator) -> None:
    from models.kv_cache import KnownCachesRequest, bytes_per_token, longest_context, most_rows

    request = KnownCachesRequest()
    # Each is run without weights, which takes seconds for all of them.
    first = request not in engine.answers
    with working("Running known models without weights, once for everybody…", status) if first else nullcontext():
        known = ask(request, status)
    st.html(heading("Known models on a GPU"))
    one, two, three = st.columns(3, gap="large")
    gpu = one.selectbox("Memory", list(_GPUS), index=4, key="known_gpu")
    with two:
        numbers = _bits("bf16", "known_numbers")
    context = three.select_slider(
        "Tokens of each text", _CONTEXTS, value=8_192, format_func="{:,}".format, key="known_context"
    )
    rows = []
    for each in known:
        free = _GPUS[gpu] * 10**9 - each.weight_bytes
        longest = longest_context(each.shape, free, dtype=numbers) if free > 0 else 0
        fits = (
            "the weights do not fit"
            if free <= 0
            else "no end: every layer has a window"
            if longest is None
            else f"{longest:,}"
        )
        beyond = free > 0 and longest is not None and longest > each.architecture.positions
        served = most_rows(each.shape, free, min(context, each.architecture.positions), dtype=numbers)
        rows.append(
            (
                each.architecture.title,
                f"{bytes_text(bytes_per_token(each.shape, numbers))}",
                bytes_text(each.weight_bytes),
                f"{each.architecture.positions:,}",
                fits + (" (beyond its limit)" if beyond else ""),
                "–" if free <= 0 else f"{served:,}" + (" *" if context > each.architecture.positions else ""),
            )
        )
    head = (
        "",
        "one token",
        "weights",
        "the model's limit",
        "longest text beside the weights",
        f"users: texts of {context:,} tokens at once",
    )
    with st.container(key="known"):
        st.html(table(head, rows))
    _known_curves(known, numbers, _GPUS[gpu] * 10**9)
    sources = ", ".join(f"[{each.architecture.title}]({each.architecture.source})" for each in known)
    st.caption(
        "One token: bytes in all layers while no window is full. Weights as published (16 bits a parameter; GPT-2 32, "
        "DeepSeek-V3 8), nothing else counted; GB are 10⁹ bytes, KiB and GiB binary. "
        "* texts as long as the model's limit. "
        f"Figures of the configs: {sources}."
    )


def _known_curves(known: "tuple[KnownCache, ...]", numbers: str, memory: int) -> None:
    from models.kv_cache import bytes_at

    names = [each.architecture.title for each in known]
    chosen = st.multiselect(
        "Curves",
        names,
        default=[names[0], "Llama 3 8B", "Gemma 2 9B", "DeepSeek-V3 (latents)"],
        key="known_curves",
        max_selections=6,
    )
    curves = []
    for each in known:
        if each.architecture.title in chosen:
            lengths = np.unique(np.geomspace(1, each.architecture.positions, 50).astype(np.int64))
            sizes = bytes_at(each.shape, lengths.tolist(), dtype=numbers)
            curves.append(Curve(each.architecture.title, lengths, sizes))
    if curves:
        chart(bytes_chart(curves, [Mark("the GPU", bytes=memory)], palette()), key="known_chart")
