"""What is left when parts are off: for this text, and of the lengths of activations and gradients at depth."""

from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from models.catalog import MODELS
from pages.anatomy.choices import ALL_OFF, MOST_OFF, OFF_SORT, OFF_VIEW, PARTS_OFF, VIEWS_OFF, WAYS_OFF
from pages.anatomy.export import change_rows, depth_rows, offer
from pages.anatomy.text_and_token import at_token
from pages.shared import thread
from pages.shared.asking_engine import ask
from pages.shared.bound_widgets import bound, pick
from pages.shared.link import Names, note
from pages.shared.messages import in_place
from pages.shared.sentences_and_charts import chart, explanation, remark, say
from pages.shared.theme import palette
from viz.heads_charts import chance_chart
from viz.inspector import BeforeAfter, before_after, cosine_bars, heading
from viz.line_charts import Line, lines_chart
from viz.number_format import cosine_text, counted, level_text, part_text

if TYPE_CHECKING:
    from models.anatomy.lengths_by_depth import Depth
    from models.anatomy.part_switches import Switchable
    from models.anatomy.parts_off import OthersOff, PartsOff, PartsOffRequest
    from models.attention import TraceRequest

_MISSING = {
    "heads": "no attention with heads",
    "mlps": "which modules are its MLPs",
    "layers": "which modules are its layers",
    "norms": "where its norms are",
    "residuals": "where a part's output is added to what it was given",
    "tokens": "that a token can be hidden from all others",
    "positions": "which module tells places apart",
}
_THOUSAND, _MANY = 1e3, 1e9
_LINE = (
    "With the rest left on. Zeroing is unnatural: the model never met it, and others make up for what is missing: "
    "compare with the other parts."
)
_PLURALS = {"mlps": "MLPs"}
_ONE = {
    "heads": "head",
    "mlps": "MLP",
    "layers": "layer",
    "norms": "norm",
    "residuals": "residual connection",
    "tokens": "token",
    "positions": "set of positions",
}


def show(status: DeltaGenerator) -> None:
    """The controls, and one of the two views."""
    pick(OFF_VIEW, "What to look at", VIEWS_OFF, label_visibility="collapsed")
    if OFF_VIEW.value == "depth":
        _depths(status)
        return
    trace = at_token(status).trace
    off = chosen_off(trace, status)
    if off is None:
        return
    request, words = off
    found = ask(request, status)
    if not request.off:
        say("Nothing is off: choose a part.")
        return
    _say(found, words)
    left, right = st.columns(2, gap="large")
    with left:
        show_change(found)
    others: OthersOff | None = None
    with right, in_place():
        others = _beside(request, found, status)
    remark(_LINE)
    offer(trace.model, "parts-off", change_rows(found, others))


def chosen_off(trace: "TraceRequest", status: DeltaGenerator) -> "tuple[PartsOffRequest, str] | None":
    """The controls; what is asked for, and the parts in words. None where there is no such part, which is said."""
    from models.anatomy.parts_off import PartsOffRequest, SwitchableRequest

    every = ask(SwitchableRequest(trace), status)
    sort: Any = OFF_SORT.value
    pick(OFF_SORT, "Switch off", WAYS_OFF)
    if not every[sort]:
        there = ", ".join(WAYS_OFF[each] for each, parts in every.items() if parts)
        explanation(
            f"It cannot be seen {_MISSING[sort]} in {MODELS[trace.model].title}, so none is switched off. Here there "
            f"are: {there}."
        )
        return None
    if sort == "positions":
        return PartsOffRequest(trace, (every[sort][0].part,)), "positions"
    options = {_key(each): each for each in every[sort]}
    keys = _chosen(options)
    names = {key: _name(each, sort) for key, each in options.items()}
    with st.container(horizontal=True, vertical_alignment="bottom", key="parts_off_controls"):
        bound(
            st.multiselect,
            PARTS_OFF,
            "Off",
            list(options),
            format_func=names.__getitem__,
            shown=lambda _: [] if PARTS_OFF.value == ALL_OFF else list(keys),
            meant=Names,
            max_selections=MOST_OFF,
            placeholder=f"All {len(options):,} are off" if PARTS_OFF.value == ALL_OFF else "Choose some",
        )
        if sort != "tokens":
            st.button(f"All {len(options):,}", key="all_off", on_click=PARTS_OFF.choose, args=(ALL_OFF,))
    parts = tuple(options[key].part for key in keys)
    said = f"{len(keys):,} {_PLURALS.get(sort, WAYS_OFF[sort].lower())}"
    if len(keys) == 1:
        said = f"the residual connection {names[keys[0]]}" if sort == "residuals" else names[keys[0]]
    return PartsOffRequest(trace, parts), said


def _chosen(options: "dict[str, Switchable]") -> tuple[str, ...]:
    chosen = PARTS_OFF.value
    if chosen is None:
        return (next(iter(options)),)
    if chosen == ALL_OFF:
        return tuple(options)
    known = tuple(dict.fromkeys(each for each in chosen if each in options))
    if len(known) < len(chosen):
        note("Some of the parts that the link switches off are not in this model; they are left out.")
        PARTS_OFF.choose(Names(known))
    return known


def _key(each: "Switchable") -> str:
    part = each.part
    return f"{part.kind}.{part.layer}.{part.number}"


def _name(each: "Switchable", sort: str) -> str:
    part = each.part
    kind = f"{part.kind} " if part.kind == "cross" or MODELS[thread.MODEL.value].family == "seq2seq" else ""
    if sort == "tokens":
        return f"{kind.replace('target', 'output')}{part.number}  {each.name}"
    if sort == "heads":
        return f"{kind}{each.name}"
    if sort == "layers":
        return f"{kind}L{part.layer}"
    where = "before the layers" if part.layer < 0 else f"L{part.layer}"
    return f"{each.name} in {kind}{where}" if sort == "residuals" else f"{kind}{where} {each.name}"


def _say(found: "PartsOff", words: str) -> None:
    if not found.is_finite:
        say(
            f"Without {words} the numbers grow beyond what the model's number format holds: nothing is left to compare."
        )
    elif found.kept:
        say(f"Without {words} the last vectors keep a cosine of {cosine_text(1 - found.change)} on average.")
    elif found.next_tokens:
        first = found.next_tokens[0]
        say(
            f"“{first.text}” has {part_text(first.before)} as it is, and {part_text(first.after)} without {words}. The "
            f"divergence of all probabilities is {level_text(found.change)} nats."
        )
    else:
        others = [each for each in found.steps if each.likeliest != each.text]
        said = f": first, “{others[0].likeliest}” in the place of “{others[0].text}”" if others else ""
        count = f"{len(others)} of {counted(len(found.steps), 'token')}" if others else "none of the tokens"
        say(
            f"Without {words} {count} would be another one{said}. The divergence is {level_text(found.change)} nats a "
            "step."
        )


def show_change(found: "PartsOff") -> None:
    """Before and after: probabilities, or how much of their direction the vectors keep."""
    if not found.is_finite:
        return
    if found.kept:
        st.html(heading("Cosine of each last vector with what it was"))
        st.html(cosine_bars(found.tokens, found.kept))
        return
    st.html(heading("Written next" if found.next_tokens else "What is written, step by step"))
    lines = [
        BeforeAfter(each.text, each.before, each.after, each.likeliest if each.likeliest != each.text else "")
        for each in (found.next_tokens or found.steps)
    ]
    st.html(before_after(lines))


def _beside(request: "PartsOffRequest", found: "PartsOff", status: DeltaGenerator) -> "OthersOff":
    from models.anatomy.parts_off import OthersOffRequest

    others = ask(OthersOffRequest(request), status)
    sort = request.off[0].sort
    if sort == "positions":
        show_others(found, others, "the same places, shuffled")
        return others
    count = len(request.off)
    what = f"another {_ONE[sort]}" if count == 1 else f"{count:,} other {_PLURALS.get(sort, WAYS_OFF[sort].lower())}"
    show_others(found, others, f"{what}, drawn at random")
    return others


def show_others(found: "PartsOff", others: "OthersOff", what: str) -> None:
    """The change beside that of others."""
    finite = others.changes[np.isfinite(others.changes)]
    st.html(heading("Beside chance"))
    if not len(others.changes):
        remark("There are not as many others of this sort, so that there is nothing to compare with.")
        return
    lost = len(others.changes) - len(finite)
    beyond = f" {counted(lost, 'draw')} had numbers beyond the format." if lost else ""
    if not found.is_finite or not len(finite):
        remark(f"{len(finite)} of {len(others.changes)} others left finite numbers.")
        return
    unit = "1 − cosine" if found.unit != "nats" else "nats of divergence"
    chart(chance_chart(found.change, [(what, finite)], unit, palette()), key="off_chance")
    stronger = int((finite >= found.change).sum())
    remark(
        f"The line is this change, {level_text(found.change)}; each tick {what}: {level_text(float(finite.min()))} to "
        f"{level_text(float(finite.max()))}. {stronger} of {len(finite)} change at least as much.{beyond}"
    )


# ----- Lengths at depth


def _depths(status: DeltaGenerator) -> None:
    from models.anatomy.lengths_by_depth import DepthRequest

    trace = at_token(status).trace
    names: dict[Any, str] = {
        "nothing": "as it is",
        "residuals": "without residual connections",
        "norms": "without norms",
    }
    found: dict[str, Depth] = {}
    for without, name in names.items():
        with in_place():
            found[name] = ask(DepthRequest(trace, without), status)
    if not found:
        return
    whole = found[names["nothing"]]
    for place, stack in enumerate(whole.stacks):
        prefix = f"{stack.kind.capitalize()}: " if len(whole.stacks) > 1 else ""
        left, right = st.columns(2, gap="large")
        for column, what, said in (
            (left, "activations", "length of a token's vector"),
            (right, "gradients", "length of the gradient along it"),
        ):
            with column:
                st.html(heading(f"{prefix or said[0].upper()}{said if prefix else said[1:]}, layer by layer"))
                lines = [
                    Line(name, np.array([stack.layers[0] - 1, *stack.layers]), _means(each, place, what), _LOOKS[name])
                    for name, each in found.items()
                ]
                drawn = lines_chart(lines, "after layer", "L2, mean over tokens", log=("y",), palette=palette())
                chart(drawn, key=f"depth_{what}_{place}")
    for name, each in found.items():
        _say_depth(name, each)
    remark(
        f"One forward and one backward pass for each line; the gradient is of {whole.of}. Layer −1 is what the first "
        "layer is given. All residual connections or all norms are off at once, with weights that were trained with "
        "them: a network trained without would look otherwise. Where a line ends, the numbers left the number format."
    )
    offer(trace.model, "depth", depth_rows(found))


_LOOKS: dict[str, Any] = {"as it is": "chosen", "without residual connections": "plain", "without norms": "plain"}


def _means(found: "Depth", place: int, what: str) -> np.ndarray:
    return getattr(found.stacks[place], what).mean(axis=1)


def _say_depth(name: str, found: "Depth") -> None:
    stack = found.stacks[-1]
    lengths, slopes = stack.activations.mean(axis=1), stack.gradients.mean(axis=1)
    if not np.isfinite(lengths).all():
        last = int(np.flatnonzero(np.isfinite(lengths))[-1])
        remark(f"{name.capitalize()}: after layer {last} activations leave the number format.")
        return
    parts = [f"activations go from {_size(float(lengths[0]))} to {_size(float(lengths[-1]))}"]
    if np.isfinite(slopes).all() and slopes[-1] > 0:
        ratio = float(slopes[0] / slopes[-1])
        parts.append(f"the gradient at the first layer is {_size(ratio)} times that at the last")
    off = f" ({found.off:,} off)" if found.off else ""
    remark(f"{name.capitalize()}{off}: {', '.join(parts)}.")


def _size(number: float) -> str:
    """A length that may be large."""
    return f"{number:,.0f}" if _THOUSAND <= number < _MANY else level_text(number)
