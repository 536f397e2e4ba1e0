"""What is seldom changed on the attention page, behind "More"; what differs is named above it, with one reset."""

from typing import TYPE_CHECKING

import streamlit as st

from pages.attending import changed
from pages.attending.choices import (
    BY,
    HEADS,
    LEAST,
    OPTIONS,
    POOLED,
    PROJECTOR,
    SCALE,
    SENTENCE,
    SENTENCES,
    SINK,
    VIEW,
    shown_heads,
)
from pages.attending.pictures import sentences_part
from pages.shared import thread
from pages.shared.link import Choice, run_again

if TYPE_CHECKING:
    from models.attention import TracedText

_SINKS = {
    "in": "nothing",
    "special": "special tokens",
    "first": "the first token",
    "out": "both (the sink)",
}
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
        _select("Leave out of the rows", SINK, _SINKS, "left_out_box")
        st.session_state["least_box"] = LEAST.value
        st.slider(
            "Smallest weight drawn",
            0.0,
            max(_LEAST_TO, LEAST.value),
            step=0.01,
            key="least_box",
            on_change=lambda: LEAST.choose(round(st.session_state["least_box"], 2)),
        )
        _toggle("Logarithmic colours", SCALE, ("linear", "log"), "scale_box")
        _select("Colour by", BY, _BY, "by_box")
        if not traced.axes(kind).rows_are_target:
            has_two = sentences_part(traced, thread.TEXT.value) is not None
            _select(
                "Sentences (who looks → at what)",
                SENTENCE,
                SENTENCES,
                "sentences_box",
                disabled=not has_two,
                help="A is the first sentence (or line) of the text, B what comes after it."
                + ("" if has_two else " This text has one sentence only."),
            )
        if max(len(traced.tokens), len(traced.target_tokens)) > _LONG:
            _select("Each cell of a pooled map is the", POOLED, _POOLED, "pooled_box")
        if layer is not None and head is not None:
            if VIEW.value == "matrix":
                heads = traced.heads_of(kind, layer)
                # The heads view, and a link, may have more of them: the first ones stand beside this one.
                st.session_state["heads_box"] = [each for each in shown_heads(heads, head) if each != head][:_BESIDE]
                st.multiselect(
                    "Heads beside this one",
                    [each for each in range(heads) if each != head],
                    key="heads_box",
                    format_func=lambda each: f"H{each}",
                    max_selections=_BESIDE,
                    on_change=lambda: HEADS.choose(",".join(map(str, sorted(st.session_state["heads_box"])))),
                )
            changed.pattern_control(kind, layer, head)
        if st.button("Projector mode", key="projector_button", help="Large letters, controls away"):
            PROJECTOR.choose("on")
            run_again()


def _select(
    label: str,
    choice: Choice[str],
    names: dict[str, str],
    key: str,
    *,
    disabled: bool = False,
    help: str | None = None,  # noqa: A002
) -> None:
    st.session_state[key] = choice.value
    st.selectbox(
        label,
        list(names),
        format_func=names.__getitem__,
        key=key,
        on_change=lambda: choice.choose(st.session_state[key]),
        disabled=disabled,
        help=help,
    )


def _toggle(label: str, choice: Choice[str], words: tuple[str, str], key: str) -> None:
    st.session_state[key] = choice.value == words[1]
    st.toggle(label, key=key, on_change=lambda: choice.choose(words[bool(st.session_state[key])]))


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
