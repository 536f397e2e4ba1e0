"""From a card to a model that is ready to be traced.

Preparing the packs must not wait for torch, so the names below are imported when they are first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from models.loaded import LoadedModel
    from models.loading.checks import ArchitectureNotSupportedError, ModelRefusedError
    from models.loading.device import DeviceError, choose_device
    from models.loading.folder_names import FolderError
    from models.loading.folders import open_folder
    from models.loading.load import load_model, wrap_model
    from models.loading.packs import PackError

__all__ = [
    "ArchitectureNotSupportedError",
    "DeviceError",
    "FolderError",
    "LoadedModel",
    "ModelRefusedError",
    "PackError",
    "choose_device",
    "load_model",
    "open_folder",
    "wrap_model",
]

_HOMES = {
    "LoadedModel": "models.loaded",
    "PackError": "models.loading.packs",
    "ArchitectureNotSupportedError": "models.loading.checks",
    "ModelRefusedError": "models.loading.checks",
    "DeviceError": "models.loading.device",
    "choose_device": "models.loading.device",
    "FolderError": "models.loading.folder_names",
    "open_folder": "models.loading.folders",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES.get(name, "models.loading.load")), name)
