"""Files of weights: which of a folder are read; the headers of safetensors are checked before all else.

They are read through the descriptor that was checked, into memory of their own. A file that is mapped instead ends the
process when somebody cuts it off, and changes a model in use when somebody saves it again.
"""

import json
import math
import os
import re
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import torch
from transformers.modeling_utils import str_to_torch_dtype

from models.loading.refusals import ModelRefusedError
from models.loading.regular_files import OpenFolder

SAFETENSORS, SHARDS_INDEX = "model.safetensors", "model.safetensors.index.json"
_LARGEST_HEADER, _LARGEST_INDEX = 32_000_000, 64_000_000
_MOST_TENSORS, _MOST_SHARDS, _MOST_DIMENSIONS = 200_000, 256, 8
_LENGTH = 8
_DAMAGED = "Its weights are damaged: a .safetensors file is cut off or no such file; get it anew."
_PIECE = 2**26
_SHARD = re.compile(r"model-\d{5}-of-\d{5}\.safetensors")
_RUNS_CODE = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".msgpack", ".h5", ".ot")


@dataclass(frozen=True)
class WeightsFiles:
    """Which files hold the weights. files: their names, an index of shards among them."""

    kind: Literal["safetensors", "gguf"]
    files: tuple[str, ...]


def weights_among(names: Collection[str]) -> WeightsFiles:
    """Which of these files of one folder hold the weights.

    Of several GGUF files one in 8 bits, else the first by name, is taken. Raises ModelRefusedError.
    """
    if SAFETENSORS in names:
        return WeightsFiles("safetensors", (SAFETENSORS,))
    if SHARDS_INDEX in names:
        return WeightsFiles("safetensors", (SHARDS_INDEX, *sorted(each for each in names if _SHARD.fullmatch(each))))
    ggufs = sorted(
        (each for each in names if each.lower().endswith(".gguf")), key=lambda each: ("q8" not in each.lower(), each)
    )
    if ggufs:
        return WeightsFiles("gguf", (ggufs[0],))
    if any(each.lower().endswith(_RUNS_CODE) for each in names):
        raise ModelRefusedError(
            "Its weights are in pickle or another format that is not read here, since reading a pickle can run code; "
            "convert them to safetensors (save_pretrained of transformers does) and open that."
        )
    raise ModelRefusedError(
        "It has no weights: model.safetensors, its shards with their index, or a .gguf file is expected beside "
        "config.json."
    )


@dataclass(frozen=True)
class TensorInFile:
    """Where a tensor lies in an open file. start: of its bytes, from the file's beginning.

    transformers reads one when it comes to it: by `tensor[...]`, as of those that safetensors gives.
    """

    descriptor: int
    dtype: torch.dtype
    shape: tuple[int, ...]
    start: int

    @property
    def elements(self) -> int:
        """How many numbers it has."""
        return math.prod(self.shape)

    @property
    def bytes(self) -> int:
        """How many bytes they take in the file."""
        return self.elements * self.dtype.itemsize

    def __getitem__(self, which: Any) -> torch.Tensor:
        """The tensor, or a part of it, read from the file. Raises ModelRefusedError where that became shorter."""
        read = torch.empty(self.shape, dtype=self.dtype)
        view, done = memoryview(read.reshape(-1).view(torch.uint8).numpy()), 0
        while done < len(view):
            count = os.preadv(self.descriptor, [view[done : done + _PIECE]], self.start + done)
            if count == 0:
                raise ModelRefusedError("Its weights became shorter while they were read; save them once more.")
            done += count
        return read[which]


@contextmanager
def tensors_of(folder: OpenFolder, files: Sequence[str] = ()) -> Iterator[dict[str, TensorInFile]]:
    """Every tensor of a folder's weights by its name; they can be read until the block ends.

    files: where they are, if that is not where transformers has them.

    Raises ModelRefusedError, OSError.
    """
    with ExitStack() as opened:
        found: dict[str, TensorInFile] = {}
        for name in files or _files(folder):
            descriptor = folder.open(name)
            opened.callback(os.close, descriptor)
            found |= _tensors_in(descriptor)
            if len(found) > _MOST_TENSORS:
                raise ModelRefusedError(
                    f"Its weights are in more than {_MOST_TENSORS:,} tensors; choose another model."
                )
        if not found:
            raise ModelRefusedError("Its weights are empty: the .safetensors file holds no tensor; get it anew.")
        yield found


def _files(folder: OpenFolder) -> list[str]:
    """The safetensors files; all shards that an index names are there."""
    if SAFETENSORS in folder.names:
        return [SAFETENSORS]
    try:
        shards = set(json.loads(folder.read(SHARDS_INDEX, _LARGEST_INDEX))["weight_map"].values())
        whole = all(isinstance(each, str) and each.endswith(".safetensors") for each in shards)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        shards, whole = set(), False
    if not shards or not whole:
        raise ModelRefusedError(f"{SHARDS_INDEX} is damaged: it does not say which shard has which tensor.")
    missing = shards - folder.names
    if missing:
        raise ModelRefusedError(
            f"{len(missing)} of the {len(shards)} shards of its weights are missing; get the folder anew."
        )
    if len(shards) > _MOST_SHARDS:
        raise ModelRefusedError(f"Its weights are in more than {_MOST_SHARDS} shards; save them in larger ones.")
    return sorted(shards)


def _tensors_in(descriptor: int) -> dict[str, TensorInFile]:
    """The tensors of one file: they fill it from the header to the end, one after the other."""
    size = os.fstat(descriptor).st_size
    length = int.from_bytes(os.pread(descriptor, _LENGTH, 0), "little")
    if size < _LENGTH or length > size - _LENGTH:
        raise ModelRefusedError(_DAMAGED)
    if length > _LARGEST_HEADER:
        raise ModelRefusedError("The header of its weights is larger than any real one; choose another model.")
    try:
        header = json.loads(os.pread(descriptor, length, _LENGTH), object_pairs_hook=_each_once)
    except (ValueError, RecursionError) as error:
        raise ModelRefusedError(_DAMAGED) from error
    if not isinstance(header, dict):
        raise ModelRefusedError(_DAMAGED)
    begin = _LENGTH + length
    found = {name: _tensor(descriptor, begin, each) for name, each in header.items() if name != "__metadata__"}
    end = begin
    for each in sorted(found.values(), key=lambda each: (each.start, each.bytes)):
        if each.start != end:
            raise ModelRefusedError("Its weights are damaged: their tensors overlap or leave holes; get them anew.")
        end += each.bytes
    if end != size:
        raise ModelRefusedError(_DAMAGED)
    return found


def _tensor(descriptor: int, begin: int, entry: Any) -> TensorInFile:
    try:
        dtype, shape, (start, end) = entry["dtype"], entry["shape"], entry["data_offsets"]
        known = str_to_torch_dtype.get(dtype)
        is_whole = isinstance(shape, list) and all(type(each) is int and each >= 0 for each in (*shape, start, end))
    except (ValueError, KeyError, TypeError) as error:
        raise ModelRefusedError(_DAMAGED) from error
    if known is None:
        raise ModelRefusedError(
            "Its weights are in a precision that is not read here; choose the model in its original precision, or as "
            "GGUF."
        )
    if not is_whole or len(shape) > _MOST_DIMENSIONS:
        raise ModelRefusedError(_DAMAGED)
    tensor = TensorInFile(descriptor, known, tuple(shape), begin + start)
    if tensor.bytes != end - start:
        raise ModelRefusedError("Its weights are damaged: a tensor has another size than its shape; get them anew.")
    return tensor


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands twice")
    return found
