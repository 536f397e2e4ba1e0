"""The thread of a lesson: one model, one text and one token that travel from page to page."""

import re
from collections.abc import Sequence
from typing import Any

import streamlit as st

from models.catalog import DEFAULT_MODEL, MODELS
from models.loading.allowed_folders import FOLDER, FolderError, permitted
from models.loading.hub_ids import HubError, hub_id, is_of_hub
from pages.shared.lesson_place import place_in_link
from pages.shared.link import Choice, note, one_of, whole_number
from pages.shared.local_or_public import may_know

DEFAULT_TEXT = "The animal didn't cross the street because it was too tired."
NO_SUCH_TAB = "The link names no tab that is here; the first one is open."
_REFUSED = "thread:refused"


def readable(text: str) -> str:
    """The text with halves of surrogate pairs, which cannot be sent to a browser, shown as � and said so."""
    clean = text if text.isascii() else text.encode("utf-8", "replace").decode()
    if clean != text:
        note("The text held half of a surrogate pair, which is not text; it is replaced by a question mark.")
    return clean


def named_in_link(text: str) -> str:
    """The name of a model: one that is always there, or one of the hub or in a folder that was not turned away.

    Whether the latter can be opened is seen by `model_choice`, which opens them: that takes torch.

    Raises ValueError with the sentence that a person reads.
    """
    refused = st.session_state.get(_REFUSED, {})
    if text in refused:
        raise ValueError(refused[text])
    try:
        if text.startswith(FOLDER):
            # Before it is chosen: what is chosen may be computed with by a fragment, whatever becomes of this run.
            return FOLDER + str(permitted(text.removeprefix(FOLDER), anywhere=may_know(is_open=True)))
        if is_of_hub(text):
            return hub_id(text).name
    except (FolderError, HubError) as error:
        raise ValueError(f"{error} The default is shown.") from error
    return one_of("model", tuple(MODELS))(text)


def _named_tab(text: str) -> str:
    if not re.fullmatch(r"[\w-]{1,80}", text):
        raise ValueError(NO_SUCH_TAB)
    return text


MODEL: Choice[str] = Choice("model", DEFAULT_MODEL, named_in_link)
TEXT: Choice[str] = Choice("text", DEFAULT_TEXT, readable)
TOKEN: Choice[int | None] = Choice("token", None, whole_number("token"))
THREAD = (MODEL, TEXT, TOKEN)
# Of the page that is shown; "" for the first one.
TAB: Choice[str] = Choice("tab", "", _named_tab)
# Whether the picture stands alone, in letters for the last row of a class.
PROJECTOR: Choice[str] = Choice("projector", "off", one_of("projector mode", ("off", "on")))
# What a place in a text belongs to: its tokens are those of one model.
OWNERS = (MODEL, TEXT)

_START = "thread:start"
_TAB_BEFORE = "thread:tab_before"


def in_the_link(choices: Sequence[Choice[Any]]) -> tuple[Choice[Any], ...]:
    """The thread, the open lesson, and those of a page's choices that differ from what is shown without them."""
    chosen = (each for each in (*choices, TAB, PROJECTOR) if each.is_always or each.value != each.default)
    return (*THREAD, *place_in_link(), *chosen)


def tab_before() -> str:
    """The tab that was open on this page before the one that is, as a link names it; "" for the first one."""
    return st.session_state.get(_TAB_BEFORE, "")


def remember_tab(name: str) -> None:
    """What `tab_before` says from now on."""
    st.session_state[_TAB_BEFORE] = name


def choose_text(text: str) -> None:
    """Take a new text; the token that was selected has no place in it."""
    if text != TEXT.value:
        TEXT.choose(readable(text))
        TOKEN.choose(None)
        st.session_state.pop(_START, None)


def choose_model(name: str) -> None:
    """Take another model; its tokens are numbered otherwise, so the token is found again by its place in the text."""
    if name != MODEL.value:
        # It may be there by now.
        st.session_state.get(_REFUSED, {}).pop(name, None)
        MODEL.choose(name)
        TOKEN.choose(None)


def refuse_model(name: str, sentence: str) -> None:
    """The chosen model cannot be opened: the default is taken, also where a page reads the same address again."""
    for each in {name, st.query_params.get(MODEL.name, name)}:
        st.session_state.setdefault(_REFUSED, {})[each] = sentence
    note(sentence)
    choose_model(DEFAULT_MODEL)


def forget_refused() -> None:
    """Called before a link is read: what could not be opened a while ago may be there now."""
    st.session_state.pop(_REFUSED, None)


def choose_token(token: int, spans: tuple[tuple[int, int], ...]) -> None:
    """Select a token and remember where it stands in the text."""
    TOKEN.choose(token)
    st.session_state[_START] = spans[token][0] if token < len(spans) and spans[token] != (0, 0) else None


def choose_place(start: int) -> None:
    """Select what stands at this character of the text, whichever token that is."""
    TOKEN.choose(None)
    st.session_state[_START] = start


def place() -> int | None:
    """At which character of the text the selected token begins, as far as somebody selected one."""
    return st.session_state.get(_START)


def current_token(
    tokens: tuple[str, ...], is_special: tuple[bool, ...], spans: tuple[tuple[int, int], ...], meant: Sequence[int] = ()
) -> int:
    """The selected token of this tokenization.

    The chosen one; else the one at the same place in the text; else the one that is meant, where the text is an
    example; else the last one with a letter or digit in it. A number beyond the text is said and not taken.
    """
    chosen = TOKEN.value
    if chosen is not None and chosen >= len(tokens):
        note(f"The link names token {chosen}; this text has tokens 0 to {len(tokens) - 1}, so another one is selected.")
        TOKEN.choose(None)
        chosen = None
    if chosen is None:
        start = st.session_state.get(_START)
        same = [place for place, (low, high) in enumerate(spans) if start is not None and low <= start < high]
        words = [
            place
            for place, text in enumerate(tokens)
            if not is_special[place] and any(character.isalnum() for character in text)
        ]
        chosen = [*same, *meant, *reversed(words), len(tokens) - 1][0]
    choose_token(chosen, spans)
    return chosen
