"""What each step of writing looked at: rows of one map."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from models.attention.head_map import HeadMapRequest
from models.engine import Engine


@dataclass(frozen=True)
class StepRows:
    """The rows in which tokens were written, NaN where a step could not look; most: the largest weight among them."""

    weights: Float[np.ndarray, "step key"]
    most: float


@dataclass(frozen=True)
class StepRowsRequest:
    """The rows of a map from `first` on: row `first` + t is the step that writes token t."""

    map: HeadMapRequest
    first: int = 0

    def answer(self, engine: Engine) -> StepRows:
        """Raises what `HeadMapRequest` raises."""
        whole = engine.run(self.map)
        rows = np.where(whole.visible, whole.weights, np.float32(np.nan))[self.first :]
        return StepRows(rows, float(np.nanmax(rows, initial=0.0)))
