"""The tokenizer of a model's folder, or what is wrong with its files."""

import os
import stat
from pathlib import Path
from typing import Any

from transformers import AutoTokenizer, PreTrainedTokenizerFast

from models.catalog import ModelCard
from models.loading.checks import CONFIG, TOKENIZER_FILES, ModelRefusedError
from models.loading.own_gguf import expanded_folder
from models.loading.packs import model_folder
from models.loading.regular_files import opened
from models.loading.sandboxed_tokenizer import SandboxedTokenizer
from models.loading.tokenizer_worker import TARGET_SPECIAL, TARGET_TOKENIZER
from models.sandbox import SandboxError
from models.tokenization import LARGEST_FILE, TokenizerFileError

# The first of these that a folder has says most of how a text is cut.
ALONE = ("tokenizer.json", "tekken.json", "tokenizer.model", "spiece.model", "sentencepiece.bpe.model", "vocab.txt")
_TEMPLATES = "additional_chat_templates"
_MOST_TEMPLATES = 20


def tokenizers_in(folder: Path, card: ModelCard) -> tuple[Any, Any]:
    """The tokenizer of a folder, and that of what is written where the model has one of its own, else None.

    Those of a pack, which are ours, are transformers'; those of a stranger's folder or of the hub work in the sandbox.

    Raises ModelRefusedError, which names the file at fault.
    """
    if card.folder:
        return _sandboxed(_files_of(folder), card.title)
    file = folder / TARGET_TOKENIZER
    target = PreTrainedTokenizerFast(tokenizer_file=str(file), **TARGET_SPECIAL) if file.is_file() else None
    return AutoTokenizer.from_pretrained(folder, local_files_only=True), target


def tokenizer_file_of(card: ModelCard) -> bytes:
    """The file by which a model's tokenizer can be opened by itself. Raises ModelRefusedError, PackError, OSError."""
    folder = model_folder(card) if not card.folder else Path(card.folder)
    if card.folder and card.pack.gguf is not None:
        folder = expanded_folder(card)
    with opened(folder.resolve()) as here:
        for name in ALONE:
            if name in here.names:
                return here.read(name, LARGEST_FILE)
    raise ModelRefusedError(
        "It has no tokenizer that can be opened by itself: tokenizer.json, tekken.json, a SentencePiece .model or "
        "vocab.txt."
    )


def _sandboxed(files: dict[str, bytes], title: str) -> tuple[SandboxedTokenizer, SandboxedTokenizer | None]:
    try:
        tokenizer = SandboxedTokenizer(title, files)
        has_target = tokenizer.described.has_target or TARGET_TOKENIZER in files
        return tokenizer, SandboxedTokenizer(title, files, in_target_mode=True) if has_target else None
    except TokenizerFileError as error:
        raise ModelRefusedError(
            f"Its tokenizer cannot be read, since {error}; save it anew beside the weights (save_pretrained of the "
            "tokenizer does)."
        ) from error
    except SandboxError as error:
        raise ModelRefusedError(str(error)) from error


def _files_of(folder: Path) -> dict[str, bytes]:
    """What transformers reads for a tokenizer, by name. Raises ModelRefusedError."""
    names = [CONFIG, TARGET_TOKENIZER, *TOKENIZER_FILES]
    templates = folder / _TEMPLATES
    if templates.is_dir() and not templates.is_symlink():
        names += [f"{_TEMPLATES}/{each.name}" for each in sorted(templates.glob("*.jinja"))[:_MOST_TEMPLATES]]
    read = {name: _read(folder, name) for name in names}
    return {name: data for name, data in read.items() if data is not None}


def _read(folder: Path, name: str) -> bytes | None:
    """A regular file that lies in the folder, also where the name is a link to it; None where there is none."""
    place = (folder / name).resolve()
    if not place.is_relative_to(folder.resolve()):
        raise ModelRefusedError(
            "A file of this folder is a symbolic link that leads out of it; put the file itself there."
        )
    try:
        descriptor = os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise ModelRefusedError(f"{name} of this folder is no regular file; put the file itself there.")
        if status.st_size > LARGEST_FILE:
            raise ModelRefusedError(
                f"{name} has {status.st_size / 1e6:,.0f} MB; one of at most {LARGEST_FILE // 1_000_000} MB can be "
                "opened."
            )
        return file.read(LARGEST_FILE)
