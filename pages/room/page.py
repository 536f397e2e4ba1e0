"""A room: opened by a teacher, entered by a class."""

import streamlit as st

from pages.room.opening_and_entering import enter, open_room, the_room
from pages.shared.lesson_place import place_in_link
from pages.shared.link import mirror
from pages.shared.messages import in_place, show_notes
from pages.shared.registry import ROOM
from pages.shared.room_place import CODE
from pages.shared.thread import THREAD

st.title(ROOM.question, anchor=False)
show_notes()
with in_place():
    if CODE.value:
        the_room()
    else:
        st.markdown(
            "Open a room, and your class follows you: whoever enters its code sees what you see, on every page, within "
            "a second. Nobody gives a name, and nothing of a room is written to disk."
        )
        open_room()
        enter()
mirror((*THREAD, *place_in_link()))
