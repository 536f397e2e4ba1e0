"""From a card to a model that is ready to be traced.

Preparing the packs must not wait for torch, so the names below are imported when they are first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from models.loaded import LoadedModel
    from models.loading.allowed_folders import FolderError
    from models.loading.checks_before_reading import ArchitectureNotSupportedError, ModelRefusedError
    from models.loading.device import DeviceError, choose_device
    from models.loading.folders import open_folder
    from models.loading.load import load_model, wrap_model
    from models.loading.packs import PackError

_NAMES = {
    "models.loaded": ("LoadedModel",),
    "models.loading.checks_before_reading": ("ArchitectureNotSupportedError", "ModelRefusedError"),
    "models.loading.device": ("DeviceError", "choose_device"),
    "models.loading.allowed_folders": ("FolderError",),
    "models.loading.folders": ("open_folder",),
    "models.loading.load": ("load_model", "wrap_model"),
    "models.loading.packs": ("PackError",),
}
_HOMES = {name: home for home, names in _NAMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
