"""What lies in a folder of a model: its files are checked, and only what is known of them is handed on."""

import atexit
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedConfig

from models.catalog import NO_PACK, ModelCard
from models.loading.checks_before_reading import (
    CONFIG,
    TOKENIZER_FILES,
    card_from,
    check_no_adapter,
    check_tokenizer_files,
    config_from,
)
from models.loading.gguf_header import GgufHeader, header_of
from models.loading.json_files import LARGEST, settings_in, without_other_places
from models.loading.model_memory import device_memory
from models.loading.packs import HOME, PackError, home, made_once
from models.loading.picture_processing import PROCESSOR_FILES
from models.loading.refusals import ModelRefusedError
from models.loading.regular_files import OpenFolder, open_folder_at
from models.loading.sentence_pooling import pooling_in
from models.loading.tokenizer_worker import TARGET_TOKENIZER
from models.loading.weights_files import TensorInFile, tensors_of, weights_among
from models.one_at_a_time import one_at_a_time

_GENERATION = "generation_config.json"
# Of classes of tokenizers that few models have; what else lies in a folder is never read.
_SELDOM = ("tekken.json", "sentencepiece.model", "dict.txt", "emoji.json", "entity_vocab.json", "byte_maps.json")
_OF_TEXT = (CONFIG, _GENERATION, "tokenizer_config.json", "special_tokens_map.json")
_SETTINGS = (*_OF_TEXT, *PROCESSOR_FILES)
_KNOWN = (*_OF_TEXT, *(each for each in TOKENIZER_FILES if each not in _SETTINGS), TARGET_TOKENIZER, *_SELDOM)
_LARGEST_TOKENIZER = 64_000_000
_MOST_KEPT = 32
_WEIGHTS, _HEADER_BYTES = "weights.json", 2**16
# A file has nearly all of a model's numbers; one of two tied tables and a pooler may be missing.
_MOST_BEYOND_FILE, _SPARE = 2, 1_000_000


@dataclass(frozen=True)
class ModelFiles:
    """A model's files while they are open.

    folder: ours, with copies of what is known and was checked, but for the weights. tensors: those, by name.
    """

    card: ModelCard
    folder: Path
    tensors: dict[str, TensorInFile]


def card_in(folder: Path, **more: Any) -> ModelCard:
    """The card of what lies in a folder, every file checked that will be read. `more`: fields of the card.

    folder: whole and without links. Raises ModelRefusedError, OSError.
    """
    with open_folder_at(folder) as here:
        return _card(here, folder, more)


def gguf_card(folder: Path, file: str, **more: Any) -> ModelCard:
    """The card of a single GGUF of a folder, from what its own header says. Raises ModelRefusedError, OSError."""
    with open_folder_at(folder) as here:
        return _gguf_card(here, folder, file, more)


@contextmanager
def model_files(card: ModelCard) -> Iterator[ModelFiles]:
    """The files of a card, checked once more and held open: what is read until the block ends is what was checked.

    Raises ModelRefusedError, OSError.
    """
    about = {
        each: getattr(card, each)
        for each in (
            "name",
            "title",
            "licence",
            "source",
            "stamp",
            "adapter",
            "precision",
            "hub",
            "revision",
            "download",
        )
    }
    with open_folder_at(Path(card.folder)) as here:
        now = _card(here, Path(card.folder), about | {"reads": card.reads, "is_gated": card.is_gated})
        if card.adapter:
            now = replace(now, precision=card.precision)
        if now.parameters > card.parameters or now.family != card.family:
            raise ModelRefusedError(f"{card.title} has changed on the disk since it was opened; open it again.")
        with tensors_of(here) as tensors:
            yield ModelFiles(
                card if now == card else now, _kept(_known_files(here, now) | {_WEIGHTS: _stamp(tensors)}), tensors
            )


@dataclass(frozen=True)
class GgufCopy:
    """folder: ours, with the weights of a GGUF in a file of the same name, but without its tokenizer, which is in
    `header`. config: what it says of the model.
    """

    folder: Path
    header: bytes
    config: PreTrainedConfig


@contextmanager
def copy_of_gguf(card: ModelCard) -> Iterator[GgufCopy]:
    """A copy of the GGUF that a card was made of: nobody else can change it while it is read.

    Raises ModelRefusedError, also where it is another file by now, and OSError.
    """
    name = str(card.pack.gguf)
    place = home() / "models"
    place.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place, prefix=".gguf-") as work, open_folder_at(Path(card.folder)) as here:
        descriptor = here.open(name)
        with os.fdopen(descriptor, "rb") as source, (Path(work) / name).open("w+b") as copy:
            size = os.fstat(source.fileno()).st_size
            before = header_of(source.fileno())
            needed = size + before.elements * 4
            if needed > shutil.disk_usage(place).free:
                raise ModelRefusedError(
                    f"{card.title} takes {needed / 1e9:,.1f} GB once it is expanded, and the disk of this server has "
                    "no room for that; choose a smaller one."
                )
            # The tensors lie behind the header, wherever it ends.
            head = source.read(len(before.whole))
            hashed = hashlib.sha256(head)
            copy.write(before.lean)
            size -= len(head)
            while size > 0 and (piece := source.read(min(size, 2**24))):
                hashed.update(piece)
                copy.write(piece)
                size -= len(piece)
            copy.flush()
            header_of(copy.fileno())
        if head != before.whole or hashed.hexdigest()[: len(card.pack.version)] != card.pack.version:
            raise ModelRefusedError(f"{card.title} has changed on the disk since it was opened; open it again.")
        yield GgufCopy(Path(work), head, _config_of_gguf(before))


def _card(here: OpenFolder, folder: Path, more: dict[str, Any]) -> ModelCard:
    names = here.names
    check_no_adapter(names)
    if CONFIG not in names and not any(each.lower().endswith(".gguf") for each in names):
        raise ModelRefusedError(
            "This folder has no config.json: choose the folder into which save_pretrained wrote a model, or one with a "
            ".gguf file."
        )
    if CONFIG not in names:
        return _gguf_card(here, folder, weights_among(names).files[0], more)
    config = config_from(settings_in(here.read(CONFIG, LARGEST), CONFIG))
    card = card_from(config, folder=str(folder), **pooling_in(here, folder), **more)
    _known_files(here, card)
    weights = weights_among(names)
    if weights.kind == "gguf":
        return _gguf_card(here, folder, weights.files[0], more)
    if card.family != "vision":
        check_tokenizer_files(names)
    with tensors_of(here) as tensors:
        _check_elements(card, sum(each.elements for each in tensors.values()))
    return card


def _known_files(here: OpenFolder, card: ModelCard) -> dict[str, bytes]:
    """The contents of all files but the weights that are known here, by their names, without what is not handed on."""
    found = {}
    # How pictures are made ready is nothing to what reads text.
    for name in (*_KNOWN, *PROCESSOR_FILES) if card.family == "vision" else _KNOWN:
        if name not in here.names:
            continue
        if name in _SETTINGS:
            settings = settings_in(here.read(name, LARGEST), name)
            found[name] = json.dumps(without_other_places(settings)).encode()
        else:
            found[name] = here.read(name, _LARGEST_TOKENIZER)
    return found


def _stamp(tensors: dict[str, TensorInFile]) -> bytes:
    """Which weights these are: sizes, times and headers of their files; others have a folder of their own."""
    stamps = []
    for each in sorted({each.descriptor for each in tensors.values()}):
        about, header = os.fstat(each), os.pread(each, _HEADER_BYTES, 0)
        stamps.append([about.st_size, about.st_mtime_ns, hashlib.sha256(header).hexdigest()])
    return json.dumps(stamps).encode()


def _kept(contents: dict[str, bytes]) -> Path:
    """A folder of ours with these files, named by what is in them; the oldest make room."""
    digest = hashlib.sha256()
    for name, data in sorted(contents.items()):
        digest.update(f"{name}\0{len(data)}\0".encode() + data)

    def write(work: Path) -> None:
        for name, data in contents.items():
            (work / name).write_bytes(data)

    def made(place: Path) -> Path:
        return made_once(place / digest.hexdigest()[:32], write, "What was opened", "a copy of it", HOME)

    try:
        kept = made(home() / "opened")
    except PackError:
        # Where nobody may write, they are kept as long as this process lasts.
        kept = made(_of_this_process())
    with suppress(OSError):
        os.utime(kept)
        others = [each for each in kept.parent.iterdir() if each.is_dir() and not each.name.startswith(".")]
        for each in sorted(others, key=lambda each: each.stat().st_mtime)[:-_MOST_KEPT]:
            shutil.rmtree(each, ignore_errors=True)
            each.with_name(f"{each.name}.lock").unlink(missing_ok=True)
    return kept


@cache
def _of_this_process() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="headlight-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _check_elements(card: ModelCard, held: int) -> None:
    """Raise ModelRefusedError where a config makes a model of far more numbers than its weights hold."""
    if card.parameters > _MOST_BEYOND_FILE * held + _SPARE:
        raise ModelRefusedError(
            f"Its config.json makes a model of {card.parameters:,} numbers, and its weights hold {held:,}: the two do "
            "not belong together. Get the files anew."
        )


def _gguf_card(here: OpenFolder, folder: Path, file: str, more: dict[str, Any]) -> ModelCard:
    with os.fdopen(here.open(file), "rb") as source:
        header = header_of(source.fileno())
        if header.elements * 4 > device_memory(torch.device("cpu")):
            raise ModelRefusedError(
                f"This GGUF takes {header.elements * 4 / 1e9:,.0f} GB once it is expanded, and this machine has less "
                "memory; choose a smaller one."
            )
        hashed = hashlib.file_digest(source, "sha256").hexdigest()[:12]
    card = card_from(
        _config_of_gguf(header),
        folder=str(folder),
        pack=replace(NO_PACK, version=hashed, gguf=file),
        precision="Weights as in its GGUF file, expanded once.",
        **more,
    )
    if card.family != "decoder":
        raise ModelRefusedError("Of GGUF files only decoders are read here; choose its safetensors.")
    _check_elements(card, header.elements)
    return card


def _config_of_gguf(header: GgufHeader) -> PreTrainedConfig:
    """What transformers makes of a header: read from a file of ours with nothing in it but that."""
    try:
        with tempfile.NamedTemporaryFile(suffix=".gguf") as file, one_at_a_time():
            from transformers.modeling_gguf_pytorch_utils import load_gguf_checkpoint

            file.write(header.lean)
            # There are holes where the tensors would be.
            file.truncate(len(header.lean) + header.data_bytes)
            file.flush()
            settings = dict(load_gguf_checkpoint(file.name)["config"])
    except Exception as error:
        raise ModelRefusedError(
            f"This GGUF file could not be read ({type(error).__name__}): it is damaged, or its architecture is not one "
            "that transformers reads from GGUF."
        ) from error
    if header.vocabulary:
        settings.setdefault("vocab_size", header.vocabulary)
    return config_from(settings_in(json.dumps(settings, default=str).encode(), "GGUF header"))
