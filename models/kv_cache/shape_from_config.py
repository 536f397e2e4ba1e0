"""The shape of a model's cache, seen: the model runs without weights, on torch's meta device."""

import copy
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from transformers import (
    MODEL_FOR_CAUSAL_LM_MAPPING,
    MODEL_FOR_MASKED_LM_MAPPING,
    MODEL_FOR_MULTIMODAL_LM_MAPPING,
    MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING,
    MODEL_FOR_TEXT_TO_WAVEFORM_MAPPING,
    MODEL_MAPPING,
    PreTrainedConfig,
    PreTrainedModel,
)
from transformers.cache_utils import Cache, EncoderDecoderCache

from models.kv_cache.empty_cache import fresh_cache
from models.kv_cache.measurement import CacheMeasurement, measure_cache, shape_of
from models.kv_cache.shape import CacheFormulaError, LayerShape
from models.kv_cache.size_formula import Dtype, predict
from models.one_at_a_time import one_at_a_time

# Two rows, so that what grows with the rows is told from what does not.
_ROWS = 2
_TOKENS = 3
_SOURCE = 5
# Not what models are made in, so that what is always kept in 32 bits is told from what follows the model's precision.
_DTYPE = torch.bfloat16
# Beyond this a config is no model that anybody has: making its modules alone would take minutes.
_MOST_LAYERS = 512


def cache_shape(config: PreTrainedConfig, model_class: type[PreTrainedModel] | None = None) -> tuple[LayerShape, ...]:
    """What a model with this config keeps, layer by layer, those of cross-attention last; () for an encoder.

    model_class: None is the class that transformers' auto-mappings name for the config. The first time it takes about
    4 ms a layer.

    Raises CacheFormulaError where the class keeps something else than keys, values and states, or does not run so.
    """
    # transformers imports classes when they are asked for, and swaps functions while a model is made.
    with one_at_a_time():
        found = model_class or _class_of(config)
        if found is None or not found.can_generate():
            return ()
        try:
            seen = _seen(_Asked(found, config.to_json_string(use_diff=False), config))
        except (ImportError, TypeError) as error:
            seen = f"it could not be asked ({type(error).__name__})"
    if isinstance(seen, str):
        raise _not_predicted(found.__name__, seen)
    return seen


def parameters_of(config: PreTrainedConfig) -> int:
    """How many parameters the class that writes with this config has, tied ones once; 0 for an encoder.

    Raises CacheFormulaError for a config of no class that writes, and what the class raises on numbers that do not fit.
    """
    with one_at_a_time():
        found = _class_of(config)
        if found is None:
            return 0
        if _is_too_deep(config):
            raise _not_predicted(found.__name__, f"its config names more than {_MOST_LAYERS} layers")
        with torch.device("meta"):
            return _without_weights(_Asked(found, "", config), "eager").num_parameters()


def _not_predicted(name: str, since: str) -> CacheFormulaError:
    return CacheFormulaError(
        f"There is no formula for the cache of {name}: it is not predicted for this architecture, since {since}; it "
        "can only be measured."
    )


def predict_cache(
    config: PreTrainedConfig,
    positions: int,
    batch: int = 1,
    dtype: Dtype = "float32",
    *,
    beams: int = 1,
    source_positions: int = 0,
    newest: int = 1,
    allocated_positions: int | None = None,
) -> CacheMeasurement:
    """What `measure_cache` will find in the cache of a model with this config.

    positions: how many tokens have been through the decoder: prompt + generated - 1, since the token that was just
        drawn has not been. For an encoder-decoder, those of the output, its start token counted.
    batch, beams: rows are their product. dtype: of the cache ("fp32", "bf16", "fp8", "int4", torch.bfloat16, ...).
    source_positions: of an encoder-decoder's source.
    newest: how many positions came with the last forward; a sliding layer's memory still holds those before.
    allocated_positions: of a static cache, which is allocated at once; a sliding layer's there keeps its whole window.

    Raises CacheFormulaError.
    """
    return predict(
        cache_shape(config),
        positions,
        rows=batch * beams,
        dtype=dtype,
        source_positions=source_positions,
        # Beams are copied when they are put in order, and a copy is as long as what it copies.
        newest=newest if beams == 1 else 0,
        allocated_positions=allocated_positions,
    )


def _class_of(config: PreTrainedConfig) -> type[PreTrainedModel] | None:
    """The class that writes with this config; None for a model that only reads.

    BERT and its like have a causal class and a masked one; nobody means the causal one unless the config says so.

    Raises CacheFormulaError for a config that none of the auto-mappings knows.
    """
    try:
        kinds = (type(config), type(config.get_text_config(decoder=True)))
    except ValueError as error:
        raise _not_predicted(type(config).__name__, "it has several parts that could write") from error
    writers = MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING if config.is_encoder_decoder else MODEL_FOR_CAUSAL_LM_MAPPING
    for kind in kinds:
        if kind in writers:
            found = _first_of(writers[kind])
            is_meant = getattr(config, "is_decoder", False) or found.__name__ in (config.architectures or ())
            if config.is_encoder_decoder or is_meant or kind not in MODEL_FOR_MASKED_LM_MAPPING:
                return found
    if not config.is_encoder_decoder:
        if kinds[0] in MODEL_FOR_MULTIMODAL_LM_MAPPING:
            return _first_of(MODEL_FOR_MULTIMODAL_LM_MAPPING[kinds[0]])
        # A model that speaks writes, too.
        if kinds[0] not in MODEL_FOR_TEXT_TO_WAVEFORM_MAPPING and any(kind in MODEL_MAPPING for kind in kinds):
            return None
    raise _not_predicted(type(config).__name__, "transformers names no class that writes with it")


def _first_of(found: Any) -> Any:
    return found[0] if isinstance(found, tuple) else found


@dataclass(frozen=True)
class _Asked:
    """A class and its config, equal where they are written alike."""

    model_class: type[PreTrainedModel]
    written: str
    config: PreTrainedConfig = field(compare=False)


@lru_cache(maxsize=256)
def _seen(asked: _Asked) -> tuple[LayerShape, ...] | str:
    """The shape, or why there is none: the second half of a sentence. Raises ImportError, which is not for ever."""
    said = ""
    # With the first there are fewer operations; some classes, or parts of them, have the second alone.
    for attention in ("sdpa", "eager"):
        try:
            if _is_too_deep(asked.config):
                return f"its config names more than {_MOST_LAYERS} layers"
            # In inference mode operations arrive whole, and are fewer.
            with torch.device("meta"), torch.inference_mode():
                model = _without_weights(asked, attention)
                with ShapesOnly():
                    return _run(model)
        except ImportError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever stands in the way, the cache is not predicted
            said = f"it does not run without weights ({type(error).__name__})"
    return said


def _is_too_deep(config: PreTrainedConfig) -> bool:
    text: Any = config.get_text_config(decoder=True)
    layers = [getattr(text, name, 0) for name in ("num_hidden_layers", "decoder_layers", "num_decoder_layers")]
    return any(isinstance(each, int) and each > _MOST_LAYERS for each in layers)


def _without_weights(asked: _Asked, attention: str) -> PreTrainedModel:
    config: Any = copy.deepcopy(asked.config)
    expected = asked.model_class.config_class
    if expected is not None and not isinstance(config, expected):
        config = config.get_text_config(decoder=True)
    # Those of transformers, of which no part is ours, and experts that wait for a token: here none comes.
    config._attn_implementation = attention
    config._experts_implementation = "eager"
    model: Any = asked.model_class(config)
    return model.to(_DTYPE).eval()


def _run(model: Any) -> tuple[LayerShape, ...] | str:
    """A prompt that is longer than every window, then one more token: what the first leaves must foretell both."""
    cache = fresh_cache(model)
    if cache is None:
        return "its cache is of a kind of its own"
    prompt = _TOKENS + max(
        (layer.sliding_window for layer in _layers(cache) if hasattr(layer, "sliding_window")), default=0
    )
    arguments: dict[str, Any] = {"use_cache": True, "return_dict": True, "past_key_values": cache}
    source = 0
    if model.config.is_encoder_decoder:
        source = _SOURCE
        arguments["encoder_outputs"] = model.get_encoder()(input_ids=_ids(source), return_dict=True)
    name = "decoder_input_ids" if source else "input_ids"
    shape: tuple[LayerShape, ...] = ()
    for positions, newest in ((prompt, prompt), (prompt + 1, 1)):
        model(**{name: _ids(newest)}, **arguments)
        shape = shape or shape_of(cache, _DTYPE)
        measured = measure_cache(cache)
        expected = predict(shape, positions, rows=_ROWS, source_positions=source, dtype=_DTYPE)
        if not shape or (measured.positions, measured.bytes) != (expected.positions, expected.bytes):
            return "what it keeps does not grow as a cache of keys and values does"
    return shape


def _layers(cache: Cache) -> list[Any]:
    parts = (
        [cache.self_attention_cache, cache.cross_attention_cache] if isinstance(cache, EncoderDecoderCache) else [cache]
    )
    return [layer for part in parts for layer in part.layers]


def _ids(count: int) -> Tensor:
    return torch.zeros((_ROWS, count), dtype=torch.long)


_VALUES = {torch.ops.aten._local_scalar_dense.default, torch.ops.aten.item.default, torch.ops.aten.is_nonzero.default}
_Described = tuple[Any, ...]


class ShapesOnly(TorchDispatchMode):
    """Answers each operation on meta tensors with an empty result of the right shape, in this thread.

    Who asks for a value gets 0, and nothing is found that is not 0: no shape in a cache depends on a value; what does
    is which experts are taken, and whether a mask is needed. What was asked before is answered from memory: torch takes
    65 µs to say what shape a product has, and the layers of a model ask the same again and again.
    """

    def __init__(self) -> None:
        super().__init__()
        self._known: dict[_Described, Any] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Torch calls this for each operation."""
        kwargs = kwargs or {}
        if func in _VALUES and args[0].is_meta:
            return torch.zeros((), dtype=args[0].dtype, device="cpu").item()
        if func is torch.ops.aten.nonzero.default and args[0].is_meta:
            return torch.empty((0, args[0].dim()), dtype=torch.long, device="meta")
        if func._schema.is_mutable:
            return func(*args, **kwargs)
        asked = (func, _described(args), _described(list(kwargs.items())))
        if asked not in self._known:
            result = func(*args, **kwargs)
            if not (isinstance(result, Tensor) and result.is_meta):
                return result
            self._known[asked] = (result.shape, result.stride(), result.dtype)
            return result
        shape, stride, dtype = self._known[asked]
        return torch.empty_strided(shape, stride, dtype=dtype, device="meta")


def _described(value: Any) -> _Described:
    """What the shape of a result can depend on; True, 1 and 1.0 are three."""
    if isinstance(value, Tensor):
        return (value.shape, value.stride(), value.dtype, value.device)
    if isinstance(value, list | tuple):
        return tuple(map(_described, value))
    return (type(value), value)
