"""What stands below the picture on the sampling page, as tabs named by questions; only the open one is computed."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import streamlit as st

from pages.sampling import export
from pages.sampling.beams import beam_search_tab
from pages.sampling.knobs import KNOBS, PRESETS
from pages.sampling.many import draws_tab, luck_tab, many_tab
from pages.sampling.prompts import prompts_tab
from pages.sampling.writing import Written
from pages.shared.messages import in_place

if TYPE_CHECKING:
    from models.decoding import DecodingSettings

NAMES = (
    "What does it mean for whole texts?",
    "Same luck, another setting?",
    "Does it really draw so?",
    "What does beam search find?",
    "How does the prompt change it?",
    "What am I looking at?",
    "Take it with you",
    "Show the code",
)


@dataclass(frozen=True, eq=False)
class Shown:
    """What is shown above: the model and the text, the knobs, the ids before the shown token, what is written."""

    model: str
    text: str
    settings: "DecodingSettings"
    before: tuple[int, ...]
    written: Written | None


def below(now: Shown) -> None:
    """The tabs."""
    for name, tab in zip(NAMES, st.tabs(NAMES, key="below_sampling", on_change="rerun"), strict=True):
        if not tab.open:
            continue
        with tab, in_place():
            # Here and not at the top of the page, where a line that comes and goes would move the picture.
            status = st.empty()
            if name == NAMES[0]:
                many_tab(now.model, now.text, now.settings, status, _presets(now.settings))
            elif name == NAMES[1]:
                luck_tab(now.model, now.text, now.settings, status, _presets(now.settings))
            elif name == NAMES[2]:
                draws_tab(now.model, now.text, now.settings, status, now.before)
            elif name == NAMES[3]:
                beam_search_tab(now.model, now.text, status)
            elif name == NAMES[4]:
                prompts_tab(now.model, status)
            elif name == NAMES[5]:
                st.markdown(EXPLANATION)
            elif name == NAMES[6]:
                export.share_and_download(now.settings, now.before, now.written)
            else:
                steps = now.written.steps if now.written else ()
                export.program(now.settings, "".join(step.text for step in steps[: len(now.before)]))


def _presets(settings: "DecodingSettings") -> "dict[str, DecodingSettings]":
    """The presets with this seed and length."""
    neutral = {knob.field: knob.neutral if knob.digits else int(knob.neutral) for knob in KNOBS if knob.stage}
    return {preset.label: replace(settings, **neutral | preset.values, bad_words=(), order=()) for preset in PRESETS}


EXPLANATION = """
A model gives every token of its vocabulary a number, its **logit**. The **softmax** makes probabilities of them. What
comes next is then *drawn*: a token with 77 % comes in 77 of 100 draws.

- Before the draw the probabilities go through **stages**, from left to right, each changing what the one before left.
  They are transformers' own, in its own order, computed over the whole vocabulary; you can switch them, drag them into
  another order (a badge says so then), and click on one to see what it leaves.
- The **curve** has all tokens from the likeliest to the least likely, both axes logarithmic: the tail is long, and each
  of its tokens is unlikely, but there are very many of them. A vertical line is where a stage cuts.
- **Surprisal** is minus the logarithm of the probability: 0 for what is certain, in *nats* (natural logarithm) or bits.
  The mean over a text is its **cross-entropy**, and *e* to the power of that its **perplexity**: among how many equally
  likely tokens the model might as well have chosen. Both are by the model's own probabilities, whatever the knobs say.
- A **seed** is a row of numbers between 0 and 1, one for each step. The token is where the number falls when the
  probabilities are laid end to end, from the likeliest on. So the same seed gives the same text, and two settings with
  the same seed have the same luck.
- **Temperature** flattens or sharpens the odds; it adds no ideas.
- Click a token of the written text: the picture shows what else could have come there. *Go on with …* takes another one
  and writes on from it; both ways stay in the tree, and in the link.
"""
