"""Text to pieces: ids, what is shown for each, its bytes and where it stands in the text."""

from models.tokenization.pieces import (
    Piece,
    TextError,
    Tokenization,
    encode,
    pieces_of_ids,
    readable_bytes,
    readable_text,
)

__all__ = ["Piece", "TextError", "Tokenization", "encode", "pieces_of_ids", "readable_bytes", "readable_text"]
