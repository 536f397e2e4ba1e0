"""What happens to a text on its way to ids, stage by stage, as the tokenizer itself does it."""

from collections.abc import Iterator
from dataclasses import dataclass

from tokenizers import PreTokenizedString

from models.tokenization.loaded_tokenizer import LoadedTokenizer, with_marks
from models.tokenization.pieces import Piece, readable_bytes, readable_text


@dataclass(frozen=True)
class PreToken:
    """A stretch that the algorithm is given by itself: no piece reaches beyond it (a "pre-token").

    text: as the algorithm sees it, in the vocabulary's own notation (Ġstrawberry). shown: as people see it.
    span: start and end in the original text, in code points. is_added: whether it is a special or added token, which
        is taken as it stands.
    """

    text: str
    shown: str
    span: tuple[int, int]
    is_added: bool = False


@dataclass(frozen=True)
class Stages:
    """One text at each stage.

    normalized: what the normaliser makes of it, added tokens as they stand. words: what is cut before the algorithm.
    pieces: what the algorithm makes of the words. added_before, added_after: what the template puts round them.
    decoded: the text that the ids of `pieces` give back.
    """

    text: str
    normalized: str
    words: tuple[PreToken, ...]
    pieces: tuple[Piece, ...]
    added_before: tuple[Piece, ...]
    added_after: tuple[Piece, ...]
    decoded: str

    @property
    def ids(self) -> tuple[int, ...]:
        """Of all pieces, those of the template among them."""
        return tuple(piece.id for piece in (*self.added_before, *self.pieces, *self.added_after))


def stages(loaded: LoadedTokenizer, text: str, split_special_tokens: bool = False) -> Stages:
    """Each stage of a text with this tokenizer; a baseline only has pieces. Raises TextError."""
    plain = loaded.tokenize(text, split_special_tokens=split_special_tokens)
    decoded = loaded.decode(plain)
    if loaded.backend_tokenizer is None:
        words = tuple(PreToken(text[slice(*piece.span)], piece.text, piece.span) for piece in plain.pieces)
        return Stages(text, text, words, plain.pieces, (), (), decoded)
    whole = loaded.tokenize(text, add_special_tokens=True, split_special_tokens=split_special_tokens)
    # Only what a template adds belongs to no sequence, whatever special tokens were typed.
    encoding = loaded.encode(text, add_special_tokens=True, split_special_tokens=split_special_tokens)
    before = next((place for place, number in enumerate(encoding.sequence_ids) if number is not None), len(whole.ids))
    return Stages(
        text=text,
        normalized="".join(
            text[slice(*span)] if is_added else _normalized(loaded, text[slice(*span)])
            for span, is_added in _segments(loaded, text, split_special_tokens)
        ),
        words=tuple(pre_tokens(loaded, text, split_special_tokens=split_special_tokens)),
        pieces=plain.pieces,
        added_before=whole.pieces[:before],
        added_after=whole.pieces[before + len(plain.pieces) :],
        decoded=decoded,
    )


def pre_tokens(loaded: LoadedTokenizer, text: str, *, split_special_tokens: bool = False) -> Iterator[PreToken]:
    """The words of a text, in order; the pieces of the first have word id 0 in its encoding, and so on."""
    backend, looks = loaded.backend_tokenizer, loaded.looks
    if backend is None or looks is None:
        raise TypeError(f"{loaded.card.name} is a baseline: it has no words before its pieces")
    for (start, end), is_added in _segments(loaded, text, split_special_tokens):
        if is_added:
            yield PreToken(text[start:end], readable_text(text[start:end]), (start, end), is_added=True)
            continue
        part = PreTokenizedString(text[start:end])
        with loaded.in_words():
            if backend.normalizer is not None:
                part.normalize(backend.normalizer.normalize)
            if backend.pre_tokenizer is not None:
                backend.pre_tokenizer.pre_tokenize(part)
        splits = part.get_splits(offset_referential="original", offset_type="char")
        spans = with_marks([span for _, span, _ in splits], text[start:end])
        for (word, _, _), (low, high) in zip(splits, spans, strict=True):
            if word:
                shown = readable_bytes(looks.notation.bytes_of_word(word))
                yield PreToken(word, shown, (start + low, start + high))


def _segments(loaded: LoadedTokenizer, text: str, split_special_tokens: bool) -> Iterator[tuple[tuple[int, int], bool]]:
    """The text in stretches: added tokens, which are found before anything else is done, and what is between them."""
    done = 0
    for start, end in loaded.added_in(text, split_special_tokens=split_special_tokens):
        if start > done:
            yield (done, start), False
        yield (start, end), True
        done = end
    if done < len(text):
        yield (done, len(text)), False


def _normalized(loaded: LoadedTokenizer, text: str) -> str:
    normalizer = None if loaded.backend_tokenizer is None else loaded.backend_tokenizer.normalizer
    with loaded.in_words():
        return text if normalizer is None else normalizer.normalize_str(text)
