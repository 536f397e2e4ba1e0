"""What a page has to know of a model that is loaded, and of the device that computes, wherever these are."""

from dataclasses import dataclass

from models.engine import Engine
from models.engine.provider import Device, provided


@dataclass(frozen=True)
class ModelHere:
    """A loaded model's own facts, under the names that `LoadedModel` has them by.

    device: as torch writes it. bytes_by_device: that it takes.
    """

    device: str
    note: str
    vocabulary: int
    bytes_by_device: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class ModelHereRequest:
    """Have a model loaded."""

    model: str

    def answer(self, engine: Engine) -> ModelHere:
        """Raises what `load_model` raises."""
        loaded = engine.model(self.model)
        takes = provided().bytes_by_device(loaded)
        return ModelHere(str(loaded.device), loaded.note, loaded.vocabulary, tuple(sorted(takes.items())))


@dataclass(frozen=True)
class DeviceRequest:
    """The device that computes."""

    def answer(self, engine: Engine) -> Device:
        """Raises DeviceError."""
        return engine.device()
