"""Tokenizers of this session's own: opened from a file or trained here. Nobody else on the server sees them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import count

import streamlit as st

from models.catalog import TOKENIZERS, TokenizerCard
from models.engine import engine

_KEPT, _SAID = "own:tokenizers", "own:said"
_MOST = 8


@dataclass(frozen=True)
class OwnTokenizer:
    """One of them: its card, and its tokenizer.json, from which it is loaded again when the server let it go."""

    card: TokenizerCard
    tokenizer_json: bytes


def _kept() -> dict[str, OwnTokenizer]:
    return st.session_state.setdefault(_KEPT, {})


def names() -> list[str]:
    """Their names, in the order in which they came."""
    return list(_kept())


def has(name: str) -> bool:
    """Whether this session has it."""
    return name in _kept()


def card(name: str) -> TokenizerCard:
    """Its card."""
    return _kept()[name].card


def file_of(name: str) -> bytes:
    """Its tokenizer.json."""
    return _kept()[name].tokenizer_json


def keep(file: bytes, title: str, pattern: str = "GPT-2") -> str:
    """Open a tokenizer's file and keep it for this session; under which name. The oldest of too many goes.

    pattern: for a .tiktoken file, one of PATTERNS. Raises TokenizerFileError.
    """
    from models.tokenization import keep_own, new_own_name, open_tokenizer_file

    opened = open_tokenizer_file(file, pattern)
    name = new_own_name()
    kept = _kept()
    taken = {card.title for card in [*TOKENIZERS.values(), *(each.card for each in kept.values())]}
    made = keep_own(engine, name, opened.tokenizer_json, free_title(title, taken), opened.format)
    while len(kept) >= _MOST:
        kept.pop(next(iter(kept)))
    kept[name] = OwnTokenizer(made, opened.tokenizer_json)
    say_of_latest(opened.notes)
    return name


def say_of_latest(notes: Sequence[str] = (), problem: str = "") -> None:
    """Keep what has to be said of what was brought along last, or why it was not; of none before it any more."""
    st.session_state[_SAID] = (tuple(notes), problem)


def said_of_latest() -> tuple[tuple[str, ...], str]:
    """Sentences, and what went wrong."""
    return st.session_state.get(_SAID, ((), ""))


def free_title(title: str, taken: Collection[str]) -> str:
    """The title, with a number behind it where another tokenizer has it: a list tells its options apart by these."""
    numbered = (f"{title} ({number})" for number in count(2))
    return title if title not in taken else next(each for each in numbered if each not in taken)


def have_loaded(wanted: tuple[str, ...]) -> None:
    """Have the engine know those of them that are wanted now."""
    from models.tokenization import keep_own

    for name in wanted:
        if has(name):
            mine = _kept()[name]
            keep_own(engine, name, mine.tokenizer_json, mine.card.title, mine.card.format)
