"""What is found out of a class, and of each part of it."""

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["exact", "refused", "wrong", "crash", "not checked"]
Overall = Literal["exact", "refused", "wrong", "crash", "cannot be built"]


class WrongError(Exception):
    """What Headlight computes is not what transformers computes. figure: by how much, where that is a number."""

    def __init__(self, message: str, figure: float | None = None) -> None:
        super().__init__(message)
        self.figure = figure


class NotCheckedError(Exception):
    """Transformers gives nothing to compare with."""


class CannotBuildError(Exception):
    """There is no model of this class to look at, whatever Headlight does."""


@dataclass(frozen=True)
class Part:
    """One part. detail: why it is not exact. figure: the largest difference, where there is one."""

    name: str
    verdict: Verdict
    detail: str = ""
    figure: float | None = None


@dataclass(frozen=True)
class Outcome:
    """One class. layers: how many of each kind of attention Headlight shows. reason: why there is no reference."""

    name: str
    family: str = ""
    model_type: str = ""
    layers: tuple[tuple[str, int], ...] = ()
    parts: tuple[Part, ...] = ()
    reason: str = ""

    @property
    def verdict(self) -> Overall:
        """The worst of its parts."""
        if not self.parts:
            return "cannot be built"
        there = {part.verdict for part in self.parts}
        return next((each for each in ("crash", "wrong", "refused") if each in there), "exact")

    def of(self, verdict: str) -> tuple[Part, ...]:
        """Its parts with this verdict."""
        return tuple(part for part in self.parts if part.verdict == verdict)
