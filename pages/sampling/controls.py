"""The knobs on the left: presets, four of them, the others behind "More", the seed, and the button that writes."""

from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from models.catalog import MODELS
from models.errors import HeadlightError
from pages.sampling.choices import (
    AT,
    BAD_WORDS,
    BIAS,
    BRANCH,
    BRANCHES,
    LARGEST_SEED,
    OFF,
    ORDER,
    PICK,
    SEED,
    STOP,
    WRITTEN,
    is_preset,
    lines_of,
    named_settings,
    open_preset,
    reset,
)
from pages.sampling.knobs import FIRST, KNOBS, LENGTH, MORE, Knob
from pages.sampling.next_token import PICTURE
from pages.sampling.presets import PRESETS
from pages.sampling.written_text import JOB, ask_for_it
from pages.shared.asking_engine import ask
from pages.shared.bound_widgets import bound, text_area
from pages.shared.link import Names
from pages.shared.sentences_and_charts import remark
from viz.components.knob_sliders import KnobSlider, knob_sliders
from viz.number_format import counted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from models.decoding import BiasedToken, DecodingSettings

_MOST_WORDS = 40
_MOST_CHARACTERS = 400
# What is typed and changes the next token or the text, by what it is called.
_TYPED = (("forbidden words", BAD_WORDS), ("bias of tokens", BIAS), ("stop texts", STOP))


def bad_word_ids(model: str, status: DeltaGenerator) -> tuple[tuple[int, ...], ...]:
    """The words that must not come, as they stand and with a space before them. Raises HeadlightError."""
    words = lines_of(BAD_WORDS.value)[:_MOST_WORDS]
    if not words:
        return ()
    from models.decoding import WordsRequest

    return tuple(ids for word in ask(WordsRequest(model, words), status) for ids in word.ids)


def biased(model: str, status: DeltaGenerator) -> "tuple[BiasedToken, ...]":
    """The tokens whose logits are changed. Raises HeadlightError."""
    lines = lines_of(BIAS.value)[:_MOST_WORDS]
    if not lines:
        return ()
    from models.decoding import BiasRequest

    return ask(BiasRequest(model, lines), status)


def _first_pieces(model: str, status: DeltaGenerator) -> list[str]:
    """Which words are biased by their first token alone; what is wrong with the others is said beside the picture."""
    with suppress(HeadlightError):
        return [
            f"“{each.word}” is {counted(len(each.pieces), 'token')} here: its first one, “{each.pieces[0]}”, is biased."
            for each in biased(model, status)
            if len(each.pieces) > 1
        ]
    return []


def draw_controls(model: str, settings: "DecodingSettings | None", status: DeltaGenerator) -> None:
    """All of them; settings: of the knobs as they stand, None where they contradict each other."""
    _presets()
    with st.container(key="knobs"):
        _knobs(model, status)
    if settings is not None and MODELS[model].family != "encoder":
        _writing(settings)


def _presets() -> None:
    """Knobs that go together."""
    with st.container(horizontal=True, gap="small", key="presets"):
        for preset in PRESETS:
            st.button(
                preset.label,
                key=f"preset_{preset.label}",
                help=preset.look,
                on_click=open_preset,
                args=(preset,),
                type="primary" if is_preset(preset) else "secondary",
            )


def _knobs(model: str, status: DeltaGenerator) -> None:
    """Four, and the others behind "More"; what differs from the page's own is marked."""
    knob_sliders(PICTURE, [_followed(knob) for knob in FIRST], key="knob_sliders", on_move=_moved)
    turned = [knob.title for knob in (*MORE, LENGTH) if knob.is_turned]
    turned += [name for name, choice in _TYPED if choice.value]
    # One label whatever is turned: an expander with another label is another one, and closed.
    with st.expander("More", key="more_knobs", on_change="rerun") as more:
        if more.open:
            for knob in MORE:
                _slider(knob)
            text_area(
                BAD_WORDS,
                "Forbidden words",
                height=68,
                max_chars=_MOST_CHARACTERS,
                help="One to a line. None of them may come, neither as it stands nor with a space before it. "
                "(`NoBadWordsLogitsProcessor`)",
            )
            text_area(
                BIAS,
                "Bias of tokens",
                height=68,
                max_chars=_MOST_CHARACTERS,
                placeholder="Paris = -5",
                help="One to a line: a word, “=” and what is added to its logit, from -100 (forbids it) to 100. A word "
                "is taken as it comes in a text, with a space before it, and by its first token; type “=” first for "
                "exactly what you type. (`SequenceBiasLogitsProcessor`)",
            )
            _own_knobs(model, status)
    for sentence in _first_pieces(model, status):
        remark(sentence)
    if turned:
        remark(f"Turned under “More”: {', '.join(turned)}.")
    is_turned = any(knob.is_turned for knob in KNOBS) or OFF.value or ORDER.value
    # It has its place also where there is nothing to reset: what is below must not move under a finger.
    st.button(
        "Reset all knobs",
        key="reset_knobs",
        on_click=reset,
        type="tertiary",
        disabled=not (is_turned or any(each.value for _, each in _TYPED)),
    )


def _followed(knob: Knob) -> KnobSlider:
    return KnobSlider(
        knob.stage,
        knob.title,
        knob.help.replace("`", ""),
        value=knob.value,
        default=knob.default,
        least=knob.least,
        most=max(knob.upto, knob.value),
        step=knob.step,
        digits=knob.digits,
    )


def _moved(values: "Mapping[str, float | int]") -> None:
    """What the sliders were set to, by the names of their stages."""
    for knob in FIRST:
        value = _number(knob, values.get(knob.stage, knob.value))
        if value != knob.value:
            knob.choice.choose(value)
            _mean(knob)


def _number(knob: Knob, value: float) -> float | int:
    # A slider may begin below the least value.
    return (float if knob.digits else int)(max(knob.least, value))


def _mean(knob: Knob) -> None:
    """What was switched off in its stage is meant again by whoever moves it."""
    if knob.stage in OFF.value:
        OFF.choose(Names(each for each in OFF.value if each != knob.stage))


def _slider(knob: Knob) -> None:
    number = float if knob.digits else int

    def moved() -> None:
        if knob.field == "min_new_tokens" and knob.value > LENGTH.value:
            LENGTH.choice.choose(knob.value)
        _mean(knob)

    bound(
        st.slider,
        knob.choice,
        f"{knob.title} ●" if knob.is_turned else knob.title,
        number(min(knob.lowest, knob.value)) if knob.digits else int(knob.least),
        number(max(knob.upto, knob.value)),
        step=number(knob.step),
        format="%d" if not knob.digits else f"%.{knob.digits}g" if knob.digits > 2 else "%.2f",
        help=knob.help,
        shown=number,
        meant=partial(_number, knob),
        also=moved,
    )


def _own_knobs(model: str, status: DeltaGenerator) -> None:
    from models.decoding import OwnKnobsRequest

    said = ask(OwnKnobsRequest(model), status)
    if said:
        listed = ", ".join(f"{name} = {value}" for name, value in said)
        remark(f"This checkpoint's own generation_config says: {listed}. It is not used here unless you set it.")
    else:
        remark("This checkpoint's own generation_config turns no knob; the model's raw odds are its default.")


def _writing(settings: "DecodingSettings") -> None:
    """The button that writes, how long, what ends it, and the seed."""

    def write() -> None:
        # One that was stopped is written anew.
        JOB.leave()
        ask_for_it()
        WRITTEN.choose(named_settings(replace(settings, seed=SEED.value)))
        for choice in (BRANCH, BRANCHES, AT, PICK):
            choice.forget()

    def write_with_the_next_seed() -> None:
        SEED.choose((SEED.value + 1) % (LARGEST_SEED + 1))
        write()

    with st.container(horizontal=True, gap="small", vertical_alignment="center", key="write_buttons"):
        st.button("Write", key="write", on_click=write, type="primary", icon=":material/edit:")
        st.button(
            "Other luck",
            key="other_luck",
            on_click=write_with_the_next_seed,
            help="The next seed: the same odds, another draw.",
        )
    remark(f"Up to {LENGTH.value} tokens, seed {SEED.value}.")
    with st.expander("Length, seed, stop", key="writing_knobs", on_change="rerun") as more:
        if more.open:
            _slider(LENGTH)
            bound(
                st.number_input,
                SEED,
                "Seed",
                0,
                LARGEST_SEED,
                help="The luck of a run: its k-th token takes the k-th number of the seed. The same seed, settings and "
                "text give the same tokens, whoever else is on the server.",
                meant=lambda seed: seed or 0,
            )
            text_area(
                STOP,
                "Stop texts",
                height=68,
                max_chars=_MOST_CHARACTERS,
                help="Up to four, one to a line (\\n for a line's end): the run ends as soon as one stands in what was "
                "written. (`stop_strings` of transformers)",
            )
