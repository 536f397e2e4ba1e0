"""docs/architectures.md: what the sweep found, class by class."""

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import transformers

from tests.models.sweep.exceptions import EXCEPTIONS, VARIANTS
from tests.models.sweep.outcome import Outcome, Part

FILE = Path(__file__).resolve().parents[3] / "docs" / "architectures.md"
COMMAND = "python -m tests.models.sweep"
_ROW = re.compile(r"\| `([^`]+)` \|")
_ORDER = ("exact", "exact in part", "refused", "cannot be built", "wrong", "crash")
_MEANINGS = {
    "exact": "all that Headlight shows of it is what transformers computes",
    "exact in part": "the same, but for parts that are refused in a sentence",
    "refused": "Headlight does not open it, and says why in a sentence",
    "cannot be built": "transformers makes no tiny model of it, or runs no text alone through it",
    "wrong": "Headlight shows something else than transformers computes",
    "crash": "an error that is no sentence for a person",
}

_INTRODUCTION = """\
Each class of transformers' auto-mappings for causal, masked and seq2seq language models, each base model that reads
text and nothing else, and the text encoders of models of pictures and texts is built tiny (width 32, 4 heads, 2 layers
or 3 + 2, one of each kind of layer, 64 tokens) with random weights that make sharp patterns. It goes through Headlight
and through transformers' own eager attention, side by side: kinds, layers, shapes and weights of all maps (1e-5);
output, hidden states and the logit lens' last row (1e-4 of the largest); a hidden token beside 0 in `attention_mask`;
six greedy tokens beside `generate`; what the cache then holds beside what the config alone predicts. What transformers
gives no reference for is *not checked*.
"""


def word_of(outcome: Outcome) -> str:
    """One of `_ORDER`."""
    is_open = bool(outcome.layers) and all(part.name != "load" for part in outcome.of("refused"))
    return "exact in part" if outcome.verdict == "refused" and is_open else outcome.verdict


def names_in(text: str) -> list[str]:
    """The classes that a table has a row for."""
    return _ROW.findall(text)


def words_in(text: str) -> dict[str, str]:
    """The outcome of each class that a table has a row for."""
    rows = [line.split("|") for line in text.splitlines() if _ROW.match(line)]
    return {cells[1].strip(" `"): cells[4].strip() for cells in rows}


def written(outcomes: Sequence[Outcome]) -> str:
    """The whole file; the same for the same outcomes, in whatever order they come."""
    outcomes = sorted(outcomes, key=lambda each: (each.name.lower(), each.name))
    counts = Counter(map(word_of, outcomes))
    sentences = _sentences(outcomes)
    numbers = {sentence: number for number, (sentence, _) in enumerate(sentences, start=1)}
    parts = Counter(part.name for each in outcomes if word_of(each) == "exact in part" for part in each.of("refused"))
    lines = [
        "# Which architectures Headlight shows",
        "",
        f"Written by `{COMMAND}` for transformers {transformers.__version__}; not to be edited by hand.",
        "",
        _INTRODUCTION,
        "| outcome | classes | |",
        "| --- | --- | --- |",
        *(f"| {word} | {counts[word]} | {_MEANINGS[word]} |" for word in _ORDER if counts[word]),
        f"| all | {len(outcomes)} | |",
        "",
        "Parts that are refused where the rest is exact: "
        + (", ".join(f"{name} ({count})" for name, count in sorted(parts.items())) or "none")
        + ".",
        "",
        "## Sentences of refusal",
        "",
        "How many classes get each, the class' own name left out:",
        "",
        *(f"{number}. {sentence} ({count})" for number, (sentence, count) in enumerate(sentences, start=1)),
        "",
        "## Classes",
        "",
        "What stands behind a slash is a variant: "
        + "; ".join(f"{name.replace('/', ', ')}: {why}" for name, (_, why) in sorted(VARIANTS.items()))
        + f". {len(EXCEPTIONS)} configs need other figures than the rest; `tests/models/sweep/exceptions.py` has them, "
        "each with its reason.",
        "",
        "| class | model type | family | outcome | layers with maps | of it |",
        "| --- | --- | --- | --- | --- | --- |",
        *(_row(each, numbers) for each in outcomes),
        "",
    ]
    return "\n".join(lines)


def _row(outcome: Outcome, numbers: dict[str, int]) -> str:
    layers = ", ".join(f"{kind} {count}" for kind, count in outcome.layers)
    said = [outcome.reason] if outcome.reason else []
    for part in outcome.parts:
        if part.verdict == "refused":
            said.append(f"{part.name}: {numbers[_sentence(outcome, part)]}")
        elif part.verdict != "exact":
            said.append(f"{part.name} {part.verdict}: {part.detail}")
    cells = (
        f"`{outcome.name}`",
        outcome.model_type,
        outcome.family,
        word_of(outcome),
        layers,
        "; ".join(said).replace("|", "\\|"),
    )
    return f"| {' | '.join(cells)} |"


def _sentences(outcomes: Sequence[Outcome]) -> list[tuple[str, int]]:
    """Each sentence of refusal and how many classes get it, the most frequent first."""
    found = Counter(
        sentence for each in outcomes for sentence in {_sentence(each, part) for part in each.of("refused")}
    )
    return sorted(found.items(), key=lambda item: (-item[1], item[0]))


def _sentence(outcome: Outcome, part: Part) -> str:
    """With what is the class' own taken out of it."""
    return part.detail.replace(outcome.name.partition("/")[0], "…").replace(f"({outcome.model_type})", "(…)")
