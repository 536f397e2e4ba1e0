"""What stands below the picture on the sampling page, as tabs named by questions; only the open one is computed."""

from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st

from pages.sampling import export
from pages.sampling.batch import batch_tab
from pages.sampling.beams import beam_search_tab
from pages.sampling.draws import draws_tab
from pages.sampling.explanations import EXPLANATION
from pages.sampling.knobs import KNOBS
from pages.sampling.presets import PRESETS
from pages.sampling.prompts import prompts_tab
from pages.sampling.same_seed import same_seed_tab
from pages.sampling.written_text import Continuation
from pages.shared import thread
from pages.shared.page import tabs
from pages.shared.sentences_and_charts import explanation

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
