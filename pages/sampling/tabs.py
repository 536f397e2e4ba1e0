"""What stands below the picture on the sampling page, as tabs named by questions; only the open one is computed."""

from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st

from pages.sampling import export
from pages.sampling.batch import batch_tab
from pages.sampling.beams import beam_search_tab
from pages.sampling.draws import draws_tab
from pages.sampling.knobs import KNOBS, PRESETS
from pages.sampling.prompts import prompts_tab
from pages.sampling.same_seed import same_seed_tab
from pages.sampling.writing import Continuation
from pages.shared import thread
from pages.shared.page import tabs
from pages.shared.parts import explanation

if TYPE_CHECKING:
    from models.decoding import DecodingSettings


def below(settings: "DecodingSettings", before: tuple[int, ...], written: Continuation | None) -> None:
    """The tabs. before: the ids before the shown token."""
    model, text = thread.MODEL.value, thread.TEXT.value
    steps = written.steps if written else ()
    # What is waited for is said in the tab and not at the top of the page, where a line that comes and goes would move
    # the picture.
    tabs(
        "below_sampling",
        {
            "What does it mean for whole texts?": lambda: batch_tab(model, text, settings, _presets(settings)),
            "Same luck, another setting?": lambda: same_seed_tab(model, text, settings, _presets(settings)),
            "Does it really draw so?": lambda: draws_tab(model, text, settings, st.empty(), before),
            "What does beam search find?": lambda: beam_search_tab(model, text, st.empty()),
            "How does the prompt change it?": lambda: prompts_tab(model, st.empty()),
            "What am I looking at?": lambda: explanation(EXPLANATION),
            "Take it with you": lambda: export.take_along(settings, before, written),
            "Show the code": lambda: export.code(settings, "".join(step.text for step in steps[: len(before)])),
        },
    )


def _presets(settings: "DecodingSettings") -> "dict[str, DecodingSettings]":
    """The presets with this seed and length."""
    disabled = {knob.field: knob.disabled if knob.digits else int(knob.disabled) for knob in KNOBS if knob.stage}
    return {
        preset.label: replace(settings, **disabled | preset.values, bad_words=(), logit_bias=(), order=())
        for preset in PRESETS
    }


EXPLANATION = """
A model gives every token of its vocabulary a number, its **logit**. The **softmax** makes probabilities of them. What
comes next is then *drawn*: a token with 77 % comes in 77 of 100 draws on average.

- Before the draw the probabilities go through **stages**, from left to right, each changing what the one before left.
  They are transformers' own, in its own order, computed over the whole vocabulary; you can switch them, drag them into
  another order (a badge says so then), and click on one to see what it leaves.
- The **curve** has all tokens from the likeliest to the least likely, both axes logarithmic: the tail is long, and each
  of its tokens is unlikely, but there are very many of them. A vertical line is where a stage cuts.
- The picture follows a **knob** while you drag it, by your browser's own numbers; what stands beside it waits until you
  let go, and then all numbers are the server's.
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
