"""What a cache of 8-bit numbers changes: bytes, the next-token distribution, the text."""

from collections.abc import Generator
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Bool, Float

from models.decoding.forced_forwards import forced_forwards
from models.decoding.generation_step import GenerationStep, diverges_at
from models.decoding.loop import Prompt, decode
from models.decoding.prepared_generation import prompt_ids
from models.decoding.settings import CacheName, DecodingSettings
from models.engine import Engine, HowFar, Stepwise


@dataclass(frozen=True, eq=False)
class Fp8Comparison:
    """A cache of 8-bit numbers beside one of the model's own, over the same tokens.

    exact_bytes, fp8_bytes: of both caches after the last token.
    differences: for each token, the largest absolute difference between the two rows of logits. The first is 0: the
        prompt itself is read before anything is rounded.
    divergences: for each token, the Kullback-Leibler divergence in nats from the exact distribution to the other.
    agrees: for each token, whether both find the same one the likeliest.
    exact_texts, fp8_texts: what each writes by itself, greedily, token by token.
    diverges_at: the first token in which those differ; None where they do not.
    """

    exact_bytes: int
    fp8_bytes: int
    differences: Float[np.ndarray, " token"]
    divergences: Float[np.ndarray, " token"]
    agrees: Bool[np.ndarray, " token"]
    exact_texts: tuple[str, ...]
    fp8_texts: tuple[str, ...]
    diverges_at: int | None


@dataclass(frozen=True)
class Fp8Request(Stepwise[HowFar, Fp8Comparison]):
    """Compare over so many new tokens after a text, or after token ids."""

    model: str
    text: Prompt
    tokens: int = 32
    patience: ClassVar[float] = 10.0

    def computed(self, engine: Engine) -> Generator[HowFar, None, Fp8Comparison]:
        """Raises what `load_model` and `decode` raise; CannotWriteError where the architecture has no such cache."""
        loaded = engine.model(self.model)
        prompt = prompt_ids(loaded, self.text)
        lock = partial(engine.forward, loaded)
        # Two caches at a time over the same tokens, so that no row of logits is kept longer than it is compared.
        tokens: list[int] = []
        exact = forced_forwards(loaded, prompt, self.tokens, "dynamic", lock=lock)
        rounded = forced_forwards(loaded, prompt, self.tokens, "fp8", lock=lock, tokens=tokens)
        differences, divergences, agrees, held = [], [], [], (0, 0)
        for one in exact:
            tokens.append(one.token)
            other = next(rounded)
            first, second = (torch.log_softmax(each.logits.double(), -1) for each in (one, other))
            differences.append(float((one.logits - other.logits).abs().max()))
            divergences.append(float((first.exp() * (first - second)).sum().clamp(min=0)))
            agrees.append(bool(one.logits.argmax() == other.logits.argmax()))
            held = tuple(0 if each.cache is None else each.cache.total_bytes for each in (one, other))
            yield HowFar(2 * len(tokens), 4 * self.tokens)
        written: list[list[GenerationStep]] = [[], []]
        caches: tuple[CacheName, ...] = ("dynamic", "fp8")
        for way, cache in enumerate(caches):
            for step in decode(loaded, prompt, DecodingSettings(self.tokens, cache=cache), lock=lock):
                written[way].append(step)
                yield HowFar((2 + way) * self.tokens + len(written[way]), 4 * self.tokens)
        ids = [[step.token_id for step in steps] for steps in written]
        return Fp8Comparison(
            exact_bytes=held[0],
            fp8_bytes=held[1],
            differences=np.array(differences, dtype=np.float64),
            divergences=np.array(divergences, dtype=np.float64),
            agrees=np.array(agrees, dtype=np.bool_),
            exact_texts=tuple(step.text for step in written[0]),
            fp8_texts=tuple(step.text for step in written[1]),
            diverges_at=diverges_at(*ids),
        )
