"""Which classes of transformers are swept, and as what."""

import inspect
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import transformers
from transformers import CONFIG_MAPPING
from transformers.models.auto import modeling_auto

from models.catalog import Family
from tests.models.sweep.exceptions import TEXT_ENCODERS, VARIANTS

# What each mapping is for; a class that stands in several is swept as what it is in the first.
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
    model_type: str
    kind: str
    settings: dict[str, Any] = field(default_factory=dict, compare=False)

    @property
    def class_name(self) -> str:
        """Of the model."""
        return self.name.partition("/")[0]

    @property
    def config_class(self) -> type[transformers.PreTrainedConfig]:
        """The config that the class itself asks for: several model types may share a class."""
        own = getattr(getattr(transformers, self.class_name), "config_class", None)
        return own or CONFIG_MAPPING[self.model_type]


@cache
def swept() -> dict[str, Swept]:
    """All of them, by name; every modelling file of transformers is imported for it."""
    return {
        name: each
        for name, each in sorted(_named().items(), key=lambda item: (item[0].lower(), item[0]))
        if each.kind != "base" or "/" in name or _reads_text(name)
    }


def one(name: str) -> Swept:
    """The one of this name, without a look at the others."""
    return _named()[name]


@cache
def _named() -> dict[str, Swept]:
    found: dict[str, Swept] = {}
    for each in _all():
        found.setdefault(each.name, each)
    for name, (settings, _) in VARIANTS.items():
        whole = found[name.partition("/")[0]]
        found[name] = Swept(name, whole.model_type, whole.kind, settings)
    return found


def _all() -> Iterator[Swept]:
    for kind, mapping in MAPPINGS.items():
        for model_type, names in getattr(modeling_auto, mapping).items():
            for name in [names] if isinstance(names, str) else names:
                yield Swept(name, model_type, kind)
    for name in TEXT_ENCODERS:
        yield Swept(name, "", "text")


def _reads_text(name: str) -> bool:
    """Whether a base model reads tokens, and nothing but tokens."""
    try:
        model_class = getattr(transformers, name)
        modalities, first = model_class.input_modalities, model_class.main_input_name
    except Exception:  # what a class needs that is not installed
        return False
    read = {modalities} if isinstance(modalities, str) else set(modalities)
    return read == {"text"} and first == "input_ids"


def has_decoder(model: Any) -> bool:
    """Whether it reads a source and a target."""
    return "decoder_input_ids" in inspect.signature(model.forward).parameters


def family_of(model: Any, kind: str) -> Family:
    """As what Headlight is given it."""
    if has_decoder(model):
        return "seq2seq"
    if kind in ("encoder", "text", "masked"):
        return "encoder"
    model_type = model.config.model_type
    writes = model_type in modeling_auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES
    fills = model_type in modeling_auto.MODEL_FOR_MASKED_LM_MAPPING_NAMES
    return "decoder" if model.can_generate() or (writes and not fills) else "encoder"
