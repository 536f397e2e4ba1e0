"""Which token of a vision model is which patch: seen in what one changed patch changes, never by a class' name."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from models.forward.capture import Call, Run, recording
from models.forward.picture_inputs import PictureInputs, picture_inputs, pixel_arguments
from models.forward.shadow_modules import shadow_of
from models.loaded import LoadedModel
from models.loading.placement import failure_of
from models.loading.refusals import ArchitectureNotSupportedError, ModelRefusedError
from models.pictures import MOST_PATCHES, Processing, Sight

_CHANGE = 0.5


class _EnoughError(Exception):
    """The first layer's keys were seen; nothing more is wanted."""


def sight_of(loaded: LoadedModel, processing: Processing) -> Sight:
    """How a model that is loaded cuts pictures.

    Runs its first layer twice over noise. Takes the device. Raises ModelRefusedError, ArchitectureNotSupportedError
    where one patch is not one token.
    """
    config: Any = loaded.model.config
    patch, trained = _one(getattr(config, "patch_size", None)), _one(getattr(config, "image_size", None))
    title = loaded.card.title
    if not patch or not trained or patch > trained:
        raise ArchitectureNotSupportedError(
            f"{title} does not say into what patches it cuts pictures of what size, so there is nothing to choose; "
            "choose a vision transformer (ViT, DINOv2, CLIP)."
        )
    specials = _specials(loaded, patch, trained, (trained, trained))
    try:
        # Neither as large as those it was trained with, nor a square.
        takes_others = _specials(loaded, patch, trained, (trained + patch, trained + 2 * patch)) == specials
    except (ModelRefusedError, ArchitectureNotSupportedError):
        takes_others = False
    names = _names(specials, config)
    return Sight(processing, patch, names, trained, takes_others)


def noise(loaded: LoadedModel) -> PictureInputs:
    """A picture of nothing, as small as the model takes one: what it is checked with."""
    sight = loaded.sight
    if sight is None:
        raise ArchitectureNotSupportedError(f"{loaded.card.title} reads no pictures.")
    size = (3 * sight.patch, 4 * sight.patch) if sight.takes_others else (sight.trained, sight.trained)
    return picture_inputs(_noise(*size), len(sight.specials), sight.patch)


def _noise(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal((3, height, width), dtype=np.float32)


def _specials(loaded: LoadedModel, patch: int, trained: int, size: tuple[int, int]) -> int:
    """How many tokens stand before the patches, once it is seen that each patch is the token it should be."""
    rows, columns = (each // patch for each in size)
    if rows * columns > max(MOST_PATCHES, (trained // patch) ** 2):
        raise ModelRefusedError(f"{loaded.card.title} cuts a picture into more than {MOST_PATCHES:,} patches.")
    places = sorted({0, columns * (rows // 2) + columns // 3, rows * columns - 1})
    pictures = torch.from_numpy(_noise(*size)).repeat(1 + len(places), 1, 1, 1)
    for picture, place in enumerate(places, 1):
        top, left = (each * patch for each in divmod(place, columns))
        pictures[picture, :, top : top + patch, left : left + patch] += _CHANGE
    keys = _first_keys(loaded, pixel_arguments(loaded.model, pictures.to(loaded.device, loaded.model.dtype), trained))
    name = type(loaded.model).__name__
    if len(keys) != len(pictures) or keys.shape[2] < rows * columns:
        raise ArchitectureNotSupportedError(
            f"{name} attends among {keys.shape[2]} places at a time, while the picture has {rows * columns} patches: "
            "its maps are not of the whole picture (it looks through windows), so they cannot be laid over it; choose "
            "a vision transformer whose heads see all patches (ViT, DINOv2, CLIP)."
        )
    specials = keys.shape[2] - rows * columns
    for picture, place in enumerate(places, 1):
        changed = (keys[picture] != keys[0]).any(dim=-1).any(dim=0).nonzero().flatten().tolist()
        if changed != [specials + place]:
            raise ArchitectureNotSupportedError(
                f"One patch of a picture is not one token of {name}, so its maps cannot be laid over the picture; "
                "choose a vision transformer that cuts into patches (ViT, DINOv2, CLIP)."
            )
    return specials


def _first_keys(loaded: LoadedModel, arguments: dict[str, Any]) -> Tensor:
    """The keys of the first attention that runs: [picture, heads, token, head_dim]."""
    seen: list[Tensor] = []

    def watched(call: Call) -> None:
        seen.append(call.key)
        raise _EnoughError

    shadow = shadow_of(loaded.model)[loaded.model]
    try:
        with torch.inference_mode(), recording(Run(watched=watched)):
            shadow(**arguments)
    except _EnoughError:
        return seen[0]
    except Exception as error:
        if failure_of(error) is not None:
            raise
        raise ModelRefusedError(
            f"{loaded.card.title} does not take a picture as it is set up ({type(error).__name__}); mend that in its "
            "config, or choose another model."
        ) from error
    raise ArchitectureNotSupportedError(
        f"{type(loaded.model).__name__} ran, but none of its attention went through transformers' registry, so that "
        "there are no heads to see; choose another architecture."
    )


def _names(count: int, config: Any) -> tuple[str, ...]:
    """Registers come last; of the others the first is the class token."""
    registers = min(count, getattr(config, "num_register_tokens", 0) or 0)
    others = ("CLS", "DIST", *(f"T{place}" for place in range(2, count)))[: count - registers]
    return (*others, *(f"R{place}" for place in range(registers)))


def _one(size: Any) -> int:
    """The side of a square, written as one number or two; 0 for what is none."""
    sides = set(size) if isinstance(size, list | tuple) else {size}
    side = next(iter(sides)) if len(sides) == 1 else 0
    return side if isinstance(side, int) else 0
