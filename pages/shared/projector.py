"""Projector mode, on every page with a picture: the picture with its result, in letters for the last row of a class."""

import html
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from models.catalog import MODELS
from pages.shared import thread
from pages.shared.link import run_again
from viz.components.projector_keys import COVER_BUTTON
from viz.components.scaffold.bundling import bare_sheet

_SHEET = Path(__file__).parents[2] / "viz" / "projector.css"
_LONGEST = 400


def is_on() -> bool:
    """Whether the picture stands alone now."""
    return thread.PROJECTOR.value == "on"


def leading(words: str) -> str:
    """Words of a sentence that lead to a control or a tab: none on a projector, where that is not shown."""
    return "" if is_on() else words


def buttons() -> None:
    """In the row of the title, for who shows the page to others; keys are H and P (viz/components/projector_keys)."""
    st.html(COVER_BUTTON)
    st.button(
        "Projector",
        key="projector_button",
        icon=":material/present_to_all:",
        type="tertiary",
        help="The picture alone, in large letters. Key: P",
        on_click=thread.PROJECTOR.choose,
        args=("on",),
    )


def begin(question: str) -> None:
    """Take away what stands above the picture; the question is said to who does not see the page."""
    st.html(f'{_style()}<h1 class="headlight-unseen">{html.escape(question)}</h1>')


def head() -> DeltaGenerator:
    """The text and the model above the picture, and the way back; the place of what the picture is of (`name`)."""
    with st.container(horizontal=True, vertical_alignment="top", key="projected"):
        text = st.container(width="stretch")
        with st.container(horizontal=True, width="content", vertical_alignment="center"):
            st.html(COVER_BUTTON)
            back = st.button(
                "Leave projector mode", key="leave_projector", type="tertiary", help="The whole page again. Key: P"
            )
    if back:
        thread.PROJECTOR.forget()
        run_again()
    with text:
        said = html.escape(thread.TEXT.value[:_LONGEST])
        title = html.escape(MODELS[thread.MODEL.value].title)
        st.html(f'<p class="headlight-projected"><bdi>{said}</bdi> <small>{title}</small></p>')
        return st.empty()


def name(place: DeltaGenerator, words: Sequence[str]) -> None:
    """What the picture is of, in its place in the head."""
    said = " · ".join(html.escape(each) for each in words if each)
    if said:
        place.html(f'<p class="headlight-projected which">{said}</p>')


@cache
def _style() -> str:
    return f"<style>{bare_sheet(_SHEET)}</style>"
