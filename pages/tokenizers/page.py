"""How is the text cut into tokens? Several tokenizers side by side, to the byte."""

from typing import TYPE_CHECKING
from unicodedata import bidirectional

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from models.catalog import MODELS
from models.errors import HeadlightError
from models.one_at_a_time import libraries
from pages.shared import thread
from pages.shared.asking_engine import ask, working
from pages.shared.bound_widgets import bound, toggle
from pages.shared.link import NumberPair, note
from pages.shared.messages import in_place, show_notes
from pages.shared.page import Page, inspector_in, show
from pages.shared.plain_text import plain
from pages.shared.text_choice import text_form
from pages.tokenizers import session_tokenizers
from pages.tokenizers.choices import (
    CHOICES,
    CHOSEN,
    MOST_COLUMNS,
    SPECIALS,
    START,
    STRETCH,
    ShownTokenizers,
    add,
    choose_stretch,
    chosen_columns,
    every_name,
    keep_inside,
    shown,
    tokenizer_card,
)
from pages.tokenizers.examples import EXAMPLES
from pages.tokenizers.inspector import inspect
from pages.tokenizers.tabs import below, without_picture
from viz.components.token_columns import ColumnHead, ColumnsPicture, token_columns
from viz.tokenizers_tables import column_figures

if TYPE_CHECKING:
    from models.tokenization import Comparison

# Beyond as many columns there is no room beside them.
_MOST_BESIDE = 4


class NothingToCutError(HeadlightError):
    """No text, or no tokenizer."""


def which(now: ShownTokenizers) -> None:
    """The tokenizers, and how special tokens in the text are read."""
    names, button = st.columns([6, 1.4], vertical_alignment="bottom")
    bound(
        names.multiselect,
        CHOSEN,
        "Tokenizers",
        every_name(),
        shown=lambda _: list(now.names),
        meant=chosen_columns,
        format_func=lambda name: tokenizer_card(name).title,
        max_selections=MOST_COLUMNS,
        placeholder="Choose two to eight",
        label_visibility="collapsed",
    )
    card = MODELS[thread.MODEL.value]
    title = card.title
    if (
        card.folder
        and card.family != "vision"
        and f"That of {title}" not in [tokenizer_card(name).title for name in every_name()]
    ):
        st.button(f"Add that of {plain(title)}", key="add_that_of_model", on_click=_add_that_of_model)
    changed = " •" if now.split_special_tokens else ""
    with button.popover(f"More{changed}", width="stretch"):
        toggle(
            SPECIALS,
            "Special tokens in the text are plain text",
            "text",
            about="Somebody who types <|endoftext|> either ends the text for the model or only writes thirteen "
            "characters; programs differ in which.",
        )


def _add_that_of_model() -> None:
    """The tokenizer of a model from a folder or the hub becomes a column; those of the others are in the list."""
    libraries("models.tokenization")
    from models.loading.tokenizer_files import tokenizer_file_of

    card = MODELS[thread.MODEL.value]
    try:
        add(session_tokenizers.keep(tokenizer_file_of(card), f"That of {card.title}"))
    except (HeadlightError, OSError) as error:
        note(str(error) if isinstance(error, HeadlightError) else "Its tokenizer could not be read; open it again.")


def pager(length: int, start: int, end: int) -> None:
    """Which part of a long text is shown."""
    from models.tokenization import WINDOW

    with st.container(horizontal=True, vertical_alignment="center", key="pager"):
        st.button(
            "‹ Before", key="page_before", disabled=start == 0, on_click=lambda: START.choose(max(0, start - WINDOW))
        )
        st.caption(f"Characters {start + 1:,} to {end:,} of {length:,}. The counts are over the whole text.")
        st.button("Further ›", key="page_further", disabled=end == length, on_click=lambda: START.choose(end))


def explore(_: DeltaGenerator) -> None:
    """All but the examples: the text changes with the rest, and nothing but this page is about it."""
    with st.container(key="controls_of_text"):
        text_form()
    # What is waited for is said below the text.
    status = st.empty()
    now = shown()
    keep_inside(len(now.text))
    has_picture = False
    with in_place():
        show_notes()
        with st.container(key="controls_of_columns"):
            which(now)
        if not now.text:
            raise NothingToCutError("There is no text yet: type a sentence, or choose an example.")
        if not now.cards:
            raise NothingToCutError("Choose a tokenizer above; two to eight stand side by side.")
        with working("Loading the tokenizers, once for everybody…", status):
            libraries("models.tokenization")
            session_tokenizers.have_loaded(now.names)
        picture(now, status)
        has_picture = True
    if not has_picture:
        libraries("models.tokenization")
        without_picture(now.text)


def picture(now: ShownTokenizers, status: DeltaGenerator) -> None:
    """The ruler and the columns, the inspector, and the tabs below."""
    from models.tokenization import WINDOW, ComparisonRequest, CountsRequest

    selected = selected_stretch(len(now.text))
    start = window_of(selected) if START.value is None else START.value
    # Only what the stretch does not say needs to be in the address.
    START.choose(None if start == window_of(selected) else start)
    # Who pages on leaves the stretch behind; it stays selected.
    stretch = selected if selected is not None and start <= selected[0] < start + WINDOW else None
    with working("Cutting the text…", status):
        counts = [ask(CountsRequest(name, now.text, now.split_special_tokens), status) for name in now.names]
        found = ask(ComparisonRequest(now.names, now.text, now.split_special_tokens, start), status)
    heads = tuple(
        ColumnHead(card.name, card.title, each.tokens, column_figures(each))
        for card, each in zip(now.cards, counts, strict=True)
    )
    left, right = st.columns([9, 3], gap="medium") if len(now.cards) <= _MOST_BESIDE else (st.container(),) * 2
    with left:
        with st.container(key="columns"):
            token_columns(
                ColumnsPicture(
                    found,
                    heads,
                    stretch,
                    "Equal pieces have equal colours, a space in front aside; there are few colours, so that two "
                    "equal ones need not be equal pieces. They show pieces, not meaning.",
                ),
                key="token_columns",
                on_stretch=choose_stretch,
            )
        if found.end - found.start < len(now.text):
            pager(len(now.text), found.start, found.end)
        if now.split_special_tokens and (sentence := special_all_the_same(now, found)):
            st.caption(plain(sentence))
        if any(bidirectional(each) in ("R", "AL") for each in now.text[found.start : found.end]):
            st.caption(
                "Pieces stand from left to right in the order of the text, also of a text that is read from right to "
                "left."
            )
        if "\0" in now.text:
            st.caption("The text holds a NUL, which is shown as ␀; models cannot be asked about it.")
    with inspector_in(right, PAGE):
        inspect(now, found, counts, stretch)
    below(now, found, counts, selected)


def special_all_the_same(now: ShownTokenizers, found: "Comparison") -> str:
    """Which special tokens come out although they are to be plain text."""
    named = [
        f"{look.text} in {card.title}"
        for card, column in zip(now.cards, found.columns, strict=True)
        for look in column.looks
        if look.is_special
    ]
    return (
        f"Still special: {', '.join(named)}. There the vocabulary holds it as an ordinary piece as well, so that the "
        "plain text has the same id."
        if named
        else ""
    )


def window_of(stretch: NumberPair | None) -> int:
    """Where the window begins that shows this stretch, whole if there is room; without one the first."""
    from models.tokenization import WINDOW

    if stretch is None:
        return 0
    start = stretch[0] // WINDOW * WINDOW
    return start if stretch[1] <= start + WINDOW else stretch[0]


def selected_stretch(length: int) -> NumberPair | None:
    """The chosen stretch, or the thread's token where none is; a text has this many characters."""
    stretch, place = STRETCH.value, thread.place()
    if stretch is None:
        return NumberPair((place, place + 1)) if place is not None and place < length else None
    if place is None and thread.TOKEN.value is None:
        # An example or a link chose it: the thread's token goes with it, so that other pages light what stands there.
        thread.choose_place(stretch[0])
    return NumberPair((stretch[0], min(stretch[1], length)))


def pictured() -> list[str]:
    """The tokenizers side by side."""
    return [card.title for card in shown().cards]


# What is cut is a text, whatever the model is.
PAGE = Page(
    *("tokenizers", explore, CHOICES, EXAMPLES),
    about=(thread.TEXT, CHOSEN),
    has_text=False,
    pictured=pictured,
    reads="anything",
)
show(PAGE)
