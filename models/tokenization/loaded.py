"""A tokenizer in memory, shared by everybody and never changed."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from tokenizers import AddedToken, Encoding, Tokenizer

from models.catalog import TokenizerCard
from models.tokenization.baselines import BASELINES, text_of
from models.tokenization.facts import TokenizerFacts
from models.tokenization.merges import MergeTable
from models.tokenization.pieces import Look, Looks, Piece, Tokenization, check_is_text, readable_bytes


@dataclass(frozen=True, eq=False)
class LoadedTokenizer:
    """What can cut a text; `backend_tokenizer` and what belongs to it are None for a baseline.

    backend_tokenizer: without padding and truncation; its settings are never changed.
    literal: another one over the same model, which takes special tokens in a text for ordinary text.
    merges: of a BPE, else None.
    """

    card: TokenizerCard
    backend_tokenizer: Tokenizer | None
    literal: Tokenizer | None
    facts: TokenizerFacts | None
    merges: MergeTable | None
    looks: Looks | None

    @property
    def nbytes(self) -> int:
        """About how many bytes it holds: what was measured per piece of a BPE of 128,000 pieces."""
        return 400 * (0 if self.facts is None else self.facts.vocabulary)

    def look(self, number: int) -> Look:
        """How the piece with this id looks, whatever the text. Raises TypeError for a baseline, which has no pieces."""
        if self.looks is None:
            raise TypeError(f"{self.card.name} is a baseline: it has no vocabulary")
        return self.looks[number]

    def encode(self, text: str, *, add_special_tokens: bool = False, split_special_tokens: bool = False) -> Encoding:
        """The encoding of `tokenizers`. Not for baselines, which have none."""
        chosen = self.literal if split_special_tokens else self.backend_tokenizer
        if chosen is None:
            raise TypeError(f"{self.card.name} is a baseline: cut the text with `tokenize`")
        return chosen.encode(text, add_special_tokens=add_special_tokens)

    def tokenize(
        self, text: str, *, add_special_tokens: bool = False, split_special_tokens: bool = False
    ) -> Tokenization:
        """Cut a text; see `models.tokenization.tokenize`."""
        check_is_text(text)
        if self.backend_tokenizer is None:
            cut = BASELINES[self.card.name](text)
            shown = {data: readable_bytes(data) for data in set(cut.data)}
            pieces = tuple(
                Piece(number, shown[data], data, span, is_special=False, is_unknown=False)
                for number, data, span in zip(cut.ids, cut.data, cut.spans, strict=True)
            )
            return Tokenization(text, cut.ids, pieces)
        encoding = self.encode(text, add_special_tokens=add_special_tokens, split_special_tokens=split_special_tokens)
        ids, spans = encoding.ids, encoding.offsets
        if self.facts is not None and self.facts.drops_marks:
            spans = with_marks(spans, text)
        if self.looks is None:
            raise TypeError(f"{self.card.name} has a vocabulary without looks")
        return Tokenization(text, tuple(ids), self.looks.pieces(ids, spans, text))

    def decode(self, tokenization: Tokenization) -> str:
        """The text that the ids give back, special tokens included."""
        if self.backend_tokenizer is None:
            return text_of(self.card.name, tuple(piece.data for piece in tokenization.pieces))
        return self.backend_tokenizer.decode(list(tokenization.ids), skip_special_tokens=False)


def with_marks(spans: Sequence[tuple[int, int]], text: str) -> list[tuple[int, int]]:
    """The spans, each drawn out over the combining marks behind it that belong to no piece.

    A normaliser that composes or drops marks leaves them out of the spans that `tokenizers` gives: of e and an accent,
    one é after NFC, only the e would be covered.
    """
    found = list(spans)
    marks = [ord(character) for character in set(text) if unicodedata.category(character).startswith("M")]
    if not marks or not found:
        return found
    is_mark = np.isin(np.frombuffer(text.encode("utf-32-le"), dtype=np.uint32), marks)
    # For each place the first one from there on that holds no mark.
    plain = np.where(np.append(is_mark, False), len(text), np.arange(len(text) + 1))
    beyond = np.minimum.accumulate(plain[::-1])[::-1]
    starts, ends = (np.fromiter((span[side] for span in found), np.int64, len(found)) for side in (0, 1))
    following = np.append(starts[1:], len(text))
    drawn = np.where((following > ends) & (ends > starts), np.minimum(beyond[ends], following), ends)
    for place in np.flatnonzero(drawn != ends).tolist():
        found[place] = (found[place][0], int(drawn[place]))
    return found


def literal_twin(tokenizer: Tokenizer) -> Tokenizer:
    """A tokenizer over the same model, in the same memory, that takes special tokens in a text for ordinary text.

    `encode_special_tokens` is a setting of the whole tokenizer: switching a shared one over would change what others
    get at that moment.
    """
    added = tokenizer.get_added_tokens_decoder()
    twin = Tokenizer(tokenizer.model)
    for name in ("normalizer", "pre_tokenizer", "post_processor", "decoder"):
        part = getattr(tokenizer, name)
        if part is not None:
            setattr(twin, name, part)
    _add_in_order(twin, added)
    if twin.get_added_tokens_decoder().keys() != added.keys():
        # Ids with gaps cannot be given anew one by one.
        twin = Tokenizer.from_str(tokenizer.to_str())
    twin.encode_special_tokens = True
    return twin


def _add_in_order(tokenizer: Tokenizer, added: dict[int, AddedToken]) -> None:
    # In as few calls as there are runs of one kind: each call builds the search for all of them anew.
    for is_special, run in groupby((added[number] for number in sorted(added)), lambda token: token.special):
        (tokenizer.add_special_tokens if is_special else tokenizer.add_tokens)(list(run))
