"""The tokenizer of a model's folder, or what is wrong with its files."""

from pathlib import Path
from typing import Any

from transformers import AutoTokenizer, PreTrainedTokenizerFast

from models.catalog import ModelCard
from models.loading.checks_before_reading import CONFIG, TOKENIZER_FILES, ModelRefusedError
from models.loading.packs import model_folder, prepared_folder
from models.loading.regular_files import open_folder_at
from models.loading.sandboxed_tokenizer import SandboxedTokenizer
from models.loading.tokenizer_worker import TARGET_SPECIAL, TARGET_TOKENIZER
from models.sandbox import SandboxError
from models.tokenization import LARGEST_TOKENIZER_FILE, TokenizerFileError

# The first of these that a folder has says most of how a text is cut.
ALONE = ("tokenizer.json", "tekken.json", "tokenizer.model", "spiece.model", "sentencepiece.bpe.model", "vocab.txt")


def tokenizers_in(folder: Path, card: ModelCard) -> tuple[Any, Any]:
    """The tokenizer of a folder, and that of what is written where the model has one of its own, else None.

    Those of a pack, which are ours, are transformers'; those of a stranger's folder or of the hub work in the sandbox.

    A vision model has one where it was trained with texts.

    Raises ModelRefusedError, which names the file at fault.
    """
    if card.family == "vision" and not any((folder / each).is_file() for each in TOKENIZER_FILES):
        return None, None
    if card.folder:
        return _sandboxed(_files_of(folder), card.title)
    file = folder / TARGET_TOKENIZER
    target = PreTrainedTokenizerFast(tokenizer_file=str(file), **TARGET_SPECIAL) if file.is_file() else None
    return AutoTokenizer.from_pretrained(folder, local_files_only=True), target


def tokenizer_file_of(card: ModelCard) -> bytes:
    """The file by which a model's tokenizer can be opened by itself. Raises ModelRefusedError, PackError, OSError."""
    folder = model_folder(card) if not card.folder else Path(card.folder)
    if card.folder and card.pack.gguf is not None:
        # It is there once the model was loaded.
        folder = prepared_folder(card)
    with open_folder_at(folder.resolve()) as here:
        for name in ALONE:
            if name in here.names:
                return here.read(name, LARGEST_TOKENIZER_FILE)
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
    with open_folder_at(folder.resolve()) as here:
        names = [each for each in (CONFIG, TARGET_TOKENIZER, *TOKENIZER_FILES) if each in here.names]
        return {name: here.read(name, LARGEST_TOKENIZER_FILE) for name in names}
