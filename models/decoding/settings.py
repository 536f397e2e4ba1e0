"""How a model is asked to go on."""

import math
from dataclasses import dataclass
from typing import Literal

from models.errors import HeadlightError

CacheName = Literal["dynamic", "static", "fp8", "none"]
CACHES: tuple[CacheName, ...] = ("dynamic", "static", "fp8", "none")
_LARGEST_SEED = 2**63 - 1
# Added to a logit, it forbids or forces a token, as in other programs.
LARGEST_SHIFT = 100
# Float32, in which logits are divided, has no smaller number of full precision.
SMALLEST = 2.0**-126


class SettingsError(HeadlightError):
    """A setting outside its range."""


@dataclass(frozen=True)
class DecodingSettings:
    """Every knob, each with an explicit value: nothing is taken from a checkpoint's `generation_config` unseen.

    max_new_tokens, min_new_tokens: how many tokens at most, and how many before the end token may come.
    temperature: the logits are divided by it before one is drawn; 0 takes the likeliest (greedy), and what is nearer to
        it than float32 goes is refused.
    top_k: only so many of the likeliest may be drawn; 0 for all (Fan et al. 2018, arXiv 1805.04833).
    top_p: only the likeliest that together have this probability (nucleus); 1 for all (Holtzman et al. 2019,
        arXiv 1904.09751).
    min_p: only those with at least this part of the likeliest one's probability; 0 for all (Nguyen et al. 2024,
        arXiv 2407.01082).
    typical_p: only those whose surprisal is closest to the entropy, together this probability; 1 for all (Meister et
        al. 2022, arXiv 2202.00666).
    epsilon_cutoff: only those with at least this probability; eta_cutoff: the same, less where much is possible; 0 for
        all (Hewitt et al. 2022, arXiv 2210.15191).
    top_h: only the likeliest whose entropy is at most this part of the whole; 1 for all (Potraghloo et al. 2025,
        arXiv 2509.02510).
    repetition_penalty: positive logits of tokens that stand in the text are divided by it, negative ones multiplied; 1
        for none (Keskar et al. 2019, arXiv 1909.05858).
    presence_penalty: is taken once from the logit of each token that stands in the text, frequency_penalty as often as
        it stands there; 0 for none (as in OpenAI's API; the prompt is part of the text here, as for the repetition
        penalty).
    logit_bias: pairs of a token id and what is added to its logit.
    no_repeat_ngram_size: no sequence of so many tokens comes twice; 0 for none (Paulus et al. 2017, arXiv 1705.04304).
    bad_words: sequences of token ids that must not come. An end token by itself is left out of them, as transformers
        does: see `preparation.left_out`.
    stop: texts that end the run as soon as one of them stands in what was written.
    order: the names of stages (`sampling.STAGES`) in the order in which they are to be applied instead of the
        library's; stages that are not named keep their places. () for the library's order.
    seed: of this request's own random generator; the same seed draws the same tokens whoever else is on the server.
        Step k takes the k-th number of it, so that other settings with the same seed draw with the same numbers.
    cache: "dynamic" grows with each token and lets sliding layers forget, "static" is allocated once, "fp8" grows and
        keeps 8-bit floating-point numbers, "none" computes everything anew for each token.
    with_stages: whether each step also tells every stage of its distribution, over the whole vocabulary: that is much.
    with_norms: whether each step also tells how long the keys and values are that it stored.

    Raises SettingsError.
    """

    max_new_tokens: int = 32
    temperature: float | int = 0.0
    top_k: int = 0
    top_p: float | int = 1.0
    min_p: float | int = 0.0
    typical_p: float | int = 1.0
    epsilon_cutoff: float | int = 0.0
    eta_cutoff: float | int = 0.0
    top_h: float | int = 1.0
    repetition_penalty: float | int = 1.0
    presence_penalty: float | int = 0.0
    frequency_penalty: float | int = 0.0
    logit_bias: tuple[tuple[int, float | int], ...] = ()
    no_repeat_ngram_size: int = 0
    min_new_tokens: int = 0
    bad_words: tuple[tuple[int, ...], ...] = ()
    stop: tuple[str, ...] = ()
    order: tuple[str, ...] = ()
    seed: int = 0
    cache: CacheName = "dynamic"
    with_stages: bool = False
    with_norms: bool = False

    def __post_init__(self) -> None:
        if self.max_new_tokens < 1:
            raise SettingsError(f"At least one token must be asked for, not {self.max_new_tokens}.")
        if not (math.isfinite(self.temperature) and self.temperature >= 0):
            raise SettingsError(f"The temperature must be 0 (greedy) or a number above it, not {self.temperature}.")
        if 0 < self.temperature < SMALLEST:
            raise SettingsError(
                f"The temperature must be 0 (greedy) or at least {SMALLEST:.1e}, not {self.temperature}: what is "
                "divided by less is beyond float32."
            )
        if not 0 <= self.seed <= _LARGEST_SEED:
            raise SettingsError(f"The seed must be a whole number from 0 to 2⁶³ - 1, not {self.seed}.")
        self._check_knobs()
        if self.cache not in CACHES:
            raise SettingsError(f"The cache is one of {', '.join(CACHES)}, not {self.cache}.")

    def _check_knobs(self) -> None:
        for name in ("top_p", "typical_p", "top_h"):
            value = getattr(self, name)
            if not 0 < value <= 1:
                raise SettingsError(f"{_NAMES[name]} lies above 0 and goes up to 1 (all), not {value}.")
        for name in ("min_p", "epsilon_cutoff", "eta_cutoff"):
            value = getattr(self, name)
            if not 0 <= value < 1:
                raise SettingsError(f"{_NAMES[name]} goes from 0 (all) to below 1, not {value}.")
        for name in ("top_k", "no_repeat_ngram_size", "min_new_tokens"):
            value = getattr(self, name)
            if value < 0:
                raise SettingsError(f"{_NAMES[name]} is a whole number from 0 (off) on, not {value}.")
        if not (math.isfinite(self.repetition_penalty) and self.repetition_penalty > 0):
            raise SettingsError(
                f"The repetition penalty is a number above 0, 1 for none, not {self.repetition_penalty}."
            )
        for name in ("presence_penalty", "frequency_penalty"):
            if not abs(getattr(self, name)) <= LARGEST_SHIFT:
                raise SettingsError(
                    f"{_NAMES[name]} is a number from -{LARGEST_SHIFT} to {LARGEST_SHIFT}, 0 for none, not "
                    f"{getattr(self, name)}."
                )
        ids = [token for token, _ in self.logit_bias]
        if len(set(ids)) < len(ids) or any(token < 0 for token in ids):
            raise SettingsError("The tokens of a logit bias are ids, from 0 on, each of them once.")
        if not all(abs(bias) <= LARGEST_SHIFT for _, bias in self.logit_bias):
            raise SettingsError(f"A logit bias is a number from -{LARGEST_SHIFT} to {LARGEST_SHIFT}.")
        if self.min_new_tokens > self.max_new_tokens:
            raise SettingsError(
                f"At least {self.min_new_tokens} and at most {self.max_new_tokens} tokens cannot both be held."
            )
        if not all(self.bad_words):
            raise SettingsError("A word that must not come has at least one token.")
        if any(token < 0 for word in self.bad_words for token in word):
            raise SettingsError("The tokens of a word that must not come are ids, from 0 on.")
        if not all(self.stop):
            raise SettingsError("A text that ends the run has at least one character.")
        if len(set(self.order)) < len(self.order):
            raise SettingsError("In an order each stage is named once.")


_NAMES = {
    "top_p": "Top-p",
    "typical_p": "Typical p",
    "top_h": "Top-h",
    "min_p": "Min-p",
    "epsilon_cutoff": "Epsilon",
    "eta_cutoff": "Eta",
    "top_k": "Top-k",
    "no_repeat_ngram_size": "The length of what may not repeat",
    "min_new_tokens": "The least number of new tokens",
    "presence_penalty": "The presence penalty",
    "frequency_penalty": "The frequency penalty",
}
