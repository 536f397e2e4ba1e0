"""One recorded forward of one picture, which the other requests slice."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from models.attention.trace import AttentionTrace
from models.engine import Engine
from models.forward.capture import ADDRESSES
from models.forward.interventions import HideToken
from models.forward.picture_inputs import picture_inputs
from models.forward.recorded_run import NothingRecordedError, recorded_forward, row_of, to_numpy
from models.forward.shadow_modules import outermost_lists
from models.loaded import LoadedModel
from models.pictures import MOST_PATCHES, Cut, PictureError, Sight, cut
from models.vision.errors import NoSuchPartError
from models.vision.pictures import PictureRequest

KIND = "encoder"


@dataclass(frozen=True)
class PictureTraceRequest:
    """One recorded forward of a picture. Its answer stays on the engine's side; the other requests slice it.

    picture: "example:NAME" for one of `EXAMPLES`, or the name that `keep_picture` gave.
    side: the shorter side in pixels as the model gets it; None for what its own processor makes. A whole number of
        patches is taken of it.
    is_whole: the whole picture, its sides as they are to each other, instead of the processor's crop.
    hidden: places (tokens, counted from 0, those before the patches among them) at which no other may look in any
        layer.
    """

    model: str
    picture: str
    side: int | None = None
    is_whole: bool = False
    hidden: tuple[int, ...] = ()

    def answer(self, engine: Engine) -> "PictureTrace":
        """Raises what `load_model` raises, PictureError, and NoSuchPartError for a model that reads texts."""
        loaded = engine.model(self.model)
        sight = sight_in(loaded)
        picture = engine.run(PictureRequest(self.picture))
        seen = cut_for(loaded, picture.pixels, self.side, is_whole=self.is_whole)
        rows, columns = (each // sight.patch for each in seen.pixels.shape[:2])
        for place in self.hidden:
            check_place(place, len(sight.specials) + rows * columns)
        with engine.forward(loaded):
            return trace_picture(loaded, seen, self.hidden)


@dataclass(frozen=True, eq=False, kw_only=True)
class PictureTrace(AttentionTrace):
    """A recorded run of a picture.

    states: what goes into the first block, and what comes out of each; of the last, what the model hands out.
    """

    cut: Cut
    rows: int
    columns: int
    states: Float[np.ndarray, "layers place width"]

    @property
    def specials(self) -> tuple[str, ...]:
        """The tokens before the patches."""
        return sight_in(self.loaded).specials

    @property
    def places(self) -> int:
        """How many tokens there are."""
        return len(self.specials) + self.rows * self.columns

    @property
    def nbytes(self) -> int:
        """Bytes that the recorded tensors and the picture hold."""
        return super().nbytes + self.states.nbytes + self.cut.pixels.nbytes + self.cut.given.nbytes

    def check_layer(self, layer: int) -> None:
        """Raises NoSuchPartError where there are no maps of this layer."""
        there = self.layers(KIND)
        if layer not in there:
            raise NoSuchPartError(f"There is no layer {layer}: this model has layers 0 to {there[-1]}.")

    def patches(self, values: Float[np.ndarray, "*more place"]) -> Float[np.ndarray, "*more rows columns"]:
        """Of a value for each place those of the patches, as they lie in the picture."""
        return values[..., len(self.specials) :].reshape(*values.shape[:-1], self.rows, self.columns)


def sight_in(loaded: LoadedModel) -> Sight:
    """What the model sees. Raises NoSuchPartError for one that reads texts."""
    if loaded.sight is None:
        raise NoSuchPartError(f"{loaded.card.title} reads texts and sees no pictures; choose a vision model.")
    return loaded.sight


def check_place(place: int, places: int) -> None:
    """Raises NoSuchPartError."""
    if not 0 <= place < places:
        raise NoSuchPartError(f"There is no place {place} in this picture: they go from 0 to {places - 1}.")


def cut_for(
    loaded: LoadedModel, pixels: UInt8[np.ndarray, "height width 3"], side: int | None, *, is_whole: bool
) -> Cut:
    """A picture as this model sees it. Raises PictureError for a size that it does not take."""
    sight = sight_in(loaded)
    how = sight.processing
    if (is_whole or side not in (None, how.side)) and not sight.takes_others:
        raise PictureError(
            f"{loaded.card.title} takes pictures of {how.side} × {how.side} pixels and no others: it does not "
            "interpolate its positions."
        )
    if side is not None:
        fitting = sight.patch * max(1, round(side / sight.patch))
        most = sight.patch * int(MOST_PATCHES**0.5)
        if fitting > max(most, how.side):
            raise PictureError(f"{loaded.card.title} is given at most {most} pixels here; choose a smaller size.")
        how = how.at(fitting)
    return cut(pixels, how, sight.patch, is_whole=is_whole)


def trace_picture(loaded: LoadedModel, seen: Cut, hidden: tuple[int, ...] = ()) -> PictureTrace:
    """Run the model once over a picture and record its attention and the vectors between its blocks.

    Takes the device.
    """
    sight = sight_in(loaded)
    inputs = picture_inputs(seen.given, len(sight.specials), sight.patch)
    changes = tuple(map(HideToken, hidden))
    blocks = blocks_of(loaded)
    states: list[Tensor] = []

    def before(_: nn.Module, given: tuple[Any, ...], named: dict[str, Any]) -> None:
        states.append(_tensor_of(given[0] if given else next(iter(named.values()))))

    def after(_: nn.Module, __: tuple[Any, ...], ___: dict[str, Any], output: Any) -> None:
        states.append(_tensor_of(output))

    run, output, cached = recorded_forward(
        loaded,
        inputs,
        (changes,),
        last_only=False,
        base=None,
        hooks=dict.fromkeys(blocks, after),
        before={blocks[0]: before},
    )
    if not run.calls:
        raise NothingRecordedError(loaded.model)
    vectors = [to_numpy(each[0]) for each in (*states[:-1], output)]
    return PictureTrace(
        loaded=loaded,
        inputs=inputs,
        interventions=changes,
        calls={address: row_of(call, 0, 1) for address, call in run.calls.items()},
        last_output=vectors[-1][-1],
        whole_output=vectors[-1],
        cached=cached,
        cut=seen,
        rows=seen.pixels.shape[0] // sight.patch,
        columns=seen.pixels.shape[1] // sight.patch,
        states=np.stack(vectors),
    )


def blocks_of(loaded: LoadedModel) -> list[nn.Module]:
    """The members of the stack whose attention was seen, in order."""
    return [
        member
        for stack in outermost_lists(loaded.model)
        for member in stack
        if any(ADDRESSES in each.__dict__ for each in member.modules())
    ]


def _tensor_of(output: Any) -> Tensor:
    return output if isinstance(output, torch.Tensor) else output[0]


@dataclass(frozen=True, eq=False)
class CutPicture:
    """A picture as the model sees it, and the maps that there are of it.

    pixels: what the model is given, as colours. rows, columns: of patches. patch: the side of one, in these pixels.
    specials: the tokens before the patches: "CLS" and "R0", "R1", ... for registers; place = len(specials) + row *
        columns + column for a patch.
    box: what part of the upright picture that is: left, top, right, bottom, as shares of its width and height.
    layers: those with maps; heads: how many each has. width: of a vector.
    """

    pixels: UInt8[np.ndarray, "height width 3"]
    rows: int
    columns: int
    patch: int
    specials: tuple[str, ...]
    box: tuple[float, float, float, float]
    layers: tuple[int, ...]
    heads: int
    width: int

    @property
    def places(self) -> int:
        """How many tokens there are."""
        return len(self.specials) + self.rows * self.columns

    def place_name(self, place: int) -> str:
        """As people read it: "CLS", "R2", or row and column of a patch, from 0: "3, 11"."""
        first = len(self.specials)
        if place < first:
            return self.specials[place]
        row, column = divmod(place - first, self.columns)
        return f"{row}, {column}"


@dataclass(frozen=True)
class CutPictureRequest:
    """What the model sees of a picture."""

    trace: PictureTraceRequest

    def answer(self, engine: Engine) -> CutPicture:
        """Raises what `PictureTraceRequest` raises."""
        trace = engine.run(self.trace)
        layers = trace.layers(KIND)
        return CutPicture(
            pixels=trace.cut.pixels,
            rows=trace.rows,
            columns=trace.columns,
            patch=sight_in(trace.loaded).patch,
            specials=trace.specials,
            box=trace.cut.box,
            layers=layers,
            heads=max(trace.heads(KIND, layer) for layer in layers),
            width=trace.states.shape[-1],
        )
