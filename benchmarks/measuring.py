"""Interleaved pairs, ratios with an interval, and the rows of the table."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

_RESAMPLES = 10_000
_SEED = 20_260
WARM_UP = 3

Measure = Callable[[], float]


@dataclass(frozen=True)
class MeasuredPairs:
    """What was measured: `ours[i]` and `beside[i]` directly after one another."""

    ours: tuple[float, ...]
    beside: tuple[float, ...]

    @property
    def ratios(self) -> np.ndarray:
        """Ours by the alternative, pair by pair."""
        return np.divide(self.ours, self.beside)


@dataclass(frozen=True)
class Interval:
    """A median and the range in which it lies with 95 %."""

    median: float
    low: float
    high: float

    def __str__(self) -> str:
        if self.low == self.high:
            return rounded(self.median)
        return f"{rounded(self.median)} ({rounded(self.low)} to {rounded(self.high)})"


@dataclass(frozen=True)
class Limit:
    """The most that a number may be.

    of: which number: the median of the ratios, the lower end of their interval (the limit is broken when the
        measurement shows that it is), or the value of Headlight itself.
    """

    most: float
    of: Literal["ratio", "ratio's lower end", "value"]
    text: str


NONE = Limit(0, "value", "none")


@dataclass(frozen=True)
class Row:
    """One line of the table.

    what: what was done. ours, beside: as people read them; beside is empty where there is no alternative.
    value: Headlight's number where the limit is on it. raw: every number behind the line, for --json.
    """

    what: str
    ours: str
    beside: str = ""
    ratio: Interval | None = None
    value: float | None = None
    limit: Limit | None = None
    raw: dict[str, object] = field(default_factory=dict)

    @property
    def holds(self) -> bool | None:
        """Whether the budget is held; None where there is none."""
        if self.limit is None:
            return None
        if self.limit.of == "value":
            number = self.value
        elif self.ratio is None:
            number = None
        else:
            number = self.ratio.median if self.limit.of == "ratio" else self.ratio.low
        if number is None:
            raise ValueError(f"“{self.what}” has a budget for a {self.limit.of} that was not measured.")
        return bool(number <= self.limit.most)


def interleaved(ours: Measure, beside: Measure, pairs: int, warm_up: int = WARM_UP) -> MeasuredPairs:
    """Measure both `pairs` times, in turn, each going first in every second pair; the first `warm_up` do not count."""
    first, second = [], []
    for number in range(-warm_up, pairs):
        if number % 2:
            one, other = ours(), beside()
        else:
            other, one = beside(), ours()
        if number >= 0:
            first.append(one)
            second.append(other)
    return MeasuredPairs(tuple(first), tuple(second))


def interval(values: Sequence[float] | np.ndarray) -> Interval:
    """The median and its 95 % bootstrap interval (percentiles of the medians of resampled values)."""
    values = np.asarray(values, dtype=np.float64)
    drawn = np.random.default_rng(_SEED).integers(len(values), size=(_RESAMPLES, len(values)))
    low, high = np.percentile(np.median(values[drawn], axis=1), (2.5, 97.5))
    return Interval(float(np.median(values)), float(low), float(high))


def compared(what: str, pairs: MeasuredPairs, shown: Callable[[float], str], limit: Limit | None = None) -> Row:
    """The line of a comparison: both medians, the ratio of each pair, the budget."""
    return Row(
        what,
        shown(float(np.median(pairs.ours))),
        shown(float(np.median(pairs.beside))),
        interval(pairs.ratios),
        limit=limit,
        raw={"ours": pairs.ours, "beside": pairs.beside},
    )


def alone(
    what: str, value: float, shown: Callable[[float], str], limit: Limit | None = None, measured: object = None
) -> Row:
    """The line of a number with nothing beside it, and its budget. measured: the numbers that it is made of, if any."""
    return Row(what, shown(value), value=value, limit=limit, raw={} if measured is None else {"ours": measured})


def rerun_rows(what: str, until: str, pairs: MeasuredPairs, received: list[int], most: Limit) -> Iterator[Row]:
    """How long something on a page takes `until` it is done, beside an empty rerun, and the most bytes received."""
    beside = f"{what}, {until} (beside: an empty rerun of Streamlit as it comes)"
    yield compared(beside, pairs, duration, Limit(3.0, "ratio", "at most 3 × an empty rerun"))
    yield alone(f"{what}: bytes received, the most", max(received), size, most, received)


def seconds_of(work: Callable[[], object]) -> float:
    """How long one call takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def rounded(number: float) -> str:
    """Two decimals, or two digits where that would hide the number."""
    return f"{number:.2f}" if number >= 0.1 else f"{number:.2g}"


def duration(seconds: float) -> str:
    """Milliseconds below a second, else seconds."""
    return f"{seconds * 1000:,.0f} ms" if seconds < 1 else f"{seconds:,.1f} s"


def milliseconds(seconds: float) -> str:
    """With a decimal, for what a frame has room for."""
    return f"{seconds * 1000:.1f} ms"


def size(count: float) -> str:
    """Decimal units: kB, MB, GB."""
    for unit, power in (("GB", 9), ("MB", 6)):
        if count >= 10**power:
            return f"{count / 10**power:,.1f} {unit}"
    return f"{count / 1000:,.0f} kB"


def table(rows: Sequence[Row]) -> str:
    """The rows as one markdown table."""
    lines = [
        "| what | Headlight | beside | ratio (95 % interval) | budget | holds? |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        verdict = {True: "yes", False: "**no**", None: ""}[row.holds]
        cells = (row.what, row.ours, row.beside, row.ratio or "", row.limit.text if row.limit else "", verdict)
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines)
