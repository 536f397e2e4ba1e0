"""What a question of a lesson is answered with: a few named numbers of one unit."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from models.errors import HeadlightError

Unit = Literal["part", "count", "bytes", "cosine", "score", "rank", "times"]
MOST_READINGS = 64


class QuestionError(HeadlightError):
    """A question that makes no sense for this text or model."""


@dataclass(frozen=True)
class Readings:
    """The answer to a question, computed: `values[i]` belongs to `labels[i]`, each label stands once.

    unit: "part" of 1; "count" of things; "bytes"; "cosine" from -1 to 1; "score" before a softmax; "rank" from 1 on;
        "times" as much as something else.
    """

    unit: Unit
    labels: tuple[str, ...]
    values: tuple[float | int, ...]

    def value(self, label: str) -> float | int:
        """The number of this name. Raises QuestionError where there is none."""
        if label not in self.labels:
            raise QuestionError("This text does not hold what the step asks about; go back to the lesson's own text.")
        return self.values[self.labels.index(label)]


def readings(unit: Unit, labels: Sequence[str], values: Sequence[float | int]) -> Readings:
    """The readings, of equal labels the second one numbered. Raises QuestionError for more than can be shown."""
    if len(labels) > MOST_READINGS:
        raise QuestionError(
            f"This text gives {len(labels):,} numbers here, and a step compares {MOST_READINGS} at the most; take a "
            "shorter one."
        )
    seen: dict[str, int] = {}
    unique = []
    for label in labels:
        seen[label] = seen.get(label, 0) + 1
        unique.append(label if seen[label] == 1 else f"{label} ({seen[label]})")
    return Readings(unit, tuple(unique), tuple(values))
