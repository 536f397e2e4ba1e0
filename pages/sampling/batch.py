"""What sampling means for whole texts: many of them with each of several settings, in one batch."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st

from models.catalog import MODELS
from pages.sampling.choices import (
    AGAINST,
    BATCH_LENGTHS,
    COUNTS,
    MANY_TEXTS,
    MANY_TOKENS,
    MANY_WRITTEN,
    MOST_OTHERS,
    SWEPT,
    VARIETIES,
    VARIETY,
    Names,
)
from pages.sampling.export import texts_as_csv, texts_as_json
from pages.shared import download_names
from pages.shared.bound_widgets import bound, names_of
from pages.shared.export import Download, download_row
from pages.shared.job import Job
from pages.shared.link import Choice
from pages.shared.sentences_and_charts import chart, remark
from pages.shared.theme import palette
from viz.inspector import line
from viz.sampling_charts import FigureLine, SweepPoint, figures_table, sweep_chart
from viz.text_cards import TextCard, TextToken, legend, text_cards

if TYPE_CHECKING:
    from models.decoding import (
        BatchProgress,
        BatchRequest,
        BatchText,
        BatchTexts,
        DecodingSettings,
        SweepRequest,
        TextFigures,
    )

ABOVE = "as above"
# What is cut at its length, as most are, is not said of each.
ENDS = {"end token": "ends by itself", "positions": "no room left", "stop text": "ends with a stop text"}
_JOB = Job("batch")
_SWEEP = Job("sweep")
_SHOWN = 4
_TEMPERATURES = (0.0, 0.4, 0.7, 1.0, 1.3, 1.6, 2.0)
# So that all temperatures fit into one batch.
_SWEEP_COUNT = 8


def progress_text(step: "BatchProgress") -> tuple[float, str]:
    """How far a batch is."""
    said = f"Token {step.tokens} of at most {step.most}; texts that still go on: {step.going_on}."
    return step.tokens / step.most, said


def batch_tab(model: str, text: str, settings: "DecodingSettings", presets: "Mapping[str, DecodingSettings]") -> None:
    """Several texts with each of up to four settings side by side, in figures, and over a sweep of temperatures."""
    from models.decoding import BatchRequest

    left, right = st.columns([2, 5], gap="large")
    with left:
        count = bound(st.select_slider, MANY_TEXTS, "Texts with each setting", COUNTS, key="many_texts")
        tokens = bound(st.select_slider, MANY_TOKENS, "Tokens in each text", BATCH_LENGTHS, key="many_tokens")
        others = other_presets(settings, presets)[:2]
        chosen = bound(
            st.multiselect,
            AGAINST,
            "Compare the settings above with",
            list(presets),
            key="many_presets",
            shown=lambda names: others if names is None else list(names),
            meant=Names,
            max_selections=MOST_OTHERS,
        )
        st.button("Write them", key="many_start", on_click=_begin, args=(_JOB, MANY_WRITTEN))
        remark(
            "All texts are written at once, in one batch. The first text of each setting has the same luck, so has "
            "the second, and so on."
        )
    names = (ABOVE, *chosen)
    each = tuple(comparable(settings, one, tokens) for one in (settings, *(presets[name] for name in chosen)))
    request = BatchRequest(model, text, each, count)
    with right:
        found = _JOB.answer(request, progress_text, is_wanted=MANY_WRITTEN.value == "yes")
        if found is None:
            if _JOB.request is None:
                st.caption("Nothing written yet with these settings.")
            return
        _texts(names, found)
    _figures(names, found)
    _downloads(request, names, found)
    _sweep(model, text, each[0], min(count, _SWEEP_COUNT))


def _begin(job: Job, written: Choice[str]) -> None:
    """What was stopped is written anew."""
    job.leave()
    written.choose("yes")


def other_presets(settings: "DecodingSettings", presets: "Mapping[str, DecodingSettings]") -> list[str]:
    """The presets that are not what is set above."""
    return [
        name for name, one in presets.items() if comparable(settings, one, 64) != comparable(settings, settings, 64)
    ]


def comparable(settings: "DecodingSettings", other: "DecodingSettings", tokens: int) -> "DecodingSettings":
    """The other with the same seed, cache and length, so that the knobs alone differ."""
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
    """The first texts, each beside those of the other settings with the same seed; the others on demand."""
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
                ", ".join(filter(None, (f"seed {text.seed}", ENDS.get(text.ends or "")))),
            )
            for name, text in zip(names, row, strict=True)
        ]
    )


def _figures(names: Sequence[str], found: "BatchTexts") -> None:
    with st.container(key="many_figures"):
        st.html(figures_of(names, [one.figures for one in found.each]))
        remark(
            "Neither end is good by itself: the likeliest text is often the dullest, and the most varied may be "
            "nonsense. Whether a text is good you must read. The figures move with the number and the length of "
            "the texts, so compare within this table only."
        )


def _downloads(request: "BatchRequest", names: Sequence[str], found: "BatchTexts") -> None:
    name = f"{download_names.of_model(request.model)}-texts"
    files = (
        Download("Texts as CSV", f"{name}.csv", lambda: texts_as_csv(names, found)),
        Download("Texts as JSON", f"{name}.json", lambda: texts_as_json(request, names, found)),
    )
    download_row(files, "many_")


def _sweep(model: str, text: str, settings: "DecodingSettings", count: int) -> None:
    """The settings above at several temperatures: how likely, and how different."""
    from models.decoding import SweepRequest

    temperatures = sorted({*_TEMPERATURES, float(settings.temperature)})
    request = SweepRequest(model, text, settings, tuple(temperatures), count)
    st.button(
        f"Sweep the temperature: {count} texts at each of {len(temperatures)}, the other settings as above",
        key="many_sweep_start",
        on_click=_begin,
        args=(_SWEEP, SWEPT),
    )
    found = _SWEEP.answer(request, progress_text, is_wanted=SWEPT.value == "yes")
    if found is None:
        return
    left, right = st.columns([5, 2], gap="large")
    with right:
        bound(st.radio, VARIETY, "Different by", **names_of(VARIETIES), key="many_measure")
        st.html(_sweep_words(request))
    points = [
        SweepPoint(
            one.settings.temperature,
            one.figures.log_probability,
            one.figures.distinct_2 if VARIETY.value == "distinct-2" else rest(one.figures.self_bleu),
            is_chosen=one.settings.temperature == settings.temperature,
        )
        for one in found.each
    ]
    with left, st.container(key="many_sweep_chart"):
        if any(each.variety is not None for each in points):
            chart(sweep_chart(points, variety=VARIETIES[VARIETY.value], palette=palette()))
        else:
            st.caption("These texts have too few words for this measure.")


def _sweep_words(request: "SweepRequest") -> str:
    return line(
        f"{MODELS[request.model].title}, {request.count} texts of up to {request.settings.max_new_tokens} tokens at "
        f"each temperature. At 0 there is one text, as it would come {request.count} times. Going up, the texts differ "
        "more and the model finds them less likely: each setting is a place on such a curve, and a better one lies "
        "above it, more to the right."
    )


def rest(part: float | None) -> float | None:
    """What is missing to the whole."""
    return None if part is None else 1 - part


def figures_of(names: Sequence[str], figures: "Sequence[TextFigures]") -> str:
    """The figures of each setting in a column, each with a sentence on what it is."""

    def row(name: str, meaning: str, field: str, digits: int) -> FigureLine:
        return FigureLine(name, meaning, tuple(getattr(each, field) for each in figures), digits)

    return figures_table(
        names,
        [
            row("Different texts", f"How many of the {figures[0].count} texts are not the same.", "distinct", 0),
            row("distinct-1", "Different tokens of all tokens, all texts together (Li et al. 2016).", "distinct_1", 2),
            row("distinct-2", "The same for pairs of neighbours.", "distinct_2", 2),
            row("distinct-3", "And for runs of three.", "distinct_3", 2),
            row(
                "Self-BLEU",
                "How far each text is made of what stands in the others: 0 nothing, 1 all of it (Zhu et al. 2018; "
                "sacrebleu, words cut at spaces).",
                "self_bleu",
                2,
            ),
            row(
                "Log-probability per token",
                "The model’s own, in nats, before any setting; nearer to 0 is likelier.",
                "log_probability",
                2,
            ),
            row("Perplexity", "The same as a number of equally likely tokens.", "perplexity", 1),
            row("Length", "Tokens in a text, on average.", "length", 1),
            row(
                "Repetition",
                "Runs of four tokens that stood in the same text before, of all its runs (seq-rep-4, Welleck et al. "
                "2019).",
                "repetition",
                2,
            ),
        ],
    )
