"""Sharing the view, taking vectors along, and the program behind them."""

import io
import zipfile
from collections.abc import Sequence

import numpy as np
import streamlit as st
from jaxtyping import Float
from streamlit.delta_generator import DeltaGenerator

from pages.embeddings.choices import CHOICES, DEPTH, texts
from pages.shared import download_names, thread
from pages.shared.asking_engine import ask
from pages.shared.export import Download, download_button, folder_argument, link_to_view, program, text_argument
from pages.shared.spreadsheet import as_csv
from pages.shared.text_choice import open_text_file


def as_npy(vectors: Float[np.ndarray, "vector width"]) -> bytes:
    """NumPy's own file, float32, exact."""
    file = io.BytesIO()
    np.save(file, vectors.astype(np.float32), allow_pickle=False)
    return file.getvalue()


def vectors_as_csv(vectors: Float[np.ndarray, "vector width"], names: Sequence[str]) -> str:
    """A row for each vector: its name and its numbers, with all the digits of a float32."""
    rows = ([name, *(f"{value:.9g}" for value in row.tolist())] for name, row in zip(names, vectors, strict=True))
    return as_csv([["name", *range(vectors.shape[1])], *rows])


def as_projector(vectors: Float[np.ndarray, "vector width"], names: Sequence[str]) -> bytes:
    """The pair of files that TensorBoard's projector opens: vectors.tsv and metadata.tsv, in a zip archive."""
    rows = "\n".join("\t".join(f"{value:.9g}" for value in row.tolist()) for row in vectors)
    # A label is a line: what would end it is shown as a sign.
    labels = "\n".join(name.replace("\t", "⇥").replace("\n", "⏎").replace("\r", "⏎") for name in names)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("vectors.tsv", f"{rows}\n")
        archive.writestr("metadata.tsv", f"{labels}\n")
    return file.getvalue()


def vectors_download(vectors: Float[np.ndarray, "vector width"], names: Sequence[str], what: str) -> None:
    """The three ways to take vectors along, made when somebody asks for them."""
    name = f"{download_names.of_model(thread.MODEL.value)}-{what}"
    files = {
        "npy": Download("NumPy (.npy)", f"{name}.npy", lambda: as_npy(vectors)),
        "csv": Download("CSV", f"{name}.csv", lambda: vectors_as_csv(vectors, names)),
        "projector": Download(
            "TensorBoard projector",
            f"{name}-projector.zip",
            lambda: as_projector(vectors, names),
            help="vectors.tsv and metadata.tsv: load both at projector.tensorflow.org or in TensorBoard.",
        ),
    }
    with st.container(horizontal=True, key=f"take_{what}"):
        for kind, file in files.items():
            download_button(file, f"{kind}_{what}")


def take_along(status: DeltaGenerator) -> None:
    """The link to this view, and the vectors of the shown layer."""
    from models.embeddings import EmbedRequest

    without = "This link opens the same settings; what is too long for a link goes as a file:"
    link_to_view(CHOICES, opens_without_text=without)
    rows, names = [], []
    for number, text in enumerate(texts(), start=1):
        found = ask(EmbedRequest(thread.MODEL.value, text), status)
        rows.append(found.hidden_states[min(DEPTH.value, len(found.hidden_states) - 1)])
        names += [f"{piece} {number}" for piece in found.pieces]
    vectors = np.concatenate(rows)
    where = "at the input" if DEPTH.value == 0 else f"after layer {DEPTH.value}"
    st.caption(f"{len(vectors):,} vectors of {vectors.shape[1]} numbers, {where}, special tokens included, float32:")
    vectors_download(vectors, names, f"layer-{DEPTH.value}")
    open_text_file()


def code() -> None:
    """The program that gives the same numbers."""
    program("embeddings.py", folder_argument(thread.MODEL.value), str(DEPTH.value), text_argument(*texts()))
