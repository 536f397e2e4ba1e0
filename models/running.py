"""Gives the engine its loaders and what is known of the devices: the one place where they meet.

What loads imports torch, which takes seconds: it is imported when the engine first asks for it.
"""

import sys
from collections.abc import Mapping
from typing import Any, Literal

from models.engine.provider import Device, Provider, provide
from models.one_at_a_time import libraries


def _load_model(name: str) -> Any:
    libraries()
    from models.loading import load_model
    from models.loading.opening import check_is_open

    check_is_open(name)
    return load_model(name)


def _load_tokenizer(name: str) -> Any:
    libraries("models.tokenization")
    from models.tokenization import load_tokenizer

    return load_tokenizer(name)


def _bytes_by_device(loaded: Any) -> Mapping[str, int]:
    from models.loading.placing import bytes_by_device

    return bytes_by_device(loaded.model)


def _most_bytes(device: str) -> int:
    import torch

    from models.loading.placing import most_model_bytes

    return most_model_bytes(torch.device(device))


def _device(failed: frozenset[str]) -> Device:
    """Raises DeviceError."""
    libraries()
    import torch

    from models.loading.placing import chosen_device, device_memory, most_model_bytes

    device = chosen_device(failed)
    if device.type == "cuda":
        name = f"{torch.cuda.get_device_name(device)} ({device})"
    else:
        name = {"cpu": f"CPU, {torch.get_num_threads()} threads", "mps": "Apple GPU (mps)"}[device.type]
    return Device(device.type, name, most_model_bytes(device), device_memory(device))


def _failure_of(error: BaseException) -> Literal["full", "failed"] | None:
    # An error of torch's cannot come before torch, nor while it is imported.
    if "torch" not in sys.modules or isinstance(error, ImportError):
        return None
    libraries()
    from models.loading.placing import failure_of

    return failure_of(error)


def _let_go_of(error: BaseException) -> None:
    from models.loading.placing import let_go_of

    let_go_of(error)


def _empty_caches() -> None:
    if "torch" in sys.modules:
        from models.loading.placing import empty_caches

        empty_caches()


provide(
    Provider(
        load_model=_load_model,
        load_tokenizer=_load_tokenizer,
        bytes_by_device=_bytes_by_device,
        most_bytes=_most_bytes,
        device=_device,
        failure_of=_failure_of,
        let_go_of=_let_go_of,
        empty_caches=_empty_caches,
    )
)
