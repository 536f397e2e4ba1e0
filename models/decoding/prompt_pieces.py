"""What a model is given before it draws its first token, piece by piece."""

from dataclasses import dataclass

from models.decoder_start import decoder_start
from models.decoding.preparation import prompt_ids
from models.loaded import LoadedModel
from models.tokenization import encode


@dataclass(frozen=True)
class PromptPieces:
    """The pieces of a prompt.

    pieces, is_special, spans: of the text; spans in code points, (0, 0) for what is not in the text.
    start: what the decoder of a seq2seq model begins with; else empty.
    """

    ids: tuple[int, ...]
    pieces: tuple[str, ...]
    is_special: tuple[bool, ...]
    spans: tuple[tuple[int, int], ...]
    start: tuple[str, ...]


def prompt_pieces(loaded: LoadedModel, text: str) -> PromptPieces:
    """The pieces of this prompt. Raises TextError, InputError, CannotWriteError."""
    ids = prompt_ids(loaded, text)
    pieces = encode(loaded.tokenizer, text).pieces
    start: tuple[str, ...] = ()
    if loaded.model.config.is_encoder_decoder:
        start = tuple(piece.text for piece in loaded.pieces([decoder_start(loaded.model)]))
    return PromptPieces(
        ids=ids,
        pieces=tuple(piece.text for piece in pieces),
        is_special=tuple(piece.is_special for piece in pieces),
        spans=tuple(piece.span for piece in pieces),
        start=start,
    )
