"""How a model is asked to go on."""

import math
from dataclasses import dataclass
from typing import Literal

from models.errors import HeadlightError

CacheName = Literal["dynamic", "static", "fp8", "none"]
CACHES: tuple[CacheName, ...] = ("dynamic", "static", "fp8", "none")
_LARGEST_SEED = 2**63 - 1


class SettingsError(HeadlightError):
    """A setting outside its range."""


@dataclass(frozen=True)
class DecodingSettings:
    """Every knob, each with an explicit value: nothing is taken from a checkpoint's `generation_config` unseen.

    max_new_tokens: how many tokens at most.
    temperature: the logits are divided by it before one is drawn; 0 takes the likeliest (greedy).
    seed: of this request's own random generator; the same seed draws the same tokens whoever else is on the server.
    cache: "dynamic" grows with each token and lets sliding layers forget, "static" is allocated once, "fp8" grows and
        keeps 8-bit floating-point numbers, "none" computes everything anew for each token.
    with_norms: whether each step also tells how long the keys and values are that it stored.

    Raises SettingsError.
    """

    max_new_tokens: int = 32
    temperature: float | int = 0.0
    seed: int = 0
    cache: CacheName = "dynamic"
    with_norms: bool = False

    def __post_init__(self) -> None:
        if self.max_new_tokens < 1:
            raise SettingsError(f"At least one token must be asked for, not {self.max_new_tokens}.")
        if not (math.isfinite(self.temperature) and self.temperature >= 0):
            raise SettingsError(f"The temperature must be 0 (greedy) or a number above it, not {self.temperature}.")
        if not 0 <= self.seed <= _LARGEST_SEED:
            raise SettingsError(f"The seed must be a whole number from 0 to 2⁶³ - 1, not {self.seed}.")
        if self.cache not in CACHES:
            raise SettingsError(f"The cache is one of {', '.join(CACHES)}, not {self.cache}.")
