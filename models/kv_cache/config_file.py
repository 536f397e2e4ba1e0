"""What a config.json plans for: the shape of its cache and the number of its parameters, without weights."""

import json
from dataclasses import dataclass
from typing import Any

from transformers import PreTrainedConfig

from models.engine import Engine
from models.kv_cache.planning import Planned
from models.kv_cache.shape import CacheFormulaError
from models.kv_cache.shape_from_config import cache_shape, parameters_of
from models.loading.checks_before_reading import config_from, of_few_modules, readable_title
from models.loading.json_files import settings_in
from models.loading.refusals import ModelRefusedError

_FILE = "config.json"
_BITS = {"float32": 32, "float64": 32, "float16": 16, "bfloat16": 16}
# Twice what NLLB-MoE has, each of whose experts is a module: they are made once to be counted and once to be run. A
# stranger's numbers take no longer than about four seconds.
_MOST_MODULES = 12_000
# What says how its weights are packed or which program reads them, and nothing of sizes; no code of it is run here.
_NOT_ASKED = ("quantization_config", "auto_map", "custom_pipelines")


@dataclass(frozen=True)
class ConfigFileRequest:
    """What a config.json, pasted, plans for."""

    text: str

    def answer(self, engine: Engine) -> Planned:  # noqa: ARG002 - there is nothing to load
        """Raises ModelRefusedError for text that is no config of a known architecture or numbers beyond those of any
        model, CacheFormulaError where its cache is not predicted.
        """
        config: Any = config_in(self.text)
        try:
            with of_few_modules(_MOST_MODULES):
                parameters = parameters_of(config)
                shape = cache_shape(config)
        except (CacheFormulaError, ModelRefusedError):
            raise
        except Exception as error:
            # A config may say anything under any key, and its class stumbles on it.
            raise ModelRefusedError(
                f"This config.json makes no model ({type(error).__name__}): its numbers do not fit together."
            ) from error
        if not shape:
            raise CacheFormulaError(
                f"An encoder ({readable_title(config.model_type)}) keeps nothing, so there is no cache to plan for; "
                "paste the config.json of a model that writes."
            )
        text: Any = config.get_text_config(decoder=True)
        said = str(getattr(config, "dtype", None) or getattr(text, "dtype", None) or "float32").removeprefix("torch.")
        positions = getattr(text, "max_position_embeddings", None)
        return Planned(
            title=f"{readable_title(config.model_type)} of this config.json",
            shape=shape,
            query_heads=getattr(text, "num_attention_heads", None) or max(layer.heads for layer in shape),
            parameters=parameters,
            weight_bits=_BITS.get(said, 16),
            cache_bits=_BITS.get(said, 16),
            positions=positions if isinstance(positions, int) and positions > 0 else None,
            is_seq2seq=any(layer.kind == "cross" for layer in shape),
        )


def config_in(text: str) -> PreTrainedConfig:
    """What a pasted config.json makes; how its weights are packed is not asked. Raises ModelRefusedError."""
    return config_from(_settings(text))


def _settings(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise ModelRefusedError("This is no config.json: paste all of it, from the first { to the last }.")
    return settings_in(
        json.dumps({key: value for key, value in found.items() if key not in _NOT_ASKED}).encode(), _FILE
    )
