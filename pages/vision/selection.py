"""What is shown of the picture that is chosen: which trace, layer, head and tokens."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from models.catalog import MODELS
from models.engine import engine
from pages.shared import thread
from pages.shared.link import note
from pages.vision.choices import (
    CUT,
    LOOKS_FROM,
    MOST_HELD,
    OWN,
    PHOTO,
    PICTURES,
    SEE_HEAD,
    SEE_LAYER,
    SIDE,
    Places,
)

if TYPE_CHECKING:
    from models.vision import CutPicture, PictureTraceRequest, VisionFacts

# The bytes of somebody's own picture, as long as the session lasts, and what it is called.
OWN_BYTES, OWN_NAME = "vision:own", "vision:own_name"
_NAMES = {"CLS": "class token"}


def picture_name() -> str:
    """Of the chosen picture, for requests. Raises PictureError."""
    if PHOTO.value != OWN:
        return f"example:{PHOTO.value}"
    data = st.session_state.get(OWN_BYTES)
    if data is None:
        note("The link is of somebody's own picture, which is in no link; open that picture here. An example is shown.")
        PHOTO.forget()
        return f"example:{PHOTO.value}"
    from models.vision import keep_picture

    return keep_picture(engine, data).name


def picture_title() -> str:
    """What the chosen picture is called."""
    return PICTURES.get(PHOTO.value) or st.session_state.get(OWN_NAME, "Own picture")


def model_title() -> str:
    """The chosen model's name."""
    return MODELS[thread.MODEL.value].title


def trace_of(facts: "VisionFacts") -> "PictureTraceRequest":
    """The forward that is looked at. Raises PictureError."""
    from models.vision import PictureTraceRequest

    if SIDE.value is not None and SIDE.value not in facts.sides:
        note(f"This model takes no side of {SIDE.value} pixels; its own is shown.")
        SIDE.forget()
    if CUT.value == "whole" and not facts.takes_whole:
        note("This model takes squares only; the picture is cropped.")
        CUT.forget()
    return PictureTraceRequest(thread.MODEL.value, picture_name(), SIDE.value, CUT.value == "whole")


def chosen_layer_and_head(cut: "CutPicture") -> tuple[int, int]:
    """The layer and the head to show; what is not there is said and not taken."""
    layer, head = SEE_LAYER.value, SEE_HEAD.value
    if layer is not None and layer not in cut.layers:
        note(f"There is no layer {layer} with maps: there are {cut.layers[0]} to {cut.layers[-1]}; another is shown.")
        layer = None
    if layer is None:
        # What is outlined by itself is in late layers.
        layer = cut.layers[-1]
    if head >= cut.heads:
        note(f"There is no head {head}: each layer has heads 0 to {cut.heads - 1}; another is shown.")
        head = 0
    SEE_LAYER.choose(layer)
    SEE_HEAD.choose(head)
    return layer, head


def chosen_places(cut: "CutPicture") -> Places:
    """The tokens that look, the last one being the chosen one."""
    there = Places(each for each in dict.fromkeys(LOOKS_FROM.value) if each < cut.places)
    if len(there) < len(set(LOOKS_FROM.value)):
        note(f"This picture has tokens 0 to {cut.places - 1}; what is beyond is not shown.")
    LOOKS_FROM.choose(Places((there or (0,))[-MOST_HELD:]))
    return Places(LOOKS_FROM.value)


def choose_looks(head: int, places: Sequence[int]) -> None:
    """Others were chosen in the picture."""
    SEE_HEAD.choose(max(0, head))
    if places and min(places) >= 0:
        LOOKS_FROM.choose(Places(places[-MOST_HELD:]))


def place_name(cut: "CutPicture", place: int) -> str:
    """As people read it: class token, register 2, row 3, column 11."""
    if place < len(cut.specials):
        return special_name(cut.specials[place])
    row, column = divmod(place - len(cut.specials), cut.columns)
    return f"row {row}, column {column}"


def special_name(special: str) -> str:
    """What a token before the patches is called."""
    is_register = special[:1] == "R" and special[1:].isdigit()
    return f"register {special[1:]}" if is_register else _NAMES.get(special, special)


def head_name(layer: int, head: int) -> str:
    """As people read it."""
    return f"L{layer} H{head}"


def pictured() -> tuple[str, ...]:
    """What the picture is of, for who does not see the controls."""
    layer = SEE_LAYER.value
    return picture_title(), "" if layer is None else head_name(layer, SEE_HEAD.value)
