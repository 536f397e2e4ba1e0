"""Two settings with the same seed, that is with the same random number for each step: where their texts diverge."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st

from pages.sampling.batch import ABOVE, ENDS, comparable, other_presets, progress_text
from pages.sampling.choices import OTHER_TEMPERATURE, SAME_SEED, SAME_SEED_TEMPERATURE
from pages.shared.bound_widgets import bound
from pages.shared.job import Job
from pages.shared.sentences_and_charts import remark, say
from viz.text_cards import TextCard, TextToken, legend, text_cards

if TYPE_CHECKING:
    from models.decoding import CommonNumbers, DecodingSettings, GenerationStep

_JOB = Job("same_seed")
_FEW_DIGITS = 3


def same_seed_tab(
    model: str, text: str, settings: "DecodingSettings", presets: "Mapping[str, DecodingSettings]"
) -> None:
    """The settings above beside others, both with the same number for each step: where they diverge, and why."""
    from models.decoding import CommonNumbersRequest

    left, right = st.columns([2, 5], gap="large")
    with left:
        others = [*other_presets(settings, presets), OTHER_TEMPERATURE]
        name = bound(
            st.selectbox,
            SAME_SEED,
            "The settings above against",
            others,
            key="luck_other",
            # Those that were chosen may be what stands above by now.
            shown=lambda chosen: chosen if chosen in others else others[0],
        )
        other = presets.get(name, settings)
        if name == OTHER_TEMPERATURE:
            temperature = bound(
                st.slider,
                SAME_SEED_TEMPERATURE,
                "Temperature",
                0.0,
                2.0,
                step=0.05,
                key="luck_temperature",
                shown=float,
            )
            other, name = replace(settings, temperature=temperature), f"T {temperature:g}"
        remark(
            "A seed holds one number between 0 and 1 ready for each step. Both texts use the same numbers, so the "
            "settings alone make the difference. Another seed above is other luck."
        )
    pair = tuple(comparable(settings, one, settings.max_new_tokens) for one in (settings, other))
    with right:
        if pair[0] == pair[1]:
            st.caption("These are the settings above themselves; choose others to compare them with.")
            return
        found = _JOB.answer(CommonNumbersRequest(model, text, (pair[0], pair[1])), progress_text, is_wanted=True)
        if found is not None:
            names = (ABOVE, name)
            with st.container(key="luck_written"):
                say(*divergence_words(names, pair, found))
                st.html(_pair(names, found) + legend())


def _pair(names: Sequence[str], found: "CommonNumbers") -> str:
    def card(name: str, steps: "Sequence[GenerationStep]") -> TextCard:
        tokens = tuple(TextToken(step.text, step.piece.text, step.probability) for step in steps)
        return TextCard(name, tokens, ENDS.get(steps[-1].ends or "", ""), found.diverges_at)

    return text_cards([card(name, steps) for name, steps in zip(names, found.steps, strict=True)])


def divergence_words(names: Sequence[str], pair: "Sequence[DecodingSettings]", found: "CommonNumbers") -> list[str]:
    """Where two texts diverge, and why there."""
    first, second = found.steps
    at = found.diverges_at
    if at is None:
        return [
            f"The same {len(first)} tokens: nowhere do the settings make this luck fall on another token.",
            "Take another seed, or settings that lie further apart.",
        ]
    if found.intervals is None or found.number is None:
        shorter, longer = sorted((len(first), len(second)))
        return [f"They are the same up to token {shorter}, where one of them ends; the other has {longer}."]
    falls = [
        f"“{steps[at].piece.text}” {name}"
        + (" (greedy: the likeliest, whatever the luck)" if one.temperature == 0 else f" ({_interval(low, high)})")
        for name, one, steps, (low, high) in zip(_with(names), pair, found.steps, found.intervals, strict=True)
    ]
    same = "They part at the very first token" if at == 0 else f"They part at token {at + 1}, after {at} in common"
    return [
        f"{same}: there the luck is {_share(found.number)}, which falls on {falls[0]} and on {falls[1]}.",
        "The probabilities are laid end to end from 0 to 1, the model’s likeliest token first; in brackets is where "
        "the token lies. From there on each goes on from its own text, and the same number need not mean the same "
        "word.",
    ]


def _with(names: Sequence[str]) -> list[str]:
    return [names[0], *(f"with {name}" for name in names[1:])]


def _interval(low: float, high: float) -> str:
    if _share(high - low) == _share(1):
        return "from end to end: all others are cut"
    return f"{_share(low)} to {_share(high)}"


def _share(number: float) -> str:
    """Enough digits to see where a number lies between two others."""
    return f"{number:.{_FEW_DIGITS}f}"
