"""Projector mode: the picture alone, in large letters, for the last row of a class."""

import html

import streamlit as st

from pages.attending.choices import PROJECTOR
from pages.shared import thread
from pages.shared.link import run_again

_STYLE = """<style>
[data-testid="stSidebar"], [data-testid="stSidebarCollapsedControl"], [data-testid="stExpandSidebarButton"],
[data-testid="stHeader"] { display: none; }
.stMainBlockContainer { max-width: none; padding: 1rem 2rem; }
.headlight-projected { font-size: 1.7rem; line-height: 1.35; margin: 0 0 0.4rem; overflow-wrap: anywhere; }
</style>"""


def enter() -> None:
    """Take the controls away; the text stands above the picture."""
    st.html(f'{_STYLE}<p class="headlight-projected"><bdi>{html.escape(thread.TEXT.value[:400])}</bdi></p>')


def leave_button() -> None:
    """Back to the controls; the whole page is run again."""
    if st.button("Leave projector mode", key="leave_projector", type="tertiary"):
        PROJECTOR.choose("off")
        run_again()
