"""Sharing the run, taking its numbers along, and the program behind them."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from pages.kv_cache.choices import CHOICES
from pages.shared import download_names
from pages.shared.export import Download, folder_argument, program, share_and_download, text_argument
from pages.shared.spreadsheet import as_csv

if TYPE_CHECKING:
    from models.decoding import GenerationStep, WriteRequest
    from models.decoding.cache_speed_up import CacheTiming
    from models.kv_cache import Cards, KnownCache, Load, MemoryPlan, Planned


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


def plan_settings(planned: "Planned", cards: "Cards", load: "Load", found: "MemoryPlan") -> dict[str, object]:
    """What was asked and what was found, in one row; bytes are exact, and those of one card unless they say otherwise.

    longest_text and most_texts are None where there is no end.
    """
    return {
        "model": planned.title,
        "parameters": planned.parameters,
        "bits_per_weight": load.weight_bits,
        "cache_dtype": str(load.dtype),
        "key_heads": planned.key_heads,
        "windows": sorted({layer.window for layer in planned.shape if layer.window is not None}),
        "longest_of_the_model": planned.positions,
        "cards": cards.count,
        "gigabytes_per_card": cards.gigabytes,
        "share_used": cards.share,
        "texts_at_once": load.texts,
        "tokens_per_text": load.tokens,
        "fits": found.fits,
        "usable_bytes_per_card": found.usable_bytes,
        "weight_bytes_per_card": found.weight_bytes,
        "cache_bytes_per_card": found.cache_bytes,
        "left_bytes_per_card": found.left_bytes,
        "cache_bytes_of_one_text_per_card": found.text_bytes,
        "key_heads_per_card": found.key_heads,
        "copies_of_a_key_head": found.key_copies,
        "longest_text": found.longest,
        "most_texts": found.most_texts,
    }


def plan_as_csv(settings: dict[str, object]) -> str:
    """A row for each of them: its name and its value."""
    rows = [(name, " ".join(map(str, value)) if isinstance(value, list) else value) for name, value in settings.items()]
    return as_csv([["name", "value"], *rows])


def plan_files(planned: "Planned", cards: "Cards", load: "Load", found: "MemoryPlan") -> tuple[Download, ...]:
    """The plan as files; the JSON also says what each layer keeps."""
    settings = plan_settings(planned, cards, load, found)
    whole = settings | {"layers": [asdict(layer) for layer in planned.shape]}
    return (
        Download("CSV", "kv-cache-plan.csv", plan_as_csv(settings)),
        Download("JSON", "kv-cache-plan.json", json.dumps(whole, ensure_ascii=False)),
    )


def known_as_csv(cards: "Cards", plans: "Sequence[tuple[KnownCache, Load, MemoryPlan]]") -> str:
    """A row for each known model, in the columns of a plan."""
    rows = [plan_settings(known.planned, cards, load, found) for known, load, found in plans]
    for row in rows:
        row["windows"] = " ".join(map(str, row["windows"])) if isinstance(row["windows"], list) else ""
    return as_csv([list(rows[0]), *(list(row.values()) for row in rows)] if rows else [])


def timing_as_csv(found: "CacheTiming") -> str:
    """A row for each token: seconds and floating-point operations with the cache and without."""
    columns = (
        *(found.positions, found.seconds_with, found.seconds_without),
        *(found.operations_with, found.operations_without),
    )
    head = ["columns", "seconds_with", "seconds_without", "operations_with", "operations_without"]
    return as_csv([head, *zip(*(each.tolist() for each in columns), strict=True)])


def take_along(request: "WriteRequest", steps: "Sequence[GenerationStep]") -> None:
    """The link to this view, and its numbers as files."""
    name = f"{download_names.of_model(request.model)}-kv-cache"
    files = (
        Download("CSV", f"{name}.csv", lambda: steps_as_csv(steps)),
        Download("JSON", f"{name}.json", lambda: steps_as_json(request, steps)),
    )
    # Whoever opens it shall see what was looked at, and not this tab.
    share_and_download(CHOICES, files)


def code(request: "WriteRequest") -> None:
    """The program that gives the same numbers."""
    arguments = (folder_argument(request.model), text_argument(request.text), str(request.settings.max_new_tokens))
    is_static = request.settings.cache == "static"
    notes = ["The program's cache grows; the one above is allocated at once."] if is_static else []
    program("kv_cache.py", *arguments, notes=notes)
