"""Which device computes: CUDA, then MPS, then the CPU, unless the environment says otherwise."""

import os

import torch

from models.errors import HeadlightError

VARIABLE = "HEADLIGHT_DEVICE"


class DeviceError(HeadlightError):
    """The device that the environment asks for is not there."""


def choose_device() -> torch.device:
    """The device that `HEADLIGHT_DEVICE` names (`cpu`, `mps`, `cuda`, `cuda:1`), else the best one present.

    Raises DeviceError when the named device does not exist on this machine.
    """
    wanted = os.environ.get(VARIABLE, "").strip()
    if not wanted:
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(wanted)
    except RuntimeError as error:
        raise DeviceError(f"{VARIABLE} names no device that torch knows; use cpu, mps, cuda or cuda:N.") from error
    present = {
        "cpu": True,
        "mps": torch.backends.mps.is_available(),
        "cuda": torch.cuda.is_available() and (device.index or 0) < torch.cuda.device_count(),
    }
    if not present.get(device.type, False):
        raise DeviceError(
            f"{VARIABLE} asks for {device}, which this machine does not have; unset it or use HEADLIGHT_DEVICE=cpu."
        )
    return device
