"""One next-token distribution through every stage, as a page shows it: what is cut where, and what is left."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from models.decoding.loop import Prompt, next_logits
from models.decoding.preparation import prepare, prompt_ids
from models.decoding.sampling import Stage, sampling_stages
from models.decoding.settings import DecodingSettings, SettingsError
from models.engine import Engine

_TOP = 40
_POINTS = 240


@dataclass(frozen=True, eq=False)
class NextToken:
    """What a model says of the token after a prompt; kept on the engine's side, since knobs need no new forward.

    history: the ids before it; for a seq2seq model what its decoder has before it. prompt_length: how many of them
        were given.
    """

    logits: Float[Tensor, " vocabulary"]
    history: tuple[int, ...]
    prompt_length: int

    @property
    def nbytes(self) -> int:
        """Bytes that it holds."""
        return self.logits.nbytes + 8 * len(self.history)


@dataclass(frozen=True)
class NextTokenRequest:
    """One forward over a prompt and what was written after it."""

    model: str
    text: Prompt
    written: tuple[int, ...] = ()

    def answer(self, engine: Engine) -> NextToken:
        """Raises what `load_model` and `decode` raise."""
        loaded = engine.model(self.model)
        ids = prompt_ids(loaded, self.text)
        with engine.forward(loaded), torch.inference_mode():
            state = prepare(loaded, [ids], [DecodingSettings(1, cache="none")], self.written)
            logits = next_logits(loaded, state, is_first=True)[0]
        history = tuple(state.ids[0].tolist())
        return NextToken(logits.cpu(), history, len(history) - len(self.written))


@dataclass(frozen=True)
class StageSummary:
    """One stage in numbers.

    survivors: tokens that may still come. kept: how much of the probability before this stage they had together, 1
        where nothing was cut. entropy: of the distribution after it, in nats. least: the smallest probability left.
    """

    name: str
    survivors: int
    kept: float
    entropy: float
    least: float


@dataclass(frozen=True)
class TokenFate:
    """One token through the stages.

    rank: by the raw probability, 0 being the likeliest. logit: as the model gave it. probabilities: after each stage.
    cut_by: the stage in which it was cut, or None.
    """

    id: int
    text: str
    rank: int
    logit: float
    probabilities: tuple[float, ...]
    cut_by: str | None

    @property
    def surprisal(self) -> float:
        """Of the raw probability, in nats."""
        return float(-np.log(max(self.probabilities[0], np.finfo(np.float64).tiny)))


@dataclass(frozen=True, eq=False)
class Waterfall:
    """Every stage over the whole vocabulary, in what a page can show.

    top: the likeliest tokens by raw probability, best first. token: the one that was asked for.
    ranks: places in the order of raw probability, dense at the front, the last one the end of the vocabulary; curves:
        the probability at each of them after each stage.
    """

    stages: tuple[StageSummary, ...]
    top: tuple[TokenFate, ...]
    token: TokenFate | None
    ranks: Int64[np.ndarray, " point"]
    curves: Float[np.ndarray, "stage point"]


@dataclass(frozen=True)
class WaterfallRequest:
    """The stages of the token after a prompt. token: one that is followed through them."""

    model: str
    text: Prompt
    settings: DecodingSettings
    token: int | None = None

    def answer(self, engine: Engine) -> Waterfall:
        """Raises what `load_model` and `decode` raise, SettingsError where no token is left, or none of that id is."""
        loaded = engine.model(self.model)
        asked: NextToken = engine.run(NextTokenRequest(self.model, self.text))
        stages = sampling_stages(loaded, asked.logits, asked.history, self.settings)
        if not torch.isfinite(stages[-1].probabilities).all():
            raise SettingsError("These settings forbid every token; allow repetitions or fewer bad words.")
        if self.token is not None and not 0 <= self.token < len(asked.logits):
            raise SettingsError(f"There is no token {self.token}; the vocabulary has {len(asked.logits):,}.")
        # Of equal ones the first comes first, as `argmax` has it.
        order = torch.sort(stages[0].probabilities, descending=True, stable=True).indices
        rank_of = torch.empty_like(order)
        rank_of[order] = torch.arange(len(order))

        def fate(token: int) -> TokenFate:
            shares = tuple(float(stage.probabilities[token]) for stage in stages)
            cut = next((stage.name for stage, share in zip(stages[1:], shares[1:], strict=True) if share == 0), None)
            return TokenFate(
                id=token,
                text=loaded.pieces([token])[0].text,
                rank=int(rank_of[token]),
                logit=float(asked.logits[token]),
                probabilities=shares,
                cut_by=cut,
            )

        ranks = np.unique(np.geomspace(1, len(order), _POINTS).astype(np.int64)) - 1
        ranked = order[torch.from_numpy(ranks)]
        return Waterfall(
            stages=summaries(stages),
            top=tuple(fate(int(token)) for token in order[:_TOP]),
            token=None if self.token is None else fate(self.token),
            ranks=ranks,
            curves=np.stack([stage.probabilities[ranked].numpy() for stage in stages]),
        )


def summaries(stages: Sequence[Stage]) -> tuple[StageSummary, ...]:
    """Each stage in numbers, beside the one before it."""
    found = []
    before = stages[0].probabilities
    for stage in stages:
        shares = stage.probabilities.double()
        alive = shares > 0
        found.append(
            StageSummary(
                name=stage.name,
                survivors=int(alive.sum()),
                kept=float(before.double()[alive].sum()),
                entropy=float(-torch.special.xlogy(shares, shares).sum()),
                least=float(shares[alive].min()),
            )
        )
        before = stage.probabilities
    return tuple(found)
