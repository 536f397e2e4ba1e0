"""What a vision model sees: how pictures are made ready for it, and which token is which patch."""

from dataclasses import dataclass

from models.pictures.processing import Processing


@dataclass(frozen=True)
class Sight:
    """processing: of its own. patch: the side of a patch in pixels. specials: the tokens before the patches, which
    stand row by row behind them. trained: the side of the pictures that its positions were made for.
    takes_others: whether it takes pictures of other sizes and shapes, for which it interpolates its positions.
    """

    processing: Processing
    patch: int
    specials: tuple[str, ...]
    trained: int
    takes_others: bool
