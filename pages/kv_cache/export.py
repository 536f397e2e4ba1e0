"""Sharing the run, taking its numbers along, and the program behind them."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pages.kv_cache.choices import CHOICES
from pages.shared import file_names
from pages.shared.export import Download, folder_argument, program, share_and_download, text_argument
from pages.shared.spreadsheet import as_csv

if TYPE_CHECKING:
    from models.decoding import GenerationStep, WriteRequest


def steps_as_csv(steps: "Sequence[GenerationStep]") -> str:
    """A row for each token and cache layer: what the layer held when the token was drawn."""
    rows: list[list[object]] = [
        ["token", "id", "piece", "probability", "cache_layer", "layer", "kind", "columns", "bytes", "allocated_bytes"]
    ]
    for step in steps:
        held = step.cache
        if held is None:
            continue
        for place, each in enumerate(
            zip(held.layers, held.kinds, held.positions, held.bytes, held.allocated_bytes, strict=True)
        ):
            rows.append([step.index + 1, step.token_id, step.piece.text, step.probability, place, *each])
    return as_csv(rows)


def steps_as_json(request: "WriteRequest", steps: "Sequence[GenerationStep]") -> str:
    """What was asked; for each token what the cache held, and the norms of the keys and values that came new."""
    return json.dumps(
        {
            "model": request.model,
            "text": request.text,
            "cache": request.settings.cache,
            "tokens": [
                {
                    "id": step.token_id,
                    "piece": step.piece.text,
                    "text": step.text,
                    "probability": step.probability,
                    "kinds": step.cache.kinds,
                    "layers": step.cache.layers,
                    "columns": step.cache.positions,
                    "bytes": step.cache.bytes,
                    "allocated_bytes": step.cache.allocated_bytes,
                    "key_norms": _rounded(step.norms.keys.tolist()) if step.norms else None,
                    "value_norms": _rounded(step.norms.values.tolist()) if step.norms else None,
                }
                for step in steps
                if step.cache is not None
            ],
        },
        ensure_ascii=False,
    )


def _rounded(norms: list[list[float]]) -> list[list[float | None]]:
    """JSON has no NaN: what a layer did not keep is null."""
    return [[None if each != each else each for each in row] for row in norms]


def take_along(request: "WriteRequest", steps: "Sequence[GenerationStep]") -> None:
    """The link to this view, and its numbers as files."""
    name = f"{file_names.of_model(request.model)}-kv-cache"
    files = (
        Download("CSV", f"{name}.csv", lambda: steps_as_csv(steps)),
        Download("JSON", f"{name}.json", lambda: steps_as_json(request, steps)),
    )
    share_and_download(CHOICES, files)


def code(request: "WriteRequest") -> None:
    """The program that gives the same numbers."""
    arguments = (folder_argument(request.model), text_argument(request.text), str(request.settings.max_new_tokens))
    is_static = request.settings.cache == "static"
    notes = ["The program's cache grows; the one above is allocated at once."] if is_static else []
    program("kv_cache.py", *arguments, notes=notes)
