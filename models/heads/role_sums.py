"""What was counted of one role, before it is judged."""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float, Int

from models.attention.trace import AttentionTrace


@dataclass(frozen=True, eq=False)
class RoleSums:
    """Sums of one role over its cases, sample by sample (sentences, sequences, tokens), of all heads of all layers.

    sums: of weights, or of hits (is_hits). cases: how many each sample has. baselines: what the score is compared with.
    detail, best_place: as in `RoleScores`.
    """

    key: str
    sums: Float[np.ndarray, "sample head"]
    cases: Float[np.ndarray, " sample"]
    baselines: Float[np.ndarray, " head"]
    is_hits: bool = False
    detail: Int[np.ndarray, " head"] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    best_place: str = ""

    @property
    def scores(self) -> Float[np.ndarray, " head"]:
        """The mean over all cases."""
        return self.sums.sum(axis=0) / self.cases.sum()

    def deviations(self, seed: int, resamples: int = 400) -> Float[np.ndarray, " head"]:
        """The standard deviation of the scores where samples are drawn anew, with replacement (Efron's bootstrap).

        Of hits it is no less than that of as many single draws with one more hit and one more miss: a head that hits
        every time is not certain to hit the next time.
        """
        draw = np.random.default_rng(seed)
        count = len(self.cases)
        times = draw.multinomial(count, np.full(count, 1 / count), resamples).astype(np.float32)
        drawn = (times @ self.sums.astype(np.float32)) / np.maximum(times @ self.cases.astype(np.float32), 1)[:, None]
        found = drawn.std(axis=0)
        if not self.is_hits:
            return found
        cases = float(self.cases.sum())
        rates = (self.sums.sum(axis=0) + 1) / (cases + 2)
        return np.maximum(found, np.sqrt(rates * (1 - rates) / cases))


def heads_of_layers(trace: AttentionTrace, kind: str) -> list[int]:
    """How many heads each layer of this kind has that has maps."""
    return [trace.heads(kind, layer) for layer in trace.layers(kind)]


def stacked_weights(trace: AttentionTrace, kind: str) -> Float[np.ndarray, "head query key"]:
    """The weights of all heads of all layers of this kind, one above the other."""
    return np.concatenate([trace.weights(kind, layer) for layer in trace.layers(kind)])
