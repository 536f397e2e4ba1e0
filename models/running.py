"""Gives the engine its loaders and what is known of the devices: the one place where they meet.

What loads imports torch, which takes seconds: it is imported when the engine first asks for it.
"""

import sys
from typing import Any, Literal

from models.engine.provider import Device, Provider, provide
from models.one_at_a_time import libraries


def _load_model(name: str) -> Any:
    libraries()
    from models.loading import load_model
    from models.loading.card_by_name import check_is_open

    check_is_open(name)
    return load_model(name)


def _load_tokenizer(name: str) -> Any:
    libraries("models.tokenization")
    from models.tokenization import load_tokenizer

    return load_tokenizer(name)


def _placing() -> Any:
    from models.loading import placement

    return placement


def _memory() -> Any:
    from models.loading import model_memory

    return model_memory


def _device(failed: frozenset[str]) -> Device:
    """Raises DeviceError."""
    libraries()
    import torch

    device = _placing().chosen_device(failed)
    if device.type == "cuda":
        name = f"{torch.cuda.get_device_name(device)} ({device})"
    else:
        name = {"cpu": f"CPU, {torch.get_num_threads()} threads", "mps": "Apple GPU (mps)"}[device.type]
    return Device(device.type, name, _memory().most_model_bytes(device), _memory().device_memory(device))


def _failure_of(error: BaseException) -> Literal["full", "failed"] | None:
    # An error of torch's cannot come before torch, nor while it is imported.
    if "torch" not in sys.modules or isinstance(error, ImportError):
        return None
    libraries()
    return _placing().failure_of(error)


def _empty_caches() -> None:
    if "torch" in sys.modules:
        _placing().empty_caches()


provide(
    Provider(
        load_model=_load_model,
        load_tokenizer=_load_tokenizer,
        bytes_by_device=lambda loaded: _placing().bytes_by_device(loaded.model),
        most_bytes=lambda device: _memory().most_model_bytes(device),
        device=_device,
        failure_of=_failure_of,
        let_go_of=lambda error: _placing().let_go_of(error),
        empty_caches=_empty_caches,
    )
)
