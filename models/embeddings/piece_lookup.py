"""From what somebody types to a row of the table."""

from dataclasses import dataclass
from typing import Any

from models.embeddings.input_table import TableError
from models.engine import Engine, TextRequest
from models.forward.inputs import check_in_table
from models.loaded import LoadedModel
from models.tokenization import encode
from models.tokenization.pieces import character_of_byte, check_is_text, looks_of

# Signs that stand in shown pieces for characters without a shape, and what they stand for.
_SIGNS = str.maketrans({"␣": " ", "⏎": "\n", "⇥": "\t"})


class NoSuchPieceError(TableError):
    """Something typed that is in no vocabulary, not even in parts."""


@dataclass(frozen=True)
class FoundPiece:
    """A piece that stands for what was typed.

    is_exact: whether what was typed is the piece. pieces: what the tokenizer makes of it otherwise, as shown; the piece
        is the first of them that is known.
    """

    id: int
    text: str
    is_exact: bool
    pieces: tuple[str, ...]

    @property
    def count(self) -> int:
        """How many tokens what was typed is."""
        return len(self.pieces)


@dataclass(frozen=True)
class PieceRequest(TextRequest):
    """The piece for what was typed.

    text: as shown (with "␣" or a plain space before a word), or as the tokenizer writes it ("Ġthe", "##ing").
    """

    def answer(self, engine: Engine) -> FoundPiece:
        """Raises what `load_model` and `find_piece` raise."""
        return find_piece(engine.model(self.model), self.text)


def find_piece(loaded: LoadedModel, typed: str) -> FoundPiece:
    """The piece that is shown as what was typed, else the one written so, else the first of the tokenizer's cut.

    Raises TextError for what is not text; NoSuchPieceError for nothing, for what the tokenizer cuts into unknown
    tokens alone, and for models without a tokenizer; InputError for a piece that the model's table has no row for.
    """
    check_is_text(typed)
    tokenizer: Any = loaded.tokenizer
    if tokenizer is None:
        raise NoSuchPieceError("This model came without a tokenizer, so that no piece can be looked up; give an id.")
    if not typed:
        raise NoSuchPieceError("There is no piece yet: type a word.")
    id_of = tokenizer.get_vocab().get if loaded.backend is None else loaded.backend.token_to_id
    for written in (_written(loaded, typed.translate(_SIGNS)), typed):
        number = id_of(written)
        if number is not None and 0 <= number < loaded.vocabulary:
            shown = loaded.pieces([number])[0].text
            return FoundPiece(int(number), shown, True, (shown,))
    cut = _cut(loaded, typed.translate(_SIGNS))
    check_in_table(loaded, cut)
    known = [piece for piece in cut if not piece.is_unknown]
    if not known:
        raise NoSuchPieceError(
            f"The vocabulary of {loaded.card.title} has no piece for this, and no parts of it either; type something "
            "else."
        )
    return FoundPiece(known[0].id, known[0].text, False, tuple(piece.text for piece in cut))


def _written(loaded: LoadedModel, text: str) -> str:
    """How this tokenizer's vocabulary would write this text as one piece."""
    notation = looks_of(loaded.tokenizer).notation
    if notation.kind == "bytes":
        table = character_of_byte()
        return "".join(table[byte] for byte in text.encode())
    for sign, meaning in notation.written if notation.kind == "metaspace" else ():
        text = text.replace(meaning, sign)
    return text


def _cut(loaded: LoadedModel, text: str) -> tuple[Any, ...]:
    """The pieces of a text without the tokens that are added around it."""
    if loaded.backend is not None:
        return loaded.pieces(loaded.backend.encode(text, add_special_tokens=False).ids)
    return tuple(piece for piece in encode(loaded.tokenizer, text).pieces if not piece.is_special)
