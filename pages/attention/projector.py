"""Projector mode: the picture alone, in large letters, for the last row of a class."""

import html

import streamlit as st

from models.catalog import MODELS
from pages.attention.choices import KINDS, PROJECTOR, head_name
from pages.shared import thread
from pages.shared.link import run_again

_STYLE = """<style>
[data-testid="stSidebar"], [data-testid="stSidebarCollapsedControl"], [data-testid="stExpandSidebarButton"],
[data-testid="stHeader"] { display: none; }
.stApp .stMainBlockContainer { max-width: none; padding: 1rem 2rem; }
.headlight-projected small { font-size: 1rem; opacity: 0.75; }
.headlight-projected { font-size: 1.7rem; line-height: 1.35; margin: 0 0 0.4rem; overflow-wrap: anywhere; }
.headlight-projected.which { margin: -0.9rem 0 0; }
</style>"""


def enter() -> None:
    """Take the controls away; the text and the model stand above the picture, and the way back."""
    text, back = st.columns((8, 1.6), vertical_alignment="top")
    title = html.escape(MODELS[thread.MODEL.value].title)
    text.html(
        f'{_STYLE}<p class="headlight-projected"><bdi>{html.escape(thread.TEXT.value[:400])}</bdi> '
        f"<small>{title}</small></p>"
    )
    if back.button("Leave projector mode", key="leave_projector", type="tertiary"):
        PROJECTOR.choose("off")
        run_again()


def say_which(kind: str, layer: int | None, head: int | None) -> None:
    """Which attention and which head the picture is of: what the controls would show."""
    st.html(
        f'<p class="headlight-projected which"><small>{KINDS[kind]}, {html.escape(head_name(layer, head))}</small></p>'
    )
