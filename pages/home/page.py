"""The default page: what one can see here, and the way in."""

from collections.abc import Callable

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from models.one_at_a_time import libraries
from pages.shared.course import heads
from pages.shared.examples import Example
from pages.shared.lesson_place import place_in_link
from pages.shared.link import mirror
from pages.shared.messages import in_place, show_notes
from pages.shared.plain_text import plain
from pages.shared.registry import HOME, LESSONS, PAGES, ROOM, PageEntry
from pages.shared.thread import MODEL, TEXT, THREAD

_IN_A_ROW = 3
_LONGEST = 32
CARDS = (*PAGES, LESSONS)

Preview = Callable[[DeltaGenerator], tuple[str, str]]


def way_in(page: PageEntry, first: Example) -> DeltaGenerator:
    """A card that leads to a page, on its first example; the place of its picture, which is of that example."""
    chosen = {
        choice.name: str(value)
        for choice, value in first.chosen.items()
        if value != choice.default or choice in (MODEL, TEXT)
    }
    text = str(first.chosen[TEXT]).replace("\n", " ")
    shortened = text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
    with st.container(border=True, key=f"open_{page.address}"):
        st.page_link(page.script, label=f"**{page.title}**", icon=page.icon, query_params=chosen)
        st.caption(f"{page.question}  \nOpens on: {plain(shortened)}")
        return st.empty()


def way_to_lessons() -> None:
    """A card that leads to the course: what it is, and what it is about."""
    listed = [head for head, _ in heads()]
    minutes = [head.minutes for head in listed]
    themes = ", ".join(dict.fromkeys(head.theme.lower() for head in listed))
    with st.container(border=True, key=f"open_{LESSONS.address}"):
        st.page_link(LESSONS.script, label=f"**{LESSONS.title}**", icon=LESSONS.icon)
        st.caption(
            f"{LESSONS.question}  \n{len(listed)} lessons of {min(minutes)} to {max(minutes)} minutes. You guess; "
            "then the model itself answers, in the picture, of these sentences or of yours."
        )
        st.caption(plain(f"Themes: {themes}."))
        st.page_link(ROOM.script, label="With a class: open a room", icon=ROOM.icon)


def show_preview(place: DeltaGenerator, preview: Preview) -> None:
    """The small picture of a page, and under it what it is of."""
    with place.container(), in_place():
        picture, said = preview(st.empty())
        st.html(picture)
        st.caption(said)


st.title(HOME.question, anchor=False)
st.markdown(
    "Type a sentence and see what every head of a real model attends to: on this machine, nothing sent elsewhere. "
    "Every number is what the model computed: point at a cell to read it, click to pin it, take it along as a file. "
    "A copied link opens the same view, so a class can look at one picture together."
)
show_notes()
places = []
for start in range(0, len(CARDS), _IN_A_ROW):
    for each, column in zip(CARDS[start : start + _IN_A_ROW], st.columns(_IN_A_ROW), strict=False):
        with column:
            if each == LESSONS:
                way_to_lessons()
            else:
                places.append(way_in(each, each.examples[0]))
mirror((*THREAD, *place_in_link()))
# Everything above is on the screen before torch is imported, which the pictures need.
libraries()
for each, place in zip(PAGES, places, strict=True):
    if (part := each.part("home_card")) is None:
        place.caption(each.examples[0].look)
    else:
        show_preview(place, part.preview)
