"""The GGUF of somebody's own folder, expanded once."""

import logging
from pathlib import Path

from models.catalog import ModelCard
from models.errors import HeadlightError
from models.loading.gguf_tokenizer import tokenizer_of_gguf
from models.loading.model_files import copy_of_gguf
from models.loading.packs import HOME, PackError, expand_weights, expanded_size, made_once, prepared_folder
from models.one_at_a_time import alone

log = logging.getLogger(__name__)


def expanded_folder(card: ModelCard) -> Path:
    """A folder with config, tokenizer and safetensors of the GGUF that this card was made of.

    Raises PackError where the file is damaged, is not read by transformers, or there is no room; ModelRefusedError
    where it has changed since the card was made.
    """
    target = prepared_folder(card)
    return made_once(target, lambda work: _expand(card, work), card.title, expanded_size(card), HOME)


def _expand(card: ModelCard, work: Path) -> None:
    try:
        with copy_of_gguf(card) as copy:
            files = tokenizer_of_gguf(card.title, copy.header, str(copy.config.model_type))
            alone(lambda: expand_weights(copy.folder, str(card.pack.gguf), work, config=copy.config))
        for name, data in files.items():
            (work / name).write_bytes(data)
    except (HeadlightError, MemoryError):
        raise
    except Exception as error:
        # What a stranger's file may hold: the libraries raise what they stumble on.
        log.warning("%s could not be expanded", card.name, exc_info=True)
        raise PackError(
            f"{card.title} could not be expanded ({type(error).__name__}): its GGUF file is damaged, or of a kind that "
            f"transformers does not read; it takes room for {expanded_size(card)} below HEADLIGHT_HOME."
        ) from error
