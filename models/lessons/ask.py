"""What a step asks of the reader: its kinds, and how many options each may have."""

from dataclasses import dataclass
from typing import Literal

AskKind = Literal["choose", "number", "order", "draw"]
ASK_KINDS: tuple[AskKind, ...] = ("choose", "number", "order", "draw")
# How many options each kind may have.
OPTIONS: dict[AskKind, tuple[int, int]] = {"choose": (2, 40), "number": (0, 0), "order": (3, 5), "draw": (2, 8)}


@dataclass(frozen=True)
class Ask:
    """What a step asks before it shows.

    kind: "choose" one of the options; "number" on a slider; "order" the options, the largest first; "draw" a bar for
        each option. prompt: the question in words.
    options: in words; of "choose", without borders, and of the others they are labels of the truth. () for all labels.
    by: of "choose" which option is right, the largest or the smallest.
    of, borders: of "number", which label is asked for. Of "choose" with borders: into which of the parts between these
        numbers its value falls; there is one option more than borders.
    least, most: of "number", the ends of the slider, in the unit of the truth; parts of 1 for shares.
    in_picture: of "choose", whether the options are tokens of the picture, of which one may be chosen there.
    """

    kind: AskKind
    prompt: str
    options: tuple[str, ...] = ()
    by: Literal["largest", "smallest"] = "largest"
    of: str = ""
    borders: tuple[float | int, ...] = ()
    least: float | int = 0
    most: float | int = 1
    in_picture: bool = False
