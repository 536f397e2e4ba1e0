"""The shapes of known architectures' caches as they were seen once, so that nobody waits until all have been run."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import Any

import transformers

from models.catalog import KnownArchitecture
from models.kv_cache.shape import LayerShape

KEPT = Path(__file__).parents[1] / "bundled" / "known_caches" / "shapes.json"


def kept_shape(architecture: KnownArchitecture) -> tuple[LayerShape, ...] | None:
    """What was seen of these very figures with the installed transformers; None where that was seen of others."""
    kept = _kept()
    one = kept["shapes"].get(architecture.name)
    if kept["transformers"] != transformers.__version__ or one is None or one["figures"] != _figures(architecture):
        return None
    layers: list[LayerShape] = []
    for count, first, fields in one["layers"]:
        layers += (LayerShape(layer=first + place, **fields) for place in range(count))
    return tuple(layers)


def as_kept(shapes: Mapping[KnownArchitecture, tuple[LayerShape, ...]]) -> str:
    """The file: of each architecture its figures, and its layers, alike ones that follow each other once."""
    kept = {
        architecture.name: {"figures": _figures(architecture), "layers": _runs(shape)}
        for architecture, shape in shapes.items()
    }
    return json.dumps({"transformers": transformers.__version__, "shapes": kept}, indent=1) + "\n"


def _runs(shape: tuple[LayerShape, ...]) -> list[tuple[int, int, dict[str, Any]]]:
    runs = []
    for _, same in groupby(enumerate(shape), lambda each: (each[1].layer - each[0], _without_layer(each[1]))):
        layers = [layer for _, layer in same]
        runs.append((len(layers), layers[0].layer, dict(_without_layer(layers[0]))))
    return runs


def _without_layer(shape: LayerShape) -> tuple[tuple[str, Any], ...]:
    default = asdict(LayerShape(0, "full"))
    fields = asdict(shape)
    return tuple(
        (name, value)
        for name, value in fields.items()
        if name == "kind" or (name != "layer" and value != default[name])
    )


def _figures(architecture: KnownArchitecture) -> dict[str, Any]:
    return json.loads(json.dumps({"model_type": architecture.model_type} | dict(architecture.figures)))


@lru_cache(maxsize=1)
def _kept() -> dict[str, Any]:
    return json.loads(KEPT.read_text("utf-8"))
