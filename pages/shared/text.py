"""The text of the thread and the examples, at the top of every page."""

from collections.abc import Callable, Sequence

import streamlit as st

from pages.shared import thread
from pages.shared.link import LONGEST_ENCODED_TEXT, fits


def question_and_text(question: str, examples: Sequence[tuple[str, str, Callable[[], None]]]) -> None:
    """The page's question, a button for each example (label, what there is to see, what opening it does), the text."""
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", key="top"):
        st.header(question, anchor=False, width="content")
        with st.container(horizontal=True, width="content", key="examples", gap="small"):
            for label, look, opened in examples:
                st.button(label, help=look, on_click=opened, key=f"example_{label}")
    st.session_state["text_box"] = thread.TEXT.value
    with st.form("text_form", border=False):
        box, button = st.columns([8, 1], vertical_alignment="bottom")
        box.text_area("Text", key="text_box", height=68, label_visibility="collapsed", placeholder="Type a sentence")
        button.form_submit_button(
            "Look", width="stretch", on_click=lambda: thread.choose_text(st.session_state["text_box"])
        )
    if not fits(thread.TEXT):
        st.info(
            f"The text is longer than {LONGEST_ENCODED_TEXT:,} characters as a link writes them, so the link leaves it "
            "out. Take it as a file, and open the file here later.",
            icon=":material/link_off:",
        )
        st.download_button("Take the text as a file", lambda: thread.TEXT.value, "text.txt", "text/plain")
