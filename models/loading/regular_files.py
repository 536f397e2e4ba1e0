"""The files of a stranger's folder: each a regular file inside it, found by the folder's descriptor.

A path is looked up anew each time that it is used, and what lies there may have been exchanged in between for a link to
another file. So a folder is opened once, step by step and through no link, and its files through its descriptor: what
was checked is what is read.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from models.loading.refusals import ModelRefusedError

_READ = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW
# On the way to a folder there are some that may be passed and not listed.
_PASS = os.O_CLOEXEC | os.O_NOFOLLOW | os.O_DIRECTORY | getattr(os, "O_PATH", os.O_RDONLY)
# Opening a pipe without this waits for somebody who writes into it.
_FILE = _READ | os.O_NONBLOCK
_MOST_FILES = 10_000


class OpenFolder:
    """A folder that is held open. `names`: of what lies in it and is no folder."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path = path
        self._descriptor = descriptor
        with os.scandir(descriptor) as entries:
            some = zip(entries, range(_MOST_FILES + 1), strict=False)
            found = {each.name for each, _ in some if not each.is_dir(follow_symlinks=False)}
        if len(found) > _MOST_FILES:
            raise ModelRefusedError(f"This folder holds more than {_MOST_FILES:,} files; put the model into its own.")
        self.names = frozenset(found)

    def open(self, name: str) -> int:
        """A descriptor of one of its regular files; whoever asks closes it. Raises ModelRefusedError, OSError."""
        try:
            descriptor = os.open(self._inside(name), _FILE, dir_fd=self._descriptor)
        except FileNotFoundError as error:
            raise ModelRefusedError(
                "A file of this folder is missing, or a symbolic link to nothing; put the file itself there."
            ) from error
        except OSError as error:
            raise _unreadable("A file of this folder", error) from error
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            return descriptor
        os.close(descriptor)
        raise ModelRefusedError(f"{name_of(name)} in this folder is no regular file; put the file itself there.")

    def read(self, name: str, most: int) -> bytes:
        """The bytes of one of its regular files, at most so many. Raises ModelRefusedError, OSError."""
        descriptor = self.open(name)
        try:
            size = os.fstat(descriptor).st_size
            # It may have grown since: what is longer than it said is as good as too large.
            data = b"" if size > most else b"".join(_pieces(descriptor, size + 1))
        finally:
            os.close(descriptor)
        if size > most or len(data) > size:
            raise ModelRefusedError(
                f"Its {name_of(name)} is larger than any real one ({most / 1e6:,.0f} MB at most); choose another model."
            )
        return data

    def _inside(self, name: str) -> str:
        """The name under which a file lies in this folder itself: a link may lead to its neighbour, and no further."""
        if not name or "/" in name or name in {".", ".."}:
            raise ModelRefusedError("A file outside of this folder is named in it; put the file itself there.")
        try:
            target = os.readlink(name, dir_fd=self._descriptor)
        except OSError:
            return name
        folder, _, neighbour = os.path.normpath(self._path / target).rpartition("/")
        if folder != str(self._path):
            raise ModelRefusedError(
                "A file of this folder is a symbolic link that leads out of it; put the file itself there."
            )
        return neighbour


@contextmanager
def open_folder_at(path: Path) -> Iterator[OpenFolder]:
    """Hold a folder open. path: whole and without links, as `Path.resolve` gives it; a link on the way is an error.

    Raises ModelRefusedError, OSError.
    """
    descriptor = os.open(path.anchor, _PASS)
    try:
        try:
            for step, how in [*((each, _PASS) for each in path.parts[1:]), (".", _READ | os.O_DIRECTORY)]:
                inner = os.open(step, how, dir_fd=descriptor)
                os.close(descriptor)
                descriptor = inner
            folder = OpenFolder(path, descriptor)
        except OSError as error:
            raise _unreadable("This folder", error) from error
        yield folder
    finally:
        os.close(descriptor)


def name_of(name: str) -> str:
    """A file's name for a sentence: as it is where it is a plain one."""
    plain = name.replace("_", "").replace("-", "").replace(".", "")
    return name if plain.isascii() and plain.isalnum() and len(name) <= 60 else "a file"


def _unreadable(what: str, error: OSError) -> ModelRefusedError:
    return ModelRefusedError(f"{what} could not be read ({type(error).__name__}); check the path and who may read it.")


def _pieces(descriptor: int, most: int) -> Iterator[bytes]:
    while most > 0 and (piece := os.read(descriptor, min(most, 2**20))):
        most -= len(piece)
        yield piece
