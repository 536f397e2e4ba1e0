"""Which folders of this machine people may open models from: asked by every door, and before the disk is. No torch."""

import os
from pathlib import Path

from models.errors import HeadlightError

FOLDER = "folder:"
VARIABLE = "HEADLIGHT_FOLDERS"
_LONGEST_PATH = 4096


class FolderError(HeadlightError):
    """A folder that is not there, or where nobody may look."""


def roots() -> tuple[Path, ...]:
    """The folders below which the operator lets people open models: those that HEADLIGHT_FOLDERS names."""
    return tuple(Path(each).resolve() for each in os.environ.get(VARIABLE, "").split(os.pathsep) if each.strip())


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
        given = Path(path.strip()).expanduser() if len(path) <= _LONGEST_PATH and path.isprintable() else Path()
        if not given.is_absolute():
            raise FolderError("Give the whole path of the folder, from the root of the disk on.")
        place = given.resolve()
    # A home that nobody has, or a link to itself, is a RuntimeError to pathlib.
    except (OSError, RuntimeError, ValueError) as error:
        if allowed:
            raise elsewhere from None
        raise FolderError(
            f"This folder could not be read ({type(error).__name__}); check the path and who may read it."
        ) from error
    if allowed and not any(place.is_relative_to(root) for root in allowed):
        raise elsewhere
    return place
