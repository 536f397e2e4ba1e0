"""How much memory a device has, and how much of it models may take (HEADLIGHT_MODEL_BYTES)."""

import contextlib
import os
from pathlib import Path

import torch

from models.loading.device import choose_device
from models.settings import parsed_size

VARIABLE = "HEADLIGHT_MODEL_BYTES"
_GIB = 1024**3
_CONTAINER = Path("/sys/fs/cgroup/memory.max")


def device_memory(device: torch.device) -> int:
    """Bytes that the device has; of the CPU, the machine's or its container's memory."""
    if device.type == "cuda":
        return int(torch.cuda.get_device_properties(device).total_memory)
    if device.type == "mps":
        return int(torch.mps.recommended_max_memory())
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    with contextlib.suppress(OSError, ValueError):
        return min(machine, int(_CONTAINER.read_text()))
    return machine


def most_model_bytes(device: torch.device | str) -> int:
    """How many bytes of models may lie on this device.

    What `HEADLIGHT_MODEL_BYTES` says, of the device that computes. Else half of the memory on the CPU, and on a GPU
    what it has and no other program holds, less an eighth (at least 1 GiB) for what is computed.
    """
    device, given = torch.device(device), parsed_size(os.environ.get(VARIABLE, ""))
    if given is not None and device.type == choose_device().type:
        return given
    has = device_memory(device)
    if device.type == "cpu":
        return has // 2
    if device.type == "cuda":
        has = min(has, torch.cuda.mem_get_info(device)[0] + torch.cuda.memory_reserved(device))
    return max(0, has - max(_GIB, has // 8))
