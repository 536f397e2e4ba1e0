"""The text of the thread and the examples, at the top of every page."""

from collections.abc import Callable, Sequence

import streamlit as st

from pages.shared import thread
from pages.shared.link import LONGEST_ENCODED_TEXT, fits, run_again
from pages.shared.messages import problem
from pages.shared.projector import buttons

# What people have texts in; whatever it is called, it is read as text.
TEXT_FILES = ["txt", "md", "py", "json", "csv"]
# In MB.
LARGEST_TEXT_FILE = 5


def examples_row(question: str, examples: Sequence[tuple[str, str, Callable[[], None]]]) -> None:
    """The page's question and a button for each example: label, what there is to see, what opening it does."""
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="top", key="top"):
        st.title(question, anchor=False, width="content")
        with st.container(horizontal=True, width="content", key="examples", gap="small"):
            for label, look, opened in examples:
                st.button(label, help=look, on_click=opened, key=f"example_{label}")
        with st.container(horizontal=True, width="content", key="for_class", gap="small"):
            buttons()


def text_form() -> None:
    """The text, and, where it is too long for a link, a way to take it along."""

    def typed() -> None:
        thread.choose_text(st.session_state["text_box"])

    st.session_state["text_box"] = thread.TEXT.value
    with st.form("text_form", border=False):
        box, button = st.columns([8, 1], vertical_alignment="bottom")
        box.text_area("Text", key="text_box", height=68, label_visibility="collapsed", placeholder="Type a sentence")
        button.form_submit_button("Look", width="stretch", on_click=typed)
    if not fits(thread.TEXT):
        with st.container(horizontal=True, vertical_alignment="center", key="too_long_for_a_link"):
            st.caption(
                f"This text is longer than a link can carry ({LONGEST_ENCODED_TEXT:,} characters as links write them). "
                "Share it as a file; whoever gets it opens it under “Take it with you”.",
                width="stretch",
            )
            text = thread.TEXT.value
            # It is called outside of the session, which has no choices then.
            st.download_button("Take the text as a file", lambda: text, "text.txt", "text/plain", on_click="ignore")


def open_text_file() -> None:
    """Take the text of a file (UTF-8) instead of typing it."""
    file = st.file_uploader("Open a text file", TEXT_FILES, key="text_file", max_upload_size=LARGEST_TEXT_FILE)
    if file is None or st.session_state.get("text_file:taken") == file.file_id:
        return
    st.session_state["text_file:taken"] = file.file_id
    try:
        text = file.getvalue().decode("utf-8-sig")
    except UnicodeDecodeError:
        problem("This file is not text in UTF-8; save it as UTF-8 and open it again.")
        return
    thread.choose_text(text)
    run_again()
