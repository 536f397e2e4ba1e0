"""What the check at load found, kept beside the prepared models: the same weights are compared in full once.

Kept is what transformers computed, too: each later load compares one forward with it, so that a model that comes back
otherwise than it was checked is seen.
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

import torch
import transformers
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from models.attention import blocks, capture, inputs, interventions, trace
from models.embeddings import anatomy, lens
from models.forward import implementation, probe, reference
from models.forward.reference import Reference
from models.loaded import Finding, LoadedModel
from models.loading.fingerprint import fingerprint_of
from models.loading.packs import home

_MOST_KEPT = 64
_PARTS = (blocks, capture, inputs, interventions, trace, anatomy, lens, implementation, probe, reference)


def key_of(loaded: LoadedModel, folder: Path) -> str:
    """What a finding is true of: these weights, computed by this code, these libraries, this type of device."""
    said = (
        fingerprint_of(folder),
        transformers.__version__,
        torch.__version__,
        loaded.device.type,
        str(loaded.model.dtype),
        str(loaded.model.config._attn_implementation),
        type(loaded.model).__name__,
        _digest_of_code(),
    )
    return hashlib.sha256("\0".join(said).encode()).hexdigest()[:32]


def kept_of(key: str) -> tuple[Reference, tuple[Finding, ...]] | None:
    """What was kept under this key, or None; a file that cannot be read is as good as none."""
    try:
        with safe_open(_file(key), framework="pt") as opened:
            findings = tuple(Finding(**each) for each in json.loads(opened.metadata()["findings"]))
            tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118 - no mapping
    except (OSError, SafetensorError, KeyError, TypeError, ValueError):
        return None
    maps: dict[Any, dict[int, torch.Tensor]] = {}
    for name, tensor in tensors.items():
        kind, _, layer = name.partition(".")
        if layer:
            maps.setdefault(kind, {})[int(layer)] = tensor
    attentions = {kind: tuple(each.get(layer) for layer in range(max(each) + 1)) for kind, each in maps.items()}
    return Reference(attentions, tensors["output"], ()), findings


def keep(key: str, known: Reference, findings: tuple[Finding, ...]) -> None:
    """Keep it, as far as the folder can be written to; the oldest make room."""
    tensors = {
        f"{kind}.{layer}": each.float().cpu().contiguous()
        for kind, layers in known.attentions.items()
        for layer, each in enumerate(layers)
        if each is not None
    }
    tensors["output"] = known.output[-1:].float().cpu().contiguous()
    said = [{name: getattr(each, name) for name in Finding.__dataclass_fields__} for each in findings]
    folder = _file(key).parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor, work = tempfile.mkstemp(dir=folder)
        os.close(descriptor)
        save_file(tensors, work, metadata={"findings": json.dumps(said)})
        Path(work).replace(_file(key))
        oldest = sorted(folder.glob("*.safetensors"), key=lambda each: each.stat().st_mtime)[:-_MOST_KEPT]
        for each in oldest:
            each.unlink(missing_ok=True)
    except (OSError, SafetensorError):
        # A folder that nobody may write to: checked again each time.
        return


def _file(key: str) -> Path:
    return home() / "checks" / f"{key}.safetensors"


def _digest_of_code() -> str:
    """Of the functions that a map goes through, as they are in this process."""
    digest = hashlib.sha256()
    for part in _PARTS:
        for name, function in _functions(part):
            digest.update(f"{part.__name__}.{name}\0".encode() + _digest_of(function.__code__))
    return digest.hexdigest()


def _functions(part: ModuleType) -> Iterator[tuple[str, FunctionType]]:
    for name, value in sorted(vars(part).items()):
        if isinstance(value, FunctionType):
            yield name, value
        elif isinstance(value, type) and value.__module__ == part.__name__:
            for inner, method in sorted(vars(value).items()):
                method = getattr(method, "fget", None) or getattr(method, "func", None) or method
                if isinstance(method, FunctionType):
                    yield f"{name}.{inner}", method


@lru_cache(maxsize=1024)
def _digest_of(code: CodeType) -> bytes:
    digest = hashlib.sha256(code.co_code)
    digest.update(repr(code.co_names).encode())
    for constant in code.co_consts:
        digest.update(_digest_of(constant) if isinstance(constant, CodeType) else repr(constant).encode())
    return digest.digest()
