"""How the model knows the order of words: what tells places apart, and the same text with other places."""

from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from models.catalog import MODELS
from pages.anatomy.choices import ATT_KEY, PLACES, PLACES_ARE
from pages.anatomy.chosen_head import one_head, token_box
from pages.anatomy.export import offer, places_rows, turned_rows
from pages.anatomy.parts_off import show_change, show_others
from pages.anatomy.text_and_token import at_token
from pages.shared import thread
from pages.shared.asking_engine import ask
from pages.shared.bound_widgets import pick
from pages.shared.link import note
from pages.shared.messages import in_place
from pages.shared.sentences_and_charts import chart, remark, say
from pages.shared.theme import palette
from viz.cell_charts import cells_chart
from viz.inspector import heading
from viz.line_charts import Line, lines_chart
from viz.number_format import counted, level_text, part_text

if TYPE_CHECKING:
    from models.anatomy.positions import DistanceBias, PlaceRows, PositionWays, Turns

_MOST_LINES, _MOST_CELLS = 6, 40
_WAYS = {
    "learned rows": "a learned row for each place is added to the tokens' vectors",
    "sinusoids": "a row of sines and cosines for each place is added to the tokens' vectors",
    "rotary": "queries and keys are turned by an angle for each place (rotary)",
    "relative bias": "each head adds a number to its scores for the distance of two tokens (relative bias)",
    "ALiBi": "each head takes from its scores in proportion to the distance of two tokens (ALiBi)",
    "none": "no module that tells places apart was seen",
}


def show(status: DeltaGenerator) -> None:
    """What it does, the same text with other places, and a closer look at each way."""
    from models.anatomy.positions import PositionsRequest

    ways = ask(PositionsRequest(thread.MODEL.value), status)
    _say(ways)
    with in_place():
        _other_places(ways, status)
    for rows in ways.rows:
        _rows(rows)
    if ways.turns:
        _turns(ways.turns)
        with in_place():
            _turned(status)
    for bias in ways.biases:
        _bias(bias)
    offer(thread.MODEL.value, "places", places_rows(ways))


def _say(ways: "PositionWays") -> None:
    title = MODELS[thread.MODEL.value].title
    lines = [f"In {title} " + ", and ".join(_WAYS[each] for each in ways.kinds) + "."]
    if ways.sees_past_only:
        lines.append(
            "A mask lets no token look ahead, which also says something of the order: a decoder is not blind without "
            "positions."
        )
    if ways.otherwise is None:
        lines.append("Whether something else tells places apart could not be checked: its layers hand no stream on.")
    elif ways.otherwise:
        listed = ", ".join(
            f"{kind} L{layer}" if layer >= 0 else f"{kind}, before the layers" for kind, layer in ways.otherwise[:8]
        )
        more = f" and {len(ways.otherwise) - 8} more" if len(ways.otherwise) > 8 else ""
        lines.append(f"Something else tells the order too (a window, a convolution, a recurrence): in {listed}{more}.")
    else:
        lines.append(
            "Beside that nothing does: with positions off, each layer gives the same when what comes before is in "
            "another "
            "order."
        )
    say(*lines)


def _other_places(ways: "PositionWays", status: DeltaGenerator) -> None:
    from models.anatomy.parts_off import OthersOffRequest, PartsOffRequest

    if not ways.rows and not ways.turns and not ways.biases:
        remark("There are no positions to switch off here.")
        return
    st.html(heading("The same text with other places"))
    pick(PLACES_ARE, "Places", PLACES)
    order: Any = PLACES_ARE.value
    request = PartsOffRequest(at_token(status).trace, (), order)
    found = ask(request, status)
    if found.is_finite and found.next_tokens:
        first = found.next_tokens[0]
        say(f"“{first.text}” has {part_text(first.before)} as it is, and {part_text(first.after)} with these places.")
    left, right = st.columns(2, gap="large")
    with left:
        show_change(found)
    with right:
        show_others(found, ask(OthersOffRequest(request), status), "other shuffles of the places")
    remark(
        "The words stay where they are; only the places that they are given differ, as with other position ids. All "
        "the first: "
        "every token stands at the first place."
    )


def _rows(rows: "PlaceRows") -> None:
    known = f"{rows.rows:,} rows" if rows.rows else "rows that are computed"
    st.html(heading(f"{rows.kind.capitalize()} of the {rows.stack}: cosine of each two places"))
    cosines = rows.cosines[:_MOST_CELLS, :_MOST_CELLS]
    places = [str(each) for each in range(len(cosines))]
    left, right = st.columns(2, gap="large")
    with left:
        chart(
            cells_chart(cosines, places, places, "cosine", titles=("place", "place"), palette=palette()),
            key=f"place_rows_{rows.stack}",
        )
    with right:
        distances = np.arange(len(rows.cosines))
        means = np.array([np.diagonal(rows.cosines, each).mean() for each in distances])
        lines = [
            Line("mean over places", distances, means, "chosen"),
            Line("random vectors", distances, np.full(len(distances), rows.chance), "beside"),
        ]
        chart(lines_chart(lines, "places apart", "cosine", palette=palette()), key=f"place_distance_{rows.stack}")
    waves = (
        f" Wavelengths from {level_text(float(rows.wavelengths.min()))} to "
        f"{level_text(float(rows.wavelengths.max()))} places."
        if len(rows.wavelengths)
        else ""
    )
    remark(
        f"{known} of {rows.width:,} numbers; the first {len(cosines)} are shown, of length "
        f"{level_text(float(rows.lengths.min()))} to "
        f"{level_text(float(rows.lengths.max()))}.{waves} Two random vectors of this width have a cosine of about "
        f"±{level_text(rows.chance)}."
    )


def _turns(every: "tuple[Turns, ...]") -> None:
    for number, turns in enumerate(every):
        pairs = turns.angles.shape[1]
        st.html(
            heading(
                f"The angle of {counted(pairs, 'pair')} of numbers at each place"
                + (f", set {number}" if len(every) > 1 else "")
            )
        )
        left, right = st.columns(2, gap="large")
        with left:
            cells = np.cos(turns.angles[:_MOST_CELLS]).T
            names = [f"{place}  {_wave(wave)}" for place, wave in enumerate(turns.wavelengths)]
            places = [str(each) for each in range(cells.shape[1])]
            chart(
                cells_chart(
                    cells, names, places, "cosine of the angle", titles=("pair, wavelength", "place"), palette=palette()
                ),
                key=f"angles_{number}",
            )
        with right:
            picked = np.unique(np.linspace(0, pairs - 1, _MOST_LINES - 1).round().astype(int))
            distances = np.arange(len(turns.angles))
            lines = [Line("all pairs", distances, np.cos(turns.angles).mean(1), "chosen")]
            lines += [
                Line(f"wave {_wave(turns.wavelengths[each])}", distances, np.cos(turns.angles[:, each]))
                for each in picked
            ]
            chart(lines_chart(lines, "places apart", "q·k, of that at 0", palette=palette()), key=f"falls_{number}")
        remark(
            "Two equal vectors, all pairs as long as each other: q·k of each pair is the cosine of the angle between "
            "their places, "
            "over its value at the same place. Fast pairs tell near places apart, slow ones hardly turn. "
            + (
                f"Turned numbers are multiplied with {level_text(turns.size)} besides."
                if abs(turns.size - 1) > 1e-3
                else ""
            )
        )


def _wave(places: float) -> str:
    return "∞" if not np.isfinite(places) else f"{places:,.3g}" if places < 1000 else f"{places:,.0f}"


def _turned(status: DeltaGenerator) -> None:
    from models.anatomy.rotary_turns import TurnedRequest

    st.html(heading("q·k of one head, before the turn and after it"))
    head = one_head(status, "order", is_self=True)
    key = ATT_KEY.value
    if key >= len(head.columns):
        note(f"There is no token {key} here; the first one is the key.")
        ATT_KEY.choose(0)
        key = 0
    token_box(ATT_KEY, "Key", head.columns, key, "order_key")
    found = ask(TurnedRequest(head.trace, head.kind, head.layer, head.head, head.query, key), status)
    if not found.is_turned:
        say(f"Layer {head.layer} turns nothing: its queries and keys are the same at every place.")
        return
    one, other = float(found.before[head.query, key]), float(found.after[head.query, key])
    say(
        f"“{head.rows[head.query]}” · “{head.columns[key]}” in {head.name} is {level_text(one)} before the turn and "
        f"{level_text(other)} after it, "
        f"{counted(abs(head.query - key), 'place')} apart."
    )
    left, right = st.columns(2, gap="large")
    largest = float(max(np.abs(found.before).max(), np.abs(found.after).max()))
    part = slice(max(0, len(head.rows) - _MOST_CELLS), None)
    for column, cells, title, name in (
        (left, found.before, "before", "before_turn"),
        (right, found.after, "after", "after_turn"),
    ):
        with column:
            st.html(heading(f"q·k {title} the turn"))
            chart(
                cells_chart(
                    cells[part, part],
                    head.rows[part],
                    head.columns[part],
                    "q·k",
                    titles=("query", "key"),
                    most=largest,
                    palette=palette(),
                ),
                key=name,
            )
    offer(head.trace.model, "turned", turned_rows(found))
    if not len(found.live):
        remark(
            "Which numbers are pairs could not be told from what the turn does, so that no curve over distances is "
            "drawn."
        )
        return
    distances = np.arange(len(found.even))
    left, right = st.columns(2, gap="large")
    with left:
        st.html(heading("This query and this key, had they stood elsewhere"))
        lines = [
            Line("this pair of tokens", distances, found.live, "chosen"),
            Line("without a turn", distances, np.full(len(distances), found.live[0]), "beside"),
        ]
        chart(
            lines_chart(lines, "places apart", "q·k", at=abs(head.query - key), palette=palette()), key="live_distance"
        )
    with right:
        st.html(heading("This query with itself"))
        lines = [
            Line("this query", distances, found.own, "chosen"),
            Line("all pairs alike", distances, found.even, "beside"),
        ]
        chart(lines_chart(lines, "places apart", "q·k, of that at 0", palette=palette()), key="own_distance")
    most = np.argsort(-found.energies)[:3]
    cut = f"The last {_MOST_CELLS} tokens are drawn. " if len(head.rows) > _MOST_CELLS else ""
    said = ", ".join(
        f"pair {each} ({part_text(float(found.energies[each]))}, wave {_wave(float(found.wavelengths[each]))})"
        for each in most
    )
    remark(
        f"{cut}Before: the layer is given what it is given in the text as it is, and only the turn is left out. Not "
        "scaled, "
        "nothing "
        f"masked. Most of this query's length is in {said}; evenly spread each pair would have "
        f"{part_text(1 / len(found.energies))}."
    )


def _bias(bias: "DistanceBias") -> None:
    layers = f"L{bias.layers[0]}" if len(bias.layers) == 1 else f"L{bias.layers[0]} to L{bias.layers[-1]}"
    st.html(
        heading(
            f"{bias.kind[0].upper()}{bias.kind[1:]} of the {bias.stack}, {layers}: what each head adds for the distance"
        )
    )
    distances = np.array(bias.distances)
    heads = len(bias.biases)
    lines = [Line(f"H{head}", distances, bias.biases[head]) for head in range(heads)]
    chart(
        lines_chart(lines[:32], "key's place less the query's", "added to the score", palette=palette()),
        key=f"bias_{bias.stack}_{bias.layers[0]}",
    )
    slopes = (
        f" Slopes per place: {', '.join(level_text(float(each)) for each in bias.slopes[:8])}."
        if len(bias.slopes)
        else ""
    )
    remark(
        f"Read from what attention is given over {distances.max() + 1} places; without it each line would be 0.{slopes}"
    )
