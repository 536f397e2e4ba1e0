"""The inspector on the right of the heads page: what the chosen head does, how sure that is, and where it shows."""

import math
from typing import TYPE_CHECKING

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from models.catalog import MODELS
from models.engine import engine
from pages.heads.choices import CASE, OF_ROLE, head_name
from pages.heads.sentence_arcs import show_case, show_text
from pages.shared import projector, thread
from pages.shared.bound_widgets import bound, names_of
from pages.shared.job import Job
from pages.shared.link import NumberPair, note
from pages.shared.messages import in_place
from pages.shared.plain_text import plain
from pages.shared.registry import entry
from pages.shared.sentences_and_charts import remark
from viz.inspector import heading, line, result
from viz.number_format import part_text
from viz.role_scores import RoleScore, role_scores

if TYPE_CHECKING:
    from models.engine import HowFar
    from models.heads import Atlas, AtlasRequest, Case, Cases, Name

CASES = Job("cases")
_CAUTION = (
    "Bar: the score; thin line: its interval; tick: what chance, or the best fixed place, gives. It describes this "
    "bank: try three texts of your own."
)
_YOURS = "The grammar is that of your treebank: where it errs, a head that finds the right word counts as wrong."
_MOST_NAMES = 3
_MOST_CASES = 3
_LONGEST_LABEL = 300
# As its makers measured it (`models/bundled/grammar_bank/README.md`).
_PARSED = (
    "The grammar comes from a parser, which puts about one word in twelve under the wrong one. A head that finds the "
    "right word there counts as wrong: read the sentence before you blame the head."
)


def chosen_role(found: "Atlas", head: NumberPair) -> "Name | None":
    """The role that is spoken of: the chosen one, else the head's strongest name, else what it does most."""
    names, scores = found.names(*head), found.scores_of(*head)
    if OF_ROLE.value:
        chosen = next((each for each in scores if each.role.key == OF_ROLE.value), None)
        if chosen is not None:
            return chosen
        note("This head was not measured for the role that is asked for; its strongest one is shown.")
        OF_ROLE.forget()
    return next(iter((*names, *scores)), None)


def inspect(found: "Atlas", head: NumberPair, name: "Name | None") -> None:
    """The head's names with all that stands behind them."""
    earned = found.names(*head)
    others = [each for each in earned if name is None or each.role.key != name.role.key]
    shown = [*([name] if name is not None else []), *others][:_MOST_NAMES]
    said = f"{head_name(*head)}: {_said(earned, name)}"
    st.html(result(heading(said)) + role_scores([_line(each) for each in shown]))
    if len(earned) > len(shown):
        remark(f"It has other names{projector.leading(', which stand first under “Role”')}.")
    remark(_CAUTION)
    if name is None:
        return
    words = {each.role.key: each.text for each in found.scores_of(*head)}
    bound(
        st.selectbox,
        OF_ROLE,
        "Role",
        **names_of(words),
        key="of_role_box",
        shown=lambda key: key or name.role.key,
        help="Those that this head has earned come first.",
    )
    role = name.role
    st.html(line(f"{role.definition} {role.threshold}{_not_earned(name)}") + line(f"Source: {role.source}"))


def _said(earned: "tuple[Name, ...]", name: "Name | None") -> str:
    if not earned:
        return "no name"
    first = name if name is not None and name.is_earned else earned[0]
    more = f" and {len(earned) - 1} more" if len(earned) > 1 else ""
    return f"{first.text}{more}"


def _not_earned(name: "Name") -> str:
    if name.is_earned or math.isnan(name.low):
        return ""
    bar = float(name.role.bar(name.baseline))
    return f" Not earned here: the interval begins at {part_text(name.low)}, and not above {part_text(bar)}."


def _line(name: "Name") -> RoleScore:
    baseline_is = f"the best fixed place, {name.best_place}," if name.best_place else "chance"
    return RoleScore(
        *(name.text, name.score, name.low, name.high, name.baseline),
        *(baseline_is, name.cases, name.is_earned),
    )


def cases(atlas: "AtlasRequest", head: NumberPair, name: "Name | None") -> "Cases | None":
    """The sentences in which the role is most and least true, each to be looked at; None before they are there."""
    from models.heads import CasesRequest, bundled_bank

    if name is None or atlas.kind == "cross":
        return None
    request = CasesRequest(atlas.model, atlas.kind, *head, name.role.key, atlas.bank, atlas.seed)
    with st.container(key="cases"):
        is_wanted = bool(CASE.value)
        if request not in engine.answers and CASES.request != request and not is_wanted:
            is_wanted = st.button("Its best and worst sentences", key="cases_start")
        found: Cases | None = CASES.answer(request, _progress_text, is_wanted=is_wanted)
        if found is None:
            return None
        places = st.columns(2)
        sides = (("most", "Where it is truest", found.most), ("least", "Where it fails", found.least))
        for column, (side, title, some) in zip(places, sides, strict=True):
            with column:
                st.html(heading(title))
                for place, each in enumerate(some[:_MOST_CASES]):
                    st.button(
                        _label(each),
                        key=f"case_{side}_{place}",
                        on_click=CASE.choose,
                        args=(f"{side}-{place}",),
                        type="primary" if CASE.value == f"{side}-{place}" else "secondary",
                        width="stretch",
                    )
        if name.role.group == "grammar":
            remark(_PARSED if atlas.bank == bundled_bank() else _YOURS)
        if CASE.value:
            st.button("Back to your own text", key="case_own", on_click=CASE.forget)
    return found


def _progress_text(step: "HowFar") -> tuple[float, str]:
    return step.done / max(1, step.of), f"{step.done:,} of {step.of:,} sentences read"


def _label(case: "Case") -> str:
    pair = next(((one, other) for one, other in case.arcs if max(one, other) < len(case.words)), None)
    said = case.text or " ".join(case.words)
    if pair is not None:
        said = f"{case.words[pair[0]]} → {case.words[pair[1]]}: {said}"
    return plain(f"{part_text(case.score)} {said if len(said) <= _LONGEST_LABEL else said[: _LONGEST_LABEL - 1] + '…'}")


def below_the_picture(
    model: str, kind: str, head: NumberPair, name: "Name | None", case: "Case | None", status: DeltaGenerator
) -> None:
    """The sentence with its arcs: the chosen case, else the page's own text."""
    with in_place():
        if case is not None and name is not None:
            show_case(model, head, name, case)
        else:
            show_text(kind, head, status)


def to_the_studio(model: str, kind: str, head: NumberPair, text: str) -> None:
    """The way to the same head of the same sentence on the attention page."""
    said = {"model": model, "text": text, "layer": str(head[0]), "head": str(head[1]), "view": "matrix"}
    if MODELS[model].family == "seq2seq":
        said["kind"] = kind
    page = entry("attention")
    st.page_link(page.script, label="Open this head in the studio", icon=page.icon, query_params=said)


def studio_text(case: "Case | None") -> str:
    """What the studio opens with: the case's sentence, where it is one."""
    return case.text if case is not None and case.text else thread.TEXT.value
