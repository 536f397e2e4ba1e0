"""What goes into one forward of a vision model."""

import inspect
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float

from models.forward.inputs import Inputs
from models.forward.interventions import Rows
from models.loaded import LoadedModel


@dataclass(frozen=True, eq=False)
class PictureInputs(Inputs):
    """A picture as numbers; `ids` counts its tokens, those before the patches first, and there are no pieces."""

    given: Float[np.ndarray, "3 height width"]

    def arguments(self, loaded: LoadedModel, batch: int, *, last_only: bool, rows: Rows = ()) -> dict[str, Any]:  # noqa: ARG002
        """The forward's keyword arguments, the same picture in each of `batch` rows."""
        pixels = torch.from_numpy(self.given).to(loaded.device, loaded.model.dtype)[None]
        trained = None if loaded.sight is None else loaded.sight.trained
        return pixel_arguments(loaded.model, pixels.expand(batch, -1, -1, -1), trained)


def pixel_arguments(model: Any, pixels: torch.Tensor, trained: int | None) -> dict[str, Any]:
    """What a vision model is called with. trained: the side for which it has positions; for others they are
    interpolated, which some classes have to be asked for.
    """
    arguments: dict[str, Any] = {"pixel_values": pixels, "return_dict": True}
    is_other = tuple(pixels.shape[-2:]) != (trained, trained)
    if is_other and "interpolate_pos_encoding" in inspect.signature(model.forward).parameters:
        arguments["interpolate_pos_encoding"] = True
    return arguments


def picture_inputs(given: Float[np.ndarray, "3 height width"], specials: int, patch: int) -> PictureInputs:
    """The inputs of a picture that is cut already."""
    _, height, width = given.shape
    places = specials + (height // patch) * (width // patch)
    return PictureInputs(tuple(range(places)), (), (), (), given)
