"""The tokenizer inside a GGUF: transformers converts it in the sandbox, without torch, to the files of a folder."""

import struct
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from models.sandbox import Pool

# Where a file lists no merges, making them of a large vocabulary takes long.
POOL = Pool(most=1, seconds=25, modules=("models.loading.gguf_tokenizer",))
_FILE = "model.gguf"
_STRING, _ARRAY = 8, 9
_FORMS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}


def tokenizer_of_gguf(title: str, header: bytes, model_type: str) -> dict[str, bytes]:
    """The files that `save_pretrained` writes of a GGUF's tokenizer, by name.

    title: of the model. header: one that was checked (`models.loading.gguf_header`). model_type: as its config has it.

    Raises SandboxError.
    """
    title = f"The tokenizer of {title}"
    return POOL.ask(converted, header, model_type, title=title, advice="choose its safetensors, or another model")


def converted(header: bytes, model_type: str) -> dict[str, bytes]:
    """The same, in the sandbox."""
    from transformers import AutoTokenizer

    metadata = _metadata(header)
    _stand_in(metadata, model_type)
    with tempfile.TemporaryDirectory() as source, tempfile.TemporaryDirectory() as work:
        (Path(source) / _FILE).touch()
        tokenizer: Any = AutoTokenizer.from_pretrained(source, gguf_file=_FILE, local_files_only=True)
        cut_digits_first(tokenizer, metadata.get("tokenizer.ggml.pre"))
        tokenizer.save_pretrained(work)
        return {each.name: each.read_bytes() for each in Path(work).iterdir() if each.is_file()}


def cut_digits_first(tokenizer: Any, way: object) -> None:
    """Give the tokenizer the step that transformers does not read from GGUF: each digit stands alone.

    way: the one to cut text before the merges that the file names (`tokenizer.ggml.pre`). "smollm" means every digit
        first, then GPT-2's pattern, as in SmolLM2's own tokenizer.json; without it the spaces before a digit are cut
        otherwise.
    """
    from tokenizers.pre_tokenizers import ByteLevel, Digits, Sequence

    if way == "smollm":
        tokenizer.backend_tokenizer.pre_tokenizer = Sequence(
            [Digits(individual_digits=True), ByteLevel(add_prefix_space=False, use_regex=True)]
        )


def _stand_in(metadata: dict[str, Any], model_type: str) -> None:
    """Have transformers take what is known here already, instead of reading a file with a module that needs torch."""
    gguf: Any = import_module("transformers.integrations.gguf")
    reader: Any = ModuleType(f"{gguf.__name__}.reader")
    reader.read_gguf_metadata = gguf.read_gguf_metadata = lambda *_, **__: (metadata, ())
    gguf.GGUF_CONFIG_ARCHS = {metadata["general.architecture"]: None}
    gguf.get_gguf_config = lambda *_: {"model_type": model_type}
    sys.modules[reader.__name__] = reader


def _metadata(header: bytes) -> dict[str, Any]:
    """What stands in a header, arrays as lists."""
    place = 24

    def number(form: str) -> Any:
        nonlocal place
        found = struct.unpack_from(f"<{form}", header, place)[0]
        place += struct.calcsize(f"<{form}")
        return found

    def text() -> str:
        nonlocal place
        length = number("Q")
        place += length
        return header[place - length : place].decode()

    def value(kind: int) -> Any:
        nonlocal place
        if kind == _STRING:
            return text()
        if kind != _ARRAY:
            return number(_FORMS[kind])
        inner, count = number("I"), number("Q")
        if inner == _STRING:
            return [text() for _ in range(count)]
        found = struct.unpack_from(f"<{count}{_FORMS[inner]}", header, place)
        place += struct.calcsize(f"<{count}{_FORMS[inner]}")
        return list(found)

    (count,) = struct.unpack_from("<Q", header, 16)
    return {text(): value(number("I")) for _ in range(count)}
