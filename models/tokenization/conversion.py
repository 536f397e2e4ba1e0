"""From the files in which vocabularies are published to a `tokenizers.Tokenizer`."""

import base64
import binascii
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tokenizers import AddedToken, Regex, Tokenizer, decoders, normalizers, pre_tokenizers, processors
from tokenizers.models import BPE, Unigram, WordPiece

from models.errors import HeadlightError
from models.one_at_a_time import one_at_a_time
from models.tokenization.pieces import character_of_byte

_LONGEST_PIECE = 1_024
_NORMAL, _UNKNOWN, _CONTROL, _USER_DEFINED, _BYTE = 1, 2, 3, 4, 6


class TokenizerFileError(HeadlightError):
    """A file that is not the tokenizer it should be."""


def tiktoken_ranks(data: bytes) -> dict[bytes, int]:
    """The pieces of a .tiktoken file, each line of which has a piece in base64 and its rank. Raises TokenizerFileError.

    Not `tiktoken.load`: it keeps what it once read in a folder for temporary files, by the file's path.
    """
    ranks = {}
    for number, line in enumerate(data.splitlines(), 1):
        if not line.strip() or line.startswith(b"#"):
            continue
        try:
            piece, rank = line.split()
            ranks[base64.b64decode(piece, validate=True)] = int(rank)
        except (ValueError, binascii.Error) as error:
            raise TokenizerFileError(
                f"Line {number} of this .tiktoken file is not a piece in base64 and its rank; open another file."
            ) from error
    if len(ranks) < 256 or any(bytes([byte]) not in ranks for byte in range(256)):
        raise TokenizerFileError("This .tiktoken file lacks some of the 256 single bytes, so it cannot cut every text.")
    if len(set(ranks.values())) != len(ranks):
        raise TokenizerFileError("Two pieces of this .tiktoken file have the same rank; open another file.")
    _check_lengths(ranks)
    return ranks


def byte_level_bpe(
    ranks: Mapping[bytes, int],
    pattern: str,
    special: Sequence[str] = (),
    adds_first: str = "",
    *,
    special_come_first: bool = False,
    composes: bool = False,
) -> Tokenizer:
    """A byte-level BPE that cuts as tiktoken does with these ranks, this pattern and these special tokens.

    special_come_first: whether the special tokens have the ids before the pieces (Tekken) or those after them.
    composes: whether the text is brought to its composed form (NFC) first.
    """
    characters = character_of_byte()
    shift = len(special) if special_come_first else 0

    def written(data: bytes) -> str:
        return "".join(characters[byte] for byte in data)

    vocabulary = {written(piece): rank + shift for piece, rank in ranks.items()}
    if special_come_first:
        vocabulary |= {token: number for number, token in enumerate(special)}
    merges = [(written(left), written(right)) for left, right in last_merges(ranks)]
    tokenizer = Tokenizer(BPE(vocabulary, merges, fuse_unk=False, ignore_merges=True))
    if composes:
        tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(pattern), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    _add_special(tokenizer, special, adds_first)
    return tokenizer


def tekken(data: bytes, adds_first: str = "") -> Tokenizer:
    """The tokenizer of a tekken.json of mistral-common (`mistral_common.tokens.tokenizers.tekken`)."""
    state = json.loads(data)
    config = state["config"]
    special_count = int(config["default_num_special_tokens"])
    named = state.get("special_tokens") or _TEKKEN_SPECIAL
    special = [each["token_str"] if isinstance(each, dict) else each for each in named]
    special += [f"<SPECIAL_{number}>" for number in range(len(special), special_count)]
    pieces = sorted(state["vocab"], key=lambda each: each["rank"])[: config["default_vocab_size"] - special_count]
    ranks = {base64.b64decode(each["token_bytes"]): int(each["rank"]) for each in pieces}
    return byte_level_bpe(ranks, config["pattern"], special, adds_first, special_come_first=True)


# Tekkenizer.DEPRECATED_SPECIAL_TOKENS, for files that name none.
_TEKKEN_SPECIAL = (
    *("<unk>", "<s>", "</s>", "[INST]", "[/INST]", "[AVAILABLE_TOOLS]", "[/AVAILABLE_TOOLS]", "[TOOL_RESULTS]"),
    *("[/TOOL_RESULTS]", "[TOOL_CALLS]", "[IMG]", "<pad>", "[IMG_BREAK]", "[IMG_END]", "[PREFIX]", "[MIDDLE]"),
    *("[SUFFIX]", "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]", "[TOOL_CONTENT]"),
)


def sentencepiece(data: bytes, adds_first: str = "") -> Tokenizer:
    """The tokenizer of a SentencePiece model, BPE or Unigram (sentencepiece_model.proto).

    Raises TokenizerFileError.
    """
    proto = _sentencepiece_proto(data)
    pieces = [(each.piece, float(each.score), int(each.type)) for each in proto.pieces]
    _check_lengths(piece for piece, _, _ in pieces)
    spec, trainer = proto.normalizer_spec, proto.trainer_spec
    unknown = next((place for place, (_, _, kind) in enumerate(pieces) if kind == _UNKNOWN), None)
    if unknown is None:
        raise TokenizerFileError("This SentencePiece model has no piece for what is unknown; open another file.")
    if trainer.model_type == 1:
        model: Any = Unigram(
            [(piece, score) for piece, score, _ in pieces], unk_id=unknown, byte_fallback=trainer.byte_fallback
        )
    elif trainer.model_type == 2:
        # What is no ordinary piece is never merged. A higher score is merged first; equal ones in the file's order.
        scores = {piece: score for piece, score, kind in pieces if kind in (_NORMAL, _USER_DEFINED)}
        order = sorted(scores, key=lambda piece: -scores[piece])
        model = BPE(
            {piece: place for place, (piece, _, _) in enumerate(pieces)},
            list(last_merges({piece: rank for rank, piece in enumerate(order)})),
            unk_token=pieces[unknown][0],
            fuse_unk=True,
            byte_fallback=trainer.byte_fallback,
        )
    else:
        raise TokenizerFileError("This SentencePiece model is neither BPE nor Unigram; only these two can be opened.")
    tokenizer = Tokenizer(model)
    steps: list[Any] = [normalizers.Precompiled(spec.precompiled_charsmap)] if spec.precompiled_charsmap else []
    if spec.remove_extra_whitespaces:
        steps += [normalizers.Strip(), normalizers.Replace(Regex(" {2,}"), " ")]
    if spec.add_dummy_prefix:
        steps.append(normalizers.Prepend("▁"))
    tokenizer.normalizer = normalizers.Sequence([*steps, normalizers.Replace(" ", "▁")])
    whole: list[Any] = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    if spec.add_dummy_prefix:
        whole.append(decoders.Strip(content=" ", left=1))
    tokenizer.decoder = decoders.Sequence(whole)
    special = [piece for piece, _, kind in pieces if kind in (_UNKNOWN, _CONTROL)]
    _add_special(tokenizer, special, adds_first if adds_first in special else "")
    own = [AddedToken(piece, normalized=False) for piece, _, kind in pieces if kind == _USER_DEFINED]
    tokenizer.add_tokens(own)
    return tokenizer


def _sentencepiece_proto(data: bytes) -> Any:
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


def wordpiece(data: bytes) -> Tokenizer:
    """BERT's tokenizer with the pieces of a vocab.txt, one a line; small letters only where no piece has a capital.

    Raises TokenizerFileError.
    """
    try:
        # As `load_vocab` of transformers reads it: a line ends with its feed or return, not with U+2028 or U+0085.
        lines = io.StringIO(data.decode("utf-8"), newline=None).readlines()
    except UnicodeDecodeError as error:
        raise TokenizerFileError("This vocab.txt is not text in UTF-8; open another file.") from error
    vocabulary = {piece.rstrip("\n"): place for place, piece in enumerate(lines)}
    if "[UNK]" not in vocabulary:
        raise TokenizerFileError("This vocab.txt has no line [UNK], so it is not a WordPiece vocabulary.")
    _check_lengths(vocabulary)
    is_cased = any(piece != piece.lower() for piece in vocabulary if not piece.startswith("["))
    tokenizer = Tokenizer(WordPiece(vocabulary, unk_token="[UNK]", max_input_chars_per_word=100))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=not is_cased)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    _add_special(tokenizer, [each for each in ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]") if each in vocabulary], "")
    if {"[CLS]", "[SEP]"} <= vocabulary.keys():
        tokenizer.post_processor = processors.TemplateProcessing(
            single="[CLS] $A [SEP]",
            pair="[CLS] $A [SEP] $B:1 [SEP]:1",
            special_tokens=[(each, vocabulary[each]) for each in ("[CLS]", "[SEP]")],
        )
    return tokenizer


def last_merges(ranks: Mapping[Any, int]) -> Iterable[tuple[Any, Any]]:
    """For each piece of a BPE given by ranks (tiktoken, SentencePiece), the one merge that makes it, in order of rank.

    tiktoken merges whichever neighbours together are a piece of lowest rank, so a piece may seem to come about in many
    ways. In any text, though, what happens inside a piece before it is whole is what happens to the piece alone: all of
    them but the last one of its own replay never occur. Pieces that their own merges do not reach have none; they come
    about only where they stand alone before the merges (`ignore_merges`).
    """
    for piece in sorted(ranks, key=ranks.__getitem__):
        parts = [piece[place : place + 1] for place in range(len(piece))]
        while len(parts) > 2:
            found = [ranks.get(parts[place] + parts[place + 1]) for place in range(len(parts) - 1)]
            known = [rank for rank in found if rank is not None]
            if not known:
                break
            place = found.index(min(known))
            parts[place : place + 2] = [parts[place] + parts[place + 1]]
        if len(parts) == 2 and all(part in ranks for part in parts):
            yield parts[0], parts[1]


def _add_special(tokenizer: Tokenizer, special: Sequence[str], adds_first: str) -> None:
    tokenizer.add_special_tokens([AddedToken(token, normalized=False, special=True) for token in special])
    if adds_first:
        tokenizer.post_processor = processors.TemplateProcessing(
            single=f"{adds_first} $A",
            pair=f"{adds_first} $A {adds_first} $B:1",
            special_tokens=[(adds_first, tokenizer.token_to_id(adds_first))],
        )


def _check_lengths(pieces: Iterable[bytes | str]) -> None:
    longest = max(map(len, pieces), default=0)
    if longest > _LONGEST_PIECE:
        raise TokenizerFileError(
            f"This vocabulary has a piece of length {longest:,}; at most {_LONGEST_PIECE:,} can be opened."
        )
