"""Text to pieces: ids, what is shown for each, its bytes and where it stands in the text; and back, as tokens come."""

from models.tokenization.pieces import (
    Piece,
    TextError,
    Tokenization,
    encode,
    pieces_of_ids,
    readable_bytes,
    readable_text,
)
from models.tokenization.writing import TextStream

__all__ = [
    "Piece",
    "TextError",
    "TextStream",
    "Tokenization",
    "encode",
    "pieces_of_ids",
    "readable_bytes",
    "readable_text",
]
