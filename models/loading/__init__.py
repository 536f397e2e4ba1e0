"""From a card to a model that is ready to be traced.

Preparing the packs must not wait for torch, so the names below are imported when they are first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from models.loaded import LoadedModel
    from models.loading.device import DeviceError, choose_device
    from models.loading.load import ArchitectureNotSupportedError, load_model, wrap_model
    from models.loading.packs import PackError

__all__ = [
    "ArchitectureNotSupportedError",
    "DeviceError",
    "LoadedModel",
    "PackError",
    "choose_device",
    "load_model",
    "wrap_model",
]

_HOMES = {"LoadedModel": "models.loaded", "PackError": "models.loading.packs"} | dict.fromkeys(
    ("DeviceError", "choose_device"), "models.loading.device"
)


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES.get(name, "models.loading.load")), name)
