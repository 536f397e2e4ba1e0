"""Which one should I take? A table with reasons, for the text, the chat or the file; no score."""

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from models.catalog import TokenizerCard
from models.errors import HeadlightError
from models.loading.packs import PackError
from models.one_at_a_time import libraries
from pages.shared import projector
from pages.shared.asking_engine import ask, working
from pages.shared.bound_widgets import bound, names_of, pick
from pages.shared.export import Download, download_button
from pages.shared.sentences_and_charts import say
from pages.shared.spreadsheet import as_csv
from pages.tokenizers import chats, languages, session_tokenizers, whole_file
from pages.tokenizers.chat_choices import BYTES, CHAT, NUMBER_BYTES, OF, PASTED, READERS, VERDICT_OF, WIDTH, WIDTHS
from pages.tokenizers.choices import ShownTokenizers, every_name, tokenizer_card
from viz.number_format import counted, times_text
from viz.which_tokenizer_table import JudgedTokenizer, verdict_rows, verdict_sentences, verdict_table

if TYPE_CHECKING:
    from models.tokenization import Counts

_NAMED = {"text": "the text above", "chat": "the chat", "file": "the file"}


def which_to_take(now: ShownTokenizers, counts: "list[Counts]", status: DeltaGenerator) -> None:
    """What each costs and loses, and the reasons."""
    libraries("models.tokenization")
    left, middle, right = st.columns([3, 1.5, 1.5], gap="medium")
    with left:
        pick(VERDICT_OF, "For", OF)
    with middle:
        bound(st.selectbox, WIDTH, "Width of the model", list(WIDTHS), format_func=lambda number: f"{number:,} numbers")
    with right:
        bound(st.selectbox, NUMBER_BYTES, "A number takes", **names_of(BYTES))
    of = VERDICT_OF.value
    with working("Counting…", status):
        if of == "chat":
            candidates = _for_chat(status)
        elif of == "file":
            candidates = _for_file(status)
        else:
            candidates = [_for_text(card, each, now.text, status) for card, each in zip(now.cards, counts, strict=True)]
        dearest = _dearest_languages(candidates, now, status)
    if not candidates:
        say(f"No file is counted yet{projector.leading(': open one under “What does a whole file cost?”')}.")
        return
    candidates = [replace(each, dearest=dearest.get(each.title, "")) for each in candidates]
    width, number_bytes = WIDTH.value, NUMBER_BYTES.value
    say(*verdict_sentences(candidates, _NAMED[of], width * number_bytes))
    with st.container(key="verdict"):
        st.html(verdict_table(candidates, width, number_bytes))
    st.caption(
        "The table of a model has a row for each piece: rows × width × bytes, and as much again where the output has a "
        "table of its own. Fewer tokens are fewer steps and a smaller KV cache; a larger vocabulary is more to keep. "
        "Whether a model has learnt its pieces well is not seen here."
        + (
            projector.leading(" The chat's tokenizers are chosen under “What does a chat become?”.")
            if of == "chat"
            else ""
        )
    )
    rows = verdict_rows(candidates, width, number_bytes)
    download_button(Download("CSV", "which-tokenizer.csv", lambda: as_csv(rows)), "verdict_csv")


def _for_text(card: TokenizerCard, found: "Counts", text: str, status: DeltaGenerator) -> JudgedTokenizer:
    from models.tokenization.longest_cut import LongestCutRequest

    loses = []
    if found.unknown:
        loses.append(f"{counted(found.unknown, 'piece')} unknown")
    if found.difference is not None:
        loses.append("the ids do not give the text back")
    return JudgedTokenizer(
        card.title, found.tokens, tuple(loses), _rows(card), ask(LongestCutRequest(card.name, text), status)
    )


def _for_chat(status: DeltaGenerator) -> list[JudgedTokenizer]:
    from models.tokenization.longest_cut import LongestCutRequest

    session_tokenizers.have_loaded(tuple(name.removesuffix(PASTED) for name in READERS.value))
    candidates = []
    for name in READERS.value:
        plain_name = name.removesuffix(PASTED)
        card = tokenizer_card(plain_name)
        try:
            read = ask(chats.request_for(name), status)
        except HeadlightError as error:
            candidates.append(
                JudgedTokenizer(chats.title_of(name), None, (), _rows(card), None, str(error).rstrip("."))
            )
            continue
        loses = [
            f"turn {place} is {turn.state}"
            for place, turn in enumerate(read.turns, 1)
            if turn.state in ("left out", "changed", "trimmed")
        ]
        unknown = sum(piece.is_unknown for piece in read.pieces)
        if unknown:
            loses.append(f"{counted(unknown, 'piece')} unknown")
        text = "\n".join(turn.content for turn in read.turns)
        cut = ask(LongestCutRequest(plain_name, text), status) if text.strip() else None
        candidates.append(JudgedTokenizer(chats.title_of(name), len(read.pieces), tuple(loses), _rows(card), cut))
    return candidates if CHAT.value else []


def _for_file(status: DeltaGenerator) -> list[JudgedTokenizer]:
    candidates = []
    for each in whole_file.counted_so_far(status):
        loses = []
        if each.figures.unknown:
            loses.append(f"{counted(each.figures.unknown, 'piece')} unknown")
        if each.tally.unread:
            loses.append("the ids do not give the text back")
        candidates.append(
            JudgedTokenizer(
                each.title, each.tally.tokens, tuple(loses), each.figures.vocabulary, each.figures.longest_cut
            )
        )
    return candidates


def _dearest_languages(
    candidates: list[JudgedTokenizer], now: ShownTokenizers, status: DeltaGenerator
) -> dict[str, str]:
    """Of each tokenizer, by its title, the language that costs most, and how many times English; {} without the
    sentences.
    """
    from models.tokenization.parallel_text import MessagesRequest

    titles = {each.title for each in candidates if each.rows}
    cards = tuple(card for name in every_name() if (card := tokenizer_card(name)).title in titles)
    if not cards:
        return {}
    shown = replace(now, cards=cards)
    with suppress(PackError):
        prices = languages.prices_of(ask(MessagesRequest(), status), shown, status)
        found = {}
        for place, card in enumerate(cards):
            most = max(prices, key=lambda each: each.prices[place].mean)
            found[card.title] = f"{most.language.name}, {times_text(most.prices[place].mean)} English"
        return found
    return {}


def _rows(card: TokenizerCard) -> int:
    return 0 if card.format == "baseline" else card.vocabulary
