"""Which classes of transformers are swept, and as what."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import transformers
from transformers import CONFIG_MAPPING
from transformers.models.auto import modeling_auto

from models.catalog import Family
from tests.models.sweep.exceptions import TEXT_ENCODERS, VARIANTS

# What each mapping is for, in the order in which a class that stands in several is taken.
MAPPINGS = {
    "causal": "MODEL_FOR_CAUSAL_LM_MAPPING_NAMES",
    "seq2seq": "MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES",
    "masked": "MODEL_FOR_MASKED_LM_MAPPING_NAMES",
    "encoder": "MODEL_FOR_TEXT_ENCODING_MAPPING_NAMES",
    "base": "MODEL_MAPPING_NAMES",
}


@dataclass(frozen=True)
class Swept:
    """One class with one config.

    name: of the class; behind a slash what a variant of it is. kind: of `MAPPINGS`, or "text" for the text encoder of
    a model of pictures and texts. settings: what is set otherwise than the small figures say.
    """

    name: str
    class_name: str
    config_class: str
    model_type: str
    kind: str
    settings: dict[str, Any] = field(default_factory=dict, compare=False)


@cache
def swept() -> dict[str, Swept]:
    """All of them, by name."""
    found: dict[str, Swept] = {}
    for each in _all():
        found.setdefault(each.name, each)
    return dict(sorted(found.items(), key=lambda item: item[0].lower()))


def _all() -> Iterator[Swept]:
    for kind, mapping in MAPPINGS.items():
        for model_type, names in getattr(modeling_auto, mapping).items():
            for name in [names] if isinstance(names, str) else names:
                if kind != "base" or _reads_text(name):
                    yield Swept(name, name, _config_name(model_type, name), model_type, kind)
    for name in TEXT_ENCODERS:
        config = getattr(transformers, name).config_class
        yield Swept(name, name, config.__name__, config.model_type, "text")
    known = {name: CONFIG_MAPPING[name].__name__ for name in CONFIG_MAPPING}
    types = {config: model_type for model_type, config in reversed(known.items())}
    for name, (kind, config, settings, _) in VARIANTS.items():
        class_name = name.partition("/")[0]
        yield Swept(name, class_name, config, types.get(config, ""), kind, settings)


def _config_name(model_type: str, name: str) -> str:
    """The config that the class itself asks for; several model types may share a class, and one may have several."""
    own = getattr(getattr(transformers, name, None), "config_class", None)
    return own.__name__ if own is not None else CONFIG_MAPPING[model_type].__name__


def _reads_text(name: str) -> bool:
    """Whether a base model reads tokens, and nothing but tokens."""
    try:
        model_class = getattr(transformers, name)
        modalities, first = model_class.input_modalities, model_class.main_input_name
    except Exception:  # what a class needs that is not installed
        return False
    return modalities in ("text", ("text",)) and first == "input_ids"


def family_of(config: Any, kind: str) -> Family:
    """As what Headlight is given it."""
    if kind == "encoder" or kind == "text":
        return "encoder"
    if config.is_encoder_decoder:
        return "seq2seq"
    if kind == "causal":
        return "decoder"
    writes = config.model_type in modeling_auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES
    fills = config.model_type in modeling_auto.MODEL_FOR_MASKED_LM_MAPPING_NAMES
    return "decoder" if kind == "base" and writes and not fills else "encoder"

