"""What pages put on the screen again and again: sentences, a smaller line, a chart."""

from collections.abc import Callable
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


def what_to_see(text: str) -> None:
    """What there is to see in an example: who is to guess first has it covered with the results."""
    with st.container(key="to_see"):
        explanation(text)


def chart(
    drawn: Any,
    *,
    key: str | None = None,
    width: Literal["stretch", "content"] = "stretch",
    picked: tuple[str, str, Callable[[Any], None]] | None = None,
) -> None:
    """An Altair chart, in a container where it has a key; width: "content" where the chart has one of its own.

    picked: of a chart with a selection its name, the field that it tells, and who is told the value that was clicked.
    """
    # Where a chart was drawn its library is there already.
    from viz.chart_spec import spec_of

    with nullcontext() if key is None else st.container(key=key):
        # Streamlit's own grey of axes and legends cannot be read on a light ground.
        quiet = palette().quiet
        named = dict.fromkeys(("labelColor", "titleColor"), quiet)
        spec = spec_of(drawn.configure_axis(**named).configure_legend(**named))
        if picked is None:
            st.vega_lite_chart(spec, width=width)
            return
        selection, field, told = picked

        def was_picked() -> None:
            points = st.session_state[f"{key}_chart"]["selection"].get(selection) or []
            if points:
                told(points[0][field])

        st.vega_lite_chart(spec, width=width, key=f"{key}_chart", on_select=was_picked, selection_mode=selection)
