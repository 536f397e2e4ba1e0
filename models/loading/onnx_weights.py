"""The weights of a vision transformer that was exported to ONNX, under transformers' names again.

ONNX is Protocol Buffers: a message is fields, each a number and a value. Of the few that are wanted here (nodes, with
their names and inputs, and the tensors that those name) a reader is shorter than the library's dependency would be.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

# Fields of ModelProto, GraphProto, NodeProto and TensorProto in onnx.proto.
_GRAPH, _NODE, _TENSOR = 7, 1, 5
_NODE_INPUT, _NODE_NAME = 1, 3
_DIMENSIONS, _TYPE, _TENSOR_NAME, _RAW = 1, 2, 8, 9
_FLOAT32 = 1
_MATRIX = re.compile(
    r"/backbone/(encoder/layer\.\d+/(?:attention/attention/(?:query|key|value)|attention/output/dense|mlp/fc[12]))/MatMul"
)
_TOKENS_JOINED = "/backbone/embeddings/Concat_6"

CONFIG: dict[str, Any] = {
    "architectures": ["Dinov2Model"],
    "model_type": "dinov2",
    "hidden_size": 384,
    "num_hidden_layers": 12,
    "num_attention_heads": 6,
    "mlp_ratio": 4,
    "image_size": 518,
    "patch_size": 14,
    "layer_norm_eps": 1e-6,
    "use_mask_token": False,
}
# As DINOv2 was published; the file's own input is 224 pixels too.
PROCESSOR: dict[str, Any] = {
    "image_processor_type": "BitImageProcessor",
    "do_convert_rgb": True,
    "do_resize": True,
    "size": {"shortest_edge": 256},
    "resample": 3,
    "do_center_crop": True,
    "crop_size": {"height": 224, "width": 224},
    "do_rescale": True,
    "rescale_factor": 1 / 255,
    "do_normalize": True,
    "image_mean": [0.485, 0.456, 0.406],
    "image_std": [0.229, 0.224, 0.225],
}


def convert(source: Path, onnx: str, work: Path) -> None:
    """Write the backbone of an exported DINOv2 as config, processor and safetensors into the folder `work`.

    Raises ValueError where the file is another one.
    """
    save_file(backbone(source / onnx), work / "model.safetensors", metadata={"format": "pt"})
    (work / "config.json").write_text(json.dumps(CONFIG, indent=2))
    (work / "preprocessor_config.json").write_text(json.dumps(PROCESSOR, indent=2))


def backbone(file: Path) -> dict[str, np.ndarray]:
    """The tensors of the backbone, named as in a checkpoint of DINOv2. Raises ValueError, OSError."""
    graph = next(each for number, each in _fields(memoryview(file.read_bytes())) if number == _GRAPH)
    nodes: dict[str, list[str]] = {}
    tensors: dict[str, np.ndarray] = {}
    for number, value in _fields(graph):
        if number == _NODE:
            parts = list(_fields(value))
            name = next((bytes(each).decode() for number, each in parts if number == _NODE_NAME), "")
            nodes[name] = [bytes(each).decode() for number, each in parts if number == _NODE_INPUT]
        elif number == _TENSOR:
            name, tensor = _tensor(value)
            if tensor is not None:
                tensors[name] = tensor
    prefix = "backbone."
    found = {name.removeprefix(prefix): each for name, each in tensors.items() if name.startswith(prefix)}
    for name, inputs in nodes.items():
        if matrix := _MATRIX.fullmatch(name):
            # Of x · W the matrix is what is no node's output; nn.Linear keeps it the other way round.
            weight = next(tensors[each] for each in inputs if each in tensors)
            found[f"{matrix[1].replace('/', '.')}.weight"] = np.ascontiguousarray(weight.T)
    positions = next(each for each in tensors.values() if each.shape == (1, 37 * 37, CONFIG["hidden_size"]))
    of_class = next(tensors[each] for each in nodes[_TOKENS_JOINED] if each in tensors)
    found["embeddings.position_embeddings"] = np.concatenate([of_class, positions], axis=1)
    return found


def _tensor(message: memoryview) -> tuple[str, np.ndarray | None]:
    """The name of a tensor, and what it holds; None where these are no floats."""
    name, kind, raw, shape = "", 0, memoryview(b""), []
    for number, value in _fields(message):
        if number == _TENSOR_NAME:
            name = bytes(value).decode()
        elif number == _TYPE:
            kind = value
        elif number == _RAW:
            raw = value
        elif number == _DIMENSIONS:
            shape += [value] if isinstance(value, int) else list(_varints(value))
    if kind != _FLOAT32 or not raw:
        return name, None
    return name, np.frombuffer(raw, "<f4").reshape(shape)


def _fields(message: memoryview) -> Iterator[tuple[int, Any]]:
    """The fields of a message by number: whole numbers, or the bytes of all else."""
    place = 0
    while place < len(message):
        key, place = _varint(message, place)
        number, wire = key >> 3, key & 7
        if wire == 0:
            value, place = _varint(message, place)
            yield number, value
            continue
        size, place = (8, place) if wire == 1 else (4, place) if wire == 5 else _varint(message, place)
        if wire not in (1, 2, 5) or place + size > len(message):
            raise ValueError("this is no ONNX file")
        yield number, message[place : place + size]
        place += size


def _varints(message: memoryview) -> Iterator[int]:
    place = 0
    while place < len(message):
        value, place = _varint(message, place)
        yield value


def _varint(message: memoryview, place: int) -> tuple[int, int]:
    """A number of seven bits a byte, the lowest first, and where the next field begins."""
    value = shift = 0
    while True:
        byte = message[place]
        value |= (byte & 0x7F) << shift
        place, shift = place + 1, shift + 7
        if byte < 0x80:
            return value, place
