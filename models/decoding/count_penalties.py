"""Presence and frequency penalties, which take from a token's logit because it stands there already."""

import torch
from jaxtyping import Float, Int
from torch import Tensor
from transformers import LogitsProcessor


class CountPenalties(LogitsProcessor):
    """Takes `presence` from the logit of each token that stands before, and `frequency` as often as it stands there.

    transformers has none of its own. OpenAI's API: logit - count x frequency - (count > 0) x presence.
    """

    def __init__(self, presence: float | int, frequency: float | int) -> None:
        self._presence, self._frequency = presence, frequency

    def __call__(
        self, input_ids: Int[Tensor, "row token"], scores: Float[Tensor, "row vocabulary"]
    ) -> Float[Tensor, "row vocabulary"]:
        """The scores without the penalties."""
        counts = torch.zeros_like(scores).scatter_add_(1, input_ids, torch.ones_like(input_ids, dtype=scores.dtype))
        return scores - counts * self._frequency - (counts > 0) * self._presence
