"""What is said of whole texts and of draws, in sentences and figures, and their files."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from pages.shared.spreadsheet import as_csv
from viz.inspector import part_text
from viz.text_charts import FigureLine, figures_table

if TYPE_CHECKING:
    from models.decoding import BatchRequest, BatchTexts, CommonNumbers, DecodingSettings, Draws, TextFigures

_FEW_DIGITS = 3


def rest(part: float | None) -> float | None:
    """What is missing to the whole."""
    return None if part is None else 1 - part


def table_of(names: Sequence[str], figures: "Sequence[TextFigures]") -> str:
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


def texts_as_csv(names: Sequence[str], found: "BatchTexts") -> str:
    """A row for each text: its setting, every knob of it, the seed that gives it again, and the text."""
    rows: list[list[object]] = [["setting", "seed", "text", "tokens", "ends", "mean_log_probability", "settings"]]
    for name, one in zip(names, found.each, strict=True):
        for text in one.texts:
            settings = asdict(one.settings) | {"seed": text.seed}
            mean = sum(text.log_probabilities) / len(text.log_probabilities)
            rows.append([name, text.seed, text.text, len(text.own_ids), text.ends, mean, json.dumps(settings)])
    return as_csv(rows)


def texts_as_json(request: "BatchRequest", names: Sequence[str], found: "BatchTexts") -> str:
    """What was asked, and for each setting its knobs, its figures, and its texts token by token."""
    return json.dumps(
        {
            "model": request.model,
            "text": request.text,
            "settings": [
                {
                    "name": name,
                    "settings": asdict(one.settings),
                    "figures": asdict(one.figures),
                    "texts": [asdict(text) | {"text": text.text} for text in one.texts],
                }
                for name, one in zip(names, found.each, strict=True)
            ],
        },
        ensure_ascii=False,
    )


# ----- The same luck


def parting_words(names: Sequence[str], pair: "Sequence[DecodingSettings]", found: "CommonNumbers") -> list[str]:
    """Where two texts part, and why there."""
    first, second = found.steps
    at = found.diverges_at
    if at is None:
        return [
            f"The same {len(first)} tokens: nowhere do the settings make this luck fall on another token.",
            "Take another seed, or settings that lie further apart.",
        ]
    if found.intervals is None or found.number is None:
        shorter, longer = sorted((len(first), len(second)))
        return [f"They are the same up to token {shorter}, where one of them ends; the other has {longer}."]
    falls = [
        f"“{steps[at].piece.text}” {name}"
        + (" (greedy: the likeliest, whatever the luck)" if one.temperature == 0 else f" ({_reach(low, high)})")
        for name, one, steps, (low, high) in zip(_with(names), pair, found.steps, found.intervals, strict=True)
    ]
    same = "They part at the very first token" if at == 0 else f"They part at token {at + 1}, after {at} in common"
    return [
        f"{same}: there the luck is {_share(found.number)}, which falls on {falls[0]} and on {falls[1]}.",
        "The probabilities are laid end to end from 0 to 1, the model’s likeliest token first; in brackets is where "
        "the token lies. From there on each goes on from its own text, and the same number need not mean the same "
        "word.",
    ]


def _with(names: Sequence[str]) -> list[str]:
    return [names[0], *(f"with {name}" for name in names[1:])]


def _reach(low: float, high: float) -> str:
    if _share(high - low) == _share(1):
        return "from end to end: all others are cut"
    return f"{_share(low)} to {_share(high)}"


def _share(number: float) -> str:
    """Enough digits to see where a number lies between two others."""
    return f"{number:.{_FEW_DIGITS}f}"


# ----- Draws over the theory


def draws_words(found: "Draws") -> list[str]:
    """Whether the counts are what theory lets expect."""
    if found.is_greedy:
        return [
            f"Greedy: nothing is drawn. All {found.count:,} times it is “{found.tokens[0].text}”, the likeliest token.",
            "Set a temperature above 0 to have something to draw.",
        ]
    if found.p_value is None:
        return [
            f"These settings leave nothing to chance: “{found.tokens[0].text}” came {found.tokens[0].count:,} of "
            f"{found.count:,} times."
        ]
    said = [
        f"{found.count:,} draws against the probabilities above: {chance_words(found.p_value)}",
        f"χ² = {found.chi_square:.1f} with {found.freedom} degree{'' if found.freedom == 1 else 's'} of freedom, "
        f"p = {found.p_value:.3f}, over the whole vocabulary (Pearson; tokens of which fewer than 5 draws are expected "
        "are taken together).",
    ]
    others = found.others
    if others is not None:
        said.append(
            f"All other tokens together have {part_text(others.probability)}: they came {others.count:,} times, and 95 "
            f"of 100 such counts lie from {others.low:,} to {others.high:,}."
        )
    return said


def chance_words(p_value: float) -> str:
    """A p-value in plain words."""
    if p_value >= 0.01:
        return f"such a difference, or a larger one, comes by chance in {round(100 * p_value)} of 100 such trials."
    if p_value >= 0.001:
        often = f"in {round(1000 * p_value)} of 1,000 such trials"
    else:
        often = "in fewer than 1 of 1,000 such trials"
    return f"such a difference, or a larger one, comes by chance {often}. Take another seed: it should not stay so."
