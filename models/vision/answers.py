"""What a model says of a picture: its classes, or which of some texts fits."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from models.engine import Engine
from models.vision.tracing import PictureTraceRequest


@dataclass(frozen=True, eq=False)
class Classes:
    """The likeliest classes, best first."""

    names: tuple[str, ...]
    probabilities: Float[np.ndarray, " classes"]


@dataclass(frozen=True)
class ClassesRequest:
    """What a model with a head of classes sees in a picture."""

    trace: PictureTraceRequest
    count: int = 5

    def answer(self, engine: Engine) -> Classes:
        """Raises what `CutPictureRequest` raises, and NoSuchPartError for a model without such a head."""
        raise NotImplementedError


@dataclass(frozen=True, eq=False)
class TextsFit:
    """How well texts fit a picture.

    cosines: of each text's vector and the picture's. probabilities: as the model was trained to give them: shares of 1
        over the texts (CLIP), or each text by itself (SigLIP).
    maps: cosine of each text's vector and each patch's, brought into the common space.
    """

    cosines: Float[np.ndarray, " texts"]
    probabilities: Float[np.ndarray, " texts"]
    maps: Float[np.ndarray, "texts rows columns"]


@dataclass(frozen=True)
class TextsFitRequest:
    """texts: 1 to 16."""

    trace: PictureTraceRequest
    texts: tuple[str, ...]

    def answer(self, engine: Engine) -> TextsFit:
        """Raises what `CutPictureRequest` raises, and NoSuchPartError for a model without a text tower."""
        raise NotImplementedError
