"""One thing changed in a text: its likeliest tokens before and after, and the same done to others like it."""

import math
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from pages.shared.parts import chart, remark, say
from pages.shared.theme import palette
from viz.heads_charts import chance_chart
from viz.inspector import BeforeAfter, before_after
from viz.quantities import cosine_text, part_text, signed_text

if TYPE_CHECKING:
    from models.anatomy.one_changed import OneChanged

_MOST_LINES = 8


def show_changed(changed: "OneChanged", how: str, others: str) -> None:
    """What is left. how: "without L29 MLP"; others: what the controls are, as in "15 other MLPs"."""
    what = changed.measured
    is_chance = what.unit == "nats" and what.quantity.of != "masked token"
    count = len(changed.controls)
    if is_chance:
        before, after = math.exp(what.value), math.exp(changed.after)
        token = what.token if what.quantity.of == "next token" else changed.before_tokens[0].text
        say(f"“{token}” has {part_text(before)} as it is, and {part_text(after)} {how}.")
        parts = np.exp(changed.controls)
        beside = f"leaves it {part_text(float(parts.min()))} to {part_text(float(parts.max()))}" if count else ""
        middle = f", {part_text(float(np.median(parts)))} in the middle" if count else ""
    else:
        before, after = signed_text(what.value), signed_text(changed.after)
        if what.unit == "cosine":
            cosine = cosine_text(changed.after)
            say(f"The last vector of “{what.token}” has the cosine {cosine} with what it was, {how}.")
        elif what.quantity.of == "difference":
            say(f"The logit of “{what.token}” less that of “{what.other}” is {before} as it is, and {after} {how}.")
        else:
            say(f"The log odds of “{what.token}” are {before} as it is, and {after} {how}.")
        numbers = changed.controls
        beside = f"gives {signed_text(float(numbers.min()))} to {signed_text(float(numbers.max()))}" if count else ""
        middle = f", {signed_text(float(np.median(numbers)))} in the middle" if count else ""
    if count:
        stronger = round(changed.exceeded_by * count)
        remark(
            f"Beside chance: the same done to each of {count} other {others} {beside}{middle}; {stronger} of {count} "
            "change it at least as much."
        )
    left, right = st.columns(2, gap="large")
    # Of a vector there are no tokens.
    right = right if changed.before_tokens else left
    if changed.before_tokens:
        lines = [
            BeforeAfter(one.text, one.probability, other.probability)
            for one, other in zip(changed.before_tokens, changed.after_tokens, strict=True)
        ]
        ranked = sorted(lines, key=lambda each: -max(each.before, each.after))
        with left:
            st.html(before_after(ranked[:_MOST_LINES]))
    if count:
        with right:
            effects = changed.controls - what.value
            chart(chance_chart(changed.effect, [(f"other {others}", effects)], what.unit, palette()), key="said_chance")
            remark("The line is this one, a tick one of the others. Zeroing is unnatural: others make up for it.")
