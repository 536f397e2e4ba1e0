"""What is seldom changed on the attention page, behind "More"; what differs is named above it, with one reset."""

from typing import TYPE_CHECKING

import streamlit as st

from pages.attention import switched_off
from pages.attention.choices import BY, HEADS, LEAST, OPTIONS, POOLED, SCALE, SENTENCE, SENTENCES, SINK, VIEW
from pages.attention.selection import shown_heads
from pages.attention.two_sentences import sentences_part
from pages.shared import thread
from pages.shared.bound_widgets import bound, names_of, toggle

if TYPE_CHECKING:
    from models.attention import TracedText

_SINKS = {"in": "nothing", "special": "special tokens", "first": "the first token", "out": "both (the sink)"}
_BY = {"weight": "the weight", "value": "weight × length of the value"}
_POOLED = {"max": "largest weight", "mean": "mean weight"}
_LONG = 512
_LEAST_TO = 0.5
_BESIDE = 5


def more(traced: "TracedText", kind: str, layer: int | None, head: int | None) -> None:
    """The options of all views; only those are drawn that are looked at."""
    _differing()
    expander = st.expander("More", key="more_options", on_change="rerun")
    if not expander.open:
        return
    with expander:
        bound(st.selectbox, SINK, "Leave out of the rows", **names_of(_SINKS), key="left_out_box")
        most = max(_LEAST_TO, LEAST.value)
        bound(st.slider, LEAST, "Smallest weight drawn", 0.0, most, step=0.01, meant=lambda least: round(least, 2))
        toggle(SCALE, "Logarithmic colours", "log")
        bound(st.selectbox, BY, "Colour by", **names_of(_BY))
        if not traced.axes(kind).rows_are_target:
            has_two = sentences_part(traced, thread.TEXT.value) is not None
            bound(
                st.selectbox,
                SENTENCE,
                "Sentences (who looks → at what)",
                **names_of(SENTENCES),
                disabled=not has_two,
                help="A is the first sentence (or line) of the text, B what comes after it."
                + ("" if has_two else " This text has one sentence only."),
            )
        if max(len(traced.tokens), len(traced.target_tokens)) > _LONG:
            bound(st.selectbox, POOLED, "Each cell of a pooled map is the", **names_of(_POOLED))
        if layer is not None and head is not None:
            if VIEW.value == "matrix":
                heads = traced.heads_of(kind, layer)
                # The heads view, and a link, may have more of them: the first ones stand beside this one.
                bound(
                    st.multiselect,
                    HEADS,
                    "Heads beside this one",
                    [each for each in range(heads) if each != head],
                    shown=lambda _: [each for each in shown_heads(heads, head) if each != head][:_BESIDE],
                    meant=lambda some: ",".join(map(str, sorted(some))),
                    format_func=lambda each: f"H{each}",
                    max_selections=_BESIDE,
                )
            switched_off.pattern_control(kind, layer, head)


def _differing() -> None:
    """What is not as it comes, and one button that makes it so again."""
    names = {
        LEAST: f"weights from {LEAST.value:g}",
        SCALE: "logarithmic",
        BY: "by value",
        SENTENCE: SENTENCES[SENTENCE.value],
        POOLED: "mean of blocks",
    }
    there = [names[each] for each in OPTIONS if each.value != each.default]
    if VIEW.value == "matrix" and HEADS.value:
        there.append("several heads")
    if SINK.value in ("special", "first"):
        there.append(f"without {_SINKS[SINK.value]}")
    if there:
        st.button(f"Reset: {', '.join(there)}", key="reset_options", type="tertiary", on_click=_reset, width="stretch")


def _reset() -> None:
    for each in (*OPTIONS, HEADS, SINK):
        each.forget()
