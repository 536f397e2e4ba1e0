"""Every page is entered through app.py, also the first one that anybody opens on a fresh server."""

import runpy
from pathlib import Path

import streamlit as st

_PASSED = "door:passed"


def open_door() -> None:
    """Called by app.py each time before it runs a page."""
    st.session_state[_PASSED] = True


def enter() -> None:
    """Called first by every page: runs app.py, which runs the page, where Streamlit ran the page by itself.

    Until `st.navigation` was called once in a process, Streamlit takes `pages/` for its older way of many pages and
    answers a direct address without running app.py.
    """
    if not st.session_state.pop(_PASSED, False):
        runpy.run_path(str(Path(__file__).resolve().parents[2] / "app.py"))
        st.stop()
