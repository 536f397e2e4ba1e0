"""From the files in which vocabularies are published to a `tokenizers.Tokenizer`."""

import base64
import binascii
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from math import inf
from typing import Any

from tokenizers import AddedToken, Regex, Tokenizer, decoders, normalizers, pre_tokenizers, processors
from tokenizers.models import BPE, WordPiece

from models.errors import HeadlightError
from models.tokenization.pieces import character_of_byte

_LONGEST_PIECE = 1_024


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
    check_lengths(ranks)
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
    characters = dict(enumerate(character_of_byte()))
    shift = len(special) if special_come_first else 0

    def written(data: bytes) -> str:
        return data.decode("latin-1").translate(characters)

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
    add_special(tokenizer, special, adds_first)
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
    check_lengths(vocabulary)
    is_cased = any(piece != piece.lower() for piece in vocabulary if not piece.startswith("["))
    tokenizer = Tokenizer(WordPiece(vocabulary, unk_token="[UNK]", max_input_chars_per_word=100))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=not is_cased)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    add_special(tokenizer, [each for each in ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]") if each in vocabulary], "")
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
        parts = last_parts(ranks, piece)
        if len(parts) == 2 and all(part in ranks for part in parts):
            yield parts[0], parts[1]


def last_parts(ranks: Mapping[Any, int], piece: Any) -> list[Any]:
    """What a piece consists of when nothing can be merged, or when one more merge would make it whole."""
    parts = [piece[place : place + 1] for place in range(len(piece))]
    rank_of, never = ranks.get, inf
    found = [rank_of(left + right, never) for left, right in pairwise(parts)]
    while len(parts) > 2:
        least = min(found)
        if least == never:
            break
        place = found.index(least)
        parts[place : place + 2] = [parts[place] + parts[place + 1]]
        del found[place]
        if place:
            found[place - 1] = rank_of(parts[place - 1] + parts[place], never)
        if place < len(found):
            found[place] = rank_of(parts[place] + parts[place + 1], never)
    return parts


def add_special(tokenizer: Tokenizer, special: Sequence[str], adds_first: str) -> None:
    """Have the tokenizer know its special tokens, and put `adds_first` before each text unless it is ""."""
    tokenizer.add_special_tokens([AddedToken(token, normalized=False, special=True) for token in special])
    if adds_first:
        tokenizer.post_processor = processors.TemplateProcessing(
            single=f"{adds_first} $A",
            pair=f"{adds_first} $A {adds_first} $B:1",
            special_tokens=[(adds_first, tokenizer.token_to_id(adds_first))],
        )


def check_lengths(pieces: Iterable[bytes | str]) -> None:
    """Raise TokenizerFileError where a piece is so long that its merges could not be worked out in time."""
    longest = max(map(len, pieces), default=0)
    if longest > _LONGEST_PIECE:
        raise TokenizerFileError(
            f"This vocabulary has a piece of length {longest:,}; at most {_LONGEST_PIECE:,} can be opened."
        )
