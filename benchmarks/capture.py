"""What recording costs: the forward inside `trace_attention` beside the same model with plain SDPA."""

import inspect
import time
from collections.abc import Callable, Sequence
from typing import Any

import torch

from benchmarks.measuring import Limit, Row, compared, duration, interleaved, seconds_of
from benchmarks.passages import passage_ids
from models.attention import trace_attention
from models.catalog import MODELS
from models.loaded import LoadedModel
from models.loading import load_model
from models.loading.packs import model_folder

MODEL_NAMES = ("minilm", "smollm2")
_LENGTHS = (128, 512)
_LIMIT = Limit(1.10, "ratio's lower end", "interval begins at or below 1.10")


def measure(pairs: int) -> list[Row]:
    """Both models, both lengths."""
    rows = []
    for name in MODEL_NAMES:
        loaded = load_model(name)
        plain = plain_model(loaded, "sdpa")
        stopwatch = Stopwatch(loaded.model)
        for length in _LENGTHS:
            ids = passage_ids(loaded, length)
            recorded = stopwatch.during(lambda loaded=loaded, ids=ids: trace_attention(loaded, ids))
            unrecorded = plain_forward(plain, ids)
            measured = interleaved(recorded, lambda work=unrecorded: seconds_of(work), pairs)
            what = f"forward with capture, {name}, {length} tokens (beside: SDPA, no capture)"
            rows.append(compared(what, measured, duration, _LIMIT))
    return rows


class Stopwatch:
    """Times the forwards of a model from outside, with the hooks that torch has for it."""

    def __init__(self, model: torch.nn.Module) -> None:
        self._began = self._took = 0.0
        model.register_forward_pre_hook(self._begin)
        model.register_forward_hook(self._end)

    def _begin(self, *_: object) -> None:
        self._began = time.perf_counter()

    def _end(self, *_: object) -> None:
        self._took = time.perf_counter() - self._began

    def during(self, work: Callable[[], object]) -> Callable[[], float]:
        """A measure: do `work` and say how long the forward in it took."""

        def measured() -> float:
            work()
            return self._took

        return measured


def plain_model(loaded: LoadedModel, implementation: str) -> Any:
    """The same class with the same weights, as people load it, with one of transformers' own implementations."""
    folder = model_folder(MODELS[loaded.card.name])
    return type(loaded.model).from_pretrained(
        folder, dtype=torch.float32, local_files_only=True, attn_implementation=implementation
    )


def plain_forward(model: Any, ids: Sequence[int], **arguments: object) -> Callable[[], object]:
    """A forward of these ids: nothing cached, logits of the last position alone where the model takes that."""
    input_ids = torch.tensor([ids])
    taken = inspect.signature(model.forward).parameters
    given = {"use_cache": False, "logits_to_keep": 1}
    arguments |= {name: value for name, value in given.items() if name in taken}

    def forward() -> object:
        with torch.inference_mode():
            return model(input_ids=input_ids, attention_mask=torch.ones_like(input_ids), **arguments)

    return forward
