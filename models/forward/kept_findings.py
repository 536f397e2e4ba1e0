"""What the check at load found, kept beside the prepared models: the same weights are compared once.

Kept with it is which module is which layer, and some numbers of each tensor, so that a model that comes back otherwise
than it was checked is seen.
"""

import hashlib
import itertools
import json
import os
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import lru_cache
from inspect import unwrap
from pathlib import Path
from types import CodeType, FunctionType, ModuleType

import torch
import transformers
from torch import nn

from models.attention import trace
from models.embeddings import hidden_states, logit_lens
from models.forward import (
    attention_implementation,
    cached_block_outputs,
    capture,
    eager,
    inputs,
    interventions,
    map_axes,
    probe,
    recorded_run,
    reference_run,
    shadow_modules,
)
from models.forward.capture import Address
from models.kv_cache import empty_cache, measurement, shape_from_config, size_formula
from models.loaded import Finding, LoadedModel
from models.loading.checks_before_reading import missing_of_picture
from models.loading.fingerprint import fingerprint_of
from models.loading.packs import home

_MOST_KEPT = 64
_SAMPLED = 16
_PARTS = (
    *(map_axes, capture, eager, inputs, interventions, recorded_run, cached_block_outputs, shadow_modules, trace),
    *(hidden_states, logit_lens),
    *(attention_implementation, probe, reference_run),
    *(empty_cache, measurement, size_formula, shape_from_config),
)


def key_of(loaded: LoadedModel, folder: Path) -> str:
    """What a finding is true of: these weights, computed by this code, these libraries, this type of device."""
    parts = (
        fingerprint_of(folder),
        fingerprint_of(Path(loaded.card.adapter)) if loaded.card.adapter else "",
        transformers.__version__,
        torch.__version__,
        loaded.device.type,
        str(loaded.model.dtype),
        str(loaded.model.config._attn_implementation),
        type(loaded.model).__name__,
        _digest_of_code(),
    )
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


@dataclass(frozen=True)
class Kept:
    """What is true of a model under its key.

    addresses: of each attention module, by its path. sample: `sample_of` the weights that were checked.
    """

    findings: tuple[Finding, ...]
    addresses: dict[str, tuple[Address, ...]]
    sample: str


def kept_of(key: str) -> Kept | None:
    """What was kept under this key, or None; a file that cannot be read is as good as none."""
    try:
        contents = json.loads(_file(key).read_text())
        addresses = {
            path: tuple((kind, int(layer)) for kind, layer in each) for path, each in contents["addresses"].items()
        }
        return Kept(tuple(Finding(**each) for each in contents["findings"]), addresses, str(contents["sample"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def keep_finding(key: str, kept: Kept) -> None:
    """Keep it, as far as the folder can be written to; the oldest make room."""
    folder = _file(key).parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor, work = tempfile.mkstemp(dir=folder)
        with os.fdopen(descriptor, "w") as file:
            json.dump(asdict(kept), file)
        Path(work).replace(_file(key))
        for each in sorted(folder.glob("*.json"), key=lambda each: each.stat().st_mtime)[:-_MOST_KEPT]:
            each.unlink(missing_ok=True)
    except OSError:
        # A folder that nobody may write to: checked again each time.
        return


def sample_of(model: nn.Module) -> str:
    """A digest of some numbers of every tensor of a model, but for a pooler's, which files may lack."""
    tensors = dict(itertools.chain(model.named_parameters(), model.named_buffers()))
    some = [
        each.detach().reshape(-1)[:: max(1, each.numel() // _SAMPLED)][:_SAMPLED].to("cpu", torch.float64)
        for each in (tensors[name] for name in missing_of_picture(tensors))
        if not each.is_meta
    ]
    return hashlib.sha256(torch.cat(some).numpy().tobytes()).hexdigest()


def _file(key: str) -> Path:
    return home() / "checks" / f"{key}.json"


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
            yield name, unwrap(value)
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
