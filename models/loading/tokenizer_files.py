"""The tokenizer of a folder, or what is wrong with its files."""

from pathlib import Path
from typing import Any

from transformers import AutoTokenizer

from models.loading.checks import ModelRefusedError
from models.loading.placing import failure_of
from models.tokenization import fault_of_tokenizer_json


def tokenizer_in(folder: Path) -> Any:
    """transformers' tokenizer for the files of a folder. Raises ModelRefusedError, which names the file at fault."""
    try:
        return AutoTokenizer.from_pretrained(folder, local_files_only=True)
    except Exception as error:
        # Whatever a file may hold: transformers and tokenizers raise what they stumble on.
        if failure_of(error) is not None:
            raise
        file = folder / "tokenizer.json"
        fault = fault_of_tokenizer_json(file.read_bytes()) if file.is_file() else None
        why = fault or f"the tokenizer's files do not fit together ({type(error).__name__})"
        raise ModelRefusedError(
            f"Its tokenizer cannot be read, since {why}; save it anew beside the weights (save_pretrained of the "
            "tokenizer does)."
        ) from error
