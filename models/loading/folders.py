"""Models in folders of this machine: where one may look, and whether what lies there can be opened."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from models.catalog import MODELS, ModelCard, Pack
from models.loading.checks import (
    CONFIG,
    SHARDS_INDEX,
    TOKENIZER_FILES,
    ModelRefusedError,
    card_from,
    check_no_adapter,
    check_tokenizer_files,
    config_from,
    readable_title,
    settings_in,
    weights_among,
)
from models.loading.folder_names import FOLDER, FolderError, permitted
from models.one_at_a_time import one_at_a_time


def open_folder(path: str, *, anywhere: bool = True) -> ModelCard:
    """Check a folder, or a single .gguf file, and have `MODELS` know it by the name "folder:/PATH".

    anywhere: whether any folder may be opened where the operator named none, as on a server that no other machine
        reaches; where HEADLIGHT_FOLDERS names some, only what lies below those may be opened, in either case.

    Raises FolderError, ModelRefusedError.
    """
    place = _allowed(path, anywhere=anywhere)
    with _readable():
        if place.is_file():
            return MODELS.keep(_gguf_card(place.parent, place.name, **_named(place, place.stem)))
        card = card_in(place, **_named(place, place.name))
    return MODELS.keep(card)


def _named(place: Path, title: str) -> dict[str, str]:
    return {"name": FOLDER + str(place), "title": readable_title(title), "source": "a folder of this machine"}


def _allowed(path: str, *, anywhere: bool) -> Path:
    """The path without links, once it is known to be allowed and there."""
    place = permitted(path, anywhere=anywhere)
    with _readable():
        if not (place.is_dir() or (place.is_file() and place.suffix.lower() == ".gguf")):
            raise FolderError("There is no such folder, and no such .gguf file; check the path.")
    return place


@contextmanager
def _readable() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise FolderError(
            f"This folder could not be read ({type(error).__name__}); check the path and who may read it."
        ) from error


def card_in(folder: Path, **more: Any) -> ModelCard:
    """The card of what lies in a folder, every file checked that will be read. `more`: fields of the card.

    Raises ModelRefusedError, OSError.
    """
    names = {each.name for each in folder.iterdir() if each.is_file() or each.is_symlink()}
    check_no_adapter(names)
    if CONFIG not in names and not any(each.lower().endswith(".gguf") for each in names):
        raise ModelRefusedError(
            "This folder has no config.json: choose the folder into which save_pretrained wrote a model, or one with a "
            ".gguf file."
        )
    if CONFIG not in names:
        return _gguf_card(folder, weights_among(names).files[0], **more)
    _check_links(folder, names & {CONFIG, "tokenizer_config.json"})
    config = config_from(settings_in((folder / CONFIG).read_bytes(), CONFIG))
    if "tokenizer_config.json" in names:
        settings_in((folder / "tokenizer_config.json").read_bytes(), "tokenizer_config.json")
    card = card_from(config, folder=str(folder), **more)
    weights = weights_among(names)
    _check_links(folder, names & {*weights.files, *TOKENIZER_FILES, "generation_config.json"})
    if weights.kind == "gguf":
        return _gguf_card(folder, weights.files[0], **more)
    check_tokenizer_files(names)
    for file in _tensor_files(folder, weights.files):
        _check_safetensors(file)
    return card


def _check_links(folder: Path, names: set[str]) -> None:
    """Raise ModelRefusedError where a file is a link to somewhere else: it could be any file that the server reads."""
    for name in sorted(names):
        if not (folder / name).resolve().is_relative_to(folder.resolve()):
            raise ModelRefusedError(
                "A file of this folder is a symbolic link that leads out of it; put the file itself there."
            )
        if not (folder / name).is_file():
            raise ModelRefusedError("A file of this folder is a symbolic link to nothing; put the file itself there.")


def _tensor_files(folder: Path, files: tuple[str, ...]) -> list[Path]:
    """The safetensors files themselves; all shards that the index names are there."""
    if files[0] != SHARDS_INDEX:
        return [folder / each for each in files]
    try:
        shards = set(json.loads((folder / SHARDS_INDEX).read_bytes())["weight_map"].values())
        whole = all(isinstance(each, str) and each.endswith(".safetensors") for each in shards)
    except (ValueError, KeyError, TypeError, AttributeError):
        shards, whole = set(), False
    if not shards or not whole:
        raise ModelRefusedError(f"{SHARDS_INDEX} is damaged: it does not say which shard has which tensor.")
    # A name with a path in it would lead out of the folder.
    missing = [each for each in shards if Path(each).name != each or not (folder / each).is_file()]
    if missing:
        raise ModelRefusedError(
            f"{len(missing)} of the {len(shards)} shards of its weights are missing; get the folder anew."
        )
    _check_links(folder, shards)
    return [folder / each for each in sorted(shards)]


def _check_safetensors(file: Path) -> None:
    try:
        with safe_open(file, framework="pt") as tensors:
            is_empty = not list(tensors.keys())
    except (SafetensorError, OSError, ValueError) as error:
        raise ModelRefusedError(
            "Its weights are damaged: a .safetensors file is cut off or no such file; get it anew."
        ) from error
    if is_empty:
        raise ModelRefusedError("Its weights are empty: the .safetensors file holds no tensor; get it anew.")


def _gguf_card(folder: Path, file: str, **more: Any) -> ModelCard:
    """The card of a GGUF, from what its own header says."""
    _check_links(folder, {file})
    path = folder / file
    with path.open("rb") as opened:
        hashed = hashlib.file_digest(opened, "sha256").hexdigest()[:12]
    card = card_from(
        config_from(_settings_of_gguf(path)),
        folder=str(folder),
        pack=Pack(distribution="", version=hashed, folder="", files=(), gguf=file),
        precision="Weights as in its GGUF file, expanded once.",
        **more,
    )
    if card.family != "decoder":
        raise ModelRefusedError("Of GGUF files only decoders are read here; choose its safetensors.")
    return card


def _settings_of_gguf(path: Path) -> dict[str, object]:
    try:
        with one_at_a_time():
            from transformers.modeling_gguf_pytorch_utils import load_gguf_checkpoint

            return dict(load_gguf_checkpoint(str(path))["config"])
    except Exception as error:
        raise ModelRefusedError(
            f"This GGUF file could not be read ({type(error).__name__}): it is damaged, or its architecture is not one "
            "that transformers reads from GGUF."
        ) from error
