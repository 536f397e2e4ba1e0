"""From a card to a tokenizer: each file is converted once, into a folder from which it loads at once."""

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from tokenizers import Tokenizer

from models.catalog import MODELS, TokenizerCard, tokenizer_card
from models.loading.packs import (
    PackError,
    bundled_folder,
    home,
    made_once,
    model_folder,
    packs_folder,
    sha256_of,
    verify_files,
)
from models.tokenization.bpe_merges import MergeTable, merge_table
from models.tokenization.loaded_tokenizer import LoadedTokenizer, cut_by_text_alone, hide_special_pieces, literal_twin
from models.tokenization.pieces import Looks
from models.tokenization.sentence_piece import sentencepiece
from models.tokenization.tokenizer_facts import TokenizerFacts, facts_of
from models.tokenization.vocabulary_conversion import byte_level_bpe, tekken, tiktoken_ranks

log = logging.getLogger(__name__)

_CONVERSION = 3
_FILE = "tokenizer.json"
_MERGES = "merges.npz"
_FACTS = "facts.json"


def load_tokenizer(name: str) -> LoadedTokenizer:
    """Load the tokenizer of this name (see `models.catalog.TOKENIZERS`), converting its file the first time.

    Raises UnknownTokenizerError, PackError (missing or damaged files).
    """
    card = tokenizer_card(name)
    if card.format == "baseline":
        return LoadedTokenizer(card, None, None, None, None, None)
    folder = tokenizer_folder(card)
    try:
        data = (folder / _FILE).read_bytes()
        facts = msgspec.json.decode((folder / _FACTS).read_bytes(), type=TokenizerFacts)
        with np.load(folder / _MERGES) as arrays:
            merges = MergeTable(**arrays) if "pairs" in arrays else None
        # The other algorithms are not asked for their vocabulary: parsing it takes as long as all the rest.
        model = json.loads(data)["model"] if facts.algorithm == "Unigram" else {"type": facts.algorithm}
        return _loaded(card, Tokenizer.from_buffer(data), facts, merges, model)
    except (OSError, ValueError, KeyError) as error:
        raise PackError(
            f"The tokenizer {card.title} could not be read from {folder} ({type(error).__name__}). "
            "Delete this folder and try again."
        ) from error


def loaded_from_json(card: TokenizerCard, data: bytes) -> LoadedTokenizer:
    """A tokenizer from its tokenizer.json, without padding, truncation and dropout, whatever the file says of them."""
    state = json.loads(data)
    return _loaded(card, Tokenizer.from_buffer(data), facts_of(state), merge_table(state), state["model"])


def _loaded(
    card: TokenizerCard,
    tokenizer: Tokenizer,
    facts: TokenizerFacts,
    merges: MergeTable | None,
    model: Mapping[str, Any],
) -> LoadedTokenizer:
    cut_by_text_alone(tokenizer)
    looks = Looks(
        tokenizer.id_to_token,
        facts.notation,
        special=[number for number, _ in facts.special],
        added=tokenizer.get_added_tokens_decoder(),
        unknown=facts.unknown,
    )
    literal = literal_twin(tokenizer)
    hide_special_pieces((tokenizer, literal), model)
    return LoadedTokenizer(card, tokenizer, literal, facts, merges, looks)


def tokenizer_folder(card: TokenizerCard) -> Path:
    """The folder with the converted files of this card, verified and converted first if need be. Raises PackError."""
    return made_once(prepared_tokenizer(card), lambda work: _convert(card, work), card.title, "100 MB")


def prepared_tokenizer(card: TokenizerCard) -> Path:
    """Where `tokenizer_folder` has the files of this card, whether they are there yet or not."""
    return home() / "tokenizers" / f"{card.name}-{_hash_of_source(card)[:12]}-{_CONVERSION}"


def _hash_of_source(card: TokenizerCard) -> str:
    if card.pack is None:
        raise ValueError(f"{card.name} is a baseline: it has no files")
    if card.pack.is_bundled:
        return sha256_of(bundled_folder() / card.pack.folder / card.file)
    return next((file.sha256 for file in card.pack.files if file.path.endswith(card.file)), card.pack.files[0].sha256)


def _convert(card: TokenizerCard, work: Path) -> None:
    log.info("Converting the tokenizer %s once.", card.title)
    tokenizer = _read(card)
    cut_by_text_alone(tokenizer)
    state = json.loads(tokenizer.to_str())
    table = merge_table(state)
    np.savez(work / _MERGES, **({} if table is None else vars(table)))
    (work / _FACTS).write_bytes(msgspec.json.encode(facts_of(state)))
    (work / _FILE).write_text(json.dumps(_quick_to_read(state), ensure_ascii=False, separators=(",", ":")), "utf-8")


def _quick_to_read(state: dict[str, Any]) -> dict[str, Any]:
    """The same tokenizer with each merge as "left right", which is read in half the time of a list of two."""
    merges = state["model"].get("merges")
    if merges and not any(" " in part for merge in merges for part in merge):
        state["model"]["merges"] = [" ".join(merge) for merge in merges]
    return state


def _read(card: TokenizerCard) -> Tokenizer:
    if card.pack is None:
        raise ValueError(f"{card.name} is a baseline: it has no files")
    folder = packs_folder() / card.pack.folder
    if card.model:
        folder = model_folder(MODELS[card.model])
    elif card.pack.is_bundled:
        folder = bundled_folder() / card.pack.folder
    verify_files(card.pack)
    path = folder / card.file
    data = path.read_bytes()
    if card.format == "json":
        return Tokenizer.from_buffer(data)
    if card.format == "tekken":
        return tekken(data, card.adds_first)
    if card.format == "sentencepiece":
        return sentencepiece(data, card.adds_first)[0]
    return byte_level_bpe(tiktoken_ranks(data), card.pattern, card.special, card.adds_first, composes=card.composes)
