"""Trains a tokenizer in a process of its own: the text on standard input, tokenizer.json on standard output.

`python training_child.py ALGORITHM VOCABULARY BYTES`, the last being the memory that it may take. How far it is stands
on standard error, as `tokenizers` writes it. In a process of its own it can be stopped at any time, and takes no turn
of the server's interpreter. It imports nothing of ours.
"""

import json
import re
import resource
import sys
from itertools import pairwise
from typing import Any

from tokenizers import Tokenizer, decoders, pre_tokenizers, trainers
from tokenizers.models import BPE, Unigram, WordPiece

_OVERLONG = re.compile(r"\S{256}")


def trained(algorithm: str, vocabulary: int, lines: list[str]) -> Tokenizer:
    """A tokenizer of this algorithm and vocabulary size, trained on these lines of text."""
    if algorithm == "byte-level BPE":
        tokenizer = Tokenizer(BPE())
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        tokenizer.decoder = decoders.ByteLevel()
        _train(tokenizer, lines, _bpe(vocabulary, "<|endoftext|>", pre_tokenizers.ByteLevel.alphabet()))
        return tokenizer
    if algorithm == "WordPiece":
        return _wordpiece(vocabulary, lines)
    tokenizer = Tokenizer(BPE(unk_token="<unk>", fuse_unk=True) if algorithm == "BPE" else Unigram())
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first")
    tokenizer.decoder = decoders.Metaspace(prepend_scheme="first")
    if algorithm == "BPE":
        _train(tokenizer, lines, _bpe(vocabulary, "<unk>", []))
    else:
        trainer = trainers.UnigramTrainer(vocab_size=vocabulary, special_tokens=["<unk>"], unk_token="<unk>")
        _train(tokenizer, lines, trainer)
    return tokenizer


def lines_of(text: str) -> list[str]:
    """The lines of a text, cut in stretches without white space that are far longer than any word.

    The trainers go through whole words again and again, and one word of a whole book takes them hours; where the cuts
    are hardly matters, with hundreds of characters between two of them.
    """
    lines = []
    for line in text.splitlines(keepends=True):
        cuts = [0, *(match.end() for match in _OVERLONG.finditer(line)), len(line)]
        lines += [line[start:end] for start, end in pairwise(cuts) if start < end]
    return lines


def _wordpiece(vocabulary: int, lines: list[str]) -> Tokenizer:
    """As `tokenizers.trainers.WordPieceTrainer` does it, which says nothing of how far it is: a BPE, whose pieces are
    then matched longest first.
    """
    bpe = Tokenizer(BPE(unk_token="[UNK]", continuing_subword_prefix="##"))
    bpe.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    _train(bpe, lines, _bpe(vocabulary, "[UNK]", [], continuing_subword_prefix="##"))
    tokenizer = Tokenizer(WordPiece(bpe.get_vocab(), unk_token="[UNK]", max_input_chars_per_word=100))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.add_special_tokens(["[UNK]"])
    return tokenizer


def _bpe(vocabulary: int, special: str, alphabet: list[str], **more: Any) -> trainers.BpeTrainer:
    return trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=[special],
        initial_alphabet=alphabet,
        show_progress=True,
        progress_format="json",
        **more,
    )


def _train(tokenizer: Tokenizer, lines: list[str], trainer: Any) -> None:
    tokenizer.train_from_iterator(lines, trainer, length=len(lines))


if __name__ == "__main__":
    # macOS knows this limit and does not keep to it.
    if sys.platform.startswith("linux"):
        resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[3]), resource.getrlimit(resource.RLIMIT_AS)[1]))
    text = sys.stdin.buffer.read().decode("utf-8")
    made = trained(sys.argv[1], int(sys.argv[2]), lines_of(text))
    sys.stdout.buffer.write(json.dumps(json.loads(made.to_str()), ensure_ascii=False).encode("utf-8"))
