"""Somebody's picture, decoded in the sandbox, and those that come with packages."""

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType

from models.pictures.decoding import Decoded, check_file_size, decoded
from models.pictures.errors import PictureError
from models.sandbox import Pool, SandboxError

_POOL = Pool(modules=("models.pictures.decoding",))
# What it shows, for people, and its file in the package scikit-learn (CC BY 2.0: flower by dany13, China by Yannick).
_IN_PACKAGE = {"flower": ("Flower", "flower.jpg"), "china": ("Pagoda", "china.jpg")}

EXAMPLES = MappingProxyType({name: title for name, (title, _) in _IN_PACKAGE.items()})


def open_picture(data: bytes) -> Decoded:
    """Decode somebody's file, bounded in time and memory. Raises PictureError."""
    check_file_size(len(data))
    try:
        return _POOL.ask(decoded, data, title="This picture", advice="take another one, or a smaller one")
    except SandboxError as error:
        raise PictureError(str(error)) from error


def example_file(name: str) -> Path:
    """The file of an example. Raises PictureError."""
    package = find_spec("sklearn")
    if name not in _IN_PACKAGE or package is None or package.submodule_search_locations is None:
        raise PictureError(f"There is no such example: choose one of {', '.join(EXAMPLES)}.")
    return Path(package.submodule_search_locations[0]) / "datasets" / "images" / _IN_PACKAGE[name][1]


@cache
def example_picture(name: str) -> Decoded:
    """An example, decoded. Raises PictureError."""
    return decoded(example_file(name).read_bytes())
