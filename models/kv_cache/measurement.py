"""What a KV cache holds, read off the tensors themselves; the one place that knows how transformers keeps them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from transformers import EncoderDecoderCache
from transformers.cache_utils import BaseQuantizedLayer, Cache, DummyLayer, LinearAttentionCacheLayerMixin, StaticLayer

from models.kv_cache.shape import CacheKind, LayerShape

_KEYS_AND_VALUES = {"keys", "values", "_quantized_keys", "_quantized_values"}

Constant = TypeVar("Constant", bound=tuple)


@dataclass(frozen=True)
class CacheMeasurement:
    """What a cache holds: in each tuple one entry per cache layer, those of self-attention before those of the source.

    kinds: "full" keeps a key and a value for each position; "sliding" only those within its window; "latent" one
        compressed vector and one rotary key for all heads (multi-head latent attention); "indexed" that, and a key for
        choosing positions; "linear" one state whatever the length; "shared" nothing, since it reads another layer's;
        "cross" those of the source.
    layers: the layer of the decoder that each belongs to.
    positions: how many positions each row holds there now.
    heads: key and value heads. key_widths, value_widths: numbers per head and position.
    bytes: what these positions take, over all rows. allocated_bytes: the memory that is held for them, which is more
        where a cache was allocated beforehand, or keeps a view of a longer tensor.
    rows: sequences side by side: the batch, times the beams.
    dtype: of the stored numbers, as torch names it ("float32", "float8_e4m3fn").
    """

    kinds: tuple[CacheKind, ...]
    layers: tuple[int, ...]
    positions: tuple[int, ...]
    heads: tuple[int, ...]
    key_widths: tuple[int, ...]
    value_widths: tuple[int, ...]
    bytes: tuple[int, ...]
    allocated_bytes: tuple[int, ...]
    rows: int
    dtype: str

    @property
    def nbytes(self) -> int:
        """About how many bytes this measurement itself takes in a cache of answers."""
        return 512 * (1 + len(self.kinds) // 4)

    @property
    def total_bytes(self) -> int:
        """Over all layers."""
        return sum(self.bytes)

    @property
    def total_allocated_bytes(self) -> int:
        """Over all layers."""
        return sum(self.allocated_bytes)


def measure_cache(cache: Cache) -> CacheMeasurement:
    """Measure a cache of transformers: growing, static, quantised, of an encoder-decoder.

    Nothing is copied; on a GPU a static cache's lengths are read from the device. Layers that nothing was stored in are
    left out: T5's cache is made as deep as its encoder, whatever the depth of the decoder that fills it.
    """
    found = [_measured(layer, index, is_cross) for is_cross, index, layer in _layers_of(cache)]
    rows = max((each.rows for each in found), default=0)
    return measurement_of(found, rows, next((each.dtype for each in found if each.dtype), ""))


def shape_of(cache: Cache, dtype: torch.dtype) -> tuple[LayerShape, ...]:
    """What each layer of a filled cache keeps, in the order of its measurement; not for quantised caches.

    dtype: of the model. What is kept in another one is told in bytes.
    """
    found = []
    for is_cross, index, layer in _layers_of(cache):
        each = _measured(layer, index, is_cross)
        states, keys = _states_of(layer), _indexer_keys(layer)
        found.append(
            LayerShape(
                index,
                each.kind,
                each.heads,
                each.key_width,
                each.value_width,
                window=int(layer.sliding_window) if each.kind == "sliding" else None,
                index_width=sum(one.shape[-1] for one in keys if one.dtype == dtype),
                state_numbers=sum(one.numel() // each.rows for one in states if one.dtype == dtype),
                exact_index_bytes=sum(one.shape[-1] * one.element_size() for one in keys if one.dtype != dtype),
                exact_state_bytes=sum(one.nbytes // each.rows for one in states if one.dtype != dtype),
            )
        )
    return tuple(found)


class HeldLayer(NamedTuple):
    """One layer of a cache; the fields are those of `CacheMeasurement`."""

    kind: CacheKind
    layer: int
    positions: int = 0
    heads: int = 0
    key_width: int = 0
    value_width: int = 0
    bytes: int = 0
    allocated_bytes: int = 0
    rows: int = 0
    dtype: str = ""


def measurement_of(layers: Sequence[HeldLayer], rows: int, dtype: str) -> CacheMeasurement:
    """These layers, column by column."""
    return CacheMeasurement(
        kinds=_one(tuple(each.kind for each in layers)),
        layers=_one(tuple(each.layer for each in layers)),
        positions=tuple(each.positions for each in layers),
        heads=_one(tuple(each.heads for each in layers)),
        key_widths=_one(tuple(each.key_width for each in layers)),
        value_widths=_one(tuple(each.value_width for each in layers)),
        bytes=tuple(each.bytes for each in layers),
        allocated_bytes=tuple(each.allocated_bytes for each in layers),
        rows=rows,
        dtype=dtype,
    )


@lru_cache(maxsize=256)
def _one(constant: Constant) -> Constant:
    """Equal tuples as one object: a run keeps a measurement for each of its tokens."""
    return constant


def _layers_of(cache: Cache) -> Iterator[tuple[bool, int, Any]]:
    """Whether it is of cross-attention, the layer's number, and the layer of the cache, where it holds anything."""
    parts: list[tuple[bool, Any]] = [(False, cache)]
    if isinstance(cache, EncoderDecoderCache):
        parts = [(False, cache.self_attention_cache), (True, cache.cross_attention_cache)]
    for is_cross, part in parts:
        for index, layer in enumerate(part.layers):
            if isinstance(layer, DummyLayer) or _keys_and_values(layer)[0] is not None or _states_of(layer):
                yield is_cross, index, layer


def _measured(layer: Any, index: int, is_cross: bool) -> HeldLayer:
    if isinstance(layer, DummyLayer):
        return HeldLayer("shared", index)
    states = _states_of(layer)
    keys, values = _keys_and_values(layer)
    if keys is None or values is None:
        size = sum(each.nbytes for each in _beside(layer))
        kind: CacheKind = "cross" if is_cross else "linear" if states else "full"
        rows, dtype = (states[0].shape[0], _name_of(states[0])) if states else (0, "")
        return HeldLayer(kind, index, rows=rows, bytes=size, allocated_bytes=size, dtype=dtype)
    rows, heads, stored, key_width = keys.shape
    value_width = values.shape[-1]
    positions = stored
    if isinstance(layer, StaticLayer):
        positions = min(int(layer.get_seq_length()), stored)
    scales = _scales_of(layer)
    more = _beside(layer)
    extra = sum(each.nbytes for each in [*more, *scales])
    one = heads * (key_width + value_width) * keys.element_size()
    return HeldLayer(
        kind=_kind_of(layer, is_cross=is_cross, heads=heads, key_width=key_width, value_width=value_width),
        layer=index,
        rows=rows,
        positions=positions,
        heads=heads,
        key_width=key_width,
        value_width=value_width,
        bytes=rows * positions * one + extra,
        allocated_bytes=_allocated([keys, values, *more, *scales]),
        dtype=_name_of(keys),
    )


def _kind_of(layer: Any, *, is_cross: bool, heads: int, key_width: int, value_width: int) -> CacheKind:
    if is_cross:
        return "cross"
    if _indexer_keys(layer):
        return "indexed"
    if getattr(layer, "is_sliding", False):
        return "sliding"
    # One head whose key and value differ in width: the latent and the rotary key, kept in their places.
    return "latent" if heads == 1 and key_width != value_width else "full"


def _keys_and_values(layer: Any) -> tuple[Tensor | None, Tensor | None]:
    """As they are stored, [row, head, position, width]; None before the first token, or where there are none."""
    if isinstance(layer, BaseQuantizedLayer):
        if layer._quantized_keys is None or layer._quantized_values is None:
            return None, None
        return layer._quantized_keys[0], layer._quantized_values[0]
    keys, values = getattr(layer, "keys", None), getattr(layer, "values", None)
    if keys is None or values is None or keys.dim() != 4:
        return None, None
    return keys, values


def _scales_of(layer: Any) -> list[Tensor]:
    if not isinstance(layer, BaseQuantizedLayer) or layer._quantized_keys is None or layer._quantized_values is None:
        return []
    return [pair[1] for pair in (layer._quantized_keys, layer._quantized_values)]


def _indexer_keys(layer: Any) -> list[Tensor]:
    found = getattr(layer, "indexer_keys", None)
    return [] if found is None else [found]


def _beside(layer: Any) -> list[Tensor]:
    """All that a layer keeps for its rows beside keys and values: states, keys of an index, what is compressed."""
    found: list[Any] = []
    for name, held in vars(layer).items():
        if name not in _KEYS_AND_VALUES:
            found += held.values() if isinstance(held, dict) else held if isinstance(held, list | tuple) else [held]
    return [each for each in found if isinstance(each, Tensor) and each.dim() > 1]


def _states_of(layer: Any) -> list[Tensor]:
    """The states of a linear-attention layer, which do not grow."""
    if not isinstance(layer, LinearAttentionCacheLayerMixin):
        return []
    found: list[Tensor] = []
    for name in ("conv_states", "recurrent_states"):
        held = getattr(layer, name, None)
        held = held.values() if isinstance(held, dict) else held if isinstance(held, list | tuple) else [held]
        found += [each for each in held if isinstance(each, Tensor)]
    return found


def _allocated(tensors: list[Tensor]) -> int:
    """Bytes of the memory behind these tensors, each piece of memory once."""
    storages = {storage.data_ptr(): storage.nbytes() for storage in (each.untyped_storage() for each in tensors)}
    return sum(storages.values())


def _name_of(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")


@dataclass(frozen=True, eq=False)
class CacheNorms:
    """How long the newest stored vectors are: L2 norms over all key and value heads of the first row.

    keys, values: for each layer of self-attention and each position that came with the last forward; NaN where the
        layer did not keep it. For latent attention the "key" is the latent and the "value" the rotary key.
    cross_keys, cross_values: the same for each position of the source, told once, with the first step.
    """

    keys: Float[np.ndarray, "layer position"]
    values: Float[np.ndarray, "layer position"]
    cross_keys: Float[np.ndarray, "cross_layer source"]
    cross_values: Float[np.ndarray, "cross_layer source"]


def newest_norms(cache: Cache, newest: int, *, with_cross: bool) -> CacheNorms:
    """Norms of the last `newest` positions of each layer. Not for quantised caches, which keep no exact vectors."""
    own, cross = [], []
    for is_cross, _, layer in _layers_of(cache):
        if not is_cross:
            own.append(_norms(layer, newest))
        elif with_cross:
            cross.append(_norms(layer, None))
    keys, values = _stacked(own, newest)
    cross_keys, cross_values = _stacked(cross, max((each.shape[1] for each in cross if each is not None), default=0))
    return CacheNorms(keys, values, cross_keys, cross_values)


def _norms(layer: Any, newest: int | None) -> Tensor | None:
    """[key or value, position] for the last `newest` positions that the layer keeps (None: all)."""
    keys, values = _keys_and_values(layer)
    if keys is None or values is None or isinstance(layer, BaseQuantizedLayer):
        return None
    end = min(int(layer.get_seq_length()), keys.shape[2]) if isinstance(layer, StaticLayer) else keys.shape[2]
    begin = 0 if newest is None else max(0, end - newest)
    return torch.stack([each[0, :, begin:end].float().norm(dim=(0, 2)) for each in (keys, values)])


def _stacked(
    norms: list[Tensor | None], positions: int
) -> tuple[Float[np.ndarray, "layer position"], Float[np.ndarray, "layer position"]]:
    made = np.full((2, len(norms), positions), np.nan, dtype=np.float32)
    for place, each in enumerate(norms):
        if each is not None and each.shape[1]:
            made[:, place, -each.shape[1] :] = each.cpu().numpy()
    return made[0], made[1]
