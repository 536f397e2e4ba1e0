"""What the sandbox does with the tokenizer of a folder or of the hub: transformers opens it there, without torch."""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int64
from jinja2 import TemplateError
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from models.tokenization import TokenizerFileError, cut_by_text_alone, fault_of_tokenizer_json
from models.tokenization.loaded_tokenizer import is_failure
from models.tokenization.pieces import Look, Looks, Notation, looks_of
from models.tokenization.tokenizer_file_limits import are_too_many

TARGET_TOKENIZER = "target_tokenizer.json"
TARGET_SPECIAL = {"pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"}


@dataclass(frozen=True, eq=False)
class Held:
    """A tokenizer in the sandbox. had_chance: whether it left out merges by chance."""

    tokenizer: Any
    looks: Looks
    had_chance: bool

    @property
    def backend(self) -> Any:
        """The fast tokenizer behind it, or None."""
        return getattr(self.tokenizer, "backend_tokenizer", None)


@dataclass(frozen=True)
class Description:
    """What is known of a tokenizer whatever the text. has_target: whether it cuts target texts another way.

    roles: of each special token by its name ("eos_token"), as text and id. special: every special token and its id.
    """

    size: int
    is_fast: bool
    has_normalizer: bool
    has_target: bool
    had_chance: bool
    notation: Notation
    unknown: int | None
    added: tuple[int, ...]
    roles: dict[str, tuple[str, int | None]]
    special: tuple[tuple[str, int | None], ...]
    chat_template: str | dict[str, str] | None


@dataclass(frozen=True, eq=False)
class CutIds:
    """A text as ids, and where each stands in it."""

    ids: Int64[np.ndarray, " piece"]
    spans: Int64[np.ndarray, "piece 2"]


def held(files: Mapping[str, bytes], in_target_mode: bool) -> Held:
    """The tokenizer of these files; of texts that are to be written `in_target_mode`. Raises TokenizerFileError."""
    with tempfile.TemporaryDirectory() as folder:
        for name, data in files.items():
            file = Path(folder) / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
        try:
            tokenizer = _opened(Path(folder), in_target_mode=in_target_mode)
            backend = getattr(tokenizer, "backend_tokenizer", None)
            had_chance = backend is not None and cut_by_text_alone(backend)
            return Held(tokenizer, looks_of(tokenizer), had_chance)
        except BaseException as error:
            # Whatever a file may hold: transformers and tokenizers raise what they stumble on, panics included.
            if not is_failure(error):
                raise
            fault = fault_of_tokenizer_json(files["tokenizer.json"]) if "tokenizer.json" in files else None
            why = fault or f"the tokenizer's files do not fit together ({type(error).__name__})"
            raise TokenizerFileError(why) from error


def _opened(folder: Path, *, in_target_mode: bool) -> Any:
    file = folder / TARGET_TOKENIZER
    if in_target_mode and file.is_file():
        return PreTrainedTokenizerFast(tokenizer_file=str(file), **TARGET_SPECIAL)
    tokenizer: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    if in_target_mode:
        tokenizer._switch_to_target_mode()
    return tokenizer


def described(it: Held) -> Description:
    """What is known of it whatever the text."""
    tokenizer = it.tokenizer
    roles = {
        role: (text, _id(getattr(tokenizer, f"{role}_id", None)))
        for role, text in tokenizer.special_tokens_map.items()
        if isinstance(text, str)
    }
    template = getattr(tokenizer, "chat_template", None)
    return Description(
        size=len(tokenizer),
        is_fast=it.backend is not None,
        has_normalizer=getattr(it.backend, "normalizer", None) is not None,
        has_target=hasattr(tokenizer, "_switch_to_target_mode"),
        had_chance=it.had_chance,
        notation=it.looks.notation,
        unknown=it.looks.unknown,
        added=tuple(tokenizer.added_tokens_decoder),
        roles=roles,
        special=tuple(
            (str(text), _id(number))
            for text, number in zip(tokenizer.all_special_tokens, tokenizer.all_special_ids, strict=True)
        ),
        chat_template=template if isinstance(template, str | dict) else None,
    )


def _id(number: Any) -> int | None:
    return None if number is None else int(number)


def cut(it: Held, text: str, add_special_tokens: bool) -> CutIds:
    """A text as ids. Raises TokenizerFileError where it is cut into far more pieces than it can have."""
    if it.backend is None:
        ids = it.tokenizer(text, add_special_tokens=add_special_tokens)["input_ids"]
        spans = [(0, 0)] * len(ids)
    else:
        encoding = it.backend.encode(text, add_special_tokens=add_special_tokens)
        ids, spans = encoding.ids, encoding.offsets
    if are_too_many(len(ids), text):
        raise TokenizerFileError(
            f"Its tokenizer makes {len(ids):,} tokens of {len(text):,} characters; choose another model."
        )
    return CutIds(np.array(ids, dtype=np.int64), np.array(spans, dtype=np.int64).reshape(-1, 2))


def looked_up(it: Held, ids: Sequence[int]) -> tuple[Look, ...]:
    """How the pieces with these ids look."""
    return tuple(it.looks[number] for number in ids)


def decoded(it: Held, ids: Sequence[int], skip_special_tokens: bool) -> str:
    """The text that ids give back."""
    return it.tokenizer.decode(list(ids), skip_special_tokens=skip_special_tokens)


def normalized(it: Held, text: str) -> str:
    """What the normaliser makes of a text."""
    return it.backend.normalizer.normalize_str(text)


def ids_of(it: Held, tokens: Sequence[str]) -> tuple[int | None, ...]:
    """The ids of pieces as the vocabulary writes them; None where it has no such piece."""
    if it.backend is not None:
        return tuple(it.backend.token_to_id(token) for token in tokens)
    vocabulary = it.tokenizer.get_vocab()
    return tuple(vocabulary.get(token) for token in tokens)


def vocabulary(it: Held) -> dict[str, int]:
    """Every piece and its id."""
    return it.tokenizer.get_vocab()


def filled(it: Held, messages: Sequence[Mapping[str, str]], add_generation_prompt: bool) -> str | None:
    """The chat template with these messages in it; None where it does not take them."""
    try:
        return it.tokenizer.apply_chat_template(
            list(messages), add_generation_prompt=add_generation_prompt, tokenize=False
        )
    except (TemplateError, TypeError, ValueError):
        return None


@dataclass(frozen=True)
class Streamed:
    """What stands between two steps of a text that is decoded token by token, as `DecodeStream` keeps it.

    ids: of the last stretch. prefix: the first `prefix_index` of them as text. text: what the last step added.
    """

    ids: tuple[int, ...]
    prefix: str = ""
    prefix_index: int = 0
    text: str | None = None


def streamed(it: Held, ids: Sequence[int], prefix: str, prefix_index: int, number: int) -> Streamed:
    """The next token of a text, as `tokenizers.decoders.DecodeStream.step` takes it (`step_decode_stream`)."""

    def text_of(some: Sequence[int]) -> str:
        return it.backend.decode(list(some), skip_special_tokens=True)

    ids = tuple(ids)
    if not prefix and ids and not (text := text_of(ids)).endswith("\N{REPLACEMENT CHARACTER}"):
        prefix, prefix_index = text, len(ids)
    ids = (*ids, number)
    text = text_of(ids)
    if len(text.encode()) <= len(prefix.encode()) or text.endswith("\N{REPLACEMENT CHARACTER}"):
        return Streamed(ids, prefix, prefix_index)
    if not text.startswith(prefix):
        raise ValueError("what is decoded does not go on with what was decoded before")
    left = ids[prefix_index:]
    return Streamed(left, text_of(left), len(ids) - prefix_index, text[len(prefix) :])
