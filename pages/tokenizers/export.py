"""Sharing the columns, taking their numbers along, and the program behind them."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from models.engine import engine
from pages.shared.export import Download, download_button, path_argument, program, share_and_download, text_argument
from pages.shared.plain_text import plain
from pages.shared.spreadsheet import as_csv
from pages.tokenizers import session_tokenizers
from pages.tokenizers.choices import CHOICES, ShownTokenizers, looked_at_card

if TYPE_CHECKING:
    from models.tokenization import Tokenization
    from models.tokenization.parallel_text import ParallelText
    from models.tokenization.vocabulary import Vocabulary
    from viz.file_tables import CountedFile
    from viz.language_tables import PricedLanguage

_PRICE = ("mean", "spread", "whole", "per_character", "per_byte", "tokens", "unknown", "inexact")
_FOUND = ("id", "piece", "bytes", "length", "script", "rank", "kinds")


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


def prices_as_csv(now: ShownTokenizers, found: "ParallelText", priced: "list[PricedLanguage]") -> str:
    """A row for each language and tokenizer, with the ratio of each sentence."""
    count = len(found.english)
    rows: list[list[object]] = [
        ["language", "name", "script", "tokenizer", *_PRICE, *(f"sentence {place}" for place in range(1, count + 1))]
    ]
    for each in priced:
        for name, price in zip(now.names, each.prices, strict=True):
            about = (each.language.code, each.language.name, each.language.script, name)
            rows.append([*about, *(getattr(price, field) for field in _PRICE), *price.ratios.tolist()])
    return as_csv(rows)


def prices_as_json(now: ShownTokenizers, found: "ParallelText", priced: "list[PricedLanguage]") -> str:
    """The sentences in English, and of each language its sentences and its price with each tokenizer."""
    return json.dumps(
        {
            "english": found.english,
            "languages": {
                each.language.code: {
                    "name": each.language.name,
                    "script": each.language.script,
                    "sentences": each.language.sentences,
                    "prices": {
                        name: {field: getattr(price, field) for field in _PRICE} | {"ratios": price.ratios.tolist()}
                        for name, price in zip(now.names, each.prices, strict=True)
                    },
                }
                for each in priced
            },
            "left_out": found.left_out,
        },
        ensure_ascii=False,
    )


def _found_row(known: "Vocabulary", place: int) -> tuple[int, str, str, int, str, int, int]:
    at = int(place)
    numbers = (int(known.lengths[at]), known.scripts[known.script[at]], int(known.ranks[at]), int(known.kinds[at]))
    return int(known.ids[at]), known.shown(at), known.data[at].hex(), *numbers


def vocabulary_as_csv(known: "Vocabulary", places: np.ndarray) -> str:
    """A row for each piece that was found; kinds are bits, as in `models.tokenization.vocabulary`."""
    return as_csv([list(_FOUND), *(list(_found_row(known, place)) for place in places)])


def vocabulary_as_json(known: "Vocabulary", places: np.ndarray) -> str:
    """The same as a list of objects."""
    return json.dumps(
        [dict(zip(_FOUND, _found_row(known, place), strict=True)) for place in places], ensure_ascii=False
    )


def file_as_json(rows: list[list[object]], counted: "list[CountedFile]") -> str:
    """The costs of each tokenizer, and where they sit: kinds, pieces, words, lines."""
    head, *lines = rows
    said = []
    for line, each in zip(lines, counted, strict=True):
        made = {
            "kinds": [kind._asdict() for kind in each.figures.kinds],
            "pieces": [piece._asdict() for piece in each.figures.pieces],
            "words": [word._asdict() for word in each.figures.words],
            "lines": [one._asdict() for one in each.tally.longest],
        }
        said.append(dict(zip(map(str, head), line, strict=True)) | made)
    return json.dumps(said, ensure_ascii=False, indent=1)


def chat_as_json(chat: str, indent: int | None = 1) -> str:
    """The messages of a chat as it was typed. Raises ChatError."""
    from models.tokenization.chats import as_messages, chat_of

    return as_messages(chat_of(chat), indent)


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

    card = looked_at_card(now.cards)
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
