"""The default page: what one can see here, and the way in."""

from importlib import import_module

import streamlit as st

from pages.shared.link import mirror
from pages.shared.messages import show_notes
from pages.shared.page import Example
from pages.shared.registry import HOME, PAGES, PageEntry
from pages.shared.thread import MODEL, TEXT, THREAD


def way_in(page: PageEntry, first: Example) -> None:
    """A card that leads to a page, on its first example."""
    chosen = {choice.name: str(value) for choice, value in first.chosen.items() if value != choice.default or choice in (TEXT, MODEL)}
    question = page.question[0].lower() + page.question[1:]
    with st.container(border=True, key=f"open_{page.address}"):
        st.page_link(page.script, label=f"**{page.title}**: {question}", icon=page.icon, query_params=chosen)
        st.caption(f"Opens on: {str(first.chosen[TEXT]).replace(chr(10), ' ')}")


st.header(HOME.question)
st.markdown(
    "Type a sentence and see what every head of a real model attends to: on this machine, nothing sent elsewhere.\n\n"
    "Every number is what the model computed: point at a cell to read it, click to pin it, take it along as a file.\n\n"
    "A copied link opens the same view, so a class can look at one picture together."
)
show_notes()
for each in PAGES:
    way_in(each, import_module(f"pages.{each.address}.examples").EXAMPLES[0])
mirror(THREAD)
