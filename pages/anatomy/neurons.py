"""What an MLP's neurons do: what goes into them, what the strongest push, where they fire, and one of them turned."""

from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from models.catalog import MODELS
from pages.anatomy.choices import FACTORS, MLP_LAYER, NEURON, NEURON_TIMES, READ_BY, READ_THROUGH
from pages.anatomy.one_changed import show_changed
from pages.anatomy.text_and_token import AtToken, at_token, layer_of_plan, token_control
from pages.shared.asking_engine import ask
from pages.shared.bound_widgets import bound, pick
from pages.shared.export import Download, download_row
from pages.shared.job import Job
from pages.shared.link import note
from pages.shared.messages import in_place
from pages.shared.sentences_and_charts import chart, remark, say
from pages.shared.spreadsheet import as_csv, as_json
from pages.shared.theme import palette
from viz.anatomy_charts import curve_chart
from viz.inspector import heading
from viz.neuron_tables import fired, pushed_tokens
from viz.number_format import counted, level_text, part_text, signed_text
from viz.tables import table

if TYPE_CHECKING:
    from models.anatomy.neuron_bank import FiringRequest
    from models.anatomy.neurons import LayersWithMlp, Neurons, Pushed
    from models.engine import HowFar

JOB = Job("firing")
_STRONGEST = 10
_SENTENCES, _MOST_SENTENCES = 60, 5


def show(status: DeltaGenerator) -> None:
    """The tab."""
    from models.anatomy.neurons import LayersWithMlpRequest, NeuronsRequest

    at = at_token(status)
    stacks = ask(LayersWithMlpRequest(at.trace.model), status)
    stack = next((each for each in stacks if each.kind == at.kind), stacks[0])
    layer = _layer(stack)
    with st.container(key="neuron_controls"):
        one, two, three = st.columns([1, 1.2, 1.7], vertical_alignment="bottom")
        with one:
            token_control(at, "Token", "neuron_at_box")
        with two:
            bound(st.select_slider, MLP_LAYER, "Layer", list(stack.layers), shown=lambda _: layer)
        with three:
            pick(READ_BY, "Read through", READ_THROUGH)
    with in_place():
        why_not = stack.why_not[stack.layers.index(layer)]
        if why_not:
            remark(why_not)
            _experts(at, layer, status)
            return
        found = ask(NeuronsRequest(at.trace, at.kind, layer, at.place), status)
        neuron = _neuron(found)
        left, right = st.columns([5, 5], gap="large")
        with left:
            _curve(found, neuron, at)
        with right:
            pushed = _strongest(found, neuron, at, status)
        _one(found, neuron, at, pushed, status)


def leave() -> None:
    """Another tab is open: nobody waits for the sentences any more."""
    JOB.leave(unless_done=True)


def _layer(stack: "LayersWithMlp") -> int:
    """The chosen layer, else the one that is open in the plan, else one four fifths of the way up."""
    chosen = MLP_LAYER.value
    if chosen is not None and chosen not in stack.layers:
        note(f"There is no MLP in layer {chosen}: there are those of layers {stack.layers[0]} to {stack.layers[-1]}.")
        MLP_LAYER.forget()
        chosen = None
    if chosen is not None:
        return chosen
    opened = layer_of_plan(stack.kind, stack.layers)
    return stack.layers[len(stack.layers) * 4 // 5] if opened is None else opened


def _neuron(found: "Neurons") -> int:
    count = len(found.given)
    if NEURON.value is not None and NEURON.value >= count:
        note(
            f"There is no neuron {NEURON.value:,} in layer {found.layer}: its MLP has those from 0 to {count - 1:,}; "
            "the strongest one is shown."
        )
        NEURON.forget()
    return int(found.order[0]) if NEURON.value is None else NEURON.value


def _curve(found: "Neurons", neuron: int, at: AtToken) -> None:
    count = len(found.given)
    say(
        f"“{found.token}” in layer {found.layer}: {counted(count, 'neuron')}, of which {found.near_zero:,} "
        f"({part_text(found.near_zero / count)}) give less than a hundredth of the largest"
        f"{f', and {found.exactly_zero:,} nothing at all' if found.exactly_zero else ''}."
    )
    if len(found.into):
        chart(curve_chart(found.into, found.curve_at, found.curve, float(found.into[neuron]), palette()), key="curve")
        gate = (
            " What comes out is multiplied with a second projection, the gate's other half." if found.is_gated else ""
        )
        remark(
            f"Bars: how many neurons are given what. Line: the curve of {MODELS[at.trace.model].title}, its own "
            f"function at {len(found.curve):,} points.{gate} The upright line is neuron {neuron:,}."
        )
    else:
        remark("No module of its own computes the curve of this MLP, so that only what comes out is shown.")
    rows = [
        [
            *(each, *(float(some[each]) if len(some) else "" for some in (found.into, found.bent))),
            *(float(some[each]) for some in (found.given, found.lengths, found.strength)),
        ]
        for each in found.order.tolist()
    ]
    head = ["neuron", "into_curve", "out_of_curve", "given", "length_of_vector", "adds"]
    about = {"model": at.trace.model, "layer": found.layer, "token": found.token}
    download_row(
        [
            Download("CSV", "neurons.csv", lambda: as_csv([head, *rows])),
            Download("JSON", "neurons.json", lambda: as_json([head, *rows], about, "neurons")),
        ],
        "neurons_",
    )


def _strongest(found: "Neurons", neuron: int, at: AtToken, status: DeltaGenerator) -> "Pushed | None":
    """The strongest neurons of this token and what each pushes; that of the chosen one."""
    from models.anatomy.neurons import NeuronError, PushedRequest

    through: Any = READ_BY.value
    strongest = found.order[:_STRONGEST].tolist()
    chosen = tuple(dict.fromkeys([*strongest, neuron]))
    st.html(heading("The strongest neurons here"))
    try:
        pushed = ask(PushedRequest(at.trace.model, at.kind, found.layer, chosen, through), status)
    except NeuronError as error:
        rows = [[f"{each:,}", signed_text(float(found.given[each])), _adds(found, each)] for each in chosen]
        st.html(table(["neuron", "gives", "adds"], rows, chosen=chosen.index(neuron)))
        remark(str(error))
        return None
    lines = [
        (f"{each.neuron:,}", signed_text(float(found.given[each.neuron])), _adds(found, each.neuron), each.up[:4])
        for each in pushed
    ]
    st.html(pushed_tokens(lines, chosen=chosen.index(neuron)))
    remark(
        "Gives: what the last matrix is given. Adds: how long the vector is that it writes here. A neuron's tokens: "
        "what its output pushes, whatever made it fire; one that gives less than 0 pushes them down."
    )
    return pushed[chosen.index(neuron)]


def _adds(found: "Neurons", neuron: int) -> str:
    return level_text(float(found.strength[neuron]))


def _one(found: "Neurons", neuron: int, at: AtToken, pushed: "Pushed | None", status: DeltaGenerator) -> None:
    """One neuron: its tokens, turned off or up, and where it fires."""
    with st.container(key="neuron"):
        st.html(heading("One neuron"))
        one, two = st.columns([1, 2.4], vertical_alignment="bottom")
        with one:
            bound(
                st.number_input,
                NEURON,
                f"Neuron, 0 to {len(found.given) - 1:,}",
                min_value=0,
                max_value=len(found.given) - 1,
                step=1,
                shown=lambda _: neuron,
            )
        with two:
            words = {each: "off" if each == 0 else "as it is" if each == 1 else f"× {each:g}" for each in FACTORS}
            bound(
                st.select_slider,
                NEURON_TIMES,
                "Turn it",
                options=list(words),
                format_func=lambda each: words[each].replace("-", "−"),
            )
        if pushed is not None:
            remark(f"Pushes up: {', '.join(pushed.up)}. Pushes down: {', '.join(pushed.down)}.")
        with in_place():
            _turned(found, neuron, at, status)
        with in_place():
            _firing(found, neuron, at)


def _turned(found: "Neurons", neuron: int, at: AtToken, status: DeltaGenerator) -> None:
    from models.anatomy.one_changed import NeuronTurnedRequest
    from models.heads.measured_quantity import QuantitiesRequest, Quantity

    of: Any = ask(QuantitiesRequest(at.trace.model), status)[0]
    if of == "masked token" and at.place not in _masks(at):
        remark("Hide a word of the text with a mask to see what this neuron does to it.")
        return
    position = at.place if of in ("vector", "output") else None
    factor = NEURON_TIMES.value
    request = NeuronTurnedRequest(at.trace, Quantity(of, position=position), at.kind, found.layer, neuron, factor)
    how = f"without neuron {neuron:,}" if factor == 0 else f"with neuron {neuron:,} × {factor:g}".replace("-", "−")
    show_changed(request, how, "neurons of the layer", status)


def _masks(at: AtToken) -> tuple[int, ...]:
    return tuple(place for place, each in enumerate(at.tokens) if at.text.is_special[place] and "mask" in each.lower())


def _firing(found: "Neurons", neuron: int, at: AtToken) -> None:
    request = _firing_request(found, neuron, at)
    st.html(heading("Where it fires most"))
    is_wanted = st.button(f"Read {_SENTENCES} sentences of the bank", key="firing_start")
    if (answer := JOB.answer(request, _progress, is_wanted=is_wanted)) is None:
        return
    best = answer.most(neuron, _MOST_SENTENCES)
    row = answer.neurons.index(neuron)
    st.html(
        fired(
            [
                (answer.sentences[each], int(answer.places[row, each]), signed_text(float(answer.values[row, each])))
                for each in best
            ]
        )
    )
    remark(
        f"Of {len(answer.sentences)} sentences of {request.bank.title}: where this neuron gives most, by size. On the "
        f"sentence in the middle its most is {level_text(answer.usual(neuron))}. A text's first token is left out: "
        "many neurons give there what they give nowhere else."
    )


def _firing_request(found: "Neurons", neuron: int, at: AtToken) -> "FiringRequest":
    from models.anatomy.neuron_bank import FiringRequest
    from models.heads.bundled_bank import bundled_bank

    strongest = found.order[:_STRONGEST].tolist()
    neurons = tuple(sorted(dict.fromkeys([*strongest, neuron])))
    return FiringRequest(at.trace.model, at.kind, found.layer, neurons, bundled_bank(), _SENTENCES)


def _progress(step: "HowFar") -> tuple[float, str]:
    return step.done / max(1, step.of), f"{step.done:,} of {step.of:,} sentences read"


def _experts(at: AtToken, layer: int, status: DeltaGenerator) -> None:
    from models.anatomy.experts import ExpertsRequest

    found = ask(ExpertsRequest(at.trace, at.kind, layer), status)
    if found is None:
        return
    taken = found.taken[at.place]
    say(
        f"For “{at.token}” the router of layer {layer} takes "
        + ", ".join(
            f"expert {each} ({signed_text(float(w))[1:]})"
            for each, w in zip(taken, found.weights[at.place], strict=True)
        )
        + (f" of {found.count}." if found.count else ".")
    )
    rows = [
        [token, *(f"{each} × {weight:.3f}" for each, weight in zip(own, weights, strict=True))]
        for token, own, weights in zip(found.tokens, found.taken, found.weights, strict=True)
    ]
    head = ["token", *(f"expert {place + 1}" for place in range(found.taken.shape[1]))]
    st.html(table(head, rows[:200], chosen=at.place if at.place < 200 else None))
    if found.count:
        counts = np.bincount(found.taken.ravel(), minlength=found.count) / len(found.tokens)
        most = int(counts.argmax())
        remark(
            f"Expert {most} is taken for {part_text(float(counts[most]))} of the tokens; if all were taken equally "
            f"often, each would be for {part_text(found.chance)}."
        )
