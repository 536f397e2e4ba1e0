"""What changes when a patch cannot be seen: does the answer hang on what is looked at?"""

from collections.abc import Generator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from models.engine import Engine, HowFar
from models.engine.stepwise import Stepwise
from models.vision.tracing import PictureTraceRequest


@dataclass(frozen=True, eq=False)
class Hiding:
    """Each patch hidden by itself, beside where the picture's vector looks.

    shifts: 1 - the cosine of the picture's vector (the class token after the final norm; the mean of the patches in a
        model without one) with and without the patch. attention: of the class token on each patch in the last layer,
        the mean over heads; rollout: through all layers. Models without a class token: the mean over patches.
    with_attention, with_rollout: rank correlation (Spearman) of the shifts with these.
    answer: how much the logit of the likeliest class falls, for a model with a head of classes; else None.
    """

    shifts: Float[np.ndarray, "rows columns"]
    attention: Float[np.ndarray, "rows columns"]
    rollout: Float[np.ndarray, "rows columns"]
    with_attention: float
    with_rollout: float
    answer: Float[np.ndarray, "rows columns"] | None = None


@dataclass(frozen=True)
class HidingRequest(Stepwise[HowFar, Hiding]):
    """Start it as a job: its steps say how many patches are done."""

    trace: PictureTraceRequest

    def computed(self, engine: Engine) -> Generator[HowFar, None, Hiding]:  # noqa: ARG002
        """Raises what `CutPictureRequest` raises."""
        raise NotImplementedError
        yield


@dataclass(frozen=True, eq=False)
class RegionHidden:
    """Some patches hidden together.

    shift: as in `Hiding`. before, after: the likeliest classes (of the whole picture), with their probabilities; empty
        for a model without a head of classes.
    """

    shift: float
    classes: tuple[str, ...]
    before: Float[np.ndarray, " classes"]
    after: Float[np.ndarray, " classes"]


@dataclass(frozen=True)
class RegionHiddenRequest:
    """patches: counted from 0 without the tokens before them; at least one stays."""

    trace: PictureTraceRequest
    patches: tuple[int, ...]

    def answer(self, engine: Engine) -> RegionHidden:
        """Raises what `CutPictureRequest` raises, and NoSuchPartError."""
        raise NotImplementedError
