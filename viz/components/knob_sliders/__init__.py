"""Sliders whose picture follows while they are dragged; the server hears of them once they are let go."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass

import streamlit as st

from viz.components.scaffold import large_component, pack_picture

_PARTS = '<div class="rows"></div>\n'
knob_sliders_library, _mount = large_component("knob_sliders", _PARTS)


@dataclass(frozen=True)
class KnobSlider:
    """One slider.

    name: by which the picture knows it. title, help: as people read them.
    value: what it is set to; at least `least`, where that is more than 0. default: where it is not marked as turned.
    most: how far it goes, from 0 on. step: of the slider. digits: behind the point, if at most two, else in all; 0 for
    whole numbers.
    """

    name: str
    title: str
    help: str
    value: float | int
    default: float | int
    least: float | int
    most: float | int
    step: float | int
    digits: int


def knob_sliders(
    picture: str, sliders: Sequence[KnobSlider], *, key: str, on_move: Callable[[Mapping[str, float | int]], None]
) -> None:
    """Show the sliders; the component `picture` follows them by their names.

    `on_move(values)` is called with what all of them are set to, by name, after one was let go.
    """
    # How many times the browser has told what they are set to: older values do not take newer ones back.
    heard = f"{key}:heard"

    def moved(told: tuple[int, dict[str, float | int]]) -> None:
        st.session_state[heard], values = told
        on_move(values)

    header = {
        "picture": picture,
        "sliders": [asdict(each) for each in sliders],
        "heard": st.session_state.get(heard, 0),
    }
    _mount(key=key, data=pack_picture(header), told={"moved": (_told, moved)})


def _told(value: object) -> tuple[int, dict[str, float | int]] | None:
    if not isinstance(value, Mapping):
        return None
    count, values = value.get("count"), value.get("values")
    if not isinstance(count, int) or not isinstance(values, Mapping):
        return None
    is_known = all(isinstance(each, int | float) and math.isfinite(each) for each in values.values())
    return (count, {str(name): each for name, each in values.items()}) if is_known else None
