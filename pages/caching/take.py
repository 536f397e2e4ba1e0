"""Sharing the run, taking its numbers along, and the program behind them."""

import json
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from models.catalog import model_card
from pages.caching.choices import in_the_link
from pages.shared import file_names
from pages.shared.link import address, fits
from pages.shared.spreadsheet import as_csv
from pages.shared.text import open_text_file

if TYPE_CHECKING:
    from models.decoding import GenerationStep, WriteRequest

_PROJECT = Path(__file__).resolve().parents[2]
_PROGRAM = "kv_cache.py"
_LONGEST_ARGUMENT = 500


def steps_as_csv(steps: "Sequence[GenerationStep]") -> str:
    """A row for each token and cache layer: what the layer held when the token was drawn."""
    rows: list[list[object]] = [
        ["token", "id", "piece", "probability", "cache_layer", "layer", "kind", "columns", "bytes", "allocated_bytes"],
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


def share_and_download(request: "WriteRequest", steps: "Sequence[GenerationStep]") -> None:
    """The link to this view, and its numbers as CSV and JSON, made when somebody asks for them."""
    choices = in_the_link()
    if all(map(fits, choices)):
        st.caption("This link opens the same view:")
    else:
        st.caption("This link opens the same settings; the text is too long for it and goes as a file:")
    st.code(address(choices), language=None, wrap_lines=True)
    name = f"{file_names.of_model(request.model)}-kv-cache"
    with st.container(horizontal=True):
        st.download_button("CSV", lambda: steps_as_csv(steps), f"{name}.csv", "text/csv", key="csv", on_click="ignore")
        st.download_button(
            "JSON",
            lambda: steps_as_json(request, steps),
            f"{name}.json",
            "application/json",
            key="json",
            on_click="ignore",
        )
    open_text_file()


def program(request: "WriteRequest") -> None:
    """A short program that gives the same numbers with public libraries, and how to run it."""
    from models.loading.packs import prepared_folder

    folder = prepared_folder(model_card(request.model))
    if folder.is_relative_to(_PROJECT):
        folder = folder.relative_to(_PROJECT)
    text = shlex.quote(request.text) if len(request.text) <= _LONGEST_ARGUMENT else '"$(cat text.txt)"'
    st.caption(f"Save it as {_PROGRAM} and run it with torch and transformers installed:")
    count = request.settings.max_new_tokens
    st.code(f"python {_PROGRAM} {shlex.quote(str(folder))} {text} {count}", language="bash", wrap_lines=True)
    if request.settings.cache == "static":
        st.caption("The program's cache grows; the one above is allocated at once.")
    st.code((_PROJECT / "docs" / "programs" / _PROGRAM).read_text(), language="python")
