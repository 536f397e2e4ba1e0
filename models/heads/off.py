"""What a part gives when it is off: nothing, its mean over a bank of sentences, or its value in another text."""

from dataclasses import dataclass
from typing import Literal

from models.errors import HeadlightError

OffTo = Literal["zero", "mean", "other text"]

MOST_SENTENCES = 400


class OffError(HeadlightError):
    """A way to switch off for which something is missing."""


@dataclass(frozen=True)
class Off:
    """How parts are switched off.

    to: "zero"; "mean": over all tokens of the sentences in `bank`; "other text": what the part gives in `other`, token
        by token, counted from both ends where the lengths differ (`models.heads.alignment`).
    bank: sentences, at most MOST_SENTENCES. other: a text. Of a seq2seq model both are sources, and the output is that
        of the text itself.
    """

    to: OffTo = "zero"
    bank: tuple[str, ...] = ()
    other: str = ""


ZERO = Off()
