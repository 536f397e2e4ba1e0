"""What each part says for the next token: the logit as a sum of parts, and what is left without one of them."""

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from models.catalog import MODELS
from models.engine import engine
from pages.anatomy.choices import ORDERS, SAID_LESS, SAID_OFF, SAID_ORDER, SAID_TOKEN, SAID_TOWARDS
from pages.anatomy.one_changed import show_changed
from pages.anatomy.part_names import part_key, part_name
from pages.anatomy.text_and_token import AtToken, at_token, token_control
from pages.shared import thread
from pages.shared.asking_engine import ask, let_it_leave
from pages.shared.bound_widgets import bound, names_of, pick
from pages.shared.export import Download, download_row, folder_argument, program, text_argument
from pages.shared.link import note
from pages.shared.messages import in_place
from pages.shared.page import is_part_alone
from pages.shared.scroll_into_sight import Sight
from pages.shared.sentences_and_charts import chart, remark, say
from pages.shared.spreadsheet import as_csv, as_json
from pages.shared.theme import palette
from viz.anatomy_charts import PICKED, PICKED_FIELD, layers_chart, parts_chart
from viz.number_format import counted, level_text, part_text, signed_text

if TYPE_CHECKING:
    from models.anatomy.contributions import Contributions, ContributionsRequest
    from models.heads.parts_of_model import Place

_SHOWN = 16
_LABELS = {
    "next token": "The next token after",
    "output": "Step",
    "vector": "The last vector of",
    "masked token": "",
}


# What becomes of the text without the pressed part.
_ANSWER = Sight("said_off")
# The sum that this session saw last.
_READ = "said:read"


def show(status: DeltaGenerator) -> None:
    """The tab."""
    from models.heads.measured_quantity import QuantitiesRequest

    at = at_token(status)
    of = ask(QuantitiesRequest(at.trace.model), status)[0]
    request = _request(at, of)
    controls, above, below = st.container(key="said_controls"), st.container(), st.container(key="said_off")

    # Each once in a run, whoever comes to it first.
    @cache
    def draw_controls() -> None:
        with controls:
            _controls(at, of)

    if request not in engine.answers:
        draw_controls()
    with in_place():
        found = ask(request, status)

        @cache
        def draw_sum() -> None:
            with above:
                _say(found, at)
            let_it_leave()
            draw_controls()
            with above:
                _draw(found, at)
            let_it_leave()

        # Who has read the sum and switches a part off waits for what is left.
        if not (is_part_alone() and st.session_state.get(_READ) == request):
            draw_sum()
        st.session_state[_READ] = request
        with below:
            _without(request, found, status, draw_sum)
        if of == "next token" and found.measured.quantity.of == of and request.trace == at.trace:
            _code()
    draw_controls()


def leave() -> None:
    """Another tab is open."""
    st.session_state.pop(_READ, None)


def _controls(at: AtToken, of: str) -> None:
    one, two, three, four = st.columns([1.2, 1, 1, 1.4], vertical_alignment="bottom")
    with one:
        if of != "masked token":
            token_control(at, _LABELS[of], "said_at_box")
        else:
            remark("The hidden word: the first mask of the text.")
    if of == "vector":
        with two:
            words = {place: f"{place}  {token}" for place, token in enumerate(at.tokens)}
            bound(
                st.selectbox,
                SAID_TOWARDS,
                "Towards the one of",
                **names_of(words),
                shown=lambda place: at.place if place is None else min(place, len(at.tokens) - 1),
            )
    elif of != "output":
        with two:
            bound(st.text_input, SAID_TOKEN, "Token", placeholder="the likeliest")
        if of == "next token":
            with three:
                bound(st.text_input, SAID_LESS, "Less that of", placeholder="nothing")
    with four:
        pick(SAID_ORDER, "Order", ORDERS)


def _request(at: AtToken, of: str) -> "ContributionsRequest":
    from models.anatomy.contributions import ContributionsRequest
    from models.attention import TraceRequest
    from models.heads.measured_quantity import Quantity

    trace = at.trace
    if of == "next token":
        if at.place < len(at.tokens) - 1:
            # A decoder does not look ahead: what comes after the token is not read.
            trace = TraceRequest(trace.model, at.text.ids[: at.place + 1])
        token, less = SAID_TOKEN.value.strip("\n"), SAID_LESS.value.strip("\n")
        return ContributionsRequest(trace, Quantity("difference" if less.strip() else "next token", token, less))
    if of == "masked token":
        return ContributionsRequest(trace, Quantity("masked token", SAID_TOKEN.value))
    quantity: Any = of
    towards = SAID_TOWARDS.value if of == "vector" else None
    return ContributionsRequest(trace, Quantity(quantity, position=at.place), towards)


def _say(found: "Contributions", at: AtToken) -> None:
    what = found.measured
    largest = int(np.argmax(found.values))
    told = {
        "next token": f"“{what.token}” has the logit {level_text(found.aimed)} as the next token",
        "difference": f"“{what.token}” is {level_text(found.aimed)} above “{what.other}”",
        "vector": f"The last vector of “{what.token}” goes {level_text(found.aimed)} along that of “{found.towards}”",
        "masked token": f"“{what.token}” has the logit {level_text(found.aimed)} as the hidden word",
        "output": f"“{at.token}” has the logit {level_text(found.aimed)} at step {at.place}",
    }[what.quantity.of]
    say(
        f"{told}: a sum of {counted(len(found.values), 'part')}. {part_name(found.sources[largest])} adds most: "
        f"{signed_text(float(found.values[largest]))}."
    )


def _draw(found: "Contributions", at: AtToken) -> None:
    what = found.measured
    order = found.by_size()
    names = [part_name(each) for each in found.sources]
    numbers = {"next token": "logit", "difference": "difference of logits", "vector": "length along it"}
    unit = numbers.get(what.quantity.of, "logit")
    if SAID_ORDER.value == "size":
        chosen = SAID_OFF.value
        shown = order[:_SHOWN]
        rest = float(found.values[order[_SHOWN:]].sum())
        keys = [part_key(found.sources[each]) for each in shown]
        labels = [names[each] for each in shown]
        values = found.values[shown]
        if len(order) > _SHOWN:
            keys.append("rest of all")
            labels.append(f"the other {len(order) - _SHOWN} together")
            values = np.append(values, rest)
        drawn = parts_chart(keys, labels, values, chosen, unit, palette())
        chart(drawn, key="said_parts", picked=(PICKED, PICKED_FIELD, _pick))
    else:
        chart(_by_layer(found, unit), key="said_layers")
    held = " and the gates of the head's curve" if found.has_held_curve else ""
    bent = (
        f" The model bends its logits after the sum: it puts out {level_text(found.output)}." if found.is_bent else ""
    )
    rounded = f" The model itself adds in {found.rounded}, which is no more exact." if found.rounded else ""
    norms = "all norms" if what.quantity.of == "vector" else "the final norm"
    remark(
        f"{MODELS[at.trace.model].title}. A sum of parts: with {norms}{held} held still. Their sum is "
        f"{level_text(found.total)}, the model's own number {level_text(found.aimed)}: off by {part_text(found.error)} "
        "of the largest."
        f"{rounded}{bent} A bar is what a part writes into this token's stream itself; what it does to later "
        "parts is in theirs."
        f"{' ' + what.note if what.note else ''}"
    )
    table = [["part", "kind", "layer", "head", "adds"], *_rows(found, names)]
    head = {"total": found.total, "model": found.aimed, "relative_error": found.error, "token": what.token}
    download_row(
        [
            Download("CSV", "contributions.csv", lambda: as_csv(table)),
            Download("JSON", "contributions.json", lambda: as_json(table, head, "parts")),
        ],
        "said_",
    )


def _rows(found: "Contributions", names: list[str]) -> list[list[object]]:
    return [
        [name, each.of, each.layer if each.layer >= 0 else "", each.head if each.head >= 0 else "", float(value)]
        for name, each, value in zip(names, found.sources, found.values, strict=True)
    ]


def _by_layer(found: "Contributions", unit: str) -> Any:
    """In the order in which they are added: before the layers, each layer's attention, MLP and biases, and the end."""
    places = ["start", *dict.fromkeys(f"L{each.layer}" for each in _by_number(found)), "end"]
    names = {"head": "attention", "mlp": "MLP", "other": "MLP"}
    series = {name: np.zeros(len(places)) for name in ("attention", "MLP", "embeddings and biases")}
    for each, value in zip(found.sources, found.values, strict=True):
        is_early = each.of == "embedding" or each.name in ("map", "embedding norm")
        place = f"L{each.layer}" if each.layer >= 0 else "start" if is_early else "end"
        series[names.get(each.of, "embeddings and biases")][places.index(place)] += value
    return layers_chart(places, series, unit, palette())


def _by_number(found: "Contributions") -> list[Any]:
    return sorted((each for each in found.sources if each.layer >= 0), key=lambda each: each.layer)


def _pick(key: object) -> None:
    # A bar may be one that cannot be switched off; what no link could say is not chosen.
    if isinstance(key, str):
        SAID_OFF.choose(None if key == SAID_OFF.value or " " in key else key)
        _ANSWER.wanted()


def _without(
    request: "ContributionsRequest", found: "Contributions", status: DeltaGenerator, meanwhile: Callable[[], None]
) -> None:
    """One part off: the likeliest tokens before and after, beside other parts of its kind. meanwhile: called between
    the two.
    """
    from models.anatomy.one_changed import PartOffRequest

    order = [found.sources[each] for each in found.by_size().tolist()]
    words = {part_key(each): part_name(each) for each in order if each.of in ("head", "mlp")}
    if SAID_OFF.value is not None and SAID_OFF.value not in words:
        note(f"There is no part {SAID_OFF.value} that adds to this; nothing is switched off.")
        SAID_OFF.forget()
    box, left = st.container(), st.container()

    # The list of all parts is long, and a browser that draws it takes time from the forward.
    @cache
    def draw_box() -> None:
        with box:
            bound(
                *(st.selectbox, SAID_OFF, "Switch off (or press a bar)"),
                **names_of(words),
                placeholder="nothing",
                width=320,
            )
        meanwhile()

    if SAID_OFF.value is not None:
        part, place = _place(SAID_OFF.value)
        off = PartOffRequest(request.trace, request.quantity, part, place)
        with left, in_place():
            others = "heads" if part == "heads" else "MLPs"
            show_changed(off, f"without {words[SAID_OFF.value]}", others, status, draw_box)
            _ANSWER.drawn()
    draw_box()


def _code() -> None:
    """The program that adds up the same."""
    with st.expander("Show the code of this sum", key="said_code"):
        word = [text_argument(SAID_TOKEN.value)] if SAID_TOKEN.value.strip() else []
        program(
            "contributions.py",
            *(folder_argument(thread.MODEL.value), text_argument(thread.TEXT.value), *word),
            notes=["For models of Llama's kind, whose modules it names; the page sees them by what they do."],
        )


def _place(key: str) -> "tuple[Any, Place]":
    from models.heads.parts_of_model import Place

    kind, layer, head = key.split(".")
    return ("mlps", Place(kind, int(layer))) if head == "mlp" else ("heads", Place(kind, int(layer), int(head)))
