"""Beam search: what it considered, as a tree; what came out of it, beside what greedy decoding gives."""

import math
from typing import TYPE_CHECKING, Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from models.catalog import MODELS
from models.engine import engine
from pages.sampling.choices import (
    BEAM_PENALTY,
    BEAM_STOP,
    BEAM_TOKENS,
    BEAMS,
    EARLY_STOPPING,
    FEWEST_BEAMS,
    LONGEST_BEAM,
    MOST_BEAMS,
    PENALTIES,
    SEARCHED,
)
from pages.sampling.export import tree_as_csv, tree_as_json
from pages.shared import download_names
from pages.shared.asking_engine import ask, working
from pages.shared.bound_widgets import bound, names_of
from pages.shared.export import Download, download_row
from pages.shared.sentences_and_charts import chart, remark
from pages.shared.theme import palette
from viz.inspector import heading, line

if TYPE_CHECKING:
    from models.decoding import BeamSearch, BeamSearchRequest, GenerationStep

# So much is searched as soon as it is chosen; more on a click.
_AT_ONCE = 128


def beam_search_tab(model: str, text: str, status: DeltaGenerator) -> None:
    """The controls, the tree and the finished beams; waiting shows in `status`. Raises HeadlightError."""
    from models.decoding import BeamSearchRequest, DecodingSettings, WriteRequest

    _controls()
    early: Any = {"no": False, "yes": True, "never": "never"}[BEAM_STOP.value]
    request = BeamSearchRequest(model, text, BEAMS.value, BEAM_TOKENS.value, BEAM_PENALTY.value, early)
    if not _is_wanted(request):
        return
    with working(f"Searching with {request.beams} beams…", status):
        found = ask(request, status)
        greedy = ask(WriteRequest(model, text, DecodingSettings(max_new_tokens=request.max_new_tokens)), status)
    _tree(found, request)
    _finished(found, greedy, request)
    _downloads(found, request)


def _controls() -> None:
    columns = st.columns(4, gap="medium", vertical_alignment="top")
    with columns[0]:
        bound(
            st.slider,
            BEAMS,
            "Beams",
            FEWEST_BEAMS,
            MOST_BEAMS,
            key="beam_count",
            help="How many continuations run side by side (transformers, GenerationConfig.num_beams). At each step the "
            "likeliest of all their continuations together run on.",
        )
    with columns[1]:
        bound(
            st.slider,
            BEAM_TOKENS,
            "Tokens at most",
            1,
            LONGEST_BEAM,
            help="What has not ended by then is cut off there, and counts as finished "
            "(transformers, GenerationConfig.max_new_tokens).",
        )
    with columns[2]:
        bound(
            st.slider,
            BEAM_PENALTY,
            "Length penalty",
            *PENALTIES,
            step=0.1,
            help="Finished beams are ranked by score = sum of log-probabilities / tokens ** penalty (transformers, "
            "GenerationConfig.length_penalty; a like one in Wu et al. 2016, arXiv 1609.08144). 0 ranks by "
            "probability alone; above 0 longer texts gain, in spite of the name, below it shorter ones.",
        )
    with columns[3]:
        bound(
            st.selectbox,
            BEAM_STOP,
            "Stop",
            **names_of(EARLY_STOPPING),
            help="transformers, GenerationConfig.early_stopping. False, its default: once the best running beam, were "
            "it to end now, scores no better than the worst finished one; that is a guess. True: as soon as as many "
            'have finished as there are beams. "never": only once none that runs can become better.',
        )


def _is_wanted(request: "BeamSearchRequest") -> bool:
    """Small searches at once, and what is known already; the others when somebody asks for them."""
    if request.beams * request.max_new_tokens <= _AT_ONCE or request in engine.answers:
        return True
    said = f"Search {request.beams} beams × {request.max_new_tokens} tokens"
    if SEARCHED.value == "yes":
        return True
    st.button(
        said,
        key="beam_search",
        help="So much takes a while: it is not done at every change.",
        on_click=SEARCHED.choose,
        args=("yes",),
    )
    return False


def _tree(found: "BeamSearch", request: "BeamSearchRequest") -> None:
    from viz.beam_chart import beam_tree

    # The chart is as wide as its steps need, and is scrolled in its own place.
    st.html("<style>.st-key-beam_tree { overflow-x: auto; } .st-key-beam_tree > * { flex-shrink: 0; }</style>")
    chart(beam_tree(found, palette()), key="beam_tree", width="content")
    remark(_caption(found, request))


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


def _downloads(found: "BeamSearch", request: "BeamSearchRequest") -> None:
    name = f"{download_names.of_model(request.model)}-beams"
    files = (
        Download("The tree as CSV", f"{name}.csv", lambda: tree_as_csv(found)),
        Download("The tree as JSON", f"{name}.json", lambda: tree_as_json(found, request)),
    )
    download_row(files, "beam_")
