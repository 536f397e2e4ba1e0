"""All maps of several texts in one file, as .npz or .safetensors, of which one layer at a time is in memory."""

import io
import json
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Float

from models.attention.head_map import visible_by_head
from models.attention.trace import AttentionTrace, TraceRequest
from models.engine import Engine
from models.errors import HeadlightError
from models.forward.inputs import model_inputs

Format = Literal["npz", "safetensors"]
Lock = Callable[[], AbstractContextManager[None]]


class ExportError(HeadlightError):
    """A file that is not written: of an ending that is not known, or of no text."""


def export_attention(traces: AttentionTrace | Sequence[AttentionTrace], path: str | Path) -> None:
    """Write the maps of all layers and heads of one or several traces to a file ending in .npz or .safetensors.

    Of text number n there is "n.KIND.LAYER", float32 [heads, query, key], NaN where a query may not look, and the ids
    of its rows and columns, int64: "n.ids", and for seq2seq models "n.target_ids". Tokens as shown, what a file of
    text can hold: in .npz the array of strings "n.tokens" ("n.target_tokens"), in .safetensors the JSON under "tokens"
    ("target_tokens") of its metadata, a list for each text.

    Raises ExportError, OSError.
    """
    several = (traces,) if isinstance(traces, AttentionTrace) else tuple(traces)
    ending = Path(path).suffix.removeprefix(".")
    if ending not in ("npz", "safetensors"):
        raise ExportError("Maps are written to files that end in .npz or .safetensors; choose such a name.")
    with Path(path).open("wb") as file:
        write_attention(several, file, "npz" if ending == "npz" else "safetensors")


def write_attention(
    traces: Sequence[AttentionTrace],
    file: io.BufferedIOBase,
    how: Format,
    kinds: Sequence[str] | None = None,
    lock: Lock = nullcontext,
) -> None:
    """The same into an open file. kinds: those that are written; None: all. lock: holds the device for a layer's maps.

    Raises ExportError where there is no text.
    """
    if not traces:
        raise ExportError("There is no text of which maps could be written; give at least one.")
    (_write_npz if how == "npz" else _write_safetensors)(traces, file, kinds, lock)


@dataclass(frozen=True)
class TokenCountsRequest:
    """How many tokens each of these texts has for a model, so that the size of its maps is known beforehand."""

    model: str
    texts: tuple[str, ...]

    def answer(self, engine: Engine) -> tuple[int, ...]:
        """Raises what `load_model` and `model_inputs` raise."""
        loaded = engine.model(self.model)
        return tuple(len(model_inputs(loaded, text).ids) for text in self.texts)


@dataclass(frozen=True)
class AttentionFileRequest:
    """The maps of several texts as the bytes of a file; of a seq2seq model those of its encoder."""

    model: str
    texts: tuple[str, ...]
    how: Format

    def answer(self, engine: Engine) -> bytes:
        """Raises what `TraceRequest` raises, and ExportError."""
        traces = [engine.run(TraceRequest(self.model, text)) for text in self.texts]
        kinds = ("encoder",) if any(each.target_pieces for each in traces) else None
        file = io.BytesIO()
        write_attention(traces, file, self.how, kinds, lambda: engine.forward(traces[0].loaded))
        return file.getvalue()


def _write_npz(
    traces: Sequence[AttentionTrace], file: io.BufferedIOBase, kinds: Sequence[str] | None, lock: Lock
) -> None:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:

        def put(name: str, array: np.ndarray) -> None:
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, array, allow_pickle=False)

        for number, trace in enumerate(traces):
            for name, tokens, ids in _texts(trace):
                put(f"{number}.{name}tokens", np.array(tokens, dtype=np.str_))
                put(f"{number}.{name}ids", np.array(ids, dtype=np.int64))
            for kind, layer in _maps(trace, kinds):
                put(f"{number}.{kind}.{layer}", _map(trace, kind, layer, lock))


def _write_safetensors(
    traces: Sequence[AttentionTrace], file: io.BufferedIOBase, kinds: Sequence[str] | None, lock: Lock
) -> None:
    """The header names every tensor with its place, so that sizes are told before anything is computed.

    Source: https://github.com/huggingface/safetensors#format
    """
    header: dict[str, object] = {}
    metadata: dict[str, list[tuple[str, ...]]] = {}
    makers: list[Callable[[], np.ndarray]] = []
    end = 0

    def put(name: str, kind: str, shape: tuple[int, ...], size: int, make: Callable[[], np.ndarray]) -> None:
        nonlocal end
        begin, end = end, end + int(np.prod(shape)) * size
        header[name] = {"dtype": kind, "shape": shape, "data_offsets": [begin, end]}
        makers.append(make)

    for number, trace in enumerate(traces):
        for name, tokens, ids in _texts(trace):
            metadata.setdefault(f"{name}tokens", []).append(tokens)
            put(f"{number}.{name}ids", "I64", (len(ids),), 8, lambda ids=ids: np.array(ids, dtype="<i8"))
    for number, trace in enumerate(traces):
        for kind, layer in _maps(trace, kinds):
            axes = trace.axes(kind)
            shape = (trace.heads(kind, layer), len(axes.rows), len(axes.columns))
            put(
                *(f"{number}.{kind}.{layer}", "F32", shape, 4),
                lambda trace=trace, kind=kind, layer=layer: _map(trace, kind, layer, lock).astype("<f4", copy=False),
            )
    header["__metadata__"] = {name: json.dumps(each, ensure_ascii=False) for name, each in metadata.items()}
    said = json.dumps(header, ensure_ascii=False).encode("utf-8", "replace")
    said += b" " * (-len(said) % 8)
    file.write(len(said).to_bytes(8, "little") + said)
    file.writelines(make().tobytes() for make in makers)


def _texts(trace: AttentionTrace) -> Iterator[tuple[str, tuple[str, ...], tuple[int, ...]]]:
    yield "", trace.tokens, trace.inputs.ids
    if trace.target_pieces:
        yield "target_", trace.target_tokens, trace.inputs.target_ids


def _maps(trace: AttentionTrace, kinds: Sequence[str] | None) -> Iterator[tuple[str, int]]:
    return ((kind, layer) for kind in trace.kinds if kinds is None or kind in kinds for layer in trace.layers(kind))


def _map(trace: AttentionTrace, kind: str, layer: int, lock: Lock) -> Float[np.ndarray, "heads query key"]:
    with lock():
        weights = trace.weights(kind, layer)
    return np.where(visible_by_head(trace, kind, layer), weights, np.float32(np.nan))
