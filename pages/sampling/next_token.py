"""The next token's picture: the chips of the stages, what is switched and moved, and which token is selected."""

from typing import TYPE_CHECKING

import streamlit as st

from models.catalog import MODELS
from models.engine import engine
from pages.sampling.choices import BAD_WORDS, BIAS, OFF, ORDER, PICK, STAGE, lines_of
from pages.sampling.knobs import COUNTED, KNOBS
from pages.shared import thread
from pages.shared.link import Names
from pages.shared.page import part
from viz.components.next_token import LiveStages, NextTokenPicture, StageChip, next_token
from viz.components.picture_state import digest_of
from viz.components.step_scores import step_scores

if TYPE_CHECKING:
    from models.decoding import DecodingSettings, SamplingStages, ScoresRequest

PICTURE = "next_token"
_WANTED = "sampling:scores"
# Transformers' own order.
LIBRARY = (
    *("logit bias", "repetition penalty", "no-repeat n-gram", "bad words", "minimum length", COUNTED),
    *("temperature", "top-h", "top-k", "top-p", "min-p", "typical", "epsilon", "eta"),
)
# The stages of what is typed.
_TYPED = {"bad words": BAD_WORDS, "logit bias": BIAS}
_TOLD = ("survivors", "kept", "entropy", "first", "last")
_HINTS = {
    "raw": "The model's own probabilities: the softmax of its logits, nothing changed.",
    "logit bias": "A number is added to the logits of single tokens. (SequenceBiasLogitsProcessor)",
    "bad words": "Words that must not come have their probability set to nothing.",
    "renormalised": "What is left is made a whole again, and one is drawn from it.",
}


def is_library_order(found: "SamplingStages") -> bool:
    """Whether the stages that do something stand in transformers' order."""
    places = [LIBRARY.index(stage.name) for stage in found.stages if stage.name in LIBRARY]
    return places == sorted(places)


def stage_chips(found: "SamplingStages", settings: "DecodingSettings") -> tuple[StageChip, ...]:
    """Each stage that has a knob which is turned, in the order in which it is applied."""
    knobs = {name: [knob for knob in KNOBS if knob.stage == name] for name in {knob.stage for knob in KNOBS} - {""}}
    rows = {stage.name: row for row, stage in enumerate(found.stages)}
    names = [stage.name for stage in found.stages]
    idle = [
        name
        for name in LIBRARY
        if name not in rows
        and (
            name == "temperature"
            or (name in _TYPED and lines_of(_TYPED[name].value))
            or any(knob.value != knob.disabled for knob in knobs.get(name, ()))
        )
    ]
    for name in idle:
        later = set(LIBRARY[LIBRARY.index(name) :]) | {"renormalised"}
        place = next((place for place, each in enumerate(names) if each in later), len(names))
        names.insert(place, name)
    made = []
    for name in names:
        row = rows.get(name)
        told = {} if row is None else {each: getattr(found.stages[row], each) for each in _TOLD}
        if name in knobs:
            value = " · ".join(f"{knob.value:,.10g}" for knob in knobs[name])
            hint = "\n".join(knob.help.replace("`", "") for knob in knobs[name])
        else:
            value, hint = "", _HINTS.get(name, "A stage of the model's own.")
        if settings.temperature == 0 and name == "temperature":
            value = "0: greedy"
        made.append(
            StageChip(
                name=name,
                value=value,
                hint=hint,
                row=row,
                is_on=name not in OFF.value,
                is_fixed=name not in LIBRARY,
                **told,
            )
        )
    return tuple(made)


def show(
    found: "SamplingStages",
    settings: "DecodingSettings",
    before: tuple[int, ...],
    selected: int,
    came: int | None,
) -> None:
    """The picture of the token after the ids `before` of what was written; `selected` is the token that is followed,
    `came` the one that stands here in the written text.
    """
    from models.decoding import ScoresRequest, end_in_score_stages

    card = MODELS[thread.MODEL.value]
    scores = ScoresRequest(thread.MODEL.value, thread.TEXT.value, settings, before)
    of = digest_of(repr(scores).encode())
    is_live = end_in_score_stages(found, settings.order)
    waits = "" if is_live else " In this order of the stages a knob is followed once it is let go."
    next_token(
        NextTokenPicture(
            stages=stage_chips(found, settings),
            is_library_order=is_library_order(found),
            top=found.top,
            followed=next((each for each in found.followed if each.id == selected), None),
            selected=selected,
            drawn=found.drawn.id if came is None else came,
            stage=STAGE.value,
            ranks=found.ranks,
            pieces=found.pieces,
            curves=found.curves,
            vocabulary=found.vocabulary,
            is_greedy=settings.temperature == 0,
            caption="Faint: the model's own probabilities; strong: after the chosen stage, else after all. The whole "
            f"vocabulary is drawn, both axes logarithmic; underlined: what came.{waits} {card.title}.",
            live=_live(found, settings, of, is_drawn=came is None) if is_live else None,
        ),
        key=PICTURE,
        on_stage=lambda name: STAGE.choose(name or None),
        on_switch=_switch,
        on_order=_reorder,
        on_token=PICK.choose,
    )
    if is_live:
        # A fragment of its own: who comes near a knob waits for the scores, and not for the page.
        part(_hand_over)(scores, of)


def _live(found: "SamplingStages", settings: "DecodingSettings", of: str, *, is_drawn: bool) -> LiveStages:
    """What the browser goes on from while a knob is dragged."""
    from models.decoding import SCORE_STAGES

    knobs = {knob.stage: knob for knob in KNOBS if knob.stage in SCORE_STAGES}
    return LiveStages(
        of=of,
        values={name: knob.value for name, knob in knobs.items()},
        off=tuple(name for name in OFF.value if name in knobs),
        order=settings.order,
        number=found.number,
        is_drawn=is_drawn,
    )


def _hand_over(request: "ScoresRequest", of: str) -> None:
    """The scores, in the run in which the browser asks for them."""
    is_wanted = st.session_state.pop(_WANTED, None) == of
    step_scores(
        PICTURE,
        of,
        engine.run(request) if is_wanted else None,
        key="step_scores",
        on_wanted=lambda asked: st.session_state.update({_WANTED: asked}),
    )


def _switch(name: str) -> None:
    if name in LIBRARY:
        off = OFF.value
        OFF.choose(Names(each for each in off if each != name) if name in off else Names((*off, name)))


def _reorder(names: tuple[str, ...]) -> None:
    known = [each for each in names if each in LIBRARY]
    is_own = known == sorted(known, key=LIBRARY.index)
    ORDER.choose(Names() if is_own else Names(known))
