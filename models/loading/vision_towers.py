"""Which models see pictures, and which part of them does."""

from collections.abc import Collection
from typing import Any

from transformers import MODEL_MAPPING, PreTrainedConfig, PreTrainedModel
from transformers.models.auto.modeling_auto import MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING_NAMES

PIXELS = "pixel_values"


def seeing_class(config: PreTrainedConfig) -> type[PreTrainedModel] | None:
    """The class of a model that sees pictures and writes nothing: a vision model, or two towers that compare pictures
    with texts; else None.
    """
    if type(config) not in MODEL_MAPPING:
        return None
    found: Any = MODEL_MAPPING[type(config)]
    model_class: type[PreTrainedModel] = found[0] if isinstance(found, tuple) else found
    if model_class.main_input_name == PIXELS:
        return model_class
    compares = hasattr(model_class, "get_image_features") and hasattr(model_class, "get_text_features")
    return model_class if compares and getattr(config, "vision_config", None) is not None else None


def seeing_config(config: PreTrainedConfig) -> PreTrainedConfig:
    """The config of the part that sees."""
    return getattr(config, "vision_config", None) or config


def seeing_part(model: PreTrainedModel) -> PreTrainedModel:
    """The part of a model that is given the pixels, without a head."""
    has_head = classifies_pictures([type(model).__name__])
    part: Any = getattr(model, "vision_model", model.base_model if has_head else model)
    return part if isinstance(part, PreTrainedModel) else model


def classifies_pictures(named: Collection[str]) -> bool:
    """Whether a class among these has a head that classifies pictures."""
    heads: set[str] = set()
    for each in MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING_NAMES.values():
        heads |= {each} if isinstance(each, str) else set(each)
    return bool(set(named) & heads)
