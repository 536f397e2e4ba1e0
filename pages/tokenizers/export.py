"""Sharing the columns, taking their numbers along, and the program behind them."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from models.engine import engine
from pages.shared.export import Download, download_button, path_argument, program, share_and_download, text_argument
from pages.shared.plain_text import plain
from pages.shared.spreadsheet import as_csv
from pages.tokenizers import session_tokenizers
from pages.tokenizers.choices import CHOICES, ShownTokenizers, looked_at

if TYPE_CHECKING:
    from models.tokenization import Tokenization


def _tokenizations(now: ShownTokenizers) -> "list[Tokenization]":
    from models.tokenization import tokenize

    return [
        tokenize(engine.tokenizer(name), now.text, split_special_tokens=now.split_special_tokens) for name in now.names
    ]


def pieces_as_csv(now: ShownTokenizers) -> str:
    """A row for each piece of each tokenizer: its place, id, what is shown, bytes in hexadecimal, and characters."""
    rows: list[list[object]] = [["tokenizer", "place", "id", "piece", "bytes", "start", "end", "special", "unknown"]]
    for name, cut in zip(now.names, _tokenizations(now), strict=True):
        for place, piece in enumerate(cut.pieces):
            marks = (int(piece.is_special), int(piece.is_unknown))
            rows.append([name, place, piece.id, piece.text, piece.data.hex(), *piece.span, *marks])
    return as_csv(rows)


def pieces_as_json(now: ShownTokenizers) -> str:
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


def take_along(now: ShownTokenizers) -> None:
    """The link to this view, and its pieces as CSV and JSON over the whole text, made when somebody asks for them."""
    has_own = any(map(session_tokenizers.has, now.names))
    share_and_download(
        CHOICES,
        (
            Download("CSV", "pieces.csv", lambda: pieces_as_csv(now)),
            Download("JSON", "pieces.json", lambda: pieces_as_json(now)),
        ),
        opens_without_text="This link opens the same tokenizers; the text is too long for it and goes as a file:",
        notes=["Your own tokenizers are not in the link; give their files along."] if has_own else [],
    )


def code(now: ShownTokenizers) -> None:
    """The program that gives the same ids."""
    from models.tokenization import prepared_tokenizer

    card = looked_at(now.cards)
    if session_tokenizers.has(card.name):
        file = Path("tokenizer.json")
        st.caption(f"The program needs the file of {plain(card.title)}:")
        download_button(Download(file.name, file.name, session_tokenizers.file_of(card.name)), "own_program")
    elif card.pack is None:
        st.caption(f"{card.title} needs no library: {card.source}. Put another tokenizer first to see its program.")
        return
    else:
        file = prepared_tokenizer(card)
    special = ["--split-special-tokens"] if now.split_special_tokens else []
    program("cut_text.py", path_argument(file), text_argument(now.text), *special, needs="tokenizers installed")
