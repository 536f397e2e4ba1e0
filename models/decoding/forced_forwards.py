"""Forwards over tokens that are given, whatever the model would have written: for timing and for comparing caches."""

import time
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from transformers import Cache

from models.decoding.loop import Lock, next_logits
from models.decoding.prepared_generation import prepare
from models.decoding.settings import CacheName, DecodingSettings
from models.forward.operation_counter import OperationCounter
from models.kv_cache import CacheMeasurement, measure_cache
from models.loaded import LoadedModel


@dataclass(frozen=True, eq=False)
class Forward:
    """One forward.

    logits: of the next token, float32. token: the one that was given next, or the likeliest where none were.
    seconds: of the forward alone; what comes before and after it is not in it.
    operations: floating-point operations, a multiplication and an addition being two; 0 unless they were counted.
    cache: what is held after it, None without a cache.
    """

    logits: Float[Tensor, " vocabulary"]
    token: int
    seconds: float
    operations: int
    cache: CacheMeasurement | None


def forced_forwards(
    loaded: LoadedModel,
    prompt: Sequence[int],
    count: int,
    cache: CacheName,
    *,
    lock: Lock,
    tokens: Sequence[int] | None = None,
    counted: bool = False,
) -> Iterator[Forward]:
    """`count` forwards: the first reads the prompt, each further one a token more. No end token ends it.

    tokens: what is fed after the prompt (None: the likeliest ones). counted: whether operations are counted, which
        makes the seconds longer.

    Raises InputError where there are not so many positions, CannotWriteError.
    """
    with lock():
        state = prepare(loaded, [tuple(prompt)], [DecodingSettings(count, cache=cache)])
    for index in range(min(count, state.longest)):
        counter = OperationCounter() if counted else None
        # In inference mode products arrive at a counter whole, and taking them apart costs a hundred times the work.
        with lock(), torch.no_grad() if counted else torch.inference_mode(), counter or nullcontext():
            _wait_for(loaded.device)
            start = time.perf_counter()
            logits = next_logits(loaded, state, is_first=index == 0)
            _wait_for(loaded.device)
            seconds = time.perf_counter() - start
            token = int(logits[0].argmax()) if tokens is None else tokens[index]
            held = state.arguments.get("past_key_values") if state.arguments["use_cache"] else None
            measured = measure_cache(held) if isinstance(held, Cache) else None
        state.ids = torch.cat([state.ids, torch.tensor([[token]], device=state.ids.device)], dim=1)
        yield Forward(logits[0], token, seconds, 0 if counter is None else counter.operations, measured)


def _wait_for(device: torch.device) -> None:
    """Until the device has done what it was given: on a GPU a call returns before its work is done."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()
