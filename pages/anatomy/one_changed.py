"""One thing changed in a text: its likeliest tokens before and after, and the same done to others like it."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.shared.asking_engine import ask, let_it_leave
from pages.shared.sentences_and_charts import chart, remark, say
from pages.shared.theme import palette
from viz.heads_charts import chance_chart
from viz.inspector import BeforeAfter, before_after
from viz.number_format import cosine_text, part_text, signed_text

if TYPE_CHECKING:
    from models.anatomy.one_changed import NeuronTurnedRequest, OneChanged, PartOffRequest

_MOST_LINES = 8


def show_changed(
    request: "PartOffRequest | NeuronTurnedRequest",
    how: str,
    others: str,
    status: DeltaGenerator,
    meanwhile: Callable[[], None] = lambda: None,
) -> None:
    """What is left, then the same done to others. how: "without L29 MLP"; others: what these are, as in "MLPs".
    meanwhile: called between the two.
    """
    alone = ask(replace(request, with_controls=False), status)
    _say(alone, how)
    left, right = st.columns(2, gap="large")
    # Of a vector there are no tokens.
    right = right if alone.before_tokens else left
    if alone.before_tokens:
        lines = [
            BeforeAfter(one.text, one.probability, other.probability)
            for one, other in zip(alone.before_tokens, alone.after_tokens, strict=True)
        ]
        ranked = sorted(lines, key=lambda each: -max(each.before, each.after))
        with left:
            st.html(before_after(ranked[:_MOST_LINES]))
    let_it_leave()
    meanwhile()
    changed = ask(request, status)
    if len(changed.controls):
        with right:
            _beside(changed, others)


def _is_chance(changed: "OneChanged") -> bool:
    return changed.measured.unit == "nats" and changed.measured.quantity.of != "masked token"


def _say(changed: "OneChanged", how: str) -> None:
    what = changed.measured
    if _is_chance(changed):
        token = what.token if what.quantity.of == "next token" else changed.before_tokens[0].text
        before, after = part_text(math.exp(what.value)), part_text(math.exp(changed.after))
        say(f"“{token}” has {before} as it is, and {after} {how}.")
        return
    before, after = signed_text(what.value), signed_text(changed.after)
    if what.unit == "cosine":
        cosine = cosine_text(changed.after)
        say(f"The last vector of “{what.token}” has the cosine {cosine} with what it was, {how}.")
    elif what.quantity.of == "difference":
        say(f"The logit of “{what.token}” less that of “{what.other}” is {before} as it is, and {after} {how}.")
    else:
        say(f"The log odds of “{what.token}” are {before} as it is, and {after} {how}.")


def _beside(changed: "OneChanged", others: str) -> None:
    count = len(changed.controls)
    numbers, told = (np.exp(changed.controls), part_text) if _is_chance(changed) else (changed.controls, signed_text)
    least, most, middle = (told(float(each)) for each in (numbers.min(), numbers.max(), np.median(numbers)))
    verb = "leaves it" if _is_chance(changed) else "gives"
    stronger = round(changed.exceeded_by * count)
    remark(
        f"Beside chance: the same done to each of {count} other {others} {verb} {least} to {most}, {middle} in the "
        f"middle; {stronger} of {count} change it at least as much."
    )
    effects = changed.controls - changed.measured.value
    chart(
        chance_chart(changed.effect, [(f"other {others}", effects)], changed.measured.unit, palette()),
        key="said_chance",
    )
    remark("The line is this one, a tick one of the others. Zeroing is unnatural: others make up for it.")
