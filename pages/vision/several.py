"""What views of the vectors of patches have in common: further pictures, and the layers after which they are taken."""

from dataclasses import replace
from typing import TYPE_CHECKING

from pages.shared.link import Choice, note
from pages.vision.choices import PICTURES
from pages.vision.selection import picture_title

if TYPE_CHECKING:
    from models.vision import CutPicture, PictureTraceRequest


def other_traces(trace: "PictureTraceRequest") -> tuple[tuple[str, ...], tuple["PictureTraceRequest", ...]]:
    """The chosen picture and the examples beside it: their titles and forwards."""
    others = {name: title for name, title in PICTURES.items() if f"example:{name}" != trace.picture}
    traces = [replace(trace, picture=f"example:{name}") for name in others]
    return (picture_title(), *others.values()), (trace, *traces)


def vector_layers(cut: "CutPicture") -> dict[int, str]:
    """After what vectors can be taken, counted as the requests do: 0 is what goes into the first layer."""
    last = len(cut.layers)
    named = {each: f"after layer {each - 1}" for each in range(1, last)}
    return {0: "at the input"} | named | {last: f"after layer {last - 1} and the final norm"}


def vector_layer(choice: Choice[int | None], cut: "CutPicture") -> int:
    """The chosen one, else the last."""
    last = len(cut.layers)
    if choice.value is not None and choice.value > last:
        note(f"There are vectors after layers 0 to {last}; the last one is shown.")
        choice.forget()
    return last if choice.value is None else choice.value
