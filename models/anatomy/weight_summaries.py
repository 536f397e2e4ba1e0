"""The weights of one part, small enough to be looked at: pooled, counted, measured."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

from models.engine import Engine
from models.errors import HeadlightError

MOST_CELLS = 32
_BINS = 41


class WeightsError(HeadlightError):
    """A part whose weights are not shown."""


@dataclass(frozen=True, eq=False)
class Weights:
    """The numbers of one parameter of a part.

    name: within the part. shape: of all of it; one with more than two axes is pooled as a stack of matrices, one below
        the other. others: the names and shapes of the part's further parameters.
    pooled: the root mean square of each cell of neighbours. cell: how many rows and columns are one cell, at most.
    counts, edges: a histogram. norm: the root of the sum of squares. mean, spread: of all its numbers.
    """

    name: str
    shape: tuple[int, ...]
    others: tuple[tuple[str, tuple[int, ...]], ...]
    pooled: Float[np.ndarray, "row column"]
    cell: tuple[int, int]
    counts: Int[np.ndarray, " bin"]
    edges: Float[np.ndarray, " edge"]
    norm: float
    mean: float
    spread: float


@dataclass(frozen=True)
class WeightsRequest:
    """Of the module at a path of a loaded model: its first parameter, which is its matrix."""

    model: str
    path: str

    def answer(self, engine: Engine) -> Weights:
        """Raises what `load_model` raises, and WeightsError where there is no such module or it has no weights."""
        loaded = engine.model(self.model)
        try:
            module = loaded.model.get_submodule(self.path)
        except AttributeError as error:
            raise WeightsError("There is no such part in this model; choose another one.") from error
        parameters = [(name, each) for name, each in module.named_parameters() if each.is_floating_point()]
        if not parameters:
            raise WeightsError("This part has no weights that are numbers with a fraction; choose another one.")
        with engine.forward(loaded), torch.inference_mode():
            return _weights(parameters)


def _weights(parameters: list[tuple[str, Tensor]]) -> Weights:
    name, first = parameters[0]
    values = first.detach().to("cpu", torch.float32)
    matrix = values.reshape(-1, values.shape[-1]) if values.dim() > 1 else values.reshape(1, -1)
    size = (min(MOST_CELLS, matrix.shape[0]), min(MOST_CELLS, matrix.shape[1]))
    # Neighbours that do not divide evenly overlap by one.
    pooled = functional.adaptive_avg_pool2d((matrix**2)[None, None], size)[0, 0].sqrt()
    most = float(values.abs().max()) or 1.0
    counts = torch.histc(values, _BINS, -most, most)
    return Weights(
        name=name,
        shape=tuple(first.shape),
        others=tuple((other, tuple(each.shape)) for other, each in parameters[1:]),
        pooled=pooled.numpy(),
        cell=(-(-matrix.shape[0] // size[0]), -(-matrix.shape[1] // size[1])),
        counts=counts.numpy().astype(np.int64),
        edges=np.linspace(-most, most, _BINS + 1, dtype=np.float32),
        norm=float(values.norm()),
        mean=float(values.mean()),
        spread=float(values.std(correction=0)),
    )
