"""Which folders of this machine people may open models from: asked by every door, and before the disk is. No torch."""

import os
from collections.abc import Callable
from pathlib import Path

from models.catalog import ModelCard
from models.errors import HeadlightError
from models.loading.fingerprint import stamp_of

FOLDER = "folder:"
VARIABLE = "HEADLIGHT_FOLDERS"
_LONGEST_PATH = 4096


class FolderError(HeadlightError):
    """A folder that is not there, or where nobody may look."""


def _in_a_program() -> bool:
    return True


# Whether any folder may be opened, where somebody opens one without saying so. Whoever serves pages sets it.
may_look_anywhere: Callable[[], bool] = _in_a_program


def has_changed(card: ModelCard, stamp: str = "", within: float | int = 0) -> bool:
    """Whether files of a folder were saved again since this card was made; false while they cannot be read.

    stamp: another fingerprint to compare with. within: how many seconds old what is known of the files may be.
    """
    if not card.stamp:
        return False
    places = [Path(card.name.removeprefix(FOLDER))]
    if card.adapter and card.folder:
        places.append(Path(card.folder))
    return stamp_of(places, within) not in {"", stamp or card.stamp}


def roots() -> tuple[Path, ...]:
    """The folders below which the operator lets people open models: those that HEADLIGHT_FOLDERS names."""
    return tuple(each.resolve() for each in _as_named())


def _as_named() -> tuple[Path, ...]:
    """The same as the operator wrote them, which may be by way of a link."""
    return tuple(Path(each).absolute() for each in os.environ.get(VARIABLE, "").split(os.pathsep) if each.strip())


def permitted(path: str, *, anywhere: bool) -> Path:
    """The path without links, where models may be opened from; nothing is said of what lies anywhere else.

    anywhere: whether any folder may be opened where the operator named none, as on a server that no other machine
        reaches; where HEADLIGHT_FOLDERS names some, only what lies below those may be opened, in either case.

    Raises FolderError.
    """
    allowed = roots()
    if not allowed and not anywhere:
        raise FolderError(
            "Folders are closed here, because other machines can reach this server; whoever runs it can name folders "
            f"to open models from with {VARIABLE}."
        )
    elsewhere = FolderError(
        f"This folder is not below one that whoever runs this server opened with {VARIABLE}; copy the model there."
    )
    try:
        given = Path(path.strip()) if len(path) <= _LONGEST_PATH and path.isprintable() else Path()
        # Whose home there is would say who has an account here.
        if given.parts[:1] == ("~",) or (path.strip().startswith("~") and not allowed):
            given = given.expanduser()
        if allowed and path.strip().startswith("~"):
            raise elsewhere
        if not given.is_absolute():
            raise FolderError("Give the whole path of the folder, from the root of the disk on.")
        # Before the disk is looked at.
        if allowed and not _is_below(Path(os.path.normpath(given)), (*allowed, *_as_named())):
            raise elsewhere
        place = given.resolve()
    # A home that nobody has, or a link to itself, is a RuntimeError to pathlib.
    except (OSError, RuntimeError, ValueError) as error:
        if allowed:
            raise elsewhere from None
        raise FolderError(
            f"This folder could not be read ({type(error).__name__}); check the path and who may read it."
        ) from error
    if allowed and not _is_below(place, allowed):
        raise elsewhere
    return place


def _is_below(place: Path, folders: tuple[Path, ...]) -> bool:
    return any(place.is_relative_to(each) for each in folders)
