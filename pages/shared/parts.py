"""What pages put on the screen again and again: sentences, a smaller line, a chart."""

from contextlib import nullcontext
from typing import Any, Literal

import streamlit as st

from pages.shared.theme import palette
from viz.glossary import explained_markdown
from viz.inspector import line
from viz.tables import sentences


def say(*lines: str) -> None:
    """A sentence a paragraph, the first one being the main one."""
    st.html(sentences(lines))


def remark(text: str) -> None:
    """A line of smaller text."""
    st.html(line(text))


def explanation(text: str) -> None:
    """Markdown of ours, in which the words of the glossary are explained where they stand; HTML in it stays text."""
    st.markdown(explained_markdown(text), unsafe_allow_html=True)


def chart(drawn: Any, *, key: str | None = None, width: Literal["stretch", "content"] = "stretch") -> None:
    """An Altair chart, in a container where it has a key; width: "content" where the chart has one of its own."""
    with nullcontext() if key is None else st.container(key=key):
        # Streamlit's own grey of axes and legends cannot be read on a light ground.
        quiet = palette().quiet
        named = dict.fromkeys(("labelColor", "titleColor"), quiet)
        st.altair_chart(drawn.configure_axis(**named).configure_legend(**named), width=width)
