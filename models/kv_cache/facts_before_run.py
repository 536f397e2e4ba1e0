"""What is known of a cache before it is filled: of a loaded model, and of the known architectures."""

from dataclasses import dataclass
from typing import Any

from transformers import AutoConfig, PreTrainedConfig

from models.catalog import ARCHITECTURES, KnownArchitecture
from models.engine import Engine
from models.kv_cache.kept_shapes import kept_shape
from models.kv_cache.planning import Planned
from models.kv_cache.shape import CacheFormulaError, LayerShape
from models.kv_cache.shape_from_config import cache_shape
from models.one_at_a_time import one_at_a_time


@dataclass(frozen=True)
class CacheFacts:
    """What a loaded model will keep, from its config, and what stands beside it.

    shape: of its cache; () for an encoder, which keeps nothing. query_heads: of each layer.
    weight_bytes: of all parameters, as they are in memory. positions: its longest text, None for no end.
    dtype: of the cache that it fills.
    """

    shape: tuple[LayerShape, ...]
    query_heads: int
    weight_bytes: int
    positions: int | None
    dtype: str


@dataclass(frozen=True)
class KnownCache:
    """A known architecture, and what its cache keeps."""

    architecture: KnownArchitecture
    shape: tuple[LayerShape, ...]

    @property
    def weight_bytes(self) -> int:
        """Of all its parameters, as published."""
        return self.architecture.parameters * self.architecture.weight_bits // 8

    @property
    def planned(self) -> Planned:
        """As something to be run. Weights in 8 bits come with a cache of 16."""
        of, figures = self.architecture, self.architecture.figures
        heads: Any = figures.get("num_attention_heads") or figures.get("n_head")
        bits = of.weight_bits
        return Planned(of.title, self.shape, heads, of.parameters, bits, max(16, bits), of.positions)


def known_config(architecture: KnownArchitecture) -> PreTrainedConfig:
    """The config that transformers makes of an architecture's figures."""
    # transformers imports the class when it is asked for.
    with one_at_a_time():
        return AutoConfig.for_model(architecture.model_type, **architecture.figures)


@dataclass(frozen=True)
class CacheFactsRequest:
    """Of a model by its name."""

    model: str

    def answer(self, engine: Engine) -> CacheFacts:
        """Raises what `load_model` raises, and CacheFormulaError."""
        loaded = engine.model(self.model)
        if why := loaded.refusal("cache"):
            raise CacheFormulaError(why)
        weights = {each.data_ptr(): each.nbytes for each in loaded.model.parameters()}
        return CacheFacts(
            shape=cache_shape(loaded.model.config, type(loaded.model)),
            query_heads=loaded.card.heads,
            weight_bytes=sum(weights.values()),
            positions=loaded.positions,
            dtype=str(loaded.model.dtype).removeprefix("torch."),
        )


@dataclass(frozen=True)
class KnownCacheRequest:
    """Of a known architecture by its name."""

    name: str

    def answer(self, engine: Engine) -> KnownCache:  # noqa: ARG002 - there is nothing to load
        """As it was seen once, else only its config is made: no weights, no network."""
        architecture = ARCHITECTURES[self.name]
        kept = kept_shape(architecture)
        return KnownCache(architecture, cache_shape(known_config(architecture)) if kept is None else kept)


@dataclass(frozen=True)
class KnownCachesRequest:
    """Of all known architectures."""

    def answer(self, engine: Engine) -> tuple[KnownCache, ...]:
        """Only configs are made: no weights, no network."""
        return tuple(engine.run(KnownCacheRequest(each)) for each in ARCHITECTURES)
