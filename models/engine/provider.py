"""What the engine has to be given: how models and tokenizers are loaded, and what is known of the devices."""

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol, runtime_checkable


@dataclass(frozen=True)
class Device:
    """The device that computes.

    kind: "cpu", "cuda" or "mps". name: for people. most_model_bytes: how many bytes models may take of it.
    memory: bytes that it has.
    """

    kind: str
    name: str
    most_model_bytes: int
    memory: int


@dataclass(frozen=True)
class Provider:
    """Functions that know models, tokenizers and devices; each imports torch itself, where it needs it.

    load_model, load_tokenizer: by name.
    bytes_by_device: bytes that a model takes on each device. most_bytes: how many models may take on this device.
    device: the one that computes, where these types of devices have failed.
    failure_of: of an error, "full" for a device without memory, "failed" for one that computes nothing any more, None
        for a mistake of ours. let_go_of: frees what the functions that failed were holding.
    empty_caches: hands what is kept for later back to the devices.
    """

    load_model: Callable[[str], Any]
    load_tokenizer: Callable[[str], Any]
    bytes_by_device: Callable[[Any], Mapping[str, int]]
    most_bytes: Callable[[str], int]
    device: Callable[[frozenset[str]], Device]
    failure_of: Callable[[BaseException], Literal["full", "failed"] | None]
    let_go_of: Callable[[BaseException], None]
    empty_caches: Callable[[], None]


_provider: Provider | None = None


def provide(provider: Provider) -> None:
    """Set what every engine of this process uses."""
    global _provider  # noqa: PLW0603 - one process has one machine
    _provider = provider


def provided() -> Provider:
    """What was set. Raises RuntimeError where nothing was."""
    if _provider is None:
        raise RuntimeError("the engine was not given its loaders: see models/running.py")
    return _provider


@runtime_checkable
class Elsewhere(Protocol):
    """Who answers questions in the place of this process."""

    def takes(self, request: object) -> bool:
        """Whether this one is answered there."""
        ...

    def answer(self, request: Any) -> Any:
        """The answer. Raises what the request raises, and a HeadlightError where nobody is there."""
        ...

    def steps(self, request: Any) -> Generator[Any, None, tuple[Any, ...]]:
        """The steps of a job; it returns the answer that is kept of it, or nothing. Raises as `answer` does."""
        ...


_elsewhere: Elsewhere | None = None


def ask_elsewhere(there: Elsewhere | None) -> None:
    """Have every engine of this process ask there first; None: nowhere."""
    global _elsewhere  # noqa: PLW0603 - one process has one cluster
    _elsewhere = there


def elsewhere(request: object) -> Elsewhere | None:
    """Who answers this request in the place of this process; None where it does so itself."""
    return _elsewhere if _elsewhere is not None and _elsewhere.takes(request) else None
