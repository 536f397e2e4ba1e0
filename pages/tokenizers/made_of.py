"""Made of what? The cards of the tokenizers, mostly in the words of their own files."""

from typing import TYPE_CHECKING

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from models.catalog import TokenizerCard
from pages.shared.asking_engine import ask
from pages.tokenizers.choices import ShownTokenizers
from viz.tokenizers_tables import (
    tokenizer_cards,
)

if TYPE_CHECKING:
    from models.tokenization import TokenizerFacts


def what_it_is_made_of(now: ShownTokenizers, status: DeltaGenerator) -> None:
    """The cards of the tokenizers, mostly in the words of their own files."""
    from models.tokenization import FactsRequest

    facts = [ask(FactsRequest(card.name), status) for card in now.cards]

    both = list(zip(now.cards, facts, strict=True))
    rows = [
        ("algorithm", [_algorithm(card, each) for card, each in both]),
        ("vocabulary", [_vocabulary(card, each) for card, each in both]),
        ("normaliser", [each.normalizer if each else "nothing" for _, each in both]),
        ("pre-tokeniser", [each.pre_tokenizer if each else "nothing" for _, each in both]),
        ("byte fallback", [_fallback(card, each) for card, each in both]),
        ("template", [each.adds if each else "nothing" for _, each in both]),
        ("special tokens", [_special(each) for _, each in both]),
        ("licence", [card.licence or "–" for card, _ in both]),
        ("source", [card.source for card, _ in both]),
    ]
    st.html(tokenizer_cards(rows, [card.title for card in now.cards]))


def _algorithm(card: TokenizerCard, facts: "TokenizerFacts | None") -> str:
    return facts.algorithm if facts else card.family


def _vocabulary(card: TokenizerCard, facts: "TokenizerFacts | None") -> str:
    count = facts.vocabulary if facts else card.vocabulary
    return f"{count:,}" if count else "without end"


def _fallback(card: TokenizerCard, facts: "TokenizerFacts | None") -> str:
    if facts is None:
        return "nothing is ever unknown" if card.name != "words" else "no"
    if facts.notation.kind == "bytes":
        return "pieces are bytes, nothing is unknown"
    return "yes: what is no piece is cut into bytes" if facts.byte_fallback else "no: what is no piece is unknown"


def _special(facts: "TokenizerFacts | None") -> str:
    if facts is None or not facts.special:
        return "none"
    named = ", ".join(token for _, token in facts.special[:6])
    more = len(facts.special) - 6
    return f"{named} and {more:,} more" if more > 0 else named
