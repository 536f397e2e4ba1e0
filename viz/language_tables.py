"""What lines cost, as grids of figures: languages, pairs of lines, the lines of a text."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.tokenization.language_prices import Price
from models.tokenization.line_costs import LineCosts
from models.tokenization.parallel_text import Language, ParallelText
from viz.components.figure_grid import FigureGrid

MEASURES = (
    ("all tokens over all", 2),
    ("per character", 3),
    ("per byte", 3),
    ("tokens", 0),
    ("unknown", 0),
    ("sentences that do not come back", 0),
)
_LONGEST_NAME = 60


@dataclass(frozen=True, eq=False)
class PricedLanguage:
    """A language and its price with each tokenizer."""

    language: Language
    prices: tuple[Price, ...]


def priced_languages(found: ParallelText, prices: Sequence[Sequence[Price]]) -> list[PricedLanguage]:
    """Every language with its prices. prices: of each tokenizer those of all languages, in their order."""
    columns = zip(*prices, strict=True)
    return [PricedLanguage(language, each) for language, each in zip(found.languages, columns, strict=True)]


def price_text(price: Price) -> str:
    """The mean with the spread beside it, 4.20 ± 0.91, and ? before it where pieces are unknown."""
    return f"{'? ' if price.unknown else ''}{price.mean:.2f} ± {price.spread:.2f}"


def measures_of(price: Price) -> tuple[float, ...]:
    """The numbers of MEASURES."""
    counts = (float(count) for count in (price.tokens, price.unknown, price.inexact))
    return price.whole, price.per_character, price.per_byte, *counts


def in_order(priced: Sequence[PricedLanguage], order: str, column: int) -> list[PricedLanguage]:
    """Languages by "name", by "price" with a tokenizer, dearest first, or by "script": within each by price, the script
    whose mean is dearest first.
    """
    if order == "name":
        return sorted(priced, key=lambda each: each.language.name)
    dearest = sorted(priced, key=lambda each: -each.prices[column].mean)
    if order == "price":
        return dearest
    means: dict[str, list[float]] = {}
    for each in dearest:
        means.setdefault(each.language.script, []).append(each.prices[column].mean)
    rank = {script: -sum(found) / len(found) for script, found in means.items()}
    return sorted(dearest, key=lambda each: (rank[each.language.script], each.language.script))


def language_grid(
    ordered: Sequence[PricedLanguage], titles: Sequence[str], *, by_script: bool, selected: str | None, caption: str
) -> FigureGrid:
    """Each language in a row, each tokenizer in a column; a group for each script where they stand `by_script`."""
    scripts = [each.language.script for each in ordered]
    groups = [(row, script) for row, script in enumerate(scripts) if row == 0 or scripts[row - 1] != script]
    means = np.array([[price.mean for price in each.prices] for each in ordered]).reshape(len(ordered), len(titles))
    codes = [each.language.code for each in ordered]
    own = [each.language.own_name for each in ordered]
    return FigureGrid(
        label="Price of each language by tokenizer",
        corner="language",
        columns=titles,
        names=[each.language.name for each in ordered],
        notes=[note if note != each.language.name else "" for note, each in zip(own, ordered, strict=True)],
        cells=[[price_text(price) for price in each.prices] for each in ordered],
        amounts=shades(means),
        groups=groups if by_script else (),
        measures=MEASURES,
        known=_known([each.prices for each in ordered], len(titles)),
        selected=codes.index(selected) if selected in codes else None,
        caption=caption,
    )


def shades(ratios: np.ndarray) -> np.ndarray:
    """From nothing at a ratio of 1 to the darkest at the largest one, each doubling by one step."""
    return np.log2(np.maximum(ratios, 1)) / max(1.0, float(np.log2(max(ratios.max(initial=1), 1))))


def _known(rows: Sequence[Sequence[Price]], columns: int) -> np.ndarray:
    numbers = [[measures_of(price) for price in prices] for prices in rows]
    return np.array(numbers, np.float32).reshape(len(rows), columns, len(MEASURES)).transpose(2, 0, 1)


def pair_grid(left: Sequence[str], right: Sequence[str], prices: Sequence[Price], titles: Sequence[str]) -> FigureGrid:
    """Each pair of lines in a row: what the right one costs as a multiple of the left one."""
    ratios = np.stack([price.ratios for price in prices], axis=1)
    return FigureGrid(
        label="Price of the right line beside the left one",
        corner="right, beside left",
        columns=titles,
        names=[_short(each) for each in right],
        notes=[_short(each) for each in left],
        cells=[[f"{ratio:.2f}" for ratio in row] for row in ratios.tolist()],
        amounts=shades(ratios),
        groups=(),
        measures=(),
        known=np.zeros((0, *ratios.shape), np.float32),
        selected=None,
        caption="Tokens of the right line over those of the left one. The stronger the colour, the dearer, one step "
        "for each doubling.",
    )


def line_grid(
    lines: Sequence[str], units: Sequence[tuple[str, int]], costs: Sequence[LineCosts], titles: Sequence[str]
) -> FigureGrid:
    """Each line of a text in a row: its tokens, and how many that are per unit. units: of each line "word" or
    "character", and how many it has.
    """
    tokens = np.stack([each.tokens for each in costs], axis=1)
    unknown = np.stack([each.unknown for each in costs], axis=1)
    sizes = np.array([len(line.encode()) for line in lines])
    written = [
        [f"{count:,} · {count / of:.2f} per {unit}" for count in row]
        for row, (unit, of) in zip(tokens.tolist(), units, strict=True)
    ]
    return FigureGrid(
        label="Tokens of each line by tokenizer",
        corner="line",
        columns=titles,
        names=[_short(each) for each in lines],
        notes=[""] * len(lines),
        cells=written,
        amounts=tokens / max(1, int(tokens.max(initial=1))),
        groups=(),
        measures=(("per byte", 3), ("unknown", 0)),
        known=np.stack([tokens / sizes[:, None], unknown]).astype(np.float32),
        selected=None,
        caption="Tokens of each line by itself, and per word; per character where most letters are of a script that "
        "puts no spaces between words. The stronger the colour, the more tokens.",
    )


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_NAME else f"{text[: _LONGEST_NAME - 1]}…"
