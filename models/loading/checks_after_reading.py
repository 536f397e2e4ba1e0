"""A model that was just read is looked at before anybody gets it: whole, tied as it should be, its library intact."""

from collections.abc import Collection

import torch
from transformers import PreTrainedModel

from models.loading.refusals import ModelRefusedError

_TIE_WEIGHTS = PreTrainedModel.tie_weights


class UnsoundModelError(RuntimeError):
    """A model that did not come out of its files as its class makes it: read again, it may."""


def check_sound(model: PreTrainedModel, missing: Collection[str]) -> None:
    """Raise UnsoundModelError where reading went wrong without a word.

    missing: names of the tensors that the files lack; of two that are tied, one may be among them.

    Nothing may be left without memory of its own (on the meta device); where the config ties tensors, the ones that the
    files lack must be the same as the ones they are tied to; and transformers' `tie_weights` must be its own, not the
    empty one that it stands in for it while a model is made.
    """
    if PreTrainedModel.tie_weights is not _TIE_WEIGHTS:
        # Left so, every tied model from here on would be without its head.
        PreTrainedModel.tie_weights = _TIE_WEIGHTS
        raise UnsoundModelError("tie_weights was another function than transformers' own while this model was read")
    tensors = dict(model.named_parameters(remove_duplicate=False)) | dict(model.named_buffers(remove_duplicate=False))
    nowhere = [name for name, tensor in tensors.items() if tensor.is_meta]
    if nowhere and not _is_offloaded(model):
        raise UnsoundModelError(f"{len(nowhere)} tensors were never read, {nowhere[0]} first")
    ties: dict[str, str] = model.all_tied_weights_keys
    loose = [
        one
        for one, other in ties.items()
        if {one, other} & set(missing) and one in tensors and tensors[one] is not tensors.get(other)
    ]
    if loose:
        raise UnsoundModelError(f"{loose[0]} is not tied to {ties[loose[0]]}, as the config says")


def check_finite(model: PreTrainedModel, title: str) -> None:
    """Raise ModelRefusedError where a weight is no number (NaN) or infinite: what it computes would be blank."""
    for name, tensor in model.named_parameters():
        if tensor.is_meta or not tensor.is_floating_point() or not tensor.numel():
            continue
        # Both ends are infinite or no number where any of them is; types without an order of their own are few.
        some = tensor.detach() if tensor.element_size() > 1 else tensor.detach().float()
        low, high = some.aminmax()
        if not bool(torch.isfinite(high - low)) and (count := int((~torch.isfinite(some)).sum())):
            raise ModelRefusedError(
                f"The weights of {title} are damaged, or its training went astray: {count:,} of the {tensor.numel():,} "
                f"numbers in {name} are none (NaN) or infinite. Get the files anew, or take an earlier checkpoint."
            )


def _is_offloaded(model: PreTrainedModel) -> bool:
    """Whether weights are kept elsewhere until their layer's turn comes, as accelerate does for what does not fit."""
    return len(set((getattr(model, "hf_device_map", None) or {}).values())) > 1
