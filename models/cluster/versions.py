"""Which code computes: two processes that differ in it may give different answers, and do not talk to each other."""

import hashlib
from dataclasses import astuple, dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import models
from models.cluster.errors import ClusterError

_NAMES = ("Headlight", "transformers", "torch", "numpy")


@dataclass(frozen=True)
class Versions:
    """headlight: of the code in `models`, by what is written there. The others as they were installed."""

    headlight: str
    transformers: str
    torch: str
    numpy: str


@cache
def versions() -> Versions:
    """Those of this process. No library is imported."""
    return Versions(_fingerprint(), *map(_installed, _NAMES[1:]))


def check_same(asking: Versions, worker: Versions, where: str) -> None:
    """Raises ClusterError where they differ. where: the machine of the worker."""
    for name, ours, theirs in zip(_NAMES, astuple(asking), astuple(worker), strict=True):
        if ours != theirs:
            raise ClusterError(
                f"A worker on {where} has another version of {name} ({theirs}) than this server ({ours}), and could "
                "give other answers; whoever runs them has to install the same on both."
            )


def _fingerprint() -> str:
    found = hashlib.sha256()
    home = Path(models.__path__[0])
    for each in sorted(home.rglob("*.py")):
        found.update(each.relative_to(home).as_posix().encode() + b"\0" + each.read_bytes() + b"\0")
    return found.hexdigest()[:12]


def _installed(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "none"
