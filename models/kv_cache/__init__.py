"""What a KV cache holds, measured, and what it will hold, from a config alone."""

from models.kv_cache.facts import CacheFacts, KnownCache, known_config
from models.kv_cache.fresh import fresh_cache, open_ended
from models.kv_cache.measurement import CacheMeasurement, CacheNorms, measure_cache, newest_norms
from models.kv_cache.prediction import BITS, SHORT_NAMES, bytes_per_token, dtype_name, predict
from models.kv_cache.requests import CacheFactsRequest, KnownCachesRequest
from models.kv_cache.seen import cache_shape, predict_cache
from models.kv_cache.shape import CacheFormulaError, CacheKind, LayerShape
from models.kv_cache.what_if import (
    bytes_at,
    crossover,
    longest_context,
    most_rows,
    with_key_value_heads,
    with_window,
)

__all__ = [
    "BITS",
    "SHORT_NAMES",
    "CacheFacts",
    "CacheFactsRequest",
    "CacheFormulaError",
    "CacheKind",
    "CacheMeasurement",
    "CacheNorms",
    "KnownCache",
    "KnownCachesRequest",
    "LayerShape",
    "bytes_at",
    "bytes_per_token",
    "cache_shape",
    "crossover",
    "dtype_name",
    "fresh_cache",
    "known_config",
    "longest_context",
    "measure_cache",
    "most_rows",
    "newest_norms",
    "open_ended",
    "predict",
    "predict_cache",
    "with_key_value_heads",
    "with_window",
]
