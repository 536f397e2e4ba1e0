"""From a card to a model that is ready to be traced."""

from models.loaded import LoadedModel
from models.loading.device import choose_device
from models.loading.load import ArchitectureNotSupportedError, load_model, wrap_model
from models.loading.packs import PackError

__all__ = [
    "ArchitectureNotSupportedError",
    "LoadedModel",
    "PackError",
    "choose_device",
    "load_model",
    "wrap_model",
]
