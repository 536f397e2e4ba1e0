"""In 8 bits? What a cache of 8-bit numbers changes: bytes, the next-token distribution, the text."""

from typing import TYPE_CHECKING

import streamlit as st

from pages.shared import projector, thread
from pages.shared.job import Job
from pages.shared.plain_text import plain
from pages.shared.sentences_and_charts import chart, remark, say
from pages.shared.theme import palette
from viz.inspector import line
from viz.kv_cache_charts import steps_chart
from viz.kv_cache_tables import side_by_side
from viz.number_format import bytes_text, times_text

if TYPE_CHECKING:
    from models.decoding import Fp8Comparison

JOB = Job("rounding")
_MOST_TOKENS = 64


def in_8_bits(text: str, tokens: int) -> None:
    """Bytes, the change in the next-token distribution, and both texts: a job, begun where the tab is opened."""
    from models.decoding import Fp8Request

    def instead(error: str) -> None:
        formula = projector.leading(" What it would take stands under “What if?”, by the formula.")
        st.info(f"{plain(error)}{formula}", icon=":material/info:")

    doing = "Computing the same tokens with both caches…"
    request = Fp8Request(thread.MODEL.value, text, min(tokens, _MOST_TOKENS))
    found = JOB.answer(request, lambda step: (step.done / step.of, doing), is_wanted=True, instead=instead)
    if found is not None:
        _rounded(found, tokens)


def _rounded(found: "Fp8Comparison", tokens: int) -> None:
    count = len(found.agrees)
    parted = (
        f"Left to themselves the two write the same {len(found.exact_texts)} tokens."
        if found.diverges_at is None
        else f"Left to themselves the two part at token {found.diverges_at + 1}."
    )
    first = f"Over the first {count} tokens" if tokens > _MOST_TOKENS else f"Over the same {count} tokens"
    say(
        f"{bytes_text(found.fp8_bytes)} instead of {bytes_text(found.exact_bytes)}: "
        f"{times_text(found.exact_bytes / found.fp8_bytes)} less. {parted}",
        f"{first} both find the same next token the likeliest for {int(found.agrees.sum())} of the {count}; "
        f"the logits differ by up to {found.differences.max():.2f}.",
    )
    left, right = st.columns(2, gap="large")
    with left, st.container(key="fp8_chart"):
        chart(
            steps_chart(
                found.divergences.tolist(),
                title="KL divergence (nats)",
                diverges_at=found.diverges_at,
                palette=palette(),
            )
        )
        remark(
            "How far the next-token distribution moves, token by token, over the same tokens. Nothing at the "
            "first: the prompt is read before anything is rounded."
        )
    with right:
        st.html(
            side_by_side("As it is", "With 8-bit numbers", found.diverges_at, (found.exact_texts, found.fp8_texts))
            + line(
                "transformers' QuantizedCache (fp8, e4m3): one scale for all keys and one for all values of a layer, "
                "set by the prompt. Fewer bytes, other words: neither text is the better one for that."
            )
        )
