"""The colours of the theme that the person sees."""

import streamlit as st

from viz.palette import DARK, LIGHT, Palette


def palette() -> Palette:
    """For charts that are drawn on the server; browser components choose theirs themselves."""
    return DARK if st.context.theme.type == "dark" else LIGHT


def variables() -> str:
    """For the style of the page: a CSS property for each colour, of which the browser takes the shown theme's."""
    both = zip(_named(LIGHT).items(), _named(DARK).values(), strict=True)
    listed = (f"--headlight-{name}: light-dark({light}, {dark});" for (name, light), dark in both)
    return f":root {{ {' '.join(listed)} }}"


def _named(colours: Palette) -> dict[str, str]:
    names = ("accent", "ground", "ink", "quiet", "hatch")
    ends = {"most": colours.amount[4], "more": colours.difference[-1]}
    return {name: getattr(colours, name) for name in names} | ends
