"""What the pages ask of caches and their formulas."""

from dataclasses import dataclass

from models.catalog import ARCHITECTURES
from models.engine import Engine
from models.kv_cache.facts import CacheFacts, KnownCache, cache_facts, known_cache


@dataclass(frozen=True)
class CacheFactsRequest:
    """Of a model by its name."""

    model: str

    def answer(self, engine: Engine) -> CacheFacts:
        """Raises what `load_model` raises, and CacheFormulaError."""
        return cache_facts(engine.model(self.model))


@dataclass(frozen=True)
class KnownCachesRequest:
    """Of all known architectures."""

    def answer(self, engine: Engine) -> tuple[KnownCache, ...]:  # noqa: ARG002 - there is nothing to load
        """Only configs are made: no weights, no network."""
        return tuple(map(known_cache, ARCHITECTURES.values()))
