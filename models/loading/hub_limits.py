"""What the operator allows of the hub: whether it is open, which models, and how large downloads may be."""

import os

from models.catalog.hub_models import HUB_MODELS
from models.loading.hub_ids import HubError, HubId, offline_choices
from models.settings import parsed_size

OFFLINE, CHOICE, LARGEST = "HEADLIGHT_OFFLINE", "HEADLIGHT_MODELS", "HEADLIGHT_MAX_DOWNLOAD"
ALL = "HEADLIGHT_ALL_DOWNLOADS"
_LARGEST_DEFAULT, _ALL_DEFAULT = 5_000_000_000, 50_000_000_000


def is_closed() -> bool:
    """Whether the operator closed the hub: HEADLIGHT_OFFLINE, or huggingface_hub's own HF_HUB_OFFLINE."""
    return any(_is_on(each) for each in (OFFLINE, "HF_HUB_OFFLINE"))


def is_shelf_only() -> bool:
    """Whether the operator allows the hub models of the catalog only."""
    return os.environ.get(CHOICE, "").strip().lower() == "shelf"


def largest_download() -> int:
    """How many bytes one model may have at most: HEADLIGHT_MAX_DOWNLOAD (5000000000, 800MB, 5 GB), else 5 GB."""
    return parsed_size(os.environ.get(LARGEST, "")) or _LARGEST_DEFAULT


def all_downloads() -> int:
    """How many bytes all that was fetched may have together: HEADLIGHT_ALL_DOWNLOADS, else 50 GB."""
    return parsed_size(os.environ.get(ALL, "")) or _ALL_DEFAULT


def check_allowed(which: HubId) -> None:
    """Raise HubError when the operator does not let this one be fetched."""
    if is_closed():
        raise HubError(f"The hub is closed on this server. {offline_choices()}")
    if is_shelf_only() and which.name not in HUB_MODELS:
        raise HubError(f"On this server only the models of the shelf can be had from the hub. {offline_choices()}")


def _is_on(variable: str) -> bool:
    return os.environ.get(variable, "").strip().lower() in {"1", "true", "yes", "on"}
