"""Sharing a view, taking its numbers along, and the program behind it: the same on every page."""

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from models.catalog import model_card
from pages.shared.link import Choice, address, fits
from pages.shared.text_choice import open_text_file
from pages.shared.thread import MODEL, TAB, TEXT, in_the_link, tab_before

_PROJECT = Path(__file__).resolve().parents[2]
_LONGEST_ARGUMENT = 500
_TYPES = {
    "csv": "text/csv",
    "html": "text/html",
    "json": "application/json",
    "npy": "application/octet-stream",
    "npz": "application/octet-stream",
    "safetensors": "application/octet-stream",
    "zip": "application/zip",
}
_OPENS = "This link opens the same view:"
_WITHOUT_TEXT = "This link opens the same settings; the text is too long for it and goes as a file:"


@dataclass(frozen=True)
class Download:
    """A file that is there, or is made when somebody asks for it.

    label: on its button. name: with its ending: those of `_TYPES`. made: what is in it, or what makes that, and
        raises what computing it raises; it is called outside of the session, which has no choices then.
    """

    label: str
    name: str
    made: str | bytes | Callable[[], str | bytes]
    help: str | None = None


def share_and_download(
    own: Sequence[Choice[Any]],
    downloads: Sequence[Download],
    *,
    opens: str = _OPENS,
    opens_without_text: str = _WITHOUT_TEXT,
    notes: Sequence[str] = (),
) -> None:
    """The link to this view, its numbers as files, and a text file instead of typing.

    own: the page's choices. opens: said above the link. opens_without_text: where it cannot carry everything.
    notes: said below it.
    """
    link_to_view(own, opens, opens_without_text)
    for each in notes:
        st.caption(each)
    download_row(downloads)
    open_text_file()


def link_to_view(own: Sequence[Choice[Any]], opens: str = _OPENS, opens_without_text: str = _WITHOUT_TEXT) -> None:
    """The link alone; arguments as for `share_and_download`."""
    # Where this is read, the open tab is this one: what is shared is the view as it was before.
    choices = [each for each in in_the_link(own) if each is not TAB]
    also = {TAB.name: tab_before()} if tab_before() else {}
    st.caption(opens if all(map(fits, choices)) else opens_without_text)
    st.code(address(choices, also), language=None, wrap_lines=True)


def download_row(downloads: Sequence[Download], key: str = "") -> None:
    """Files side by side; the key of each is `key` and the file's ending."""
    with st.container(horizontal=True):
        for each in downloads:
            download_button(each, key + each.name.rpartition(".")[2])


def download_button(download: Download, key: str | None = None) -> None:
    """A button for a file; its key is the file's ending, unless another is given."""
    ending = download.name.rpartition(".")[2]
    st.download_button(
        download.label,
        download.made,
        download.name,
        _TYPES[ending],
        key=key or ending,
        on_click="ignore",
        help=download.help,
    )


def program(
    name: str, *arguments: str, notes: Sequence[str] = (), needs: str = "torch and transformers installed"
) -> None:
    """A short program of `docs/programs` that gives the same numbers with public libraries, and how to run it.

    arguments: for the command line, quoted; the chosen model's folder and the text where none are named. notes: what it
    does otherwise than the page. needs: what must be there.
    """
    told = " ".join(arguments or (folder_argument(MODEL.value), text_argument(TEXT.value)))
    st.caption(f"Save it as {name} and run it with {needs}:")
    st.code(f"python {name} {told}".rstrip(), language="bash", wrap_lines=True)
    for each in notes:
        st.caption(each)
    st.code((_PROJECT / "docs" / "programs" / name).read_text(), language="python")


def folder_argument(model: str) -> str:
    """The folder of a model's files, as a command line takes it."""
    from models.loading.packs import prepared_folder

    return path_argument(prepared_folder(model_card(model)))


def path_argument(path: Path) -> str:
    """A path as a command line takes it, short where it lies within the project."""
    return shlex.quote(str(path.relative_to(_PROJECT) if path.is_relative_to(_PROJECT) else path))


def text_argument(*texts: str) -> str:
    """A text, or several, as a command line takes them; what is long is read from a file."""
    is_short = sum(map(len, texts)) <= _LONGEST_ARGUMENT
    return " ".join(map(shlex.quote, texts)) if is_short else '"$(cat text.txt)"'
