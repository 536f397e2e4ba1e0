"""Whether another model has a head that looks as this one does, and both on the page's own text."""

from typing import TYPE_CHECKING

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from models.catalog import MODELS
from models.engine import engine
from pages.heads.choices import KINDS, MATCHED, OF_HEAD, OF_KIND, OTHER_MODEL, head_name
from pages.heads.text_and_kind import Subject, bank
from pages.shared import thread
from pages.shared.asking_engine import ask
from pages.shared.bound_widgets import bound, names_of
from pages.shared.head_names import names_of_head
from pages.shared.job import Job
from pages.shared.link import NumberPair, note, run_again
from pages.shared.model_choice import have_as_well, mine, titles
from pages.shared.plain_text import plain
from pages.shared.scroll_into_sight import Sight
from pages.shared.sentences_and_charts import explanation, remark, say
from pages.shared.tab_library import TabLibrary
from viz.components.attention_view import Frame, Matrix, Panel, attention_view, attention_view_library
from viz.number_format import part_text
from viz.tables import table

if TYPE_CHECKING:
    from models.engine import HowFar
    from models.heads import AlignedMaps, Match, Matches, MatchRequest

TITLE = "Does another model have this head?"
JOB = Job("matches")
SHOWN = 4
LIBRARY = TabLibrary("heads", TITLE, attention_view_library)
_FOUND = Sight("matches_found")
_MAPS = Sight("two_models")


def reading_kind(model: str) -> str:
    """The attention with which a model reads a text: there heads can be compared."""
    return "encoder" if MODELS[model].family == "seq2seq" else MODELS[model].family


def match_request(kind: str) -> "MatchRequest | None":
    """What is asked for; None where there is no other model. Raises BankError."""
    from models.heads import MatchRequest, Side

    others = [each for each in _readers() if each != thread.MODEL.value]
    other = OTHER_MODEL.value
    if other and other != thread.MODEL.value:
        other = have_as_well(OTHER_MODEL, "The other model cannot be opened; another one is compared.")
    if not other or other == thread.MODEL.value or MODELS[other].family == "vision":
        # Of those that are always there the first two are made for any text.
        other = next(iter(others), "")
    if not other:
        return None
    return MatchRequest(Side(thread.MODEL.value, kind), Side(other, reading_kind(other)), bank())


def show(about: Subject, head: NumberPair | None, status: DeltaGenerator) -> None:
    """The other model, the closest head of it beside what chance gives, and both maps."""
    LIBRARY.needed()
    own = reading_kind(thread.MODEL.value)
    if about.kind != own:
        explanation(f"Heads are compared where a model reads: choose **{KINDS[own]}** on the left.")
        return
    request = match_request(about.kind)
    if request is None:
        explanation("There is no other model on this server; open one in the sidebar.")
        return
    _choose_other(request)
    found = _matches(request)
    if found is None:
        return
    place = head or OF_HEAD.value or NumberPair(_telling(found))
    best = found.of(*place, count=SHOWN)
    shown = _shown(found, best)
    with st.container(key=_FOUND.name):
        _say(request, found, place, best)
        _FOUND.drawn()
    _maps(about, request, place, shown, status)


def _readers() -> list[str]:
    """The models that read texts."""
    return [each for each in (*MODELS, *mine()) if MODELS[each].family != "vision"]


def _choose_other(request: "MatchRequest") -> None:
    names = titles([MODELS[each] for each in dict.fromkeys((*_readers(), request.other.model))])
    names.pop(request.one.model, None)
    bound(
        st.selectbox,
        OTHER_MODEL,
        "The other model",
        **names_of(names),
        shown=lambda _: request.other.model,
        help="Those that are always here, and those that you opened in the sidebar.",
    )


def _matches(request: "MatchRequest") -> "Matches | None":
    with st.container(key="matches_job"):
        if request.turned in engine.answers:
            return engine.run(request)
        is_wanted = False
        if request not in engine.answers and JOB.request != request:
            explanation(
                "Both models read the same sentences. Words are what they have in common, so the maps of all heads are "
                "compared **from word to word**: each head with each head of the other model."
            )
            is_wanted = st.button(
                "Find the head that looks alike", key="matches_start", type="primary", on_click=_FOUND.wanted
            )
        found: Matches | None = JOB.answer(request, _progress_text, is_wanted=is_wanted)
        return found


def _progress_text(step: "HowFar") -> tuple[float, str]:
    return step.done / max(1, step.of), f"{step.done:,} of {step.of:,} sentences read by both"


def _telling(found: "Matches") -> tuple[int, int]:
    """The head of which the closest one stands furthest above chance."""
    return found.heads[int((found.likeness.max(axis=1) - found.chances).argmax())]


def _shown(found: "Matches", best: "tuple[Match, ...]") -> tuple[int, int]:
    """The head of the other model that is drawn: the chosen one, else the closest."""
    chosen = MATCHED.value
    if chosen is not None and tuple(chosen) not in found.other_heads:
        note(f"There is no head {head_name(*chosen)} in the other model; the closest one is shown.")
        MATCHED.forget()
        chosen = None
    return (best[0].layer, best[0].head) if chosen is None else (chosen[0], chosen[1])


def _say(request: "MatchRequest", found: "Matches", place: NumberPair, best: "tuple[Match, ...]") -> None:
    first, title = best[0], MODELS[request.other.model].title
    name = f"{head_name(*place)} of {MODELS[request.one.model].title}"
    likeness = f"likeness {first.likeness:.2f}, between {first.low:.2f} and {first.high:.2f}"
    alike = f"{likeness}; by places alone {first.chance:.2f}"
    if first.is_earned:
        back = " And of all heads it is this one that is closest to that." if first.is_mutual else ""
        say(f"Closest to {name} is {head_name(first.layer, first.head)} of {title}: {alike}.{back}")
    else:
        say(
            f"No head of {title} is known to look as {name} does: the closest, {head_name(first.layer, first.head)}, "
            f"is no more alike than places alone make it ({alike})."
        )
    lines = []
    for each in best:
        names = names_of_head(request.other.model, request.other.kind, each.layer, each.head)
        lines.append(
            [
                head_name(each.layer, each.head),
                *(f"{number:.2f}" for number in (each.likeness, each.low, each.high, each.chance)),
                "yes" if each.is_earned else "no",
                names[0].text if names else "–",
            ]
        )
    st.html(table(["head", "likeness", "from", "to", "by places alone", "earned", "name"], lines))
    with st.container(horizontal=True, key="matched_heads"):
        for each in best:
            st.button(
                head_name(each.layer, each.head),
                key=f"matched_{each.layer}_{each.head}",
                on_click=_draw_match,
                args=(NumberPair((each.layer, each.head)),),
                help=f"Show this head of {title} below.",
            )
    remark(
        f"Likeness: the correlation of both maps from word to word, mean over {found.sentences:,} sentences of "
        f"{plain(request.bank.title)}; 1 is the same. What each row, each column and evenly spread weight give is "
        "taken out first, so that a word at which all heads look makes no two alike; special tokens and the word "
        "itself are left out. By places alone: what the closest head reaches on another sentence of as many words. It "
        "says where both look, and not what they do with it."
    )


def _draw_match(head: NumberPair) -> None:
    MATCHED.choose(head)
    _MAPS.wanted()


def _maps(
    about: Subject, request: "MatchRequest", place: NumberPair, shown: tuple[int, int], status: DeltaGenerator
) -> None:
    from models.attention import TraceRequest
    from models.heads import AlignedMapsRequest

    other = TraceRequest(request.other.model, about.trace.text)
    found = ask(
        AlignedMapsRequest(about.trace, request.one.kind, tuple(place), other, request.other.kind, shown), status
    )
    with st.container(key=_MAPS.name):
        attention_view(*_picture(request, place, shown, found), key="two_models_view")
        _MAPS.drawn()
    if st.button(
        f"Go to {head_name(*shown)} of {MODELS[request.other.model].title}",
        key="open_match",
        icon=":material/arrow_forward:",
    ):
        _open(request, place, shown)


def _picture(
    request: "MatchRequest", place: NumberPair, shown: tuple[int, int], found: "AlignedMaps"
) -> tuple[Frame, Matrix]:
    one, other = (MODELS[each].title for each in (request.one.model, request.other.model))
    names = (f"{head_name(*place)} of {one}", f"{head_name(*shown)} of {other}")
    size = found.first.shape
    frame = Frame(
        name=" and ".join(names),
        map=f"{request.one.kind}-{place[0]}-{place[1]}-other",
        kind=request.one.kind,
        layer=place[0],
        head=place[1],
        queries=found.parts,
        keys=None,
        selected=-1,
        special=(),
        unknown=(),
        unseen_means="what it may not see",
        caption=f"{names[0]} and the other, {names[1]}, on your text, between the smallest parts that both cut "
        f"alike. Both on one scale, from 0 to {part_text(found.most)}; the difference from "
        f"−{part_text(found.largest)} (purple) to +{part_text(found.largest)} (green). Special tokens are left out, so "
        "that rows add up to less than 1.",
    )
    panels = (
        Panel(f"this: {head_name(*place)}", found.first, found.most, size),
        Panel(f"the other: {head_name(*shown)}", found.second, found.most, size),
        Panel("the other − this", found.difference, found.largest, size, is_difference=True),
    )
    return frame, Matrix(panels, found.first[0], has_strip=False)


def _open(request: "MatchRequest", place: NumberPair, shown: tuple[int, int]) -> None:
    """The same question from the other side: the match is the page's head, and this one is its match."""
    thread.choose_model(request.other.model)
    OF_KIND.choose(request.other.kind)
    OF_HEAD.choose(NumberPair(shown))
    OTHER_MODEL.choose(request.one.model)
    MATCHED.choose(place)
    run_again()
