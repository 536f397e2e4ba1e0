"""A SentencePiece model as a `tokenizers.Tokenizer` that cuts as `sentencepiece` does, or refused.

Both work on the whole text: what is written here are the settings and the types of pieces (sentencepiece_model.proto).
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from tokenizers import Regex, Tokenizer, decoders, normalizers, pre_tokenizers
from tokenizers.models import BPE, Unigram

from models.one_at_a_time import one_at_a_time
from models.tokenization.sentence_piece_probes import (
    BYTE,
    CONTROL,
    NORMAL,
    UNKNOWN,
    UNUSED,
    USER_DEFINED,
    check_cuts_alike,
)
from models.tokenization.vocabulary_conversion import (
    TokenizerFileError,
    add_special,
    check_lengths,
    last_merges,
    last_parts,
)

_MODEL_TYPES = {1: "Unigram", 2: "BPE", 3: "WORD", 4: "CHAR"}
_A_BYTE = "0x[0-9A-F]{2}>"


def sentencepiece(data: bytes, adds_first: str = "") -> tuple[Tokenizer, tuple[str, ...]]:
    """The tokenizer of a SentencePiece model, BPE or Unigram, and what has to be said of it, in sentences.

    Raises TokenizerFileError, also where it would cut otherwise than `sentencepiece` itself.
    """
    proto = _proto(data)
    pieces = [(each.piece, float(each.score), int(each.type)) for each in proto.pieces]
    check_lengths(piece for piece, _, _ in pieces)
    unknown = next((place for place, (_, _, kind) in enumerate(pieces) if kind == UNKNOWN), None)
    if unknown is None:
        raise TokenizerFileError("This SentencePiece model has no piece for what is unknown; open another file.")
    kind = _MODEL_TYPES.get(int(proto.trainer_spec.model_type), "unknown")
    if kind not in ("BPE", "Unigram"):
        raise TokenizerFileError(
            f"This SentencePiece model has the model_type {kind}; only BPE and Unigram can be opened."
        )
    tokenizer = (_bpe if kind == "BPE" else _unigram)(pieces, unknown, bool(proto.trainer_spec.byte_fallback))
    suffixes = bool(proto.trainer_spec.treat_whitespace_as_suffix)
    _set_normalizer(tokenizer, proto.normalizer_spec, data, suffixes=suffixes)
    is_bytes = [decoders.ByteFallback()] if proto.trainer_spec.byte_fallback else []
    whole: list[Any] = [decoders.Replace("▁", " "), *is_bytes, decoders.Fuse()]
    # `SentencePieceProcessor::Decode` takes a ▁ off the beginning and leaves it at the end.
    if proto.normalizer_spec.escape_whitespaces and proto.normalizer_spec.remove_extra_whitespaces:
        whole.append(decoders.Replace(Regex(r"\A +"), ""))
    elif proto.normalizer_spec.escape_whitespaces and proto.normalizer_spec.add_dummy_prefix:
        whole.append(decoders.Strip(content=" ", left=1))
    tokenizer.decoder = decoders.Sequence(whole)
    special = [piece for piece, _, kind in pieces if kind in (UNKNOWN, CONTROL)]
    add_special(tokenizer, special, adds_first if adds_first in special else "")
    return tokenizer, check_cuts_alike(tokenizer, data, proto)


def _proto(data: bytes) -> Any:
    with one_at_a_time():
        from google.protobuf.message import DecodeError
        from sentencepiece import sentencepiece_model_pb2

    # Its members are made when it is imported.
    schema: Any = sentencepiece_model_pb2
    proto = schema.ModelProto()
    try:
        proto.ParseFromString(data)
    except DecodeError as error:
        raise TokenizerFileError("This file is not a SentencePiece model; open another one.") from error
    if not proto.pieces:
        raise TokenizerFileError("This file is not a SentencePiece model: it holds no pieces; open another one.")
    return proto


def _unigram(pieces: Sequence[tuple[str, float, int]], unknown: int, byte_fallback: bool) -> Tokenizer:
    normal = {piece: score for piece, score, kind in pieces if kind == NORMAL}
    likeliest, least = max(normal.values(), default=0.0), min(normal.values(), default=0.0)
    # Less than any way to cut as long a text has: the file's own score of what is never cut from a text says nothing.
    never = least * (1 + max((len(piece) for piece, _, _ in pieces), default=0)) - 1
    splits_bytes = byte_fallback and not any("<0" in piece for piece in normal)

    def score_of(piece: str, score: float, kind: int) -> float:
        if kind == USER_DEFINED:
            # `unigram::Model::EncodeOptimized`; a score of its own is not asked for.
            return len(piece) * likeliest - 0.1
        return never if kind == UNUSED or (kind == BYTE and not splits_bytes) else score

    scored = [(piece, score_of(piece, score, kind)) for piece, score, kind in pieces]
    tokenizer = Tokenizer(Unigram(scored, unk_id=unknown, byte_fallback=byte_fallback))
    if splits_bytes:
        # `tokenizers` takes the letters "<0x41>" in a text for the byte, where no piece reaches over this place.
        tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(f"<(?={_A_BYTE})"), "merged_with_previous")
    return tokenizer


def _bpe(pieces: Sequence[tuple[str, float, int]], unknown: int, byte_fallback: bool) -> Tokenizer:
    # What is no ordinary piece is never merged. A higher score is merged first; equal ones in the file's order.
    scores = {piece: score for piece, score, kind in pieces if kind == NORMAL}
    ranks = {piece: rank for rank, piece in enumerate(sorted(scores, key=lambda piece: -scores[piece]))}
    merges = list(last_merges(ranks))
    own = sorted((piece for piece, _, kind in pieces if kind == USER_DEFINED), key=len, reverse=True)
    tokenizer = Tokenizer(
        BPE(
            {piece: place for place, (piece, _, _) in enumerate(pieces)},
            merges,
            unk_token=pieces[unknown][0],
            fuse_unk=True,
            byte_fallback=byte_fallback,
            ignore_merges=bool(own),
        )
    )
    if own:
        # A user-defined symbol stands alone and is taken whole; nothing else is taken whole that merges do not reach.
        made = {left + right for left, right in merges}
        others = [piece for piece, _, kind in pieces if len(piece) > 1 and kind != USER_DEFINED and piece not in made]
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
            [
                pre_tokenizers.Split(Regex("|".join(map(re.escape, own))), "isolated"),
                pre_tokenizers.Split(Regex(_unreached(ranks, others, fuses=not byte_fallback)), "merged_with_previous"),
            ]
        )
    return tokenizer


def _unreached(ranks: dict[str, int], pieces: Iterable[str], *, fuses: bool) -> str:
    """A pattern of the beginning of each of these pieces, where the piece is the whole stretch: behind it it is cut.

    fuses: whether unknown characters side by side are one piece, so that they cannot be parted.
    """
    cuts = []
    for piece in pieces:
        parts = last_parts(ranks, piece)
        places = (
            place for place in range(1, len(parts)) if not fuses or {*parts[place - 1 : place + 1]} & ranks.keys()
        )
        place = next(places, 0)
        if place:
            cuts.append(f"{re.escape(''.join(parts[:place]))}(?={re.escape(''.join(parts[place:]))}\\z)")
    return f"\\A(?:{'|'.join(cuts)})"


def _set_normalizer(tokenizer: Tokenizer, spec: Any, data: bytes, *, suffixes: bool) -> None:
    """`sentencepiece::Normalizer::Normalize`, in its order."""
    space = "▁" if spec.escape_whitespaces else " "
    steps: list[Any] = _rules(spec, data)
    if spec.remove_extra_whitespaces:
        steps += [normalizers.Replace(Regex(r"\A +"), ""), normalizers.Replace(Regex(" {2,}"), " ")]
    if spec.escape_whitespaces:
        steps.append(normalizers.Replace(" ", space))
    if spec.remove_extra_whitespaces:
        steps.append(normalizers.Replace(Regex(f"{space}+\\z"), ""))
    if spec.add_dummy_prefix:
        steps.append(normalizers.Replace(Regex(r"\z"), space) if suffixes else normalizers.Prepend(space))
    if steps:
        tokenizer.normalizer = normalizers.Sequence(steps)


def _rules(spec: Any, data: bytes) -> list[Any]:
    """The file's table of equal characters.

    `normalizers.Precompiled` looks up a character with its marks as one, by the shortest rule that fits, and drops the
    rest; `sentencepiece` takes the longest. Where the rules compose, as all of its own do, composing first and last
    leaves it single characters.
    """
    with one_at_a_time():
        from sentencepiece import SentencePieceNormalizer

    if not spec.precompiled_charsmap:
        return []
    theirs: Any = SentencePieceNormalizer(
        model_proto=data, add_dummy_prefix=False, escape_whitespaces=False, remove_extra_whitespaces=False
    )
    rules: list[Any] = [normalizers.Precompiled(spec.precompiled_charsmap)]
    if [theirs.normalize(each).casefold() for each in ("ﬁ", "a\u0323\u0302", "Ａ\u0301")] == ["fi", "ậ", "á"]:
        rules = [normalizers.NFKC(), *rules, normalizers.NFC()]
    if theirs.normalize("\r\n") == "  ":
        rules.insert(0, normalizers.Replace("\r", " "))
    return rules
