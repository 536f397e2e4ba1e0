"""Which parts a model has that can be switched off: heads, MLPs, layers, and where they are."""

from dataclasses import dataclass
from typing import Literal

from models.attention.trace import AttentionTrace
from models.engine import Engine
from models.errors import HeadlightError
from models.heads.layer_and_mlp_modules import SeenBlock, seen_blocks
from models.loaded import LoadedModel

Part = Literal["heads", "mlps", "layers"]

MOST_PARTS = 4_096


class EffectsError(HeadlightError):
    """A text, a model or a part of which no effects are computed."""


@dataclass(frozen=True, order=True)
class Place:
    """One head: kind ("encoder", "decoder" or "cross"), layer and head, from 0. Of an MLP or a layer, head is 0."""

    kind: str
    layer: int
    head: int = 0


@dataclass(frozen=True)
class PartsRequest:
    """Which parts of a model can be switched off: where its MLPs or layers cannot be seen, they are not among them."""

    model: str

    def answer(self, engine: Engine) -> tuple[Part, ...]:
        """Raises what `load_model` raises."""
        loaded = engine.model(self.model)
        with engine.forward(loaded):
            blocks = seen_blocks(loaded)
        seen: dict[Part, bool] = {
            "heads": True,
            "mlps": any(each.mlp is not None for each in blocks),
            "layers": bool(blocks),
        }
        return tuple(part for part, is_there in seen.items() if is_there)


def blocks_of(loaded: LoadedModel, part: Part) -> dict[tuple[str, int], SeenBlock]:
    """The layers by kind and number; for MLPs those in which it can be seen.

    Takes the device: call it while holding its lock.
    """
    return {(each.kind, each.layer): each for each in seen_blocks(loaded) if part != "mlps" or each.mlp is not None}


def places_of(trace: AttentionTrace, part: Part) -> tuple[Place, ...]:
    """Every part of this sort, in the order in which people count.

    Takes the device: call it while holding its lock.

    Raises EffectsError for a model that has none, or too many.
    """
    loaded = trace.loaded
    if part == "heads":
        places = [
            Place(kind, layer, head)
            for kind in trace.kinds
            for layer in trace.layers(kind)
            for head in range(trace.heads(kind, layer))
        ]
    else:
        places = sorted(Place(*address) for address in blocks_of(loaded, part))
    if not places:
        raise EffectsError(
            f"It cannot be seen which modules are the {'MLPs' if part == 'mlps' else part} of {loaded.card.title}, so "
            "that none is switched off; take its heads."
        )
    if len(places) > MOST_PARTS:
        raise EffectsError(
            f"{loaded.card.title} has {len(places):,} {part}, and each takes a run of its own: at most {MOST_PARTS:,} "
            "are switched off. Choose a smaller model."
        )
    return tuple(places)
