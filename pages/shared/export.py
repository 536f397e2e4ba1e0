"""Sharing a view and taking its numbers along, exactly as they were computed."""

import json
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from models.engine import engine
from pages.shared import file_names, reach
from pages.shared.link import Choice, address, fits
from pages.shared.spreadsheet import as_csv
from pages.shared.text import open_text_file

if TYPE_CHECKING:
    from models.attention import HeadMapRequest, TracedText

# Of a map, where strangers share the server: each takes some hundred bytes while the file is written.
_MOST_NUMBERS = 4_000_000
_NUMBERS = (
    *("query", "keys", "dots", "added", "scores", "weights", "values"),
    *("head_output", "concatenated", "output", "contribution"),
)


def labels(request: "HeadMapRequest", traced: "TracedText") -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What stands at the rows (queries) and columns (keys) of a map."""
    if request.kind == "cross":
        return tuple(each.text for each in traced.written), traced.tokens
    own = traced.target_tokens if request.kind == "decoder" and traced.target_tokens else traced.tokens
    return own, own


def map_as_csv(request: "HeadMapRequest", traced: "TracedText") -> str:
    """A row per query and a column per key, both named; float32 in the shortest form that reads back exactly."""
    queries, keys = labels(request, traced)
    rows = zip(queries, engine.run(request).weights, strict=True)
    return as_csv([["query \\ key", *keys], *([token, *map(str, row)] for token, row in rows)])


def map_as_json(request: "HeadMapRequest", traced: "TracedText", text: str) -> str:
    """What was asked and the weights [query][key]; each number is exactly the float32 that was computed."""
    queries, keys = labels(request, traced)
    about = json.dumps(
        {
            "model": request.trace.model,
            "text": text,
            "kind": request.kind,
            "layer": "all" if request.layer is None else request.layer,
            "head": "mean" if request.head is None else request.head,
            "left_out": request.left_out,
            "by_value": request.by_value,
            "switched_off": [repr(each) for each in request.trace.interventions],
            "tokens": list(traced.tokens),
            "queries": list(queries),
            "keys": list(keys),
        },
        ensure_ascii=False,
    )
    # Row by row: nobody else's page is drawn while the library writes what it was given.
    weights = ", ".join(json.dumps(row.tolist()) for row in engine.run(request).weights)
    return f'{about[:-1]}, "weights": [{weights}]}}'


def share_and_download(
    request: "HeadMapRequest", traced: "TracedText", name: str, text: str, choices: Sequence[Choice[Any]]
) -> None:
    """The link to this view, and its numbers as CSV and JSON, made when somebody asks for them."""
    if all(map(fits, choices)):
        st.caption("This link opens the same view:")
    else:
        st.caption("This link opens the same head; the text is too long for it and goes as a file:")
    st.code(address(choices), language=None, wrap_lines=True)
    file_name = f"{file_names.of_model(request.trace.model)}-{name.replace(' ', '-')}"
    numbers = math.prod(map(len, labels(request, traced)))
    if numbers > _MOST_NUMBERS and not reach.is_local():
        st.caption(
            f"This map has {numbers:,} numbers, and files of at most {_MOST_NUMBERS:,} are made where many share a "
            "server; take a shorter text, or Headlight on a machine of your own."
        )
        open_text_file()
        return
    with st.container(horizontal=True):
        st.download_button(
            "CSV", lambda: map_as_csv(request, traced), f"{file_name}.csv", "text/csv", key="csv", on_click="ignore"
        )
        st.download_button(
            "JSON",
            lambda: map_as_json(request, traced, text),
            f"{file_name}.json",
            "application/json",
            key="json",
            on_click="ignore",
        )
    open_text_file()


def products_as_json(request: "HeadMapRequest", traced: "TracedText", query: int) -> str:
    """Every number of the q·k view, exactly as it was computed; minus infinity, which JSON does not have, is null."""
    from models.attention import QueryKeyRequest

    queries, keys = labels(request, traced)
    layer, head = request.layer or 0, request.head or 0
    found = engine.run(QueryKeyRequest(request.trace, request.kind, layer, head, query))
    numbers = {name: _finite(getattr(found, name)) for name in _NUMBERS}
    about = {
        "model": request.trace.model,
        "kind": request.kind,
        "layer": layer,
        "head": head,
        "switched_off": [repr(each) for each in request.trace.interventions],
        "query_token": queries[query],
        "key_tokens": list(keys),
        "scaling": found.scaling,
        "between": list(found.between),
    }
    return json.dumps(about | numbers, ensure_ascii=False, allow_nan=False)


def _finite(numbers: Any) -> Any:
    if numbers is None:
        return None
    if numbers.ndim > 1:
        return [_finite(each) for each in numbers]
    return [None if each == -math.inf else each for each in numbers.tolist()]


def products_download(request: "HeadMapRequest", traced: "TracedText", query: int) -> None:
    """The numbers of the q·k view as a file, where one head is shown."""
    if request.layer is not None and request.head is not None:
        st.download_button(
            "q·k as JSON",
            lambda: products_as_json(request, traced, query),
            f"{file_names.of_model(request.trace.model)}-L{request.layer}-H{request.head}-qk.json",
            "application/json",
            key="qk_json",
            on_click="ignore",
        )
