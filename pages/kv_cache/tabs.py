"""What stands below the picture on the KV cache page, as tabs named by questions; only the open one is computed."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from models.catalog import MODELS
from models.engine import Progress
from pages.kv_cache import export, speed_up, what_if
from pages.kv_cache.choices import BITS, DTYPES, ROWS
from pages.kv_cache.growth import counted_otherwise
from pages.shared import thread
from pages.shared.bound import bound
from pages.shared.page import Tab, tabs
from pages.shared.parts import chart, explanation, remark, say
from pages.shared.theme import palette
from viz.kv_cache_charts import Curve, Mark, bytes_chart
from viz.kv_cache_tables import TermLine, formula
from viz.quantities import bytes_text

if TYPE_CHECKING:
    from models.decoding import PromptPieces, WriteRequest
    from models.kv_cache import CacheFacts, CacheMeasurement

_ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256)


@dataclass(frozen=True, eq=False)
class Shown:
    """What is shown above: the run, what the model keeps, its prompt, the steps so far and which of them is shown."""

    request: "WriteRequest"
    facts: "CacheFacts"
    prompt: "PromptPieces"
    progress: Progress
    step: int | None


def below(now: Shown) -> None:
    """The tabs; what is waited for is said in each, where it moves nothing of the picture."""
    request = now.request
    tabs(
        "below_kv_cache",
        {
            "Does the formula agree?": lambda: does_it_agree(now),
            "When does it outgrow the model?": lambda: when_it_outgrows(now),
            "What if?": lambda: what_if.what_if(now.facts, st.empty()),
            "What does it buy?": Tab(
                lambda: speed_up.what_it_buys(request.text), left=lambda: speed_up.TIMING.leave(unless_done=True)
            ),
            "In 8 bits?": Tab(
                lambda: speed_up.in_8_bits(request.text, request.settings.max_new_tokens),
                left=lambda: speed_up.ROUNDING.leave(unless_done=True),
            ),
            "What am I looking at?": lambda: explanation(EXPLANATION),
            "Take it with you": lambda: export.take_along(request, now.progress.steps),
            "Show the code": lambda: export.code(request),
        },
    )


def does_it_agree(now: Shown) -> None:
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
    st.html(formula(term_lines(predicted, measured)))
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


def when_it_outgrows(now: Shown) -> None:
    """The cache of a batch beside the weights, over the length of the text; where they cross, and the model's limit."""
    from models.kv_cache import bytes_at, crossover
    from models.kv_cache.planning import bits_of

    facts, source = now.facts, len(now.prompt.pieces) if now.prompt.start else 0
    dtype = DTYPES[BITS.value] if BITS.value else facts.dtype
    left, right = st.columns([2, 5], gap="large")
    with left:
        rows = bound(st.select_slider, ROWS, "Texts at once (batch)", sorted({*_ROWS, ROWS.value}))
        crossing = crossover(facts.shape, facts.weight_bytes, rows=rows, dtype=dtype, source_positions=source)
        say(*_outgrowing(facts, rows, crossing))
    longest = max(16, 2 * (crossing or 0), 2 * (facts.positions or 0))
    lengths = np.unique(np.geomspace(1, longest, 60).astype(np.int64))
    curves = [
        Curve(
            f"{each} text{'s' if each > 1 else ''}",
            lengths,
            bytes_at(facts.shape, lengths.tolist(), rows=each, dtype=dtype, source_positions=source),
            is_chosen=each == rows,
        )
        for each in sorted({1, rows})
    ]
    marks = [Mark(f"weights, {bytes_text(facts.weight_bytes)}", bytes=facts.weight_bytes)]
    if facts.positions:
        marks.append(Mark(f"the model's limit, {facts.positions:,}", length=facts.positions))
    with right, st.container(key="outgrowing"):
        chart(bytes_chart(curves, marks, palette()))
        remark(f"From the formula, in {bits_of(dtype)} bits a kept number; both axes are logarithmic.")


def _outgrowing(facts: "CacheFacts", rows: int, crossing: int | None) -> list[str]:
    title = MODELS[thread.MODEL.value].title
    texts = "one text" if rows == 1 else f"{rows} texts at once"
    if crossing is None:
        return [f"However long {texts} may be, the cache of {title} stays below its weights."]
    said = [f"With {texts} the cache outgrows the weights ({bytes_text(facts.weight_bytes)}) at {crossing:,} tokens."]
    if facts.positions and crossing > facts.positions:
        said.append(
            f"That is beyond the model's limit of {facts.positions:,} tokens: it cannot happen. Try more texts."
        )
    elif facts.positions:
        said.append(
            f"The model goes on to {facts.positions:,} tokens: in texts longer than {crossing:,} most of the memory is "
            "cache."
        )
    return said


EXPLANATION = """
To draw the next token, a decoder needs the **key** and the **value** of every earlier token in every layer. Those of
earlier tokens cannot change: a token sees only what stands before it. So they are computed once and kept: the
**KV cache**.

- A **row** is a layer, a **column** a token, a **cell** the key and the value of that token in that layer. Reading the
  prompt fills its columns at once (*prefill*); after that each new token adds one (*decode*).
- After a prompt of *N* tokens and *M* drawn ones there are **N + M − 1** columns: the last token was drawn, not read.
- *Columns computed* counts how many columns went through the model in all: with the cache each one once, without it all
  of them again for each token.
- A model whose heads share keys and values (**grouped-query attention**) keeps less; one with a **window** lets old
  columns go; a seq2seq model has a second part for its source, which stands still.
- *Bytes* are those of the numbers that are kept. *Memory held* can be more: a cache that is allocated at once, or a
  layer with a window that keeps a view of a longer tensor.
- A cell's colour says how long its value (or key) is, not how much it is looked at. Short values in the first column go
  with a *sink*: many heads rest there when they find nothing, and fetch next to nothing.
"""
