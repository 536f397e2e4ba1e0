"""Pictures: what recording and packing cost beside the forward, what goes to the browser, and hiding every patch."""

import time
import zlib
from collections.abc import Callable
from typing import Any

import torch

from benchmarks.capture import plain_model
from benchmarks.measuring import Limit, Row, alone, compared, duration, interleaved, seconds_of, size
from models.engine import Engine
from models.loaded import LoadedModel
from models.vision import (
    DEFAULT_PICTURE,
    HidingRequest,
    LayerLooksRequest,
    LookGridRequest,
    PictureTraceRequest,
)
from models.vision.tracing import PictureTrace, trace_picture

_MODEL = "dinov2"
_PICTURE = Limit(1.5, "ratio's lower end", "interval begins at or below 1.5")
_HIDING = Limit(0.6, "ratio's lower end", "interval begins at or below 0.6 of as many forwards")
_LAYER = Limit(300_000, "value", "at most 300 kB")
_THUMBNAILS = Limit(200_000, "value", "at most 200 kB")
_MOST_HIDINGS = 3


def measure(pairs: int) -> list[Row]:
    """The offline model at 224 pixels."""
    engine = Engine()
    asked = PictureTraceRequest(_MODEL, DEFAULT_PICTURE)
    trace: PictureTrace = engine.run(asked)
    loaded: LoadedModel = trace.loaded
    forward = _forward(plain_model(loaded, "sdpa"), trace)
    traced = interleaved(
        lambda: seconds_of(lambda: trace_picture(loaded, trace.cut)), lambda: seconds_of(forward), pairs
    )
    patches = trace.rows * trace.columns
    hidden = interleaved(
        lambda: _hiding(engine, asked), lambda: patches * seconds_of(forward), min(pairs, _MOST_HIDINGS), 0
    )
    looks = engine.run(LayerLooksRequest(asked, 11))
    grid = engine.run(LookGridRequest(asked, (0,)))
    sent = len(zlib.compress(looks.steps.tobytes(), 6)) + looks.most.nbytes
    return [
        compared("picture, recorded with its vectors (beside: SDPA, no capture)", traced, duration, _PICTURE),
        compared(f"each of {patches} patches hidden (beside: as many forwards)", hidden, duration, _HIDING),
        alone("a layer's heads from every place, deflated", sent, size, _LAYER),
        alone("thumbnails of all heads", grid.steps.nbytes + grid.most.nbytes, size, _THUMBNAILS),
    ]


def _forward(model: Any, trace: PictureTrace) -> Callable[[], object]:
    pixels = torch.from_numpy(trace.cut.given)[None]

    def forward() -> object:
        with torch.inference_mode():
            return model(pixel_values=pixels)

    return forward


def _hiding(engine: Engine, asked: PictureTraceRequest) -> float:
    start = time.perf_counter()
    for _ in HidingRequest(asked).computed(engine):
        pass
    return time.perf_counter() - start
