"""Sharing the view, taking vectors along, and the program behind them."""

import io
import shlex
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import streamlit as st
from jaxtyping import Float
from streamlit.delta_generator import DeltaGenerator

from models.catalog import model_card
from pages.embeddings.choices import DEPTH, in_the_link, texts
from pages.shared import file_names, spreadsheet, thread
from pages.shared.asking import ask
from pages.shared.link import address, fits
from pages.shared.text import open_text_file

_PROJECT = Path(__file__).resolve().parents[2]
_PROGRAM = "embeddings.py"
_LONGEST_ARGUMENT = 500


def as_npy(vectors: Float[np.ndarray, "vector width"]) -> bytes:
    """NumPy's own file, float32, exact."""
    file = io.BytesIO()
    np.save(file, vectors.astype(np.float32), allow_pickle=False)
    return file.getvalue()


def as_csv(vectors: Float[np.ndarray, "vector width"], names: Sequence[str]) -> str:
    """A row for each vector: its name and its numbers, with all the digits of a float32."""
    rows = ([name, *(f"{value:.9g}" for value in row.tolist())] for name, row in zip(names, vectors, strict=True))
    return spreadsheet.as_csv([["name", *range(vectors.shape[1])], *rows])


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
    name = f"{file_names.of_model(thread.MODEL.value)}-{what}"
    with st.container(horizontal=True, key=f"take_{what}"):
        st.download_button("NumPy (.npy)", lambda: as_npy(vectors), f"{name}.npy", key=f"npy_{what}", on_click="ignore")
        st.download_button(
            "CSV", lambda: as_csv(vectors, names), f"{name}.csv", "text/csv", key=f"csv_{what}", on_click="ignore"
        )
        st.download_button(
            "TensorBoard projector",
            lambda: as_projector(vectors, names),
            f"{name}-projector.zip",
            "application/zip",
            key=f"projector_{what}",
            on_click="ignore",
            help="vectors.tsv and metadata.tsv: load both at projector.tensorflow.org or in TensorBoard.",
        )


def share_and_download(status: DeltaGenerator) -> None:
    """The link to this view, and the vectors of the shown layer."""
    from models.embeddings import EmbedRequest

    choices = in_the_link()
    if all(map(fits, choices)):
        st.caption("This link opens the same view:")
    else:
        st.caption("This link opens the same settings; what is too long for a link goes as a file:")
    st.code(address(choices), language=None, wrap_lines=True)
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


def program() -> None:
    """A short program that gives the same numbers with public libraries, and how to run it."""
    from models.loading.packs import prepared_folder

    folder = prepared_folder(model_card(thread.MODEL.value))
    if folder.is_relative_to(_PROJECT):
        folder = folder.relative_to(_PROJECT)
    lines = texts()
    said = [shlex.quote(each) for each in lines]
    listed = " ".join(said) if sum(map(len, said)) <= _LONGEST_ARGUMENT else '"$(cat text.txt)"'
    st.caption(f"Save it as {_PROGRAM} and run it with torch and transformers installed:")
    st.code(f"python {_PROGRAM} {shlex.quote(str(folder))} {DEPTH.value} {listed}", language="bash", wrap_lines=True)
    st.code((_PROJECT / "docs" / "programs" / _PROGRAM).read_text(), language="python")
