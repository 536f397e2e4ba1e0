"""What is asked of a model that is handed over in memory: figures for its card."""

from typing import Any

import torch
from transformers import PreTrainedModel

from models.loading.checks_before_reading import ArchitectureNotSupportedError, ModelRefusedError, check_attention
from models.loading.vision_towers import seeing_config

_FIGURES = {
    "layers": "num_hidden_layers",
    "heads": "num_attention_heads",
    "key_value_heads": "num_key_value_heads",
    "width": "hidden_size",
    "vocabulary": "vocab_size",
}


def card_figures(model: PreTrainedModel) -> dict[str, Any]:
    """The fields of a card that are numbers of its config, by the card's names.

    Raises ModelRefusedError for a model that does not read tokens, ArchitectureNotSupportedError for one without
    attention heads, or with another number of them in each layer.
    """
    name = type(model).__name__
    check_attention(type(model))
    if model.main_input_name != "input_ids" or not _has_input_table(model):
        raise ModelRefusedError(f"{name} does not read text as tokens; choose a language model.")
    try:
        text: Any = model.config.get_text_config()
    except ValueError as error:
        raise ModelRefusedError(
            f"{name} has several parts that read text, and none is its own; choose a model with one."
        ) from error
    found = {field: _numbers(text, written) for field, written in _FIGURES.items()}
    return _figures(name, found)


def seeing_figures(model: PreTrainedModel) -> dict[str, Any]:
    """The same of a vision model. Raises ArchitectureNotSupportedError."""
    check_attention(type(model))
    config = seeing_config(model.config)
    found = {field: _numbers(config, written) for field, written in _FIGURES.items() if field != "vocabulary"}
    return _figures(type(model).__name__, found) | {"vocabulary": 0}


def _figures(name: str, found: dict[str, set[int]]) -> dict[str, int]:
    # Where it is not said, each query head has a key head of its own.
    found["key_value_heads"] = found["key_value_heads"] or found["heads"]
    for field, numbers in found.items():
        if len(numbers) != 1:
            written = _FIGURES[field]
            differ = f"the layers of {name} differ in {written} ({', '.join(map(str, sorted(numbers)))})"
            lacks = f"the config of {name} names no {written}"
            raise ArchitectureNotSupportedError(
                f"There are no heads to lay side by side, since {differ if numbers else lacks}; choose a transformer "
                "in which all layers have as many."
            )
    return {field: next(iter(numbers)) for field, numbers in found.items()}


def _has_input_table(model: PreTrainedModel) -> bool:
    try:
        table: Any = model.get_input_embeddings()
    except (NotImplementedError, AttributeError):
        return False
    # A model of sounds has a table for each of its codebooks.
    weight = getattr(table, "weight", None)
    return isinstance(weight, torch.Tensor) and weight.dim() == 2


def _numbers(config: Any, name: str) -> set[int]:
    """The different numbers that layers have under this name; none where the config does not say."""
    try:
        given = getattr(config, name, None)
    except RuntimeError:
        # What layers may have each of their own is not told for the whole.
        given = [getattr(each, name, None) for each in config.per_layer_config]
    each = given if isinstance(given, list | tuple) else [given]
    return {number for number in each if isinstance(number, int) and number > 0}
