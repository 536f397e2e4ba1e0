"""Sharing the columns, taking their numbers along, and the program behind them."""

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from models.engine import engine
from pages.shared.link import address, fits
from pages.shared.plain_text import plain
from pages.shared.spreadsheet import as_csv
from pages.shared.text import open_text_file
from pages.tokenizers import session_tokenizers
from pages.tokenizers.choices import EVERY, Shown, forget_places, looked_at

if TYPE_CHECKING:
    from models.tokenization import Tokenization

_PROJECT = Path(__file__).resolve().parents[2]
_PROGRAM = "cut_text.py"
_LONGEST_ARGUMENT = 500


def _tokenizations(now: Shown) -> "list[Tokenization]":
    from models.tokenization import tokenize

    return [
        tokenize(engine.tokenizer(name), now.text, split_special_tokens=now.split_special_tokens) for name in now.names
    ]


def pieces_as_csv(now: Shown) -> str:
    """A row for each piece of each tokenizer: its place, id, what is shown, bytes in hexadecimal, and characters."""
    rows: list[list[object]] = [
        ["tokenizer", "place", "id", "piece", "bytes", "start", "end", "special", "unknown"],
    ]
    for name, cut in zip(now.names, _tokenizations(now), strict=True):
        for place, piece in enumerate(cut.pieces):
            marks = (int(piece.is_special), int(piece.is_unknown))
            rows.append([name, place, piece.id, piece.text, piece.data.hex(), *piece.span, *marks])
    return as_csv(rows)


def pieces_as_json(now: Shown) -> str:
    """The text, and for each tokenizer its ids and pieces; bytes are in hexadecimal, places in code points."""
    return json.dumps(
        {
            "text": now.text,
            "split_special_tokens": now.split_special_tokens,
            "tokenizers": {
                name: {
                    "title": card.title,
                    "ids": cut.ids,
                    "pieces": [
                        {
                            "id": piece.id,
                            "text": piece.text,
                            "bytes": piece.data.hex(),
                            "span": piece.span,
                            "special": piece.is_special,
                            "unknown": piece.is_unknown,
                        }
                        for piece in cut.pieces
                    ],
                }
                for name, card, cut in zip(now.names, now.cards, _tokenizations(now), strict=True)
            },
        },
        ensure_ascii=False,
    )


def share_and_download(now: Shown) -> None:
    """The link to this view, and its pieces as CSV and JSON over the whole text, made when somebody asks for them."""
    if all(map(fits, EVERY)):
        st.caption("This link opens the same view:")
    else:
        st.caption("This link opens the same tokenizers; the text is too long for it and goes as a file:")
    st.code(address(EVERY), language=None, wrap_lines=True)
    if any(map(session_tokenizers.has, now.names)):
        st.caption("Your own tokenizers are not in the link; give their files along.")
    with st.container(horizontal=True):
        st.download_button("CSV", lambda: pieces_as_csv(now), "pieces.csv", "text/csv", key="csv", on_click="ignore")
        st.download_button(
            "JSON", lambda: pieces_as_json(now), "pieces.json", "application/json", key="json", on_click="ignore"
        )
    open_text_file(forget_places)


def program(now: Shown) -> None:
    """A short program that gives the same ids with public libraries, and how to run it."""
    from models.tokenization import prepared_tokenizer

    card = looked_at(now.cards)
    if session_tokenizers.has(card.name):
        file = Path("tokenizer.json")
        st.caption(f"The program needs the file of {plain(card.title)}:")
        st.download_button(
            file.name,
            session_tokenizers.file_of(card.name),
            file.name,
            "application/json",
            key="own_program",
            on_click="ignore",
        )
    elif card.pack is None:
        st.caption(f"{card.title} needs no library: {card.source}. Put another tokenizer first to see its program.")
        return
    else:
        file = prepared_tokenizer(card)
        if file.is_relative_to(_PROJECT):
            file = file.relative_to(_PROJECT)
    text = shlex.quote(now.text) if len(now.text) <= _LONGEST_ARGUMENT else '"$(cat text.txt)"'
    special = " --split-special-tokens" if now.split_special_tokens else ""
    st.caption(f"Save it as {_PROGRAM} and run it with tokenizers installed:")
    st.code(f"python {_PROGRAM} {shlex.quote(str(file))} {text}{special}", language="bash", wrap_lines=True)
    st.code((_PROJECT / "docs" / "programs" / _PROGRAM).read_text(), language="python")
