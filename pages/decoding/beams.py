"""Beam search: what it considered, as a tree; what came out of it, beside what greedy decoding gives."""

import json
import math
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from models.catalog import MODELS
from models.engine import engine
from pages.shared import file_names
from pages.shared.asking import ask, working
from pages.shared.link import Choice, one_of
from pages.shared.spreadsheet import as_csv
from pages.shared.theme import palette
from viz.inspector import heading, line

if TYPE_CHECKING:
    from models.decoding import BeamSearch, BeamSearchRequest, GenerationStep

_FEWEST, _MOST = 2, 16
_LONGEST = 64
_PENALTIES = (-2.0, 2.0)
_EARLY = {
    "no": "once none is better now",
    "yes": "once enough have finished",
    "never": "once none can become better",
}
# So much is searched as soon as it is chosen; more on a click.
_AT_ONCE = 128
_ASKED = "beams:asked"


def _whole(what: str, least: int, most: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not (text.isascii() and text.isdecimal() and len(text) < 4 and least <= int(text) <= most):
            raise ValueError(f"The link's {what} is not between {least} and {most}; the default is shown.")
        return int(text)

    return parse


def _penalty(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not _PENALTIES[0] <= value <= _PENALTIES[1]:
        raise ValueError("The link's length penalty is not between -2 and 2; the default is shown.")
    return round(value, 1)


BEAMS: Choice[int] = Choice("beams", 4, _whole("number of beams", _FEWEST, _MOST))
TOKENS: Choice[int] = Choice("beam_tokens", 12, _whole("number of tokens for beam search", 1, _LONGEST))
PENALTY: Choice[float] = Choice("beam_penalty", 1.0, _penalty)
EARLY: Choice[str] = Choice("beam_stop", "no", one_of("way to stop a beam search", tuple(_EARLY)))
CHOICES: tuple[Choice[Any], ...] = (BEAMS, TOKENS, PENALTY, EARLY)


def beam_search_tab(model: str, text: str, status: DeltaGenerator) -> None:
    """The controls, the tree and the finished beams; waiting shows in `status`. Raises HeadlightError."""
    from models.decoding import BeamSearchRequest, DecodingSettings, WriteRequest

    _controls()
    early: Any = {"no": False, "yes": True, "never": "never"}[EARLY.value]
    request = BeamSearchRequest(model, text, BEAMS.value, TOKENS.value, PENALTY.value, early)
    if not _is_wanted(request):
        return
    with working(f"Searching with {request.beams} beams…", status):
        found = ask(request, status)
        greedy = ask(WriteRequest(model, text, DecodingSettings(max_new_tokens=request.max_new_tokens)), status)
    _tree(found, request)
    _finished(found, greedy, request)
    _downloads(found, request)


def _controls() -> None:
    def slider(label: str, choice: Choice[Any], key: str, least: Any, most: Any, help_: str) -> None:
        st.session_state[key] = choice.value
        step = 0.1 if isinstance(most, float) else 1
        st.slider(
            label,
            least,
            most,
            step=step,
            key=key,
            on_change=lambda: choice.choose(st.session_state[key]),
            help=help_,
        )

    columns = st.columns(4, gap="medium", vertical_alignment="top")
    with columns[0]:
        slider(
            "Beams",
            BEAMS,
            "beam_count",
            _FEWEST,
            _MOST,
            "How many continuations run side by side (transformers, GenerationConfig.num_beams). At each step the "
            "likeliest of all their continuations together run on.",
        )
    with columns[1]:
        slider(
            "Tokens at most",
            TOKENS,
            "beam_tokens_box",
            1,
            _LONGEST,
            "What has not ended by then is cut off there, and counts as finished "
            "(transformers, GenerationConfig.max_new_tokens).",
        )
    with columns[2]:
        slider(
            "Length penalty",
            PENALTY,
            "beam_penalty_box",
            *_PENALTIES,
            "Finished beams are ranked by score = sum of log-probabilities / tokens ** penalty (transformers, "
            "GenerationConfig.length_penalty; a like one in Wu et al. 2016, arXiv 1609.08144). 0 ranks by "
            "probability alone; above 0 longer texts gain, in spite of the name, below it shorter ones.",
        )
    with columns[3]:
        st.session_state["beam_stop_box"] = EARLY.value
        st.selectbox(
            "Stop",
            list(_EARLY),
            format_func=lambda each: _EARLY[each],
            key="beam_stop_box",
            on_change=lambda: EARLY.choose(st.session_state["beam_stop_box"]),
            help="transformers, GenerationConfig.early_stopping. False, its default: once the best running beam, were "
            "it to end now, scores no better than the worst finished one; that is a guess. True: as soon as as many "
            'have finished as there are beams. "never": only once none that runs can become better.',
        )


def _is_wanted(request: "BeamSearchRequest") -> bool:
    """Small searches at once, and what is known already; the others when somebody asks for them."""
    if request.beams * request.max_new_tokens <= _AT_ONCE or request in engine.answers:
        return True
    said = f"Search {request.beams} beams × {request.max_new_tokens} tokens"
    if st.session_state.get(_ASKED) == request:
        return True
    if st.button(said, key="beam_search", help="So much takes a while: it is not done at every change."):
        st.session_state[_ASKED] = request
        return True
    return False


def _tree(found: "BeamSearch", request: "BeamSearchRequest") -> None:
    from viz.beam_chart import beam_tree

    # The chart is as wide as its steps need, and is scrolled in its own place.
    st.html("<style>.st-key-beam_tree { overflow-x: auto; } .st-key-beam_tree > * { flex-shrink: 0; }</style>")
    with st.container(key="beam_tree"):
        st.altair_chart(beam_tree(found, palette()), width="content")
    st.html(line(_caption(found, request)))


def _caption(found: "BeamSearch", request: "BeamSearchRequest") -> str:
    considered = max(map(len, found.candidates))
    times = f" ({considered // request.beams} × beams)" if considered % request.beams == 0 else ""
    beaten = sum(each.is_beaten for step in found.candidates for each in step)
    return (
        f"{MODELS[request.model].title}. One token after the other from left to right; from top to bottom the "
        f"{considered} candidates{times} that transformers itself considered at each step, the likeliest text first. "
        "In a box: what ran on or finished, with its token's own probability; without one: what was dropped. Orange: "
        "the way to the winner; strong blue: to another returned beam. A number in a circle: finished, and its place "
        f"by score{f'; a cross: finished, and pushed out by better ones ({beaten} of them)' if beaten else ''}."
    )


def _finished(found: "BeamSearch", greedy: "tuple[GenerationStep, ...]", request: "BeamSearchRequest") -> None:
    from viz.beam_chart import BeamLine, beam_table

    lines = [
        BeamLine(str(place + 1), beam.text, beam.log_probability, len(beam.ids), beam.score)
        for place, beam in enumerate(found.beams)
    ]
    ids = tuple(step.token_id for step in greedy)
    same = next((place for place, beam in enumerate(found.beams) if beam.ids == ids), None)
    own = -sum(step.surprisal for step in greedy) if same is None else found.beams[same].log_probability
    score = own / len(ids) ** request.length_penalty
    name = "greedy" if same is None else f"greedy (= {same + 1})"
    lines.append(BeamLine(name, "".join(step.text for step in greedy), own, len(ids), score))
    said = against_greedy(found.beams[0].log_probability - own, found.beams[0].score - score, is_same=same == 0)
    st.html(heading("What came out") + beam_table(lines) + line(said))
    st.caption(
        "The likeliest text is often dull or repeats itself: what people write is not what is likeliest "
        "(Holtzman et al. 2019, arXiv 1904.09751)."
    )


def against_greedy(log_probability: float, score: float, *, is_same: bool) -> str:
    """What the winner is beside greedy decoding's text, in words; both numbers are the winner's less the other's."""
    if is_same:
        return "Greedy decoding, which takes the likeliest token each time, finds the same text."
    if log_probability > 0:
        ratio = math.exp(min(log_probability, 700))
        times = f"{ratio:.2f}" if ratio < 10 else f"{ratio:,.0f}" if ratio < 1e6 else f"{ratio:.0e}"
        return (
            f"As a whole, the winner is {times} times as likely as the text that greedy decoding writes, which takes "
            "the likeliest token each time."
        )
    if score > 0:
        return (
            "Greedy decoding's text is likelier as a whole; the winner has the better score, which counts the length."
        )
    return "Greedy decoding found a better text here: beam search drops what looks bad early, and promises nothing."


def tree_as_csv(found: "BeamSearch") -> str:
    """A row for each candidate."""
    names = ("rank", "token_id", "token_log_probability", "log_probability", "score", "outcome", "is_end", "place")
    rows: list[list[object]] = [["step", *names, "piece", "text", "parent", "leads_to"]]
    for step, considered in enumerate(found.candidates):
        for each in considered:
            values = [getattr(each, name) for name in names]
            parent, leads_to = (" ".join(map(str, ids)) for ids in (each.parent, each.leads_to))
            rows.append([step, *values, each.piece.text, each.text, parent, leads_to])
    return as_csv(rows)


def tree_as_json(found: "BeamSearch", request: "BeamSearchRequest") -> str:
    """What was asked, what was considered at each step, and what came out; places, ranks and steps from 0."""

    def told(each: Any, *names: str) -> dict[str, Any]:
        return {name: getattr(each, name) for name in names}

    candidate = (
        "rank",
        "parent",
        "token_id",
        "text",
        "token_log_probability",
        "log_probability",
        "score",
        "outcome",
        "is_end",
    )
    return json.dumps(
        {
            "asked": asdict(request),
            "steps": [
                [{"piece": each.piece.text} | told(each, *candidate, "place", "leads_to") for each in considered]
                for considered in found.candidates
            ],
            "beams": [told(beam, "ids", "text", "log_probability", "score") for beam in found.beams],
        },
        ensure_ascii=False,
    )


def _downloads(found: "BeamSearch", request: "BeamSearchRequest") -> None:
    name = f"{file_names.of_model(request.model)}-beams"
    with st.container(horizontal=True):
        st.download_button(
            "The tree as CSV",
            lambda: tree_as_csv(found),
            f"{name}.csv",
            "text/csv",
            key="beam_csv",
            on_click="ignore",
        )
        st.download_button(
            "The tree as JSON",
            lambda: tree_as_json(found, request),
            f"{name}.json",
            "application/json",
            key="beam_json",
            on_click="ignore",
        )
