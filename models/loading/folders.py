"""Models in folders of this machine: where one may look, and whether what lies there can be opened."""

import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from models.catalog import MODELS, ModelCard
from models.loading import allowed_folders
from models.loading.adapters import adapted, base_of
from models.loading.allowed_folders import FOLDER, FolderError, permitted
from models.loading.checks_before_reading import readable_title
from models.loading.fingerprint import stamp_of
from models.loading.model_files import card_in, gguf_card


def open_folder(path: str, *, anywhere: bool | None = None) -> ModelCard:
    """Check a folder, or a single .gguf file, and have `MODELS` know it by the name "folder:/PATH".

    anywhere: see `permitted`; where it is not said, `allowed_folders.may_look_anywhere` does.

    Raises FolderError, ModelRefusedError.
    """
    anywhere = allowed_folders.may_look_anywhere() if anywhere is None else anywhere
    place = _allowed(path, anywhere=anywhere)
    with _readable():
        if stat.S_ISDIR(place.lstat().st_mode):
            base = base_of(place, anywhere=anywhere)
            if base is not None:
                stamp = stamp_of((place, *([Path(base.folder)] if base.folder else [])))
                return MODELS.keep(adapted(base, place, name=FOLDER + str(place), stamp=stamp))
            return MODELS.keep(card_in(place, **_named(place, place.name)))
        return MODELS.keep(gguf_card(place.parent, place.name, **_named(place, place.stem)))


def _named(place: Path, title: str) -> dict[str, str]:
    return {
        "name": FOLDER + str(place),
        "title": readable_title(title),
        "source": "a folder of this machine",
        # Before the files are read: one that is saved meanwhile is seen afterwards.
        "stamp": stamp_of((place,)),
    }


def _allowed(path: str, *, anywhere: bool) -> Path:
    """The path without links, once it is known to be allowed and there."""
    place = permitted(path, anywhere=anywhere)
    with _readable():
        # A link to itself is told apart only here.
        if not (place.is_dir() or (place.is_file() and place.suffix.lower() == ".gguf")):
            raise FolderError("There is no such folder, and no such .gguf file; check the path.")
    return place


@contextmanager
def _readable() -> Iterator[None]:
    try:
        yield
    # A home that nobody has, or a link to itself, is a RuntimeError to pathlib, and half a character a ValueError.
    except (OSError, RuntimeError, ValueError) as error:
        raise FolderError(
            f"This folder could not be read ({type(error).__name__}); check the path and who may read it."
        ) from error
