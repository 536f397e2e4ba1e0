"""Empty caches, as transformers' `generate` makes them for a model."""

from functools import partial
from typing import Any

from transformers import GenerationConfig, PreTrainedModel
from transformers.cache_utils import BaseQuantizedLayer, Cache, DynamicLayer, EncoderDecoderCache, StaticLayer
from transformers.generation import GenerationMode


def fresh_cache(model: PreTrainedModel) -> Cache | None:
    """The growing cache that `generate` begins with, open-ended; None for a class that has one of its own kind."""
    writer: Any = model
    made: dict[str, Any] = {}
    writer._prepare_cache_for_generation(GenerationConfig(use_cache=True), made, GenerationMode.GREEDY_SEARCH, 1, 1)
    cache = made.get("past_key_values")
    return open_ended(cache) if isinstance(cache, Cache) else None


def open_ended(cache: Cache) -> Cache:
    """The same cache, which takes further layers as they come.

    A cache is made as deep as `num_hidden_layers` of the config, and for T5 and BART that is the depth of the encoder:
    a deeper decoder finds no layer to write to.
    """
    if isinstance(cache, EncoderDecoderCache):
        open_ended(cache.self_attention_cache)
        open_ended(cache.cross_attention_cache)
    elif cache.layer_class_to_replicate is None:
        lengths = [layer.max_cache_len for layer in cache.layers if isinstance(layer, StaticLayer)]
        rounded = [type(layer) for layer in cache.layers if isinstance(layer, BaseQuantizedLayer)]
        further: Any = partial(StaticLayer, max_cache_len=max(lengths)) if lengths else DynamicLayer
        cache.layer_class_to_replicate = rounded[0] if rounded else further
    return cache
