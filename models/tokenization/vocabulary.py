"""The whole vocabulary of a tokenizer, as columns that can be searched."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Int32, UInt8, UInt16

from models.engine import Engine
from models.errors import HeadlightError
from models.tokenization.loaded_tokenizer import LoadedTokenizer
from models.tokenization.pattern_search import packed_texts
from models.tokenization.pieces import readable_bytes, readable_text
from models.tokenization.sandboxed import answered
from models.tokenization.scripts import script_of
from models.tokenization.unused_pieces import is_named_unused

# Bits of `Vocabulary.kinds`.
SPECIAL, ADDED, BYTE, PART, UNUSED, UNKNOWN = 1, 2, 4, 8, 16, 32
PARTS = "parts of characters"


class NoVocabularyError(HeadlightError):
    """A tokenizer that has no list of pieces."""


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """Every piece, in the order of the ids; a piece's place among them is not its id where ids have gaps.

    ids: ascending. tokens: as the file writes them. data: the bytes that each stands for. texts: the same as text, ""
        where the bytes are no whole characters.
    kinds: bits, as above: special; added to the algorithm's own pieces; one byte; part of a character; named as unused
        or reserved; what stands for the unknown.
    lengths: in characters, of parts of a character in bytes. scripts, script: the names, and for each piece its place
        among these.
    ranks: of the merge that makes the piece, -1 where none does.
    """

    ids: Int32[np.ndarray, " piece"]
    tokens: tuple[str, ...]
    data: tuple[bytes, ...]
    texts: tuple[str, ...]
    kinds: UInt8[np.ndarray, " piece"]
    lengths: Int32[np.ndarray, " piece"]
    script: UInt16[np.ndarray, " piece"]
    scripts: tuple[str, ...]
    ranks: Int32[np.ndarray, " piece"]

    @cached_property
    def nbytes(self) -> int:
        """About how many bytes it holds: those of Python's objects, and the arrays."""
        objects = sum(map(len, self.data)) + sum(
            len(text) + len(token) for text, token in zip(self.texts, self.tokens, strict=True)
        )
        return 3 * (objects + 60 * len(self.tokens)) + 13 * len(self.tokens)

    @cached_property
    def packed_texts(self) -> bytes:
        """The texts as the search by regular expression takes them."""
        return packed_texts(self.texts)

    @cached_property
    def data_as_letters(self) -> tuple[str, ...]:
        """The bytes with a letter for each (Latin-1): a part is found in these three times as fast as in bytes."""
        return tuple(data.decode("latin-1") for data in self.data)

    def shown(self, place: int) -> str:
        """A piece as people see it: of a special or added one its name, else its bytes made visible."""
        whole = self.kinds[place] & (SPECIAL | ADDED | UNKNOWN)
        return readable_text(self.tokens[place]) if whole else readable_bytes(self.data[place])

    def place_of(self, number: int) -> int | None:
        """The place of the piece with this id."""
        place = int(np.searchsorted(self.ids, number))
        return place if place < len(self.ids) and self.ids[place] == number else None

    def has(self, kind: int) -> Bool[np.ndarray, " piece"]:
        """Which pieces are of this kind."""
        return (self.kinds & kind) != 0


def vocabulary_of(loaded: LoadedTokenizer) -> Vocabulary:
    """Every piece of a tokenizer. Raises NoVocabularyError for a baseline."""
    if loaded.backend_tokenizer is None or loaded.facts is None:
        raise NoVocabularyError(f"{loaded.card.title} has no list of pieces: {loaded.card.source}. Choose another one.")
    facts, added = loaded.facts, loaded.backend_tokenizer.get_added_tokens_decoder()
    by_id = {number: token for token, number in loaded.backend_tokenizer.get_vocab(with_added_tokens=True).items()}
    by_id |= {number: token.content for number, token in added.items()}
    special, notation, places = {number for number, _ in facts.special}, facts.notation, {PARTS: 0}
    ids = np.array(sorted(by_id), dtype=np.int32)
    tokens = [by_id[number] for number in ids.tolist()]
    data, texts, kinds, lengths, script = [], [], [], [], []
    for number, token in zip(ids.tolist(), tokens, strict=True):
        is_added = number in added
        found = token.encode("utf-8", "replace") if is_added or number == facts.unknown else notation.bytes_of(token)
        try:
            text = found.decode()
        except UnicodeDecodeError:
            text = ""
        is_part = not text and bool(found)
        is_byte = not is_added and (notation.is_byte(token) or (notation.kind == "bytes" and len(found) == 1))
        kind = ADDED * is_added + BYTE * is_byte + PART * is_part + UNKNOWN * (number == facts.unknown)
        kind += SPECIAL * (number in special and number != facts.unknown)
        kind += UNUSED * bool((is_added or token[:1] in "[<") and is_named_unused(token))
        data.append(found)
        texts.append(text)
        kinds.append(kind)
        lengths.append(len(found) if is_part else len(text))
        script.append(places.setdefault(PARTS if is_part else script_of(text), len(places)))
    ranks = np.full(len(ids), -1, dtype=np.int32)
    if loaded.merges is not None:
        found = (loaded.merges.rank_of(number) for number in ids.tolist())
        ranks[:] = [-1 if rank is None else rank for rank in found]
    return Vocabulary(
        ids=ids,
        tokens=tuple(tokens),
        data=tuple(data),
        texts=tuple(texts),
        kinds=np.array(kinds, np.uint8),
        lengths=np.array(lengths, np.int32),
        script=np.array(script, np.uint16),
        scripts=tuple(places),
        ranks=ranks,
    )


@dataclass(frozen=True)
class VocabularyRequest:
    """Every piece of a tokenizer."""

    tokenizer: str

    def answer(self, engine: Engine) -> Vocabulary:
        """Raises NoVocabularyError, and what `engine.tokenizer` raises."""
        return answered(engine.tokenizer(self.tokenizer), vocabulary_of)
