"""The lessons, by theme; and a lesson of one's own."""

from dataclasses import asdict

import streamlit as st

from pages.lessons.draft import draft
from pages.lessons.editor import make, open_file
from pages.shared.course import heads
from pages.shared.lesson_place import place_in_link
from pages.shared.lesson_rail import start
from pages.shared.link import mirror
from pages.shared.messages import in_place, show_notes
from pages.shared.registry import LESSONS, ROOM
from pages.shared.thread import THREAD
from viz.components.lesson_list import lesson_list

st.title(LESSONS.question, anchor=False)
st.markdown(
    "Each step opens a live view of a page and asks you to guess first; then the model itself answers, from its own "
    "numbers. Type a text of your own at any step: the question is asked of yours. What you have done is remembered in "
    "this browser alone."
)
show_notes()
st.page_link(ROOM.script, label="With a class: open a room, and all follow you", icon=ROOM.icon)
with in_place(), st.container(key="lesson_table"):
    lesson_list([asdict(head) | {"steps": steps} for head, steps in heads()], on_open=lambda told: start(*told))
with st.expander("Open or make a lesson", expanded=draft() is not None, key="own_lessons"):
    with in_place():
        open_file()
    with in_place():
        make()
mirror((*THREAD, *place_in_link()))
