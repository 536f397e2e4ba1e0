"""An atlas of a model in memory."""

from models.engine import Engine
from models.heads import Atlas, Bank
from models.heads.atlas_measurement import Measurement
from models.loading import LoadedModel


class EngineOf(Engine):
    """An engine that has one model, under every name."""

    def __init__(self, loaded: LoadedModel) -> None:
        super().__init__(10**8)
        self._loaded = loaded

    def model(self, name: str) -> LoadedModel:
        return self._loaded


def measured(loaded: LoadedModel, kind: str, bank: Bank, seed: int = 0) -> Atlas:
    steps = Measurement("in memory", kind, bank, seed).computed(EngineOf(loaded))
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def names(atlas: Atlas) -> dict[tuple[int, int], set[str]]:
    return {
        (layer, head): {each.role.key for each in atlas.names(layer, head)}
        for layer, count in enumerate(atlas.heads)
        for head in range(count)
    }
