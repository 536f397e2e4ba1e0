"""The knobs on the left: presets, three of them, the others behind "More", the seed, and the button that writes."""

from typing import TYPE_CHECKING

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.sampling.choices import (
    AT,
    BAD_WORDS,
    BRANCH,
    BRANCHES,
    FOLLOW,
    LARGEST_SEED,
    OFF,
    ORDER,
    SEED,
    STOP,
    WRITTEN,
    Branch,
    Branches,
    Names,
    is_preset,
    lines_of,
    open_preset,
    reset,
    said_of,
)
from pages.sampling.knobs import FIRST, KNOBS, LENGTH, MORE, PRESETS, Knob
from pages.sampling.writing import leave
from pages.shared import thread
from pages.shared.asking import ask
from pages.shared.link import Choice
from viz.inspector import line

if TYPE_CHECKING:
    from models.decoding import DecodingSettings

# As the page's own knobs are named, for what a checkpoint says.
_MOST_WORDS = 40


def bad_word_ids(model: str, status: DeltaGenerator) -> tuple[tuple[int, ...], ...]:
    """The words that must not come, as they stand and with a space before them. Raises HeadlightError."""
    words = lines_of(BAD_WORDS.value)[:_MOST_WORDS]
    if not words:
        return ()
    from models.decoding import WordsRequest

    return tuple(ids for word in ask(WordsRequest(model, words), status) for ids in word.ids)


def presets() -> None:
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


def knobs(model: str, status: DeltaGenerator) -> None:
    """Three, and the others behind "More"; what differs from the page's own is marked."""
    for knob in FIRST:
        _slider(knob)
    turned = [knob.title for knob in (*MORE, LENGTH) if knob.is_turned]
    turned += [name for name, choice in (("forbidden words", BAD_WORDS), ("stop texts", STOP)) if choice.value]
    # One label whatever is turned: an expander with another label is another one, and closed.
    with st.expander("More", key="more_knobs", on_change="rerun") as more:
        if more.open:
            for knob in MORE:
                _slider(knob)
            _words(
                "Forbidden words",
                BAD_WORDS,
                "bad_words_box",
                "One to a line. None of them may come, neither as it stands nor with a space before it. "
                "(`NoBadWordsLogitsProcessor`)",
            )
            _own_knobs(model, status)
    if turned:
        st.html(line(f"Turned under “More”: {', '.join(turned)}."))
    if any(knob.is_turned for knob in KNOBS) or BAD_WORDS.value or STOP.value or OFF.value or ORDER.value:
        st.button("Reset all knobs", key="reset_knobs", on_click=reset, type="tertiary")


def _slider(knob: Knob) -> None:
    key = f"{knob.field}_box"
    whole = not knob.digits
    value = int(knob.value) if whole else float(knob.value)

    def moved() -> None:
        chosen = max(knob.least, st.session_state[key])
        knob.choice.choose(int(chosen) if whole else chosen)
        if knob.field == "min_new_tokens" and chosen > LENGTH.value:
            LENGTH.choice.choose(int(chosen))
        # What was switched off in its stage is meant again by whoever moves it.
        if knob.stage in OFF.value:
            OFF.choose(Names(each for each in OFF.value if each != knob.stage))

    st.session_state[key] = value
    label = f"{knob.title} ●" if knob.is_turned else knob.title
    most = max(knob.upto, value)
    st.slider(
        label,
        # From 0 on, so that its steps are round numbers; below the least value there is none.
        int(knob.least) if whole else 0.0,
        int(most) if whole else float(most),
        step=int(knob.step) if whole else knob.step,
        format="%d" if whole else f"%.{knob.digits}g" if knob.digits > 2 else "%.2f",
        key=key,
        on_change=moved,
        help=knob.help,
    )


def _words(label: str, choice: Choice[str], key: str, help_: str) -> None:
    st.session_state[key] = choice.value
    st.text_area(
        label,
        key=key,
        height=68,
        max_chars=400,
        help=help_,
        on_change=lambda: choice.choose(thread.readable(st.session_state[key])),
    )


def _own_knobs(model: str, status: DeltaGenerator) -> None:
    from models.decoding import OwnKnobsRequest

    said = ask(OwnKnobsRequest(model), status)
    if said:
        listed = ", ".join(f"{name} = {value}" for name, value in said)
        st.html(line(f"This checkpoint's own generation_config says: {listed}. It is not used here unless you set it."))
    else:
        st.html(line("This checkpoint's own generation_config turns no knob; the model's raw odds are its default."))


def writing(settings: "DecodingSettings") -> None:
    """The button that writes, how long, what ends it, and the seed."""

    def write(seed: int | None = None) -> None:
        if seed is not None:
            SEED.choose(seed)
        from dataclasses import replace

        # One that was stopped is written anew.
        leave()
        WRITTEN.choose(said_of(replace(settings, seed=SEED.value)))
        BRANCH.choose(Branch())
        BRANCHES.choose(Branches())
        AT.choose(0)
        FOLLOW.choose(None)

    with st.container(horizontal=True, gap="small", vertical_alignment="center", key="write_buttons"):
        st.button("Write", key="write", on_click=write, type="primary", icon=":material/edit:")
        st.button(
            "Other luck",
            key="other_luck",
            on_click=lambda: write((SEED.value + 1) % (LARGEST_SEED + 1)),
            help="The next seed: the same odds, another draw.",
        )
    st.html(line(f"Up to {LENGTH.value} tokens, seed {SEED.value}."))
    with st.expander("Length, seed, stop", key="writing_knobs", on_change="rerun") as more:
        if more.open:
            _slider(LENGTH)
            st.session_state["seed_box"] = SEED.value
            st.number_input(
                "Seed",
                0,
                LARGEST_SEED,
                key="seed_box",
                help="The luck of a run: its k-th token takes the k-th number of the seed. The same seed, settings and "
                "text give the same tokens, whoever else is on the server.",
                on_change=lambda: SEED.choose(st.session_state["seed_box"] or 0),
            )
            _words(
                "Stop texts",
                STOP,
                "stop_box",
                "Up to four, one to a line (\\n for a line's end): the run ends as soon as one stands in what was "
                "written. (`stop_strings` of transformers)",
            )
