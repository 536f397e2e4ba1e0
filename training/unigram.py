"""Train the bundled Unigram tokenizer on the glosses of WordNet. `python -m training.unigram --help`.

Unigram (Kudo 2018) begins with too many pieces, asks of each how much worse the text would be described without it, and
drops the least useful until the vocabulary has its size. SentencePiece is the algorithm's own implementation and does
the training: it draws the first pieces from running text, while `tokenizers.trainers.UnigramTrainer` draws them from a
list of different words, where a word that begins no other one cannot become a piece ("▁fro" "m", "▁whi" "ch"). The
result is a plain tokenizer.json, which `tokenizers` reads alone.
"""

import argparse
import hashlib
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from sentencepiece import SentencePieceProcessor, SentencePieceTrainer
from tokenizers import Regex, Tokenizer, decoders, normalizers, pre_tokenizers
from tokenizers.models import Unigram

from models.errors import HeadlightError

WORDNET = Path("/usr/share/wordnet")
BUNDLED = Path(__file__).resolve().parents[1] / "models" / "bundled" / "unigram" / "tokenizer.json"
UNKNOWN, START, END = "<unk>", "<s>", "</s>"
SPECIAL = (UNKNOWN, START, END)
VOCABULARY_SIZE = 8_000
HELD_OUT_SHARE = 0.02
_WORDNET_FILES = ("data.adj", "data.adv", "data.noun", "data.verb")
_LICENCE_INDENT = "  "
_BEFORE_EXAMPLE = re.compile(r'[;:,]?\s*(?="[^"]*"(?:;|$))')
_YEARS_OF_LIFE = re.compile(r"\s*\(\d+-\d+\)")
_EXAMPLE = re.compile(r'"([^"]*)"')


class TrainingTextError(HeadlightError):
    """There is no text to train on, or none that can be read."""


@dataclass(frozen=True)
class TextSplit:
    """The text in two parts that share no passage: what is trained on, and what is measured on."""

    train: tuple[str, ...]
    held_out: tuple[str, ...]


class CutCounts(NamedTuple):
    """How a tokenizer cuts a text: words between white space, tokens, words that stay whole, unknown tokens."""

    words: int
    tokens: int
    whole: int
    unknown: int


def read_passages(place: Path) -> tuple[str, ...]:
    """A folder's WordNet as glosses (a definition, then examples in quotation marks), a file as its lines.

    Raises TrainingTextError.
    """
    paths = [place / name for name in _WORDNET_FILES] if place.is_dir() else [place]
    if not all(path.is_file() for path in paths):
        raise TrainingTextError(
            "There is no text to train on. Install WordNet 3.0 (on Debian and Ubuntu: apt install wordnet-base), or "
            f"name with --text the folder that holds its files {', '.join(_WORDNET_FILES)}, or a text file."
        )
    try:
        lines = [line for path in paths for line in path.read_text("utf-8").splitlines()]
    except UnicodeDecodeError as error:
        raise TrainingTextError("The text is not UTF-8: convert it, or name another file with --text.") from error
    if place.is_dir():
        lines = [_gloss(line) for line in lines if not line.startswith(_LICENCE_INDENT)]
    found = tuple(line.strip() for line in lines if line.strip())
    if not found:
        raise TrainingTextError("The text is empty: name another file with --text.")
    return found


def _gloss(line: str) -> str:
    """What stands behind the bar in a line of a WordNet data file (wndb(5WN))."""
    return line.partition(" | ")[2]


def sentences(passage: str) -> Iterator[str]:
    """A gloss as its definition and its examples, these without their quotation marks; other text as it is.

    An example that names its author behind the marks stays where it is, marks and all. The years of a life, which
    2,700 glosses have in brackets, are left out: they would become dozens of pieces such as "▁(1899-19".
    """
    for part in _BEFORE_EXAMPLE.split(_YEARS_OF_LIFE.sub("", passage)):
        part = part.strip().removesuffix(";").strip()
        example = _EXAMPLE.fullmatch(part)
        part = example[1].strip() if example else part
        if part:
            yield part


def split(passages: Iterable[str]) -> TextSplit:
    """Hold out 2 % of the passages, by a hash of their words alone, so the same ones on every machine."""
    parts: tuple[list[str], list[str]] = ([], [])
    for passage in passages:
        parts[_fraction(passage) < HELD_OUT_SHARE].extend(sentences(passage))
    return TextSplit(*(tuple(part) for part in parts))


def _fraction(passage: str) -> float:
    return int.from_bytes(hashlib.sha256(passage.encode()).digest()[:8]) / 2**64


def train(text: Iterable[str], size: int = VOCABULARY_SIZE) -> SentencePieceProcessor:
    """A model of `size` pieces, SPECIAL among them, trained on these sentences. Raises TrainingTextError.

    The same text gives the same pieces and scores. That is why it runs in one thread: the last digits of a sum depend
    on how many share it.
    """
    written = io.BytesIO()
    try:
        SentencePieceTrainer.train(
            sentence_iterator=iter(text),
            model_writer=written,
            model_type="unigram",
            vocab_size=size,
            normalization_rule_name="nmt_nfkc",
            character_coverage=1.0,
            max_sentence_length=1_000_000,
            unk_id=SPECIAL.index(UNKNOWN),
            bos_id=SPECIAL.index(START),
            eos_id=SPECIAL.index(END),
            pad_id=-1,
            num_threads=1,
            minloglevel=2,
        )
    except RuntimeError as error:
        raise TrainingTextError(
            f"SentencePiece cannot make {size:,} pieces of this text: give it more text, or another --size."
        ) from error
    return SentencePieceProcessor(model_proto=written.getvalue())


def vocabulary(trained: SentencePieceProcessor) -> list[tuple[str, float]]:
    """The pieces and their scores, natural logarithms of probabilities; SPECIAL come first, with 0."""
    return [(trained.id_to_piece(number), trained.get_score(number)) for number in range(trained.get_piece_size())]


def build_tokenizer(scores: Sequence[tuple[str, float]]) -> Tokenizer:
    """The tokenizer round this vocabulary.

    It does what T5's does: control characters and every kind of space become a space, compatibility forms are folded
    (NFKC), runs of spaces become one and outer ones go; each space, and the beginning, becomes a `▁` that belongs to
    the word behind it, and no piece reaches over one. Unlike T5's it adds no `</s>`. There is no byte fallback: what
    holds no known character becomes `<unk>`.

    SentencePiece gives SPECIAL a score of 0 and never cuts them from letters; `tokenizers` goes by the score alone. So
    here they have one that is less than that of as many of the least likely pieces.
    """
    least = min(score for _, score in scores) * (1 + max(map(len, SPECIAL)))
    scored = [(piece, least if piece in SPECIAL else score) for piece, score in scores]
    tokenizer = Tokenizer(Unigram(scored, unk_id=SPECIAL.index(UNKNOWN), byte_fallback=False))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Nmt(), normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " "), normalizers.Strip()]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    tokenizer.decoder = decoders.Metaspace(prepend_scheme="always")
    tokenizer.add_special_tokens(list(SPECIAL))
    return tokenizer


def measure(tokenizer: Tokenizer, text: Sequence[str]) -> CutCounts:
    """How these sentences are cut."""
    encodings = tokenizer.encode_batch(list(text), add_special_tokens=False)
    words = [word for sentence in text for word in sentence.split()]
    return CutCounts(
        words=len(words),
        tokens=sum(len(encoding.ids) for encoding in encodings),
        whole=sum(len(encoding.ids) == 1 for encoding in tokenizer.encode_batch(words, add_special_tokens=False)),
        unknown=sum(encoding.ids.count(SPECIAL.index(UNKNOWN)) for encoding in encodings),
    )


def _in_words(measured: CutCounts) -> str:
    return (
        f"{measured.words:,} words; {measured.tokens / measured.words:.3f} tokens per word, "
        f"{measured.whole / measured.words:.1%} of the words in one piece, {measured.unknown:,} unknown"
    )


def from_text_to_file(
    name: str, about: str | None, bundled: Path, **numbers: tuple[int, str]
) -> tuple[argparse.ArgumentParser, argparse.Namespace]:
    """The command line of a program that reads a text and writes a file. numbers: what
    else is chosen: the default, and what it is of.
    """
    parser = argparse.ArgumentParser(prog=f"python -m training.{name}", description=about)
    parser.add_argument("--text", type=Path, default=WORDNET, help="WordNet's folder, or a text file (%(default)s)")
    parser.add_argument("--output", type=Path, default=bundled, help="the file to write (the bundled one)")
    for option, (default, of) in numbers.items():
        parser.add_argument(f"--{option}", type=int, default=default, help=f"{of} (%(default)s)")
    return parser, parser.parse_args()


def main() -> None:
    """The command line."""
    parser, given = from_text_to_file("unigram", __doc__, BUNDLED, size=(VOCABULARY_SIZE, "pieces in the vocabulary"))
    try:
        data = split(read_passages(given.text))
        print(f"Training on {len(data.train):,} sentences, {sum(map(len, data.train)):,} characters.", flush=True)
        tokenizer = build_tokenizer(vocabulary(train(data.train, given.size)))
    except TrainingTextError as error:
        parser.error(str(error))
    given.output.parent.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(given.output), pretty=False)
    print(f"{given.output.name}: {tokenizer.get_vocab_size():,} pieces, {given.output.stat().st_size:,} bytes")
    if data.held_out:
        print("Held-out sentences:", _in_words(measure(tokenizer, data.held_out)))


if __name__ == "__main__":
    main()
