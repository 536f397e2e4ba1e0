"""What comes as a package: which files, and the hash of each."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple


class PackFile(NamedTuple):
    """One file of a pack: its path below the pack folder and the SHA-256 of its bytes, in hexadecimal."""

    path: str
    sha256: str


@dataclass(frozen=True)
class Pack:
    """What comes as a pinned Python package, used as data and never imported: weights, or a vocabulary.

    distribution, version: as in requirements-models.txt.
    folder: the folder below the pack folder that holds the files.
    files: every file that is read, verified before each load.
    gguf: the name of the GGUF file in `folder` when the weights come quantised, else None (safetensors).
    onnx: the name of the ONNX file in `folder` when the weights are taken out of one, else None.
    is_bundled: whether this project trained it itself: it then stands in models/bundled/ and comes with the project,
        checked by the version control and not by a hash here.
    """

    distribution: str
    version: str
    folder: str
    files: tuple[PackFile, ...]
    gguf: str | None = None
    is_bundled: bool = False
    onnx: str | None = None

    @property
    def is_converted(self) -> bool:
        """Whether its weights are brought into another format once, before they can be loaded."""
        return self.gguf is not None or self.onnx is not None


def pack(
    distribution: str,
    version: str,
    folder: str,
    sha256: Mapping[str, str],
    gguf: str | None = None,
    onnx: str | None = None,
) -> Pack:
    """A pack by the hashes of its files, which are named as in its folder."""
    files = tuple(PackFile(f"{folder}/{name}", each) for name, each in sha256.items())
    return Pack(distribution, version, folder, files, gguf, onnx=onnx)


def bundled(folder: str) -> Pack:
    """What this project trained itself, in this folder of models/bundled/."""
    return Pack("", "", folder, (), is_bundled=True)


# A model or a tokenizer that comes otherwise.
NO_PACK = Pack("", "", "", ())

# What BertViz asks a content delivery network for: D3 5.7.0, the version that it names, and jQuery 3.6.0.
D3 = pack(
    *("mpld3", "0.5.12", "mpld3/js"),
    {"d3.v5.min.js": "bdad5585ef9a965ff25458738309b006058c55f2c78d794d25fbecae35014609"},
)
JQUERY = pack(
    *("sphinxcontrib-jquery", "4.1", "sphinxcontrib/jquery"),
    {"jquery.js": "ff1523fb7389539c84c65aba19260648793bb4f5e29329d2ee8804bc37a3fe6e"},
)

# The messages of Django in a hundred languages: a catalogue for each (GNU gettext's .mo), and what the languages are
# called. One hash is over them all: see `files_of`.
MESSAGES = pack(
    *("django", "5.2.19", "django/conf/locale"),
    {
        "*/LC_MESSAGES/django.mo": "512cbb81c65cdb24973b319b7f5da5c41f35542b07845c3d4896e9093c97d61a",
        "__init__.py": "4070caf102007118c632d58bf10560600ffaa6c7adb99b9604990fc2e993788f",
    },
)
