"""What a KV cache holds, measured, and what it will hold, from a config alone."""

from models.kv_cache.facts import CacheFacts, KnownCache, known_config
from models.kv_cache.fresh import fresh_cache, open_ended
from models.kv_cache.measurement import CacheMeasurement, CacheNorms, measure_cache, newest_norms
from models.kv_cache.prediction import bytes_per_token, predict
from models.kv_cache.requests import CacheFactsRequest, KnownCachesRequest
from models.kv_cache.seen import cache_shape, predict_cache
from models.kv_cache.shape import CacheFormulaError
from models.kv_cache.what_if import bytes_at, crossover, longest_context, most_rows, with_key_value_heads, with_window
