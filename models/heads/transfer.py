"""What carries a difference from one text to another: parts of one run put into the other.

Activation patching (Vig et al. 2020, arXiv 2004.12265; Meng et al. 2022, arXiv 2202.05262).
"""

from collections.abc import Generator, Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float

from models.attention.trace import TraceRequest
from models.engine import Engine, Stepwise
from models.heads.alignment import Alignment
from models.heads.effects import EffectMap
from models.heads.quantity import Measured, Quantity

Carrier = Literal["stream", "heads", "mlps"]


@dataclass(frozen=True, eq=False)
class StreamMap:
    """How much comes over with the residual stream, at each place after each layer.

    kind: the stack. layers: the number of each row. places: of the columns, in the text that is put into.
    shares: NaN where it is not computed yet, or where a place has no partner.
    """

    kind: str
    layers: tuple[int, ...]
    places: tuple[int, ...]
    shares: Float[np.ndarray, "layer place"]


@dataclass(frozen=True, eq=False)
class Transfer:
    """How much of the difference between two texts comes over with each part, as a share: 0 nothing, 1 all of it.

    measured: the quantity, as the text that is taken from has it. taken, into: its value there, and in the text that is
        put into; a share is (with the part put in - into) / (taken - into).
    stream: for `carrier` "stream"; maps: for heads and MLPs, shares instead of effects.
    """

    measured: Measured
    taken: float
    into: float
    tokens: tuple[str, ...]
    into_tokens: tuple[str, ...]
    alignment: Alignment
    stream: tuple[StreamMap, ...]
    maps: tuple[EffectMap, ...]
    done: int
    of: int


@dataclass(frozen=True)
class TransferRequest(Stepwise[Transfer, Transfer]):
    """Activations of one text put into the run of another, part by part.

    taken: the text from which they are taken; of it the quantity is measured (its likeliest token, where none is
        typed; of a vector the cosine with the vector in this text). into: the text that they are put into.
    carrier: the residual stream at each place after each layer, each head's output at all places that have a partner,
        or each MLP's.
    """

    taken: TraceRequest
    into: TraceRequest
    quantity: Quantity
    carrier: Carrier = "stream"

    def computed(self, engine: Engine) -> Generator[Transfer, None, Transfer]:
        """Raises what `EffectsRequest` raises; EffectsError for two models, two texts that are the same or do not
        differ in the quantity, or have no token in common length.
        """
        raise NotImplementedError

    def steps_of(self, answer: Transfer) -> Iterable[Transfer]:
        """The whole at once."""
        return (answer,)
