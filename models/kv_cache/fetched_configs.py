"""What the caches of models keep that were fetched from the hub, from their configs alone: nothing is loaded."""

from dataclasses import dataclass
from types import MappingProxyType

from models.catalog import KnownArchitecture
from models.engine import Engine
from models.errors import HeadlightError
from models.kv_cache.config_file import ConfigFileRequest
from models.kv_cache.facts_before_run import KnownCache
from models.loading.hub import FetchedConfig
from models.loading.hub_ids import HUB


@dataclass(frozen=True)
class FetchedCachesRequest:
    """Of these configs, those of models that write and say how far they go."""

    configs: tuple[FetchedConfig, ...]

    def answer(self, engine: Engine) -> tuple[KnownCache, ...]:
        """Encoders, and what is not predicted, are left out."""
        found = (_known(engine, each) for each in self.configs)
        return tuple(each for each in found if each is not None)


def _known(engine: Engine, config: FetchedConfig) -> KnownCache | None:
    try:
        planned = engine.run(ConfigFileRequest(config.text))
    except HeadlightError:
        return None
    if planned.positions is None:
        return None
    which = config.of
    architecture = KnownArchitecture(
        name=f"{HUB}{which.repository}@{which.revision}",
        title=f"{which.repository.rpartition('/')[2]} (fetched here)",
        model_type="",
        figures=MappingProxyType({"num_attention_heads": planned.query_heads}),
        parameters=planned.parameters,
        positions=planned.positions,
        source=f"https://huggingface.co/{which.repository}",
        weight_bits=int(planned.weight_bits),
    )
    return KnownCache(architecture, planned.shape)
