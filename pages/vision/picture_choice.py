"""Which picture: an example, a file of one's own, or what the camera sees."""

import math
from typing import TYPE_CHECKING

import streamlit as st

from pages.shared.bound_widgets import bound, names_of, pick
from pages.shared.link import run_again
from pages.shared.sentences_and_charts import remark
from pages.shared.uploads import largest_file
from pages.vision.choices import CUT, CUTS, OWN, PHOTO, PICTURES, SIDE
from pages.vision.selection import OWN_BYTES, OWN_NAME

if TYPE_CHECKING:
    from models.vision import VisionFacts

_FILES = ["png", "jpg", "jpeg", "webp", "gif", "bmp", "tif", "tiff"]
_LARGEST_MB = 40
_TAKEN = "vision:taken"
_LONGEST_NAME = 40


def picture_box() -> None:
    """The examples, the own one where there is one, and the ways to come by one."""
    names = dict(PICTURES) | ({OWN: st.session_state[OWN_NAME]} if OWN_BYTES in st.session_state else {})
    pick(PHOTO, "Picture", names)
    expander = st.expander("Your own", key="own_picture", on_change="rerun")
    if not expander.open:
        return
    with expander:
        most = min(_LARGEST_MB, math.ceil(largest_file() / 1024**2))
        file = st.file_uploader("A picture", _FILES, key="picture_file", max_upload_size=most)
        if file is not None:
            _take(file.file_id, file.getvalue(), file.name)
        # Its box asks for the camera as soon as it is drawn.
        if st.toggle("Take one with the camera", key="with_camera"):
            taken = st.camera_input("The camera's picture stays on this server", key="picture_camera")
            if taken is not None:
                _take(taken.file_id, taken.getvalue(), "Camera")
        remark("It is kept as long as this page is open, and stands in no link.")


def _take(number: str, data: bytes, name: str) -> None:
    """It is the chosen one from now on; each file once."""
    if st.session_state.get(_TAKEN) == number:
        return
    st.session_state[_TAKEN] = number
    st.session_state[OWN_BYTES] = data
    st.session_state[OWN_NAME] = name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"
    PHOTO.choose(OWN)
    run_again()


def size_box(facts: "VisionFacts") -> None:
    """How large the model gets it; the cost grows with the square of the patches."""
    if facts.takes_whole:
        pick(CUT, "Cut", CUTS)
    if len(facts.sides) < 2:
        return
    words = {side: f"{side} px" for side in facts.sides}
    bound(
        st.selectbox,
        SIDE,
        "Shorter side",
        shown=lambda side: side or facts.side,
        meant=lambda side: None if side == facts.side else side,
        help=f"How large the model gets it: {facts.side} px by itself, in patches of {facts.patch} pixels. "
        f"This model was trained with pictures of {facts.trained} pixels. At another size its positions are "
        "interpolated as the model does it. Twice the side are four times the patches and sixteen times the weights.",
        **names_of(words),
    )
