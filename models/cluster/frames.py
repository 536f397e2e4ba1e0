"""What a worker says while it answers, one frame after the other."""

from dataclasses import dataclass
from typing import Any, Literal

# An answer, or the steps of a job.
Asked = Literal["answer", "steps"]


@dataclass(frozen=True)
class Began:
    """The question has come to a worker."""


@dataclass(frozen=True)
class Place:
    """The place in its queue; 1 is the next."""

    place: int


@dataclass(frozen=True)
class Step:
    """A step of a job."""

    value: Any


@dataclass(frozen=True)
class Answered:
    """The answer; after the steps of a job, the one that it keeps."""

    value: Any


@dataclass(frozen=True)
class Refused:
    """A HeadlightError. kind: its class. values: what it was made with. more: its attributes, as far as they travel."""

    kind: str
    values: tuple[Any, ...]
    more: tuple[tuple[str, Any], ...]


@dataclass(frozen=True)
class Failed:
    """What nobody foresaw. fault: its number in the worker's log. what: the class of the error."""

    fault: str
    what: str
