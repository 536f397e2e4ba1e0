"""What a KV cache holds, measured, and what it will hold, from a config alone."""

from models.kv_cache.empty_cache import fresh_cache, open_ended
from models.kv_cache.facts_before_run import (
    CacheFacts,
    CacheFactsRequest,
    KnownCache,
    KnownCacheRequest,
    KnownCachesRequest,
    known_config,
)
from models.kv_cache.measurement import CacheMeasurement, CacheNorms, measure_cache, newest_norms
from models.kv_cache.planning import Cards, Load, MemoryPlan, Planned, plan
from models.kv_cache.shape import CacheFormulaError
from models.kv_cache.shape_from_config import cache_shape, predict_cache
from models.kv_cache.size_formula import (
    bytes_at,
    bytes_per_token,
    crossover,
    predict,
    with_key_value_heads,
    with_window,
)
