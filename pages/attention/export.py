"""Sharing a map, taking its numbers along exactly as they were computed, and the program behind it."""

import json
import math
import shlex
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st
from jaxtyping import Float

from models.engine import engine
from pages.attention import html_file
from pages.attention.choices import VIEW, head_name
from pages.attention.selection import said
from pages.shared import download_names, local_or_public, projector
from pages.shared.export import Download, download_button, folder_argument, program, share_and_download, text_argument
from pages.shared.messages import in_place, problem
from pages.shared.spreadsheet import as_csv

if TYPE_CHECKING:
    from models.attention import HeadMapRequest, TracedText

# Of a map, where strangers share the server: each takes some hundred bytes while the file is written.
_MOST_NUMBERS = 4_000_000
# Of several texts, in a file of 100 MB.
_MOST_IN_BULK, _MOST_TEXTS = 25_000_000, 100
_NUMBERS = (
    *("query", "keys", "dots", "added", "scores", "weights", "values"),
    *("head_output", "concatenated", "output", "contribution"),
)


def labels(request: "HeadMapRequest", traced: "TracedText") -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What stands at the rows (queries) and columns (keys) of a map."""
    return traced.row_names(request.kind), traced.axes(request.kind).columns


def map_as_csv(request: "HeadMapRequest", traced: "TracedText") -> str:
    """A row per query and a column per key, both named by place and token, since a text may have the same one twice;
    float32 in the shortest form that reads back exactly, and nothing where the query may not look.
    """
    queries, keys = ([f"{place} {token}" for place, token in enumerate(tokens)] for tokens in labels(request, traced))
    rows = zip(queries, _cells(request), strict=True)
    numbers = ([token, *("" if math.isnan(each) else str(each) for each in row)] for token, row in rows)
    return as_csv([["query \\ key", *keys], *numbers])


def map_as_json(request: "HeadMapRequest", traced: "TracedText", text: str) -> str:
    """What was asked and the weights [query][key]; each number is exactly the float32 that was computed, and null where
    the query may not look.
    """
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
    weights = ", ".join(json.dumps(_finite(row), allow_nan=False) for row in _cells(request))
    return f'{about[:-1]}, "weights": [{weights}]}}'


def _cells(request: "HeadMapRequest") -> "Float[np.ndarray, 'query key']":
    """The weights, NaN where a query may not look: that is no weight of 0."""
    found = engine.run(request)
    return np.where(found.visible, found.weights, np.float32(np.nan))


def files_of(request: "HeadMapRequest", traced: "TracedText", text: str) -> tuple[list[Download], list[str]]:
    """The files of a map, and what is said where there are none: it is too large for a server that many share."""
    numbers = math.prod(map(len, labels(request, traced)))
    if numbers > _MOST_NUMBERS and not local_or_public.is_local():
        return [], [
            f"This map has {numbers:,} numbers, and files of at most {_MOST_NUMBERS:,} are made where many share a "
            "server; take a shorter text, or Headlight on a machine of your own."
        ]
    name = f"{download_names.of_model(request.trace.model)}-{head_name(request.layer, request.head).replace(' ', '-')}"
    return [
        Download("CSV", f"{name}.csv", lambda: map_as_csv(request, traced)),
        Download("JSON", f"{name}.json", lambda: map_as_json(request, traced, text)),
    ], []


def take_along(request: "HeadMapRequest", traced: "TracedText", selected: int, text: str) -> None:
    """The link to this view, and its numbers as files."""
    files, notes = files_of(request, traced, text)
    picture, told = html_file.picture_file(request, traced, selected, text)
    files, notes = [*picture, *files], [*notes, *told]
    share_and_download(
        said(),
        files,
        notes=notes,
        opens_without_text="This link opens the same head; the text is too long for it and goes as a file:",
    )
    several_texts(request.trace.model, traced, text)
    if VIEW.value == "qk" and request.layer is not None and request.head is not None:
        file = f"{download_names.of_model(request.trace.model)}-L{request.layer}-H{request.head}-qk.json"
        download_button(Download("q·k as JSON", file, lambda: products_as_json(request, traced, selected)), "qk_json")


def several_texts(model: str, traced: "TracedText", text: str) -> None:
    """Every map of each of several texts as one file."""
    from models.attention import AttentionFileRequest, TokenCountsRequest

    with st.expander("All maps of several texts", key="several_texts"), in_place():
        typed = st.text_area("Texts, one on each line", " ".join(text.split()), key="several_texts_box")
        texts = tuple(each.strip() for each in typed.splitlines() if each.strip())
        if len(texts) > _MOST_TEXTS:
            problem(f"At most {_MOST_TEXTS} texts go into one file, and these are {len(texts):,}; take a part of them.")
            return
        heads = sum(traced.heads[0] if traced.target_tokens else sum(traced.heads, ()))
        numbers = heads * sum(each * each for each in engine.run(TokenCountsRequest(model, texts)))
        most = _MOST_IN_BULK if local_or_public.is_local() else _MOST_NUMBERS
        if numbers > most:
            problem(
                f"These maps have {numbers:,} numbers, and files of at most {most:,} are made here; take fewer texts."
            )
            return
        st.caption(
            f"{numbers:,} numbers: every layer and head{' of the encoder' if traced.target_tokens else ''}, float32, "
            "named TEXT.KIND.LAYER, with the tokens and their ids. From Python: export_attention."
        )
        with st.container(horizontal=True):
            for how, label in (("npz", "NumPy (.npz)"), ("safetensors", "safetensors")):
                asked = AttentionFileRequest(model, texts, how)
                file = Download(
                    label, f"{download_names.of_model(model)}-maps.{how}", lambda asked=asked: engine.run(asked)
                )
                download_button(file, f"several_{how}")


def code(request: "HeadMapRequest", shown: "HeadMapRequest", traced: "TracedText", selected: int, text: str) -> None:
    """The program behind a map. request: with everything switched on; shown: as the page shows it."""
    head = "mean" if request.head is None else request.head
    where = f"{'all' if request.layer is None else request.layer} {head} {selected}"
    name = "attention_weights.py"
    if traced.target_tokens:
        name = "cross_attention.py"
        where = f"{shlex.quote(''.join(each.adds for each in traced.written))} {request.kind} {where}"
    notes = {
        "The program shows the weights with the sink in and nothing else taken out.": request.left_out,
        "The program runs the model with everything on: what you switched off is on in it.": (
            request.trace != shown.trace
        ),
        "It prints the weights."
        + projector.leading(" The numbers of q·k are in the JSON file under “Take it with you”."): VIEW.value == "qk",
    }
    said = [note for note, holds in notes.items() if holds]
    program(name, folder_argument(request.trace.model), text_argument(text), where, notes=said)


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
    return [each if math.isfinite(each) else None for each in numbers.tolist()]
