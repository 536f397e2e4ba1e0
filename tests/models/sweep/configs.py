"""A tiny config of any config class, made from its fields and its defaults."""

import contextlib
import dataclasses
from collections.abc import Mapping
from itertools import cycle, islice
from types import MappingProxyType
from typing import Any

from transformers import PreTrainedConfig

from tests.models.sweep.figures import (
    ALWAYS,
    AS_IT_IS,
    ENCODER_LAYERS,
    FREE_TOKENS,
    KEY_VALUE_HEADS,
    PER_LAYER,
    SMALL,
    VOCABULARY,
)

Settings = Mapping[str, Any]


def tiny_config(
    config_class: type[PreTrainedConfig], exceptions: Mapping[str, Settings], more: Settings = MappingProxyType({})
) -> PreTrainedConfig:
    """A config of this class with the small figures.

    exceptions: for each name of a config class what is set otherwise in it, wherever it stands. more: the same for this
    one alone; what is in a dictionary under the name of a sub-config is set in that.
    """
    fields = {each.name: _default(each) for each in dataclasses.fields(config_class)}
    default = None
    with contextlib.suppress(Exception):
        default = config_class()
    own = {**exceptions.get(config_class.__name__, {}), **more}
    settings = {name: SMALL[name] for name, value in fields.items() if name in SMALL and value is not None}
    # Tokens are named also where there is none by default.
    settings |= {name: SMALL[name] for name in ("pad_token_id", "bos_token_id", "eos_token_id") if name in fields}
    settings |= {name: ALWAYS[name] for name in ALWAYS if name in fields}
    if settings.get("kv_lora_rank"):
        # Latent attention has a key for each head, and its own widths.
        settings |= {name: 4 for name in KEY_VALUE_HEADS if name in fields}
        settings.pop("head_dim", None)
    settings |= _per_layer(fields, default, own)
    settings |= _rotary(fields, default)
    settings |= _tokens(fields)
    settings |= _parts(config_class, default, exceptions, own)
    parts = set(getattr(config_class, "sub_configs", {}) or {})
    if getattr(default, "is_encoder_decoder", False):
        settings["decoder_start_token_id"] = SMALL["decoder_start_token_id"]
    if "num_decoder_layers" in fields and "num_layers" in fields:
        settings["num_layers"] = ENCODER_LAYERS
    settings |= {name: value for name, value in own.items() if name not in parts or not isinstance(value, Mapping)}
    return config_class(**{name: value for name, value in settings.items() if value is not AS_IT_IS})


def _default(field: dataclasses.Field) -> Any:
    if field.default is not dataclasses.MISSING:
        return field.default
    return field.default_factory() if field.default_factory is not dataclasses.MISSING else None


def _per_layer(fields: Settings, default: Any, own: Settings) -> dict[str, Any]:
    """One layer of each kind that the default config has, two at least."""
    kinds = {
        name: list(dict.fromkeys(getattr(default, name)))
        for name in PER_LAYER
        if name in fields and isinstance(getattr(default, name, None), list | tuple) and getattr(default, name)
    }
    if not kinds:
        return {}
    layers = own.get("num_hidden_layers") or max(2, *map(len, kinds.values()))
    found: dict[str, Any] = {name: list(islice(cycle(each), layers)) for name, each in kinds.items()}
    if "num_hidden_layers" in fields:
        found["num_hidden_layers"] = layers
    return found


def _rotary(fields: Settings, default: Any) -> dict[str, Any]:
    """Plain rotary positions: stretched ones do not fit so few positions."""
    given = getattr(default, "rope_parameters", None)
    if "rope_parameters" not in fields or not isinstance(given, Mapping):
        return {}

    def plain(each: Any) -> dict[str, Any]:
        kept = {name: each[name] for name in ("rope_theta", "partial_rotary_factor", "rope_type") if name in each}
        if kept.get("rope_type") not in (None, "default", "proportional"):
            kept["rope_type"] = "default"
        if "mrope_section" in each:
            kept["mrope_section"] = [2, 1, 1]
            kept |= {name: each[name] for name in ("mrope_interleaved",) if name in each}
        return kept

    if any(isinstance(each, Mapping) for each in given.values()):
        return {
            "rope_parameters": {
                name: plain(each) if isinstance(each, Mapping) else each for name, each in given.items()
            }
        }
    return {"rope_parameters": plain(given)}


def _tokens(fields: Settings) -> dict[str, int]:
    """Tokens beyond the small vocabulary, those of pictures and sounds mostly, become free ones."""
    free = cycle(FREE_TOKENS)
    return {
        name: next(free)
        for name, value in fields.items()
        if name.endswith(("_token_id", "_token_index", "_index"))
        and name not in SMALL
        and isinstance(value, int)
        and value >= VOCABULARY
    }


def _parts(
    config_class: type[PreTrainedConfig], default: Any, exceptions: Mapping[str, Settings], own: Settings
) -> dict[str, Any]:
    """The sub-configs, each made in the same way."""
    found = {}
    for name, part in (getattr(config_class, "sub_configs", None) or {}).items():
        if name in own and not isinstance(own[name], Mapping):
            continue
        made = getattr(default, name, None)
        part = type(made) if isinstance(made, PreTrainedConfig) else part
        if isinstance(part, type) and dataclasses.is_dataclass(part) and isinstance(made, PreTrainedConfig):
            found[name] = tiny_config(part, exceptions, own.get(name, {}))
    return found
