"""Which weights lie in a folder, told without reading them: by sizes, times and headers of its files."""

import hashlib
import os
import stat
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

_SUFFIXES = (".safetensors", ".gguf", ".json", ".txt", ".model", ".spm", ".jinja")
_HEADER_BYTES = 2**16
_MOST_FILES = 10_000
_MOST_LOOKS = 256
# By place: when it was looked at last, what its files were like, and the fingerprint that goes with it.
_looks: dict[Path, tuple[float, Any, str]] = {}


def fingerprint_of(place: Path) -> str:
    """A digest that is another one once any file of a model's folder was saved again, in hexadecimal.

    Of each file its name, size, time of change, inode and first 64 kB (the header of safetensors and GGUF). place: may
    be a single file. Raises OSError.
    """
    digest = hashlib.sha256()
    for file in _files(place):
        # A pipe would be waited for.
        descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as opened:
            about = os.fstat(descriptor)
            if stat.S_ISREG(about.st_mode):
                said = f"{file.name}\0{about.st_size}\0{about.st_mtime_ns}\0{about.st_ino}\0"
                digest.update(said.encode("utf-8", "surrogateescape") + opened.read(_HEADER_BYTES))
    return digest.hexdigest()


def stamp_of(places: Sequence[Path], within: float | int = 0) -> str:
    """The fingerprints of several places, as `fingerprint_now` has them; "" where one cannot be read."""
    found = [fingerprint_now(each, within) for each in places]
    return " ".join(found) if all(found) else ""


def fingerprint_now(place: Path, within: float | int = 0) -> str:
    """The same, as it was within so many seconds, and files read only where one is not as it was; "" where the place
    cannot be read, as while it is written anew.
    """
    looked, like, found = _looks.get(place, (0.0, None, ""))
    if like is not None and time.monotonic() - looked < within:
        return found
    try:
        now = [(file.name, each.st_size, each.st_mtime_ns, each.st_ctime_ns) for file, each in _stats(place)]
        if now != like:
            found = fingerprint_of(place)
    except OSError:
        now, found = None, ""
    if len(_looks) >= _MOST_LOOKS:
        _looks.clear()
    _looks[place] = (time.monotonic(), now, found)
    return found


def _stats(place: Path) -> Iterator[tuple[Path, os.stat_result]]:
    return ((file, file.stat()) for file in _files(place))


def _files(place: Path) -> list[Path]:
    if place.suffix == ".gguf" and place.is_file():
        return [place]
    return sorted(each for each in islice(place.iterdir(), _MOST_FILES) if each.suffix in _SUFFIXES and each.is_file())
