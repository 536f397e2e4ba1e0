"""What sampling means for whole texts: many of them, two with the same luck, and one step drawn a thousand times."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from models.catalog import MODELS
from pages.decoding import whole_texts
from pages.shared import file_names
from pages.shared.asking import ask, working
from pages.shared.jobs import answer_of, leave
from pages.shared.theme import palette
from viz.cache_tables import sentences
from viz.inspector import line
from viz.text_cards import TextCard, TextToken, legend, text_cards
from viz.text_charts import DrawLine, SweepPoint, draws_chart, sweep_chart

if TYPE_CHECKING:
    from models.decoding import (
        BatchProgress,
        BatchRequest,
        BatchText,
        BatchTexts,
        CommonNumbers,
        DecodingSettings,
        DrawnToken,
        Draws,
        GenerationStep,
        SweepRequest,
    )

ABOVE = "as above"
_COUNTS = (4, 8, 16)
_LENGTHS = (20, 40, 64)
_SHOWN = 4
_MOST_OTHERS = 3
_TEMPERATURES = (0.0, 0.4, 0.7, 1.0, 1.3, 1.6, 2.0)
# So that all temperatures fit into one batch.
_SWEEP_COUNT = 8
_OTHER_TEMPERATURE = "another temperature"
_DRAWS = 1_000
# What is cut at its length, as most are, is not said of each.
_ENDS = {"end token": "ends by itself", "positions": "no room left", "stop text": "ends with a stop text"}


def _told(step: "BatchProgress") -> tuple[float, str]:
    """How far a batch is."""
    said = f"Token {step.tokens} of at most {step.most}; texts that still go on: {step.going_on}."
    return step.tokens / step.most, said


# ----- Many texts


def many_tab(
    model: str,
    text: str,
    settings: "DecodingSettings",
    status: DeltaGenerator,  # noqa: ARG001 - every tab is given it
    presets: "Mapping[str, DecodingSettings]",
) -> None:
    """Several texts with each of up to four settings side by side, in figures, and over a sweep of temperatures."""
    from models.decoding import BatchRequest

    left, right = st.columns([2, 5], gap="large")
    with left:
        count = int(st.select_slider("Texts with each setting", _COUNTS, value=8, key="many_texts"))
        tokens = int(st.select_slider("Tokens in each text", _LENGTHS, value=40, key="many_tokens"))
        chosen = st.multiselect(
            "Compare the settings above with",
            list(presets),
            default=_others(settings, presets)[:2],
            max_selections=_MOST_OTHERS,
            key="many_presets",
        )
        pressed = st.button("Write them", key="many_start")
        st.html(
            line(
                "All texts are written at once, in one batch. The first text of each setting has the same luck, so has "
                "the second, and so on."
            )
        )
    names = (ABOVE, *chosen)
    each = tuple(_like(settings, one, tokens) for one in (settings, *(presets[name] for name in chosen)))
    request = BatchRequest(model, text, each, count)
    with right:
        if pressed:
            leave("many")
        found = answer_of("many", request, _told, is_wanted=pressed)
        if found is None:
            if "many:job" not in st.session_state:
                st.caption("Nothing written yet with these settings.")
            return
        _texts(names, found)
    _figures(names, found)
    _downloads(request, names, found)
    _sweep(model, text, each[0], min(count, _SWEEP_COUNT))


def _others(settings: "DecodingSettings", presets: "Mapping[str, DecodingSettings]") -> list[str]:
    """The presets that are not what is set above."""
    return [name for name, one in presets.items() if _like(settings, one, 64) != _like(settings, settings, 64)]


def _like(settings: "DecodingSettings", other: "DecodingSettings", tokens: int) -> "DecodingSettings":
    """The other with the same luck, cache and length, so that the knobs alone differ."""
    return replace(
        other,
        max_new_tokens=tokens,
        min_new_tokens=min(other.min_new_tokens, tokens),
        seed=settings.seed,
        cache=settings.cache,
        stop=settings.stop,
        with_stages=False,
        with_norms=False,
    )


def _texts(names: Sequence[str], found: "BatchTexts") -> None:
    """The first texts, each beside those of the other settings that had the same luck; the others on demand."""
    rows = list(zip(*(one.texts for one in found.each), strict=True))
    with st.container(key="many_written"):
        st.html(legend())
        for row in rows[:_SHOWN]:
            st.html(_row(names, row))
    if len(rows) > _SHOWN:
        with st.expander(f"The other {len(rows) - _SHOWN} texts of each setting"):
            for row in rows[_SHOWN:]:
                st.html(_row(names, row))


def _row(names: Sequence[str], row: "Sequence[BatchText]") -> str:
    return text_cards(
        [
            TextCard(
                name,
                tuple(map(TextToken, text.parts, text.pieces, text.probabilities)),
                ", ".join(filter(None, (f"seed {text.seed}", _ENDS.get(text.ends or "")))),
            )
            for name, text in zip(names, row, strict=True)
        ]
    )


def _figures(names: Sequence[str], found: "BatchTexts") -> None:
    with st.container(key="many_figures"):
        st.html(whole_texts.table_of(names, [one.figures for one in found.each]))
        st.html(
            line(
                "Neither end is good by itself: the likeliest text is often the dullest, and the most varied may be "
                "nonsense. Whether a text is good you must read. The figures move with the number and the length of "
                "the texts, so compare within this table only."
            )
        )


def _downloads(request: "BatchRequest", names: Sequence[str], found: "BatchTexts") -> None:
    name = f"{file_names.of_model(request.model)}-texts"
    with st.container(horizontal=True):
        st.download_button(
            "Texts as CSV",
            lambda: whole_texts.texts_as_csv(names, found),
            f"{name}.csv",
            "text/csv",
            key="many_csv",
            on_click="ignore",
        )
        st.download_button(
            "Texts as JSON",
            lambda: whole_texts.texts_as_json(request, names, found),
            f"{name}.json",
            "application/json",
            key="many_json",
            on_click="ignore",
        )


def _sweep(model: str, text: str, settings: "DecodingSettings", count: int) -> None:
    """The settings above at several temperatures: how likely, and how different."""
    from models.decoding import SweepRequest

    temperatures = sorted({*_TEMPERATURES, float(settings.temperature)})
    request = SweepRequest(model, text, settings, tuple(temperatures), count)
    pressed = st.button(
        f"Sweep the temperature: {count} texts at each of {len(temperatures)}, the other settings as above",
        key="many_sweep_start",
    )
    if pressed:
        leave("many_sweep")
    found = answer_of("many_sweep", request, _told, is_wanted=pressed)
    if found is None:
        return
    left, right = st.columns([5, 2], gap="large")
    with right:
        measure = st.radio("Different by", ("distinct-2", "1 − Self-BLEU"), key="many_measure")
        st.html(_sweep_words(request))
    points = [
        SweepPoint(
            one.settings.temperature,
            one.figures.log_probability,
            one.figures.distinct_2 if measure == "distinct-2" else whole_texts.rest(one.figures.self_bleu),
            is_chosen=one.settings.temperature == settings.temperature,
        )
        for one in found.each
    ]
    with left, st.container(key="many_sweep_chart"):
        if any(each.variety is not None for each in points):
            st.altair_chart(sweep_chart(points, variety=measure, palette=palette()), width="stretch")
        else:
            st.caption("These texts have too few words for this measure.")


def _sweep_words(request: "SweepRequest") -> str:
    return line(
        f"{MODELS[request.model].title}, {request.count} texts of up to {request.settings.max_new_tokens} tokens at "
        f"each temperature. At 0 there is one text, as it would come {request.count} times. Going up, the texts differ "
        "more and the model finds them less likely: each setting is a place on such a curve, and a better one lies "
        "above it, more to the right."
    )


# ----- The same luck


def luck_tab(
    model: str,
    text: str,
    settings: "DecodingSettings",
    status: DeltaGenerator,  # noqa: ARG001 - every tab is given it
    presets: "Mapping[str, DecodingSettings]",
) -> None:
    """The settings above beside others, both with the same number for each step: where they part, and why."""
    from models.decoding import CommonNumbersRequest

    left, right = st.columns([2, 5], gap="large")
    with left:
        others = [*_others(settings, presets), _OTHER_TEMPERATURE]
        name = st.selectbox("The settings above against", others, key="luck_other")
        other = presets.get(name, settings)
        if name == _OTHER_TEMPERATURE:
            temperature = st.slider("Temperature", 0.0, 2.0, 1.2, 0.05, key="luck_temperature")
            other, name = replace(settings, temperature=temperature), f"T {temperature:g}"
        st.html(
            line(
                "A seed holds one number between 0 and 1 ready for each step. Both texts use the same numbers, so the "
                "settings alone make the difference. Another seed above is other luck."
            )
        )
    pair = tuple(_like(settings, one, settings.max_new_tokens) for one in (settings, other))
    with right:
        if pair[0] == pair[1]:
            st.caption("These are the settings above themselves; choose others to compare them with.")
            return
        found = answer_of("luck", CommonNumbersRequest(model, text, (pair[0], pair[1])), _told, is_wanted=True)
        if found is not None:
            names = (ABOVE, name)
            with st.container(key="luck_written"):
                st.html(sentences(whole_texts.parting_words(names, pair, found)))
                st.html(_pair(names, found) + legend())


def _pair(names: Sequence[str], found: "CommonNumbers") -> str:
    def card(name: str, steps: "Sequence[GenerationStep]") -> TextCard:
        tokens = tuple(TextToken(step.text, step.piece.text, step.probability) for step in steps)
        return TextCard(name, tokens, _ENDS.get(steps[-1].ends or "", ""), found.diverges_at)

    return text_cards([card(name, steps) for name, steps in zip(names, found.steps, strict=True)])


# ----- Draws over the theory


def draws_tab(
    model: str, text: str, settings: "DecodingSettings", status: DeltaGenerator, written: tuple[int, ...]
) -> None:
    """The step after what is written drawn a thousand times, beside what theory expects of the counts."""
    from models.decoding import DrawsRequest

    with working("Drawing…", status):
        found = ask(DrawsRequest(model, text, written, settings, _DRAWS), status)
    st.html(sentences(whole_texts.draws_words(found)))
    if len(found.tokens) == 1:
        return
    others = None if found.others is None else _draw_line(found, found.others)
    with st.container(key="draws_chart"):
        st.altair_chart(
            draws_chart([_draw_line(found, each) for each in found.tokens], others, palette()), width="stretch"
        )
    st.html(
        line(
            f"{MODELS[model].title}, {found.count:,} draws of one step with seed {settings.seed}; the likeliest "
            f"{len(found.tokens)} tokens of what is drawn from. Bar: how often it came. Coloured tick: expected, its "
            "probability times the draws. Thin line: 95 of 100 such counts lie on it (exact, binomial), so about one "
            "bar in twenty ends off its line."
        )
    )


def _draw_line(found: "Draws", each: "DrawnToken") -> DrawLine:
    return DrawLine(each.text, each.count, found.count * each.probability, each.low, each.high)
