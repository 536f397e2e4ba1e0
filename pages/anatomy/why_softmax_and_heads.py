"""Why the root of d, why a softmax, why heads: three experiments on the live queries and keys."""

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.anatomy.choices import INNER_T, INNER_TEMPERATURES
from pages.anatomy.chosen_head import ChosenHead, one_head
from pages.anatomy.export import offer, why_rows
from pages.shared.asking_engine import ask
from pages.shared.bound_widgets import bound
from pages.shared.sentences_and_charts import chart, remark, say
from pages.shared.theme import palette
from viz.inspector import BeforeAfter, before_after, heading
from viz.line_charts import Line, lines_chart
from viz.number_format import level_text, part_text
from viz.tables import table

if TYPE_CHECKING:
    from models.anatomy.why_softmax_and_heads import HeadsAgainstOne, Pattern, Scaled, Temperatures, Why, WhyRequest

_MOST_KEYS = 8
_LEAST = 1e-3


def show(status: DeltaGenerator) -> None:
    """The three, one below the other."""
    head = one_head(status, "why")
    found = ask(why_request(head), status)
    _root(found.scaled, head)
    _softmax(found.temperatures, head)
    _heads(found, head)
    offer(head.trace.model, "why", why_rows(found))


def why_request(head: ChosenHead) -> "WhyRequest":
    """What is asked for."""
    from models.anatomy.why_softmax_and_heads import WhyRequest

    return WhyRequest(head.trace, head.kind, head.layer, head.head, head.query)


def _root(found: "Scaled", head: ChosenHead) -> None:
    st.html(heading("Why √d?"))
    rows = [
        ("this head, as it is", found.with_it),
        ("this head, not scaled", found.without_it),
        ("random vectors, over √d", found.drawn_with),
        ("random vectors, not scaled", found.drawn_without),
    ]
    divided = (
        "1"
        if found.scaling == 1
        else f"√{found.width}"
        if abs(found.scaling**-2 - found.width) < 0.01 * found.width
        else level_text(1 / found.scaling)
    )
    if found.scaling == 1:
        say(
            f"{head.name} does not divide its scores at all: the root of d = {found.width} is in its weights already. "
            f"They spread by {level_text(found.with_it.deviation)}."
        )
    else:
        say(
            f"Divided by {divided}, the scores of {head.name} spread by {level_text(found.with_it.deviation)}; without "
            f"it by {level_text(found.without_it.deviation)}, and the softmax leaves "
            f"{_nats(found.without_it.entropy)} "
            f"nats of entropy of the {_nats(found.with_it.entropy)}: {part_text(found.without_it.largest)} of a "
            "query's weight is on one key."
        )
    st.html(
        table(
            ["", "spread of scores", "entropy (nats)", "largest weight"],
            [[name, level_text(each.deviation), _nats(each.entropy), part_text(each.largest)] for name, each in rows],
            chosen=0,
        )
    )
    more = (
        f" Weights here differ from the model's by up to {level_text(found.apart)}: this architecture does more to "
        "its scores."
        if found.apart > 1e-3
        else ""
    )
    remark(
        f"Means over the queries that may look at two keys or more; equal weights would have {level_text(found.even)} "
        "nats. "
        f"Random vectors: numbers with variance 1, as wide (d = {found.width}); their dot products have variance d, so "
        f"they spread by about √d = {level_text(found.width**0.5)} and less over few keys. A saturated softmax also "
        f"has no gradient.{more}"
    )


def _softmax(found: "Temperatures", head: ChosenHead) -> None:
    st.html(heading("Why a softmax? The temperature inside of the head"))
    temperature = INNER_T.value
    at = int(np.argmin(np.abs(np.array(found.temperatures) - temperature)))
    own = found.temperatures.index(1.0)
    bound(
        st.select_slider,
        INNER_T,
        "Scores divided by",
        list(INNER_TEMPERATURES),
        format_func=lambda each: f"{each:.3g}",
    )
    say(
        f"At {level_text(temperature)} the weights of {head.name} have {level_text(float(found.entropies[at]))} nats "
        "of entropy on "
        f"average, at 1, the model's own, {level_text(float(found.entropies[own]))}, of {level_text(found.even)} at "
        "most."
    )
    left, right = st.columns(2, gap="large")
    ticks = np.array(found.temperatures)
    with left:
        lines = [
            Line("this head", ticks, found.entropies, "plain"),
            Line("equal weights", ticks, np.full(len(ticks), found.even), "beside"),
        ]
        chart(
            lines_chart(lines, "scores divided by", "entropy (nats)", log=("x",), at=temperature, palette=palette()),
            key="inner_temperature",
        )
    with right:
        row, other = found.weights[own], found.weights[at]
        best = np.argsort(-np.maximum(row, other), kind="stable")[:_MOST_KEYS]
        st.html(heading(f"Where “{head.rows[head.query]}” looks: at 1, and at {level_text(temperature)}"))
        st.html(before_after([BeforeAfter(found.keys[each], float(row[each]), float(other[each])) for each in best]))
    remark(
        "A low temperature picks one key, a high one mixes all: the softmax is a choice that has a slope. Nothing "
        "else in the "
        "model is changed here; what is written is another matter."
    )


def _heads(found: "Why", head: ChosenHead) -> None:
    one: HeadsAgainstOne = found.one_head
    count = len(one.heads)
    st.html(heading("Why heads? One head of full width"))
    say(
        f"Layer {head.layer} has {count} heads, whose maps are worth {level_text(one.different)} different ones "
        "(random heads: "
        f"{level_text(one.drawn_different)}). One head with all their numbers has one map, with "
        f"{_nats(one.one.entropy)} nats of entropy; the heads have {_range([each.entropy for each in one.heads])}."
    )
    rows = [(f"H{place}", each) for place, each in enumerate(one.heads)]
    shown = [*rows, ("one head of full width", one.one), ("a random head", one.drawn)]
    st.html(
        table(
            ["", "entropy (nats)", "effective rank", "rank"],
            [_row(name, each) for name, each in shown],
            chosen=head.head,
        )
    )
    remark(
        "Effective rank: e to the entropy of the map's singular values, 1 where all queries look alike. Rank: "
        "singular values of "
        "at least a hundredth of the largest. The one head has all queries and keys of the layer side by side, over "
        "the "
        "root of their width; it was not trained as one. Random: as many queries and keys with variance 1, under the "
        "same "
        "mask."
    )


def _row(name: str, each: "Pattern") -> list[str]:
    return [name, _nats(each.entropy), level_text(each.effective), str(each.rank)]


def _range(numbers: list[float]) -> str:
    return f"{_nats(min(numbers))} to {_nats(max(numbers))}"


def _nats(entropy: float) -> str:
    """Of an entropy that is nearly nothing only that it is."""
    return level_text(entropy) if entropy >= _LEAST else f"less than {_LEAST:g}"
