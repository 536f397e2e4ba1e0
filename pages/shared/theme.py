"""The colours of the theme that the person sees."""

import streamlit as st

from viz.palette import DARK, LIGHT, Palette


def palette() -> Palette:
    """For charts that are drawn on the server; browser components choose theirs themselves."""
    return DARK if st.context.theme.type == "dark" else LIGHT
