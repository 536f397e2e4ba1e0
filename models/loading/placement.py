"""Where a model's weights go, in which precision, and what a failing device looks like."""

import contextlib
import traceback
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import nn

from models.catalog import ModelCard
from models.forward.shadow_modules import shallow
from models.loading.device import choose_device
from models.loading.model_memory import most_model_bytes

_GIB = 1024**3
# What CUDA, its libraries, Metal and torch's own allocator on the CPU write into a RuntimeError.
_FAILURES = ("CUDA error", "CUBLAS_STATUS", "CUDNN_STATUS", "cuDNN error", "MPS backend")
_FULL = ("out of memory", "can't allocate memory", "ALLOC_FAILED", "CUBLAS_STATUS_NOT_INITIALIZED")


@dataclass(frozen=True)
class Placement:
    """One way to hold a model.

    dtype: of the weights. device_map: as transformers takes it, weights go straight there; max_memory: bytes on each
        device for `device_map="auto"`, else None.
    takes: bytes that are expected on each device.
    note: why it is not where it should be, a sentence for people, or "".
    """

    dtype: torch.dtype
    device_map: str | dict[str, str]
    takes: tuple[tuple[str, int], ...]
    max_memory: dict[int | str, int] | None = None
    note: str = ""


def native_precision(device: torch.device) -> torch.dtype:
    """bfloat16 where the device computes in it by itself, else float16; float32 on the CPU."""
    if device.type == "cuda":
        with torch.cuda.device(device):
            is_native = torch.cuda.is_bf16_supported(including_emulation=False)
        return torch.bfloat16 if is_native else torch.float16
    if device.type == "mps":
        # Metal knows bfloat16 from macOS 14 on.
        return torch.bfloat16 if torch.backends.mps.is_macos_or_newer(14, 0) else torch.float16
    return torch.float32


def chosen_device(failed: frozenset[str]) -> torch.device:
    """The device that computes, where types of devices are not asked any more. Raises DeviceError."""
    device = choose_device()
    return torch.device("cpu") if device.type in failed else device


def places_for(card: ModelCard, failed: frozenset[str] = frozenset()) -> tuple[Placement, ...]:
    """Where this model may lie, best first; the last is the CPU.

    failed: types of devices that are not asked any more. Raises DeviceError.
    """
    device = choose_device()
    on_cpu = torch.device("cpu")
    if device.type == "cpu":
        return (_straight(card, on_cpu),)
    if device.type in failed:
        return (_straight(card, on_cpu, f"The GPU failed, so {card.title} computes on the CPU."),)
    dtype = native_precision(device)
    needed = expected_bytes(card, dtype)
    room = most_model_bytes(device)
    if needed <= room:
        note = f"The GPU has no room beside the models in use, so {card.title} computes on the CPU."
        return _straight(card, device), _straight(card, on_cpu, note)
    note = (
        f"{card.title} takes {needed / _GIB:.1f} GiB and the GPU has {room / _GIB:.1f} GiB for models, so it computes "
        "on the CPU."
    )
    several = (_spread(card, device, dtype),) if device.type == "cuda" else ()
    return *several, _straight(card, on_cpu, note)


def expected_bytes(card: ModelCard, dtype: torch.dtype) -> int:
    """Bytes of the weights as the card counts them."""
    return card.parameters * dtype.itemsize


def _straight(card: ModelCard, device: torch.device, note: str = "") -> Placement:
    dtype = native_precision(device)
    name = _indexed(device)
    return Placement(dtype, {"": name}, ((name, expected_bytes(card, dtype)),), note=note)


def _spread(card: ModelCard, device: torch.device, dtype: torch.dtype) -> Placement:
    """Over all GPUs and then the CPU's memory, from which layers are copied when their turn comes (accelerate)."""
    gpus = [device] if device.index is not None else [torch.device("cuda", n) for n in range(torch.cuda.device_count())]
    left, takes, memory = expected_bytes(card, dtype), [], {}
    for each in (*gpus, torch.device("cpu")):
        most = most_model_bytes(each)
        memory["cpu" if each.type == "cpu" else int(each.index)] = most
        takes.append((_indexed(each), min(left, most)))
        left -= takes[-1][1]
    is_offloaded = takes[-1][1] > 0
    note = f"{card.title} is larger than the GPU: " + (
        "some layers wait in the machine's memory, which is slow." if is_offloaded else "it lies on several."
    )
    # What is left over does not fit anywhere; the model pool sees that by the CPU's share.
    takes[-1] = (takes[-1][0], takes[-1][1] + left)
    return Placement(dtype, "auto", tuple(takes), memory, note)


def _indexed(device: torch.device) -> str:
    if device.type == "cuda" and device.index is None:
        return f"cuda:{torch.cuda.current_device()}"
    return str(device)


def bytes_by_device(model: nn.Module) -> dict[str, int]:
    """Bytes of parameters and buffers on each device, shared storage counted once; what accelerate keeps aside for a
    model (device "meta") lies in the machine's memory.
    """
    seen, found = set(), {}
    for tensor in (*model.parameters(), *model.buffers()):
        name = "cpu" if tensor.device.type == "meta" else _indexed(tensor.device)
        storage = tensor.untyped_storage()
        key = (name, storage.data_ptr()) if tensor.device.type != "meta" else (name, id(tensor))
        if key not in seen:
            seen.add(key)
            found[name] = found.get(name, 0) + (storage.nbytes() if tensor.device.type != "meta" else tensor.nbytes)
    return found


def input_device(model: Any) -> torch.device:
    """Where inputs go: the device of the input embeddings, or the one that computes with them if they lie aside."""
    return computing_device(model.get_input_embeddings(), model.device)


def computing_device(module: nn.Module, otherwise: torch.device) -> torch.device:
    """Where this module computes: its weights' device, or the one to which accelerate brings them for its turn."""
    for parameter in module.parameters():
        if parameter.device.type != "meta":
            return parameter.device
    for each in module.modules():
        hook = getattr(each, "_hf_hook", None)
        for one in getattr(hook, "hooks", (hook,)):
            device = getattr(one, "execution_device", None)
            if device is not None:
                return torch.device("cuda", device) if isinstance(device, int) else torch.device(device)
    return otherwise


def with_own_weights(module: nn.Module) -> nn.Module:
    """The module, or a copy of it with the weights of its own that accelerate keeps aside, where it computes."""
    if all(each is None or each.device.type != "meta" for each in module._parameters.values()):
        return module
    copy = shallow(module)
    hook: Any = copy._hf_hook
    hook.pre_forward(copy)
    return copy


def failure_of(error: BaseException) -> Literal["full", "failed"] | None:
    """Whether a device ran out of memory ("full": it goes on with less), or "failed" and computes nothing any more in
    this process; None for a mistake of ours.
    """
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return "full"
    if not isinstance(error, RuntimeError):
        return None
    if any(sign in str(error) for sign in _FULL):
        return "full"
    is_failure = isinstance(error, torch.AcceleratorError) or any(sign in str(error) for sign in _FAILURES)
    return "failed" if is_failure else None


def let_go_of(error: BaseException) -> None:
    """Let go of what the functions that failed were holding: their tensors are most of what fills the device."""
    traceback.clear_frames(error.__traceback__)


def empty_caches() -> None:
    """Hand what torch keeps for later back to the devices. One that has failed is not heard."""
    with contextlib.suppress(RuntimeError):
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        if torch.backends.mps.is_available():
            torch.mps.empty_cache()
