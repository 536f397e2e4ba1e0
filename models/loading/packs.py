"""Model packs: Python packages used as data, checked by SHA-256, and a GGUF expanded once into a cache folder."""

import hashlib
import json
import logging
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from filelock import FileLock
from safetensors import SafetensorError

from models.catalog import ModelCard, Pack
from models.errors import HeadlightError
from models.loading.onnx_weights import convert
from models.one_at_a_time import alone

log = logging.getLogger(__name__)

_PROJECT = Path(__file__).resolve().parents[2]
_BUNDLED = _PROJECT / "models" / "bundled"
HOME = "HEADLIGHT_HOME"
_MANIFEST = "headlight.json"
_CONVERSION = 2


class PackError(HeadlightError):
    """A pack that is missing, damaged, or could not be prepared."""


def home() -> Path:
    """The folder of everything that is fetched or prepared: `HEADLIGHT_HOME`, else `.headlight` in the project."""
    return Path(os.environ.get(HOME) or _PROJECT / ".headlight")


def bundled_folder() -> Path:
    """The folder of what this project trained itself."""
    return _BUNDLED


def packs_folder() -> Path:
    """The folder into which the packs of requirements-models.txt are installed, outside the import path."""
    return home() / "packs"


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def verify(card: ModelCard) -> None:
    """Check that every file of the card's pack is there and is the one that the card names.

    Raises PackError naming the first file that is not.
    """
    if card.pack.is_bundled and not (prepared_folder(card) / "model.safetensors").is_file():
        raise PackError(
            f"The weights of {card.title} come with Headlight, and are missing: {prepared_folder(card)} has no "
            "model.safetensors. Check the project out again."
        )
    verify_files(card.pack)


def verify_files(pack: Pack) -> None:
    """Check that every file of a pack is there and is the one that was published. Raises PackError."""
    for file in pack.files:
        path = packs_folder() / file.path
        if not path.is_file():
            raise _missing(pack, file.path)
        if sha256_of(path) != file.sha256:
            raise _damaged(pack, file.path)


def files_of(pack: Pack) -> dict[str, bytes]:
    """The bytes of a pack's files, by their paths in its folder; for a pack that names many at once by a pattern, as in
    "*/LC_MESSAGES/django.mo".

    The hash of a pattern is over the lines of its files as `sha256sum` writes them, in the order of their paths.

    Raises PackError where a file is missing, or is not the one that was published.
    """
    folder = packs_folder() / pack.folder
    found: dict[str, bytes] = {}
    for file in pack.files:
        pattern = file.path.removeprefix(f"{pack.folder}/")
        these = {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.glob(pattern))}
        if not these:
            raise _missing(pack, file.path)
        lines = (f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in sorted(these.items()))
        whole = "".join(lines) if "*" in pattern else next(iter(these.values()))
        if hashlib.sha256(whole.encode() if isinstance(whole, str) else whole).hexdigest() != file.sha256:
            raise _damaged(pack, file.path)
        found |= these
    return found


def _missing(pack: Pack, path: str) -> PackError:
    return PackError(
        f"The model pack {pack.distribution} is not installed: {path} is missing. Run `make models` and try again."
    )


def _damaged(pack: Pack, path: str) -> PackError:
    return PackError(
        f"The model pack {pack.distribution} is damaged: {path} is not the file that was published. "
        "Delete the folder of packs, run `make models` and try again."
    )


def model_folder(card: ModelCard) -> Path:
    """A folder with config, tokenizer and safetensors of a card of ours, verified, expanded first if need be.

    Raises PackError when the pack is missing or damaged or the expansion fails.
    """
    verify(card)
    target = prepared_folder(card)
    gguf, onnx, source = card.pack.gguf, card.pack.onnx, packs_folder() / card.pack.folder
    if gguf is not None:
        made_once(target, lambda work: alone(lambda: expand(source, gguf, work)), card.title, expanded_size(card))
    elif onnx is not None:
        made_once(target, lambda work: convert(source, onnx, work), card.title, expanded_size(card))
    return target


def expanded_size(card: ModelCard) -> str:
    """How much room its weights take once they are expanded to float32, for people."""
    return f"{card.parameters * 4 // 1_000_000} MB"


def made_once(target: Path, make: Callable[[Path], None], what: str, room: str, place: str = "") -> Path:
    """The folder `target`, which `make(folder)` fills the first time that anybody asks for it.

    Safe when several processes ask at once: one makes it, the others wait for it, and it appears under its final name
    only when it is whole. `what`, `room` (how much it may take) and `place` (else the folder's own path, which a
    stranger is not told) are for the sentence when it fails.

    Raises PackError.
    """
    if _is_whole(target):
        return target
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(target.with_name(target.name + ".lock")):
            if not _is_whole(target):
                _make(target, make)
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise PackError(
            f"{what} could not be expanded into {place or target.parent} ({type(error).__name__}): "
            f"the folder must be writable and have room for {room}."
        ) from error
    return target


def prepared_folder(card: ModelCard) -> Path:
    """Where `model_folder` has the files of this card, whether they are there yet or not."""
    if card.folder:
        return (
            Path(card.folder)
            if card.pack.gguf is None
            else home() / "models" / f"gguf-{card.pack.version}-{_CONVERSION}"
        )
    if card.pack.is_bundled:
        return _BUNDLED / card.pack.folder
    if not card.pack.is_converted:
        return packs_folder() / card.pack.folder
    return home() / "models" / f"{card.name}-{card.pack.files[0].sha256[:12]}-{_CONVERSION}"


def _is_whole(folder: Path) -> bool:
    """Whether every file of the manifest is there with its size; the manifest is written last."""
    try:
        sizes = json.loads((folder / _MANIFEST).read_text())
        return bool(sizes) and all((folder / name).stat().st_size == size for name, size in sizes.items())
    except (OSError, ValueError, AttributeError):
        return False


def _make(target: Path, make: Callable[[Path], None]) -> None:
    """Have a folder filled beside `target`, then move it into place in one step; the manifest is written last."""
    for leftover in target.parent.glob(f".{target.name}-*"):
        shutil.rmtree(leftover, ignore_errors=True)
    work = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        make(work)
        sizes = {file.name: file.stat().st_size for file in work.iterdir()}
        (work / _MANIFEST).write_text(json.dumps(sizes))
        if target.exists():
            shutil.rmtree(target)
        work.rename(target)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def expand(source: Path, gguf: str, work: Path) -> None:
    """Expand a GGUF of ours, of the folder `source`, into the safetensors folder `work`; runs alone in the process."""
    from gguf import GGUFReader
    from transformers import AutoTokenizer

    from models.loading.gguf_tokenizer import cut_digits_first

    expand_weights(source, gguf, work)
    tokenizer: Any = AutoTokenizer.from_pretrained(source, gguf_file=gguf, local_files_only=True)
    field = GGUFReader(source / gguf).get_field("tokenizer.ggml.pre")
    cut_digits_first(tokenizer, None if field is None else field.contents())
    tokenizer.save_pretrained(work)


def expand_weights(source: Path, gguf: str, work: Path, **more: Any) -> None:
    """Without its tokenizer; runs alone in the process. more: what the model is loaded with.

    Raises whatever the libraries raise for what a file may hold.
    """
    import torch
    from transformers import AutoModelForCausalLM

    log.info("Expanding %s once; this takes about half a minute.", gguf)
    model: Any = AutoModelForCausalLM.from_pretrained(
        source, gguf_file=gguf, dtype=torch.float32, local_files_only=True, **more
    )
    # A model read from GGUF calls itself quantised although its weights are expanded, and refuses to be saved.
    model.hf_quantizer = None
    model.is_quantized = False
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    model.save_pretrained(work)
