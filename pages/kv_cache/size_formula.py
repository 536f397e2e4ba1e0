"""Does the formula agree? Bytes predicted from the config beside bytes measured on the tensors."""

from typing import TYPE_CHECKING

import streamlit as st

from pages.kv_cache.growth import counted_otherwise
from pages.kv_cache.shown_run import ShownRun
from pages.shared.sentences_and_charts import say
from viz.kv_cache_tables import TermLine, formula_table
from viz.number_format import bytes_text

if TYPE_CHECKING:
    from models.kv_cache import CacheMeasurement


def does_it_agree(now: ShownRun) -> None:
    """The terms with this model's numbers, predicted from the config and measured on the tensors, layer by layer."""
    from models.kv_cache import predict

    if now.step is None:
        st.caption("As soon as the first token is drawn there is something to measure.")
        return
    measured = now.progress.steps[now.step].cache
    is_seq2seq = bool(now.prompt.start)
    read = len(now.prompt.start) if is_seq2seq else len(now.prompt.pieces)
    allocated = None
    if now.request.settings.cache == "static":
        longest = read + now.request.settings.max_new_tokens
        allocated = min(longest, now.facts.positions or longest)
    predicted = predict(
        now.facts.shape,
        read + now.step,
        dtype=now.facts.dtype,
        source_positions=len(now.prompt.pieces) if is_seq2seq else 0,
        newest=1 if now.step else read,
        allocated_positions=allocated,
    )
    st.caption(
        f"Predicted from the model's config alone, measured on the tensors of the cache when token {now.step + 1} was "
        f"drawn: {read + now.step} columns had been through the model. "
        + (
            f"Sizes{otherwise}."
            if (otherwise := counted_otherwise(now.facts, dict(enumerate(measured.positions))))
            else ""
        )
    )
    st.html(formula_table(term_lines(predicted, measured)))
    same = sum(one == other for one, other in zip(predicted.bytes, measured.bytes, strict=True))
    said = [f"{same} of {len(measured.bytes)} cache layers: predicted and measured bytes are equal."]
    if measured.allocated_bytes != measured.bytes:
        said.append(
            f"The memory held for it is {measured.total_allocated_bytes:,} bytes "
            f"({bytes_text(measured.total_allocated_bytes)}), predicted {predicted.total_allocated_bytes:,}: "
            + (
                "it was allocated at once for all tokens that may come."
                if allocated
                else "a layer with a window keeps a view of a longer tensor until the next token comes."
            )
        )
    say(*said)


def term_lines(predicted: "CacheMeasurement", measured: "CacheMeasurement") -> list[TermLine]:
    """Layers that are alike in one line: kind, positions, heads, widths."""
    shapes = (predicted.kinds, predicted.positions, predicted.heads, predicted.key_widths, predicted.value_widths)
    groups: dict[tuple[object, ...], list[int]] = {}
    for place, alike in enumerate(zip(*shapes, measured.bytes, strict=True)):
        groups.setdefault(alike, []).append(place)
    lines = []
    size = {"float32": 4, "bfloat16": 2, "float16": 2}.get(predicted.dtype, 1)
    for same in groups.values():
        first = same[0]
        key, value = predicted.key_widths[first], predicted.value_widths[first]
        heads = ("heads with a key and a value", predicted.heads[first])
        widths = (
            (("key and value", 2), ("numbers each", key))
            if key == value
            else (("numbers (latent + rotary)", key + value),)
        )
        lines.append(
            TermLine(
                name=_names(predicted.kinds[first], [predicted.layers[place] for place in same]),
                terms=(
                    ("layers", len(same)),
                    *([heads] if predicted.kinds[first] not in ("latent", "indexed") else []),
                    *widths,
                    ("bytes a number", size),
                    ("columns", predicted.positions[first]),
                    ("row" if predicted.rows == 1 else "rows", predicted.rows),
                ),
                predicted=sum(predicted.bytes[place] for place in same),
                measured=sum(measured.bytes[place] for place in same),
                note=_KINDS[predicted.kinds[first]],
            )
        )
    return lines


_KINDS = {
    "full": "",
    "sliding": "These layers have a window: they keep its newest columns and let the older ones go.",
    "latent": "Multi-head latent attention keeps one compressed vector for all heads, and one rotary key.",
    "indexed": "Latents, and a key by which positions are chosen.",
    "linear": "Linear attention keeps one state, as large after a thousand tokens as after one.",
    "shared": "These layers read the keys and values of another layer and keep none.",
    "cross": "The source's part: filled once, when the source has been read.",
}


def _names(kind: str, layers: list[int]) -> str:
    numbers = f"L{layers[0]}" if len(layers) == 1 else f"L{layers[0]} to L{layers[-1]}"
    if layers != list(range(layers[0], layers[-1] + 1)):
        numbers = ", ".join(f"L{layer}" for layer in layers)
    what = {
        "full": "self-attention",
        "sliding": "self-attention with a window",
        "latent": "latent attention",
        "indexed": "latent attention with an index",
        "linear": "linear attention",
        "shared": "shared",
        "cross": "cross-attention",
    }[kind]
    return f"{numbers}, {what}"
