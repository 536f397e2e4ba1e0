"""What stands below the picture on the KV cache page, as tabs named by questions; only the open one is computed."""

import streamlit as st

from pages.kv_cache import export, fp8_comparison, planner, speed_up
from pages.kv_cache.explanations import EXPLANATION
from pages.kv_cache.outgrowing import when_it_outgrows
from pages.kv_cache.shown_run import ShownRun
from pages.kv_cache.size_formula import does_it_agree
from pages.shared.page import Tab, tabs
from pages.shared.sentences_and_charts import explanation


def below(now: ShownRun) -> None:
    """The tabs; what is waited for is said in each, where it moves nothing of the picture."""
    request = now.request
    tabs(
        "below_kv_cache",
        {
            "Does the formula agree?": lambda: does_it_agree(now),
            "When does it outgrow the model?": lambda: when_it_outgrows(now),
            "What if?": lambda: planner.what_if(now.facts, st.empty()),
            "What does it buy?": Tab(
                lambda: speed_up.what_it_buys(request.text), left=lambda: speed_up.JOB.leave(unless_done=True)
            ),
            "In 8 bits?": Tab(
                lambda: fp8_comparison.in_8_bits(request.text, request.settings.max_new_tokens),
                left=lambda: fp8_comparison.JOB.leave(unless_done=True),
            ),
            "What am I looking at?": lambda: explanation(EXPLANATION),
            "Take it with you": lambda: export.take_along(request, now.progress.steps),
            "Show the code": lambda: export.code(request),
        },
    )
