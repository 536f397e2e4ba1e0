"""What happens to a text on its way to ids, stage by stage, as the tokenizer itself does it."""

from collections.abc import Iterator
from dataclasses import dataclass

from tokenizers import PreTokenizedString

from models.tokenization.loaded import LoadedTokenizer, with_marks
from models.tokenization.pieces import Piece, readable_text


@dataclass(frozen=True)
class Word:
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
    decoded: the text that the ids of `pieces` give back. decoded_whole: with those of the template, special ones left
        out, as models' outputs are read.
    """

    text: str
    normalized: str
    words: tuple[Word, ...]
    pieces: tuple[Piece, ...]
    added_before: tuple[Piece, ...]
    added_after: tuple[Piece, ...]
    ids: tuple[int, ...]
    decoded: str
    decoded_whole: str


def stages(loaded: LoadedTokenizer, text: str, *, split_special_tokens: bool = False) -> Stages:
    """Each stage of a text with this tokenizer; a baseline only has pieces. Raises TextError."""
    plain = loaded.tokenize(text, split_special_tokens=split_special_tokens)
    decoded = loaded.decode(plain)
    if loaded.backend_tokenizer is None:
        words = tuple(Word(text[slice(*piece.span)], piece.text, piece.span) for piece in plain.pieces)
        return Stages(text, text, words, plain.pieces, (), (), plain.ids, decoded, decoded)
    whole = loaded.tokenize(text, add_special_tokens=True, split_special_tokens=split_special_tokens)
    before = _place_of(plain.ids, whole.ids)
    return Stages(
        text=text,
        normalized="".join(
            text[slice(*span)] if is_added else _normalized(loaded, text[slice(*span)])
            for span, is_added in _segments(text, plain.pieces, loaded)
        ),
        words=tuple(words_of(loaded, text, plain.pieces)),
        pieces=plain.pieces,
        added_before=whole.pieces[:before],
        added_after=whole.pieces[before + len(plain.pieces) :],
        ids=whole.ids,
        decoded=decoded,
        decoded_whole=loaded.backend_tokenizer.decode(list(whole.ids), skip_special_tokens=True),
    )


def words_of(loaded: LoadedTokenizer, text: str, pieces: tuple[Piece, ...]) -> Iterator[Word]:
    """The words of a text that was cut into `pieces`, in order."""
    backend, looks = loaded.backend_tokenizer, loaded.looks
    if backend is None or looks is None:
        raise TypeError(f"{loaded.card.name} is a baseline: it has no words before its pieces")
    for (start, end), is_added in _segments(text, pieces, loaded):
        if is_added:
            yield Word(text[start:end], readable_text(text[start:end]), (start, end), is_added=True)
            continue
        part = PreTokenizedString(text[start:end])
        if backend.normalizer is not None:
            part.normalize(backend.normalizer.normalize)
        if backend.pre_tokenizer is not None:
            backend.pre_tokenizer.pre_tokenize(part)
        splits = part.get_splits(offset_referential="original", offset_type="char")
        spans = with_marks([span for _, span, _ in splits], text[start:end])
        for (word, _, _), (low, high) in zip(splits, spans, strict=True):
            if word:
                yield Word(word, looks.notation.shown(word), (start + low, start + high))


def _segments(text: str, pieces: tuple[Piece, ...], loaded: LoadedTokenizer) -> Iterator[tuple[tuple[int, int], bool]]:
    """The text in stretches: added tokens, which are found before anything else is done, and what is between them."""
    backend = loaded.backend_tokenizer
    added = {} if backend is None else backend.get_added_tokens_decoder()
    done = 0
    for piece in pieces:
        start, end = piece.span
        if piece.id in added and text[start:end].strip() == added[piece.id].content.strip() != "":
            if start > done:
                yield (done, start), False
            yield (start, end), True
            done = end
    if done < len(text):
        yield (done, len(text)), False


def _normalized(loaded: LoadedTokenizer, text: str) -> str:
    normalizer = None if loaded.backend_tokenizer is None else loaded.backend_tokenizer.normalizer
    return text if normalizer is None else normalizer.normalize_str(text)


def _place_of(inner: tuple[int, ...], whole: tuple[int, ...]) -> int:
    """How many ids stand before the text's own; a template only adds before and after."""
    for before in range(len(whole) - len(inner) + 1):
        if whole[before : before + len(inner)] == inner:
            return before
    return 0
