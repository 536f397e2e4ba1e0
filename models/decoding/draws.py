"""Whether the draws follow the distribution: one step drawn many times, beside what theory says of the counts."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int64

from models.decoding.loop import Prompt
from models.decoding.sampling import draw, random_numbers
from models.decoding.settings import DecodingSettings, SettingsError
from models.decoding.stages import NextToken, NextTokenRequest, stages_after
from models.engine import Engine

MOST_DRAWS = 100_000
_TOP = 25
_INSIDE = 0.95
# Below so many expected draws a cell's count is too far from the normal distribution (Cochran 1954).
_LEAST_EXPECTED = 5


@dataclass(frozen=True)
class DrawnToken:
    """One token, or all the others together (id None).

    probability: of being drawn. count: how often it was. low, high: 95 of 100 such counts lie from low to high, both
    counted in: the exact quantiles of the binomial distribution (see `count_interval`).
    """

    id: int | None
    text: str
    probability: float
    count: int
    low: int
    high: int


@dataclass(frozen=True)
class Draws:
    """The draws of one step.

    tokens: the likeliest of what is drawn from. others: all that are not among them; None where there are none.
    chi_square, freedom, p_value: Pearson's, over the whole vocabulary (see `chi_square`); None where only one token can
        come. is_greedy: nothing is drawn, the likeliest token comes each time.
    """

    count: int
    tokens: tuple[DrawnToken, ...]
    others: DrawnToken | None
    chi_square: float | None
    freedom: int
    p_value: float | None
    is_greedy: bool


@dataclass(frozen=True)
class DrawsRequest:
    """Draw the token after a text and what was `written` after it `count` times, with one seed's numbers."""

    model: str
    text: Prompt
    written: tuple[int, ...]
    settings: DecodingSettings
    count: int = 1000

    def __post_init__(self) -> None:
        if not 1 <= self.count <= MOST_DRAWS:
            raise SettingsError(f"1 to {MOST_DRAWS:,} draws can be made, not {self.count:,}.")

    def answer(self, engine: Engine) -> Draws:
        """One forward, and none where the step was asked for before. Raises what `SamplingStagesRequest` raises."""
        loaded = engine.model(self.model)
        asked: NextToken = engine.run(NextTokenRequest(self.model, self.text, self.written))
        last = stages_after(loaded, asked, self.settings)[-1].probabilities
        is_greedy = self.settings.temperature == 0
        if is_greedy:
            drawn = [int(last.argmax())] * self.count
            shares = np.zeros(len(last))
            shares[drawn[0]] = 1.0
        else:
            drawn = draw(last.log(), asked.logits, random_numbers(self.settings.seed, self.count))
            shares = last.double().numpy()
            shares = shares / shares.sum()
        counts = np.bincount(drawn, minlength=len(shares))
        order = np.argsort(-shares, kind="stable")
        top = [int(token) for token in order[:_TOP] if shares[token] > 0]
        rest = np.ones(len(shares), dtype=np.bool_)
        rest[top] = False
        others = None
        if shares[rest].any():
            others = _told(None, "all others", float(shares[rest].sum()), int(counts[rest].sum()), self.count)
        pieces = loaded.pieces(top)
        found, freedom, p_value = chi_square(counts, shares)
        return Draws(
            count=self.count,
            tokens=tuple(
                _told(token, piece.text, float(shares[token]), int(counts[token]), self.count)
                for token, piece in zip(top, pieces, strict=True)
            ),
            others=others,
            chi_square=found,
            freedom=freedom,
            p_value=p_value,
            is_greedy=is_greedy,
        )


def _told(token: int | None, text: str, probability: float, count: int, draws: int) -> DrawnToken:
    low, high = count_interval(draws, probability)
    return DrawnToken(token, text, probability, count, low, high)


def count_interval(draws: int, probability: float | int, inside: float | int = _INSIDE) -> tuple[int, int]:
    """The smallest count that not more than half of the rest lies below, and the largest likewise: exact and binomial.

    From the quantile (1 - inside) / 2 to the quantile (1 + inside) / 2; counts are whole, so at least `inside` of all
    counts lie there.
    """
    if not 0 < probability < 1:
        return (draws, draws) if probability >= 1 else (0, 0)
    counts = torch.arange(draws + 1, dtype=torch.float64)
    ways = torch.lgamma(torch.tensor(draws + 1.0, dtype=torch.float64))
    ways = ways - torch.lgamma(counts + 1) - torch.lgamma(draws - counts + 1)
    logs = ways + torch.xlogy(counts, torch.tensor(float(probability), dtype=torch.float64))
    logs = logs + torch.xlogy(draws - counts, torch.tensor(1 - float(probability), dtype=torch.float64))
    reached = torch.cumsum(logs.exp(), dim=0)
    tails = torch.tensor([(1 - inside) / 2, (1 + inside) / 2], dtype=torch.float64)
    low, high = torch.searchsorted(reached, tails).clamp(max=draws).tolist()
    return int(low), int(high)


def chi_square(
    counts: Int64[np.ndarray, " cell"], probabilities: Float[np.ndarray, " cell"]
) -> tuple[float | None, int, float | None]:
    """Pearson's statistic, its degrees of freedom, and how often chance alone gives as much or more.

    Cells of which fewer than five draws are expected are taken together; where those together are still fewer, they go
    to the smallest of the others. (None, 0, None) where one cell is left. Infinite, and p 0, where something came that
    cannot come.

    Pearson 1900, doi:10.1080/14786440009463897; Cochran 1954, doi:10.2307/3001616.
    """
    wanted = probabilities * int(counts.sum())
    if counts[wanted == 0].any():
        return float("inf"), max(1, int((wanted >= _LEAST_EXPECTED).sum()) - 1), 0.0
    large = wanted >= _LEAST_EXPECTED
    small = ~large & (wanted > 0)
    cells = sorted(zip(wanted[large].tolist(), counts[large].tolist(), strict=True), reverse=True)
    if small.any():
        cells = _with_rest(cells, (float(wanted[small].sum()), int(counts[small].sum())))
    freedom = len(cells) - 1
    if freedom < 1:
        return None, 0, None
    found = sum((seen - expected) ** 2 / expected for expected, seen in cells)
    half = torch.tensor([freedom / 2, found / 2], dtype=torch.float64)
    return float(found), freedom, float(torch.special.gammaincc(half[0], half[1]))


def _with_rest(cells: Sequence[tuple[float, int]], rest: tuple[float, int]) -> list[tuple[float, int]]:
    if rest[0] >= _LEAST_EXPECTED or not cells:
        return [*cells, rest]
    *others, least = cells
    return [*others, (least[0] + rest[0], least[1] + rest[1])]
