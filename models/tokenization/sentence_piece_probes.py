"""Whether a converted SentencePiece model cuts as `sentencepiece` does: texts made of its own pieces and settings."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from models.one_at_a_time import one_at_a_time
from models.tokenization.loaded_tokenizer import hide_special_pieces, literal_twin
from models.tokenization.vocabulary_conversion import TokenizerFileError

_MOST = 300
_LONGEST_RUN = 200
# Ligature, compatible and decomposed characters, several marks, every kind of space and end of line, what is dropped.
_UNUSUAL = (
    "ﬁ Å ™",
    "e\u0301a\u0323\u0302",
    "Ａ\u0301ｶﾞ",
    "a\u3000b\u00a0c\td",
    "a\r\nb\nc\r\n",
    "a\u200bb\u00ad",
    "İSS",
)
NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = 1, 2, 3, 4, 5, 6
_KINDS = {
    UNUSED: "unused pieces (type UNUSED)",
    UNKNOWN: "unk_piece",
    CONTROL: "control_symbols",
    USER_DEFINED: "user_defined_symbols",
    BYTE: "byte_fallback",
}


def check_cuts_alike(tokenizer: Tokenizer, data: bytes, proto: Any) -> tuple[str, ...]:
    """Cut texts that try each setting and kind of piece with both; the answer is what has to be said, in sentences.

    Raises TokenizerFileError, with the name of the setting, where the pieces differ.
    """
    with one_at_a_time():
        from sentencepiece import SentencePieceProcessor

    theirs: Any = SentencePieceProcessor(model_proto=data)
    # What is asked is how it cuts once it is loaded; the conversion itself keeps its special tokens.
    literal = literal_twin(tokenizer)
    is_unigram = proto.trainer_spec.model_type == 1
    if is_unigram:
        hide_special_pieces((literal,), json.loads(tokenizer.to_str())["model"])
    runs = _runs(proto)
    if is_unigram and runs.get("▁", 0) > 1 and not proto.normalizer_spec.remove_extra_whitespaces:
        # What is equally likely is decided by chance there (see below), and in these files often.
        is_trained = any(
            each.type == NORMAL and len(each.piece) > 1 and not each.piece.strip("▁ ") for each in proto.pieces
        )
        raise _refusal("allow_whitespace_only_pieces" if is_trained else _KINDS[USER_DEFINED])
    for setting, text in _probes(proto, runs):
        mine, wanted = literal.encode(text, add_special_tokens=False).ids, theirs.encode(text)
        if mine == wanted:
            continue
        # The same pieces in another order have the same score, but for how it was rounded on the way: SentencePiece
        # adds up in single precision, `tokenizers` in double.
        if not (is_unigram and sorted(mine) == sorted(wanted) and _joined(theirs, mine) == _joined(theirs, wanted)):
            raise _refusal(setting)
    if not is_unigram or not runs.keys() - {"▁"}:
        return ()
    return (
        "A run of one sign that is longer than its longest piece is cut into the same pieces as by SentencePiece, but "
        "they may stand in another order: all orders are equally likely, and rounding decides.",
    )


def _joined(theirs: Any, ids: Sequence[int]) -> str:
    return "".join(map(theirs.id_to_piece, ids))


def _refusal(setting: str) -> TokenizerFileError:
    return TokenizerFileError(
        f"This SentencePiece model cannot be opened: because of its {setting} some texts would be cut otherwise than "
        "SentencePiece cuts them; open a tokenizer.json of the same model."
    )


def _runs(proto: Any) -> dict[str, int]:
    """The longest piece that is one sign again and again, for each such sign."""
    found: dict[str, int] = {}
    for each in proto.pieces:
        piece = each.piece.replace(" ", "▁")
        if each.type in (NORMAL, USER_DEFINED) and len(piece) > 1 and len(set(piece)) == 1:
            found[piece[0]] = max(found.get(piece[0], 0), len(piece))
    return found


def _probes(proto: Any, runs: Mapping[str, int]) -> Iterator[tuple[str, str]]:
    """(setting, a text that tries it), the plainest first, so that what is named is what differs."""
    spec = proto.normalizer_spec
    draw = np.random.default_rng(0)
    kinds: dict[int, list[str]] = {}
    for each in proto.pieces:
        kinds.setdefault(int(each.type), []).append(each.piece)
    normal = [piece.replace("▁", " ") for piece in _some(kinds.get(NORMAL, []), draw)]
    words = [piece.strip() for piece in normal if piece.strip()] or ["a"]
    one, other = words[0], words[-1]
    first = "treat_whitespace_as_suffix" if proto.trainer_spec.treat_whitespace_as_suffix else "add_dummy_prefix"
    yield from ((first, text) for text in (one, f"{one} {other}", ""))
    tried = {kind: _some(kinds.get(kind, []), draw) for kind in _KINDS}
    # As it is in the file, and as somebody would type it.
    written = {kind: dict.fromkeys(each for p in tried[kind] for each in (p, p.replace("▁", " "))) for kind in tried}
    for kind, setting in _KINDS.items():
        for piece in written[kind]:
            tries = (piece, one + piece + other, f"{one} {piece} {other}", piece + piece)
            yield from ((setting, text) for text in tries)
    spaces = "escape_whitespaces" if not spec.escape_whitespaces else "remove_extra_whitespaces"
    tries = (f" {one}", f"{one} ", f"  {one}   {other}  ", "   ", f"▁{one}▁", f"\n{one}\n")
    yield from ((spaces, text) for text in tries)
    for sign, longest in {"▁": 1, **runs}.items():
        typed, setting = (" ", spaces) if sign == "▁" else (sign, "pieces and their scores")
        lengths = range(2, min(2 * longest + 8, _LONGEST_RUN))
        yield from ((setting, f"{one}{typed * length} {other}") for length in lengths)
    name = next(_KINDS[kind] for kind in (UNUSED, USER_DEFINED, UNKNOWN) if tried[kind])
    yield from ((name, text) for text in _sentences([*(p for kind in written for p in written[kind]), *words], draw))
    yield from (("pieces and their scores", text) for text in (*normal, *_sentences(normal, draw)))
    yield from (("byte_fallback", text) for text in ("🍓", f"{one}\U000e0030{other}") if BYTE in kinds)
    yield from (("normalisation rules (precompiled_charsmap)", text) for text in _UNUSUAL)


def _some(pieces: Sequence[str], draw: np.random.Generator) -> list[str]:
    if len(pieces) <= _MOST:
        return list(pieces)
    return [pieces[place] for place in draw.choice(len(pieces), _MOST, replace=False)]


def _sentences(parts: Sequence[str], draw: np.random.Generator) -> Iterator[str]:
    """Parts side by side in an order by chance, with and without spaces."""
    for _ in range(_MOST if parts else 0):
        some = draw.integers(len(parts), size=draw.integers(2, 9))
        yield ("", " ")[draw.integers(2)].join(parts[place] for place in some)
