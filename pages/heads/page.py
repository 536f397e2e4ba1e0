"""What does each head do, and which of them matter? All heads as one picture, and one of them in full."""

from typing import TYPE_CHECKING

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from models.engine import engine
from pages.heads import activation_patching, atlas, controls, effects, inspector, other_model, own_sentences
from pages.heads.choices import CHOICES, KINDS, OF_HEAD, OF_KIND, SHOW, SHOWN, head_name
from pages.heads.effects_inspector import inspect_effect, inspect_transfer
from pages.heads.examples import EXAMPLES
from pages.heads.sentence_arcs import chosen_case
from pages.heads.tabs import ShownHeads, below
from pages.heads.text_and_kind import atlas_request, chosen_kind, kinds_of, sentences_are_missing, subject
from pages.shared import thread
from pages.shared.asking_engine import let_it_leave
from pages.shared.bound_widgets import pick
from pages.shared.loading import loading
from pages.shared.messages import in_place, problem, show_notes
from pages.shared.page import Page, columns, inspector_in, show
from pages.shared.scroll_into_sight import PICTURE
from pages.shared.sentences_and_charts import explanation, remark

if TYPE_CHECKING:
    from models.heads import Atlas, AtlasRequest, Case
    from pages.shared.link import NumberPair


def which(kind: str, status: DeltaGenerator) -> str:
    """The controls on the left: of which kind, on which sentences or of which number. Returns what is
    wrong with sentences that were brought, else "".
    """
    kinds = kinds_of(thread.MODEL.value)
    if len(kinds) > 1:
        pick(OF_KIND, "Attention", {each: KINDS[each] for each in kinds}, shown=lambda _: kind)
    if SHOW.value == "roles":
        return own_sentences.controls()
    with in_place():
        if SHOW.value == "transfer":
            activation_patching.controls()
        controls.quantity_controls(status, subject(kind, status).traced.tokens)
        if SHOW.value == "effects":
            controls.off_controls(with_parts=True)
    return ""


def explore(status: DeltaGenerator) -> None:
    """Everything that changes with the head, the role and what is measured."""
    if SHOW.value != "effects":
        effects.JOB.leave(unless_done=True)
        controls.MEANS.leave(unless_done=True)
    if SHOW.value != "transfer":
        activation_patching.JOB.leave(unless_done=True)
    with loading(thread.MODEL.value, status):
        from models.heads.atlas_at_hand import atlas_at_hand

        kind = chosen_kind()
    left, centre, right = columns()
    PICTURE.drawn()
    with centre, st.container(key="controls_of_heads"):
        # Over the picture that it governs, on a narrow screen too, where the controls stand below the picture.
        pick(SHOW, "Show", SHOWN, key="show_box", label_visibility="collapsed")
    with left:
        wrong = which(kind, status)
    with centre:
        show_notes()
    request: AtlasRequest | None = None
    found: Atlas | None = None
    head: NumberPair | None = None
    with centre, in_place():
        if wrong:
            # What was typed before is not what is asked for.
            problem(wrong)
        elif not sentences_are_missing():
            request = atlas_request(kind)
            found = atlas.atlas(request) if SHOW.value == "roles" else atlas_at_hand(engine, request)
        elif SHOW.value == "roles":
            explanation("Type some sentences on the left, one a line, or bring a treebank: heads are judged on them.")
    if found is not None:
        head = atlas.chosen_head(found)
    if SHOW.value == "roles":
        if request is not None and found is not None and head is not None:
            _roles(request, found, head, left, centre, right, status)
    else:
        _numbers(kind, found, centre, right, status)
    let_it_leave()
    below(ShownHeads(kind, request, found, head))


def _roles(
    request: "AtlasRequest",
    found: "Atlas",
    head: "NumberPair",
    left: DeltaGenerator,
    centre: DeltaGenerator,
    right: DeltaGenerator,
    status: DeltaGenerator,
) -> None:
    """What each head does, and one head in full."""
    with left:
        remark(f"{found.sentences:,} sentences: {found.bank}. {found.note}")
    with centre:
        atlas.show(found, head)
        sentence, below_it = st.container(), st.container()
    let_it_leave()
    name = inspector.chosen_role(found, head)
    case: Case | None = None
    with inspector_in(right, PAGE):
        inspector.inspect(found, head, name)
        way_out = st.container()
    with below_it, in_place():
        case = chosen_case(inspector.cases(request, head, name))
    with sentence:
        inspector.below_the_picture(request.model, request.kind, head, name, case, status)
    with way_out:
        inspector.to_the_studio(request.model, request.kind, head, inspector.studio_text(case))


def _numbers(
    kind: str, found: "Atlas | None", centre: DeltaGenerator, right: DeltaGenerator, status: DeltaGenerator
) -> None:
    """What becomes of a number when parts are off, or are put into another run."""
    about = subject(kind, status)
    if SHOW.value == "effects" and controls.other_text_is_missing():
        with centre:
            explanation("Type the other text on the left: a part that is off gives what it has there.")
        return
    with centre, in_place():
        if SHOW.value == "effects":
            effects.show(about, effects.effects_request(about, status), status)
        else:
            activation_patching.show(about, status)
    with inspector_in(right, PAGE), in_place():
        inspected = inspect_effect if SHOW.value == "effects" else inspect_transfer
        inspected(about, found, status)


def pictured() -> list[str]:
    """Which picture of which heads, and the head that is selected."""
    kind = OF_KIND.value or chosen_kind()
    head = [] if OF_HEAD.value is None else [head_name(*OF_HEAD.value)]
    return [SHOWN[SHOW.value], f"{KINDS[kind]} attention", *head]


PAGE = Page("heads", explore, CHOICES, EXAMPLES, library=other_model.LIBRARY.mount, pictured=pictured)
show(PAGE)
