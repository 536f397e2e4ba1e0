"""A tokenizer in memory, shared by everybody and never changed."""

import unicodedata
from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import Any

import numpy as np
from tokenizers import AddedToken, Encoding, Tokenizer
from tokenizers.models import BPE, Unigram

from models.catalog import TokenizerCard
from models.errors import HeadlightError
from models.tokenization.baselines import BASELINES, text_of
from models.tokenization.bpe_merges import MergeTable
from models.tokenization.pieces import Look, Looks, Piece, Tokenization, check_is_text, readable_bytes
from models.tokenization.tokenizer_facts import TokenizerFacts
from models.tokenization.tokenizer_file_limits import are_too_many


class TokenizerFailedError(HeadlightError):
    """A text at which a tokenizer fails, though the tokenizer itself opens."""


@dataclass(frozen=True, eq=False)
class LoadedTokenizer:
    """What can cut a text; `backend_tokenizer` and what belongs to it are None for a baseline.

    backend_tokenizer: without padding, truncation and dropout; its settings are never changed.
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
        with self.in_words():
            encoding = chosen.encode(text, add_special_tokens=add_special_tokens)
        self._check_count(len(encoding), text)
        return encoding

    def ids_of(self, texts: Sequence[str], *, split_special_tokens: bool = False) -> list[list[int]]:
        """The ids of each text, without what a template adds; many short ones take half as long as one by one."""
        chosen = self.literal if split_special_tokens else self.backend_tokenizer
        if chosen is None:
            raise TypeError(f"{self.card.name} is a baseline: cut the text with `tokenize`")
        with self.in_words():
            found = [each.ids for each in chosen.encode_batch_fast([*texts], add_special_tokens=False)]
        for ids, text in zip(found, texts, strict=True):
            self._check_count(len(ids), text)
        return found

    def _check_count(self, pieces: int, text: str) -> None:
        if are_too_many(pieces, text):
            raise TokenizerFailedError(
                f"{self.card.title} makes {pieces:,} pieces of {len(text):,} characters, which is more than can "
                "be shown. Take a shorter text, or leave this tokenizer out."
            )

    def spans_of(self, encoding: Encoding, text: str) -> Sequence[tuple[int, int]]:
        """Start and end of each piece in the text, with the combining marks that the normaliser took from it."""
        if self.facts is None or self.looks is None or not self.facts.drops_marks:
            return encoding.offsets
        return with_marks(encoding.offsets, text, encoding.ids, self.looks.whole)

    def added_in(self, text: str, *, split_special_tokens: bool = False) -> list[tuple[int, int]]:
        """Start and end of each added token that is found in the text before anything else is done."""
        with self.in_words():
            return self._finders[split_special_tokens].encode(text).offsets

    @cached_property
    def _finders(self) -> tuple[Tokenizer, Tokenizer]:
        """Tokenizers with the same added tokens over a model that has no pieces: these tokens are all they find.

        Ids do not tell: the model may have a piece of the same name, and what stands for the unknown is one of both.
        """
        if self.backend_tokenizer is None:
            raise TypeError(f"{self.card.name} is a baseline: it has no added tokens")
        found = []
        for is_literal in (False, True):
            finder = Tokenizer(BPE())
            if self.backend_tokenizer.normalizer is not None:
                finder.normalizer = self.backend_tokenizer.normalizer
            _add_in_order(finder, self.backend_tokenizer.get_added_tokens_decoder())
            finder.encode_special_tokens = is_literal
            found.append(finder)
        return found[0], found[1]

    @contextmanager
    def in_words(self) -> Iterator[None]:
        """Where `tokenizers` fails at a text, say so. Raises TokenizerFailedError."""
        try:
            yield
        except BaseException as error:
            if not is_failure(error):
                raise
            reason = (
                "it has no piece for what is unknown, and something in the text is"
                if lacks_unknown(error)
                else "something in its file, such as a pattern, is more than the library can work out here"
            )
            raise TokenizerFailedError(
                f"{self.card.title} fails at this text: {reason}. Change the text, or leave this tokenizer out."
            ) from error

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
        if self.looks is None:
            raise TypeError(f"{self.card.name} has a vocabulary without looks")
        ids = encoding.ids
        return Tokenization(text, tuple(ids), self.looks.pieces(ids, self.spans_of(encoding, text), text))

    def decode(self, tokenization: Tokenization) -> str:
        """The text that the ids give back, special tokens included."""
        if self.backend_tokenizer is None:
            return text_of(self.card.name, tuple(piece.data for piece in tokenization.pieces))
        return self.decode_ids(tokenization.ids)

    def decode_ids(self, ids: Sequence[int], *, skip_special_tokens: bool = False) -> str:
        """The text that these ids give back. Not for baselines, whose ids say nothing by themselves."""
        if self.backend_tokenizer is None:
            raise TypeError(f"{self.card.name} is a baseline: `decode` what it made")
        with self.in_words():
            return self.backend_tokenizer.decode(list(ids), skip_special_tokens=skip_special_tokens)


def is_failure(error: BaseException) -> bool:
    """Whether this comes out of `tokenizers`: it raises bare exceptions, or panics, which are no Exception at all."""
    if isinstance(error, HeadlightError | MemoryError):
        return False
    return isinstance(error, Exception) or type(error).__name__ == "PanicException"


def lacks_unknown(error: BaseException) -> bool:
    """Whether `tokenizers` failed because a vocabulary has no piece for what is unknown."""
    return type(error).__name__ != "PanicException" and "unk" in str(error).lower()


def with_marks(
    spans: Sequence[tuple[int, int]], text: str, ids: Sequence[int] = (), whole: Set[int] = frozenset()
) -> list[tuple[int, int]]:
    """The spans, each drawn out over the combining marks behind it that belong to no piece.

    A normaliser that composes or drops marks leaves them out of the spans that `tokenizers` gives: of e and an accent,
    one é after NFC, only the e would be covered. Of the pieces with `ids` those that are `whole` stay as they are.
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
    is_open = (following > ends) & (ends > starts)
    if len(ids):
        is_open &= ~np.isin(np.asarray(ids), list(whole))
    drawn = np.where(is_open, np.minimum(beyond[ends], following), ends)
    for place in np.flatnonzero(drawn != ends).tolist():
        found[place] = (found[place][0], int(drawn[place]))
    return found


def cut_by_text_alone(tokenizer: Tokenizer) -> bool:
    """Switch off what makes the pieces depend on more than the text: padding, truncation, and chance (BPE dropout).

    Returns whether chance was among it, which changes what a person gets.
    """
    tokenizer.no_padding()
    tokenizer.no_truncation()
    model: Any = tokenizer.model
    if isinstance(model, BPE) and model.dropout is not None:
        had_chance = model.dropout > 0
        model.dropout = None
        return had_chance
    if isinstance(model, Unigram) and model.alpha is not None:
        model.alpha = model.nbest_size = None
        return True
    return False


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


def hide_special_pieces(tokenizers: Sequence[Tokenizer], model: Mapping[str, Any]) -> None:
    """Have these tokenizers over one Unigram know their special tokens only as added ones, with the ids that they have.

    SentencePiece, from which Unigram comes, never cuts a control symbol from letters; `tokenizers` does wherever its
    letters come to the algorithm: as ordinary text, or as what the normaliser makes of others (＜s＞).

    model: as it stands in their tokenizer.json; other algorithms stay as they are.
    """
    if model["type"] != "Unigram":
        return
    special = {token.content for token in tokenizers[0].get_added_tokens_decoder().values() if token.special}
    # No text holds a piece without letters.
    vocabulary = [("" if piece in special else piece, score) for piece, score in model["vocab"]]
    hidden = Unigram(vocabulary, unk_id=model.get("unk_id"), byte_fallback=bool(model.get("byte_fallback")))
    for tokenizer in tokenizers:
        tokenizer.model = hidden


def _add_in_order(tokenizer: Tokenizer, added: dict[int, AddedToken]) -> None:
    # In as few calls as there are runs of one kind: each call builds the search for all of them anew.
    for is_special, run in groupby((added[number] for number in sorted(added)), lambda token: token.special):
        (tokenizer.add_special_tokens if is_special else tokenizer.add_tokens)(list(run))
