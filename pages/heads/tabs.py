"""Below the picture of the heads: what else can be asked, as tabs named by questions."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from pages.heads import (
    activation_patching,
    attributions,
    export,
    how_many_heads,
    looking_from_to,
    other_model,
    which_matter,
)
from pages.heads.effects import effects_request
from pages.heads.explanations import EXPLANATION
from pages.heads.text_and_kind import Subject, subject
from pages.shared import thread
from pages.shared.head_names import names_of_head
from pages.shared.link import NumberPair
from pages.shared.page import Tab, tabs
from pages.shared.sentences_and_charts import explanation

if TYPE_CHECKING:
    from models.heads import Atlas, AtlasRequest
    from models.heads.parts_of_model import Place

MATTERS = "Which matter here?"
CARRIES = "What carries it over?"


@dataclass(frozen=True)
class ShownHeads:
    """What is shown above: the kind of attention, how the atlas is asked for (None for a bank that cannot be read), the
    atlas where it is there, and the head that is spoken of.
    """

    kind: str
    request: "AtlasRequest | None"
    atlas: "Atlas | None"
    head: NumberPair | None


def below(shown: ShownHeads) -> None:
    """The tabs; what is waited for is said in each, where it moves nothing of the picture."""

    def about() -> Subject:
        return subject(shown.kind, st.empty())

    def name_of(place: "Place") -> str:
        names = names_of_head(thread.MODEL.value, place.kind, place.layer, place.head)
        return names[0].text if names else "–"

    def ranking() -> None:
        text = about()
        which_matter.show(text, effects_request(text, st.empty()), name_of, st.empty())

    parts: dict[str, Callable[[], object] | Tab] = {
        "Which heads look from here to there?": lambda: looking_from_to.show(
            about(), shown.request, shown.atlas, st.empty()
        ),
        MATTERS: ranking,
        "How many are enough?": Tab(lambda: how_many_heads.show(about(), st.empty()), left=how_many_heads.JOB.leave),
        CARRIES: lambda: activation_patching.details(about(), st.empty()),
        "Where it looks, and what counts": Tab(
            lambda: attributions.show(about(), st.empty()), left=attributions.JOB.leave
        ),
        other_model.TITLE: Tab(lambda: other_model.show(about(), shown.head, st.empty()), left=other_model.JOB.leave),
        "What am I looking at?": lambda: explanation(EXPLANATION),
        "Take it with you": lambda: export.take_along(shown.kind, shown.atlas, st.empty()),
        "Show the code": lambda: export.code(shown.head),
    }
    tabs("below_heads", parts)
