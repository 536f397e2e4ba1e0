"""Which weights lie in a folder, told without reading them: by sizes, times and headers of its files."""

import hashlib
from pathlib import Path

_SUFFIXES = (".safetensors", ".gguf", ".json")
_HEADER_BYTES = 2**16


def fingerprint_of(folder: Path) -> str:
    """A digest that is another one once any file of a model's folder was saved again, in hexadecimal.

    Of each file its name, size, time of change and first 64 kB (the header of safetensors and GGUF). Raises OSError.
    """
    digest = hashlib.sha256()
    for file in sorted(each for each in folder.iterdir() if each.suffix in _SUFFIXES and each.is_file()):
        about = file.stat()
        digest.update(f"{file.name}\0{about.st_size}\0{about.st_mtime_ns}\0".encode())
        with file.open("rb") as opened:
            digest.update(opened.read(_HEADER_BYTES))
    return digest.hexdigest()
