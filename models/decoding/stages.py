"""One next-token distribution through every stage, as a page shows it: what is cut where, and what is left."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int, Int64
from torch import Tensor

from models.decoding.loop import Prompt, next_logits
from models.decoding.masked_token import MaskedToken, MaskedTokenRequest, masked_stages
from models.decoding.prepared_generation import prepare, processors_for, prompt_ids, settings_left_out
from models.decoding.sampling import Stage, check_some_left, draw, random_numbers, staged
from models.decoding.settings import DecodingSettings, SettingsError
from models.engine import Engine, on_one_thread, size_of
from models.loaded import LoadedModel

_TOP = 24
_POINTS = 180


@dataclass(frozen=True, eq=False)
class NextToken:
    """What a model says of the token after a prompt; kept on the engine's side, since knobs need no new forward.

    order: the ids from the likeliest on; of equal ones the first comes first, as `argmax` has it.
    history: the ids before it; for a seq2seq model what its decoder has before it. prompt_length: how many of them
        were given. masked: for a model that fills hidden places, what it says of the first one.
    """

    logits: Float[Tensor, " vocabulary"]
    order: Int[Tensor, " vocabulary"]
    history: tuple[int, ...]
    prompt_length: int
    ranks: Int64[np.ndarray, " point"]
    pieces: tuple[str, ...]
    masked: MaskedToken | None = None

    @property
    def nbytes(self) -> int:
        """Bytes that it holds."""
        return self.logits.nbytes + self.order.nbytes + 8 * len(self.history) + size_of(self.pieces)


@dataclass(frozen=True)
class NextTokenRequest:
    """One forward over a prompt and what was written after it."""

    model: str
    text: Prompt
    written: tuple[int, ...] = ()

    def answer(self, engine: Engine) -> NextToken:
        """Raises what `load_model` and `decode` raise."""
        loaded = engine.model(self.model)
        if not loaded.model.can_generate() and isinstance(self.text, str):
            masked: MaskedToken = engine.run(MaskedTokenRequest(self.model, self.text))
            return _next_token(loaded, masked.logits, masked.history, len(masked.history), masked)
        ids = prompt_ids(loaded, self.text)
        with engine.forward(loaded), torch.inference_mode():
            state = prepare(loaded, [ids], [DecodingSettings(1, cache="none")], self.written)
            logits = next_logits(loaded, state, is_first=True)[0]
        history = tuple(state.ids[0].tolist())
        return _next_token(loaded, logits.cpu(), history, len(history) - len(self.written))


def _next_token(
    loaded: LoadedModel,
    logits: Float[Tensor, " vocabulary"],
    history: tuple[int, ...],
    prompt_length: int,
    masked: MaskedToken | None = None,
) -> NextToken:
    order = torch.sort(logits, descending=True, stable=True).indices.to(torch.int32)
    ranks = np.unique(np.geomspace(1, len(order), _POINTS).astype(np.int64)) - 1
    pieces = tuple(piece.text for piece in loaded.pieces(order[torch.from_numpy(ranks)].tolist()))
    return NextToken(logits, order, history, prompt_length, ranks, pieces, masked)


@dataclass(frozen=True)
class StageSummary:
    """One stage in numbers.

    survivors: tokens that may still come. kept: how much of the probability before this stage they had together, 1
        where nothing was cut. entropy: of the distribution after it, in nats. least, most: the smallest and the largest
        probability left.
    first, last: the ranks (by raw probability, from 0) between which the survivors lie.
    """

    name: str
    survivors: int
    kept: float
    entropy: float
    least: float
    most: float
    first: int
    last: int


@dataclass(frozen=True)
class TokenTrajectory:
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
class SamplingStages:
    """Every stage over the whole vocabulary, in what a page can show.

    top: the likeliest tokens by raw probability, best first. followed: those that were asked for. drawn: the one that
        these settings draw with `number`, the seed's random number in [0, 1) for this step. note: what has to be said.
    ranks: places in the order of raw probability, dense at the front, the last one the end of the vocabulary; pieces:
        the tokens there; curves: their probability after each stage.
    """

    stages: tuple[StageSummary, ...]
    top: tuple[TokenTrajectory, ...]
    followed: tuple[TokenTrajectory, ...]
    drawn: TokenTrajectory
    number: float
    note: str
    vocabulary: int
    ranks: Int64[np.ndarray, " point"]
    pieces: tuple[str, ...]
    curves: Float[np.ndarray, "stage point"]


@dataclass(frozen=True)
class SamplingStagesRequest:
    """The stages of the token after a prompt and what was written after it. tokens: ids that are followed."""

    model: str
    text: Prompt
    settings: DecodingSettings
    tokens: tuple[int, ...] = ()
    written: tuple[int, ...] = ()

    def answer(self, engine: Engine) -> SamplingStages:
        """Raises what `load_model` and `decode` raise, SettingsError where no token is left, or none of that id is."""
        loaded = engine.model(self.model)
        asked: NextToken = engine.run(NextTokenRequest(self.model, self.text, self.written))
        with on_one_thread():
            return self._stages(loaded, asked)

    def _stages(self, loaded: LoadedModel, asked: NextToken) -> SamplingStages:
        stages = stages_after(loaded, asked, self.settings)
        count = len(asked.logits)
        for token in self.tokens:
            if not 0 <= token < count:
                raise SettingsError(f"There is no token {token}; the vocabulary has {count:,}.")

        def trajectories(tokens: Sequence[int], ranks: Sequence[int] | None = None) -> tuple[TokenTrajectory, ...]:
            ids = torch.tensor(list(tokens), dtype=torch.long)
            columns = zip(
                tokens,
                loaded.pieces(list(tokens)),
                ranks if ranks is not None else [int((asked.order == token).nonzero()) for token in tokens],
                asked.logits[ids].tolist(),
                torch.stack([stage.probabilities[ids] for stage in stages], dim=1).tolist(),
                torch.stack([stage.alive[ids] for stage in stages], dim=1).tolist(),
                strict=True,
            )
            return tuple(
                TokenTrajectory(
                    id=int(token),
                    text=piece.text,
                    rank=rank,
                    logit=logit,
                    probabilities=tuple(shares),
                    cut_by=next((stage.name for stage, one in zip(stages, alive, strict=True) if not one), None),
                )
                for token, piece, rank, logit, shares, alive in columns
            )

        top = asked.order[:_TOP].tolist()
        last = stages[-1].probabilities
        numbers = random_numbers(self.settings.seed, 1, len(self.written))
        is_greedy = self.settings.temperature == 0
        drawn = int(last.argmax()) if is_greedy else draw(last.log(), asked.logits, numbers)[0]
        points = asked.order[torch.from_numpy(asked.ranks)].long()
        return SamplingStages(
            drawn=trajectories([drawn])[0],
            number=float(numbers[0]),
            note=settings_left_out(loaded, self.settings) if asked.masked is None else asked.masked.note,
            stages=summaries(stages, asked.order),
            top=trajectories(top, range(len(top))),
            followed=trajectories(self.tokens),
            vocabulary=count,
            ranks=asked.ranks,
            pieces=asked.pieces,
            curves=torch.stack([stage.probabilities[points] for stage in stages]).numpy(),
        )


@dataclass(frozen=True)
class VocabularyStagesRequest:
    """Every stage of one step over the whole vocabulary, for a file.

    The answer: the names of the stages, and [vocabulary] of id, piece, rank, logit and the probability after each.
    """

    model: str
    text: Prompt
    settings: DecodingSettings
    written: tuple[int, ...] = ()

    def answer(self, engine: Engine) -> "VocabularyStages":
        """Raises what `SamplingStagesRequest` raises."""
        loaded = engine.model(self.model)
        asked: NextToken = engine.run(NextTokenRequest(self.model, self.text, self.written))
        stages = stages_after(loaded, asked, self.settings)
        order = asked.order.long()
        return VocabularyStages(
            names=tuple(stage.name for stage in stages),
            ids=order.numpy(),
            pieces=tuple(piece.text for piece in loaded.pieces(order.tolist())),
            logits=asked.logits[order].numpy(),
            probabilities=torch.stack([stage.probabilities[order] for stage in stages]).numpy(),
        )


@dataclass(frozen=True, eq=False)
class VocabularyStages:
    """The whole vocabulary from the likeliest token on, with its probability after each stage."""

    names: tuple[str, ...]
    ids: Int64[np.ndarray, " vocabulary"]
    pieces: tuple[str, ...]
    logits: Float[np.ndarray, " vocabulary"]
    probabilities: Float[np.ndarray, "stage vocabulary"]


def sampling_stages(
    loaded: LoadedModel,
    logits: Float[Tensor, " vocabulary"],
    history: Sequence[int],
    settings: DecodingSettings,
    *,
    prompt_length: int | None = None,
) -> tuple[Stage, ...]:
    """How the distribution over the next token changes, stage by stage, over the whole vocabulary.

    history: the tokens before it, prompt first. prompt_length: how many of those are the prompt (None: all), for the
        minimum length. Only stages that are switched on are there; a stage may change nothing.

    Raises SettingsError where no token is left, a number is beyond float32, or a setting does not fit the model.
    """
    ids = torch.tensor([list(history)], device=logits.device)
    length = len(history) if prompt_length is None else prompt_length
    stages = staged(processors_for(loaded, ids[:, :length], settings), ids, logits.float()[None])[0]
    check_some_left(stages, logits)
    return stages


def stages_after(loaded: LoadedModel, asked: NextToken, settings: DecodingSettings) -> tuple[Stage, ...]:
    """The stages of a step. Raises SettingsError where no token is left."""
    if asked.masked is not None:
        stages = masked_stages(loaded, asked.masked, settings)
    else:
        stages = sampling_stages(loaded, asked.logits, asked.history, settings, prompt_length=asked.prompt_length)
    check_some_left(stages, asked.logits)
    return stages


def summaries(stages: Sequence[Stage], order: Int[Tensor, " vocabulary"]) -> tuple[StageSummary, ...]:
    """Each stage in numbers, beside the one before it; `order` has the ids from the likeliest on."""
    found = []
    before = stages[0].probabilities
    for stage in stages:
        shares, alive = stage.probabilities, stage.alive
        # Which ranks are alive, without an index as large as two copies of the probabilities.
        ranks = torch.nonzero(alive.index_select(0, order))[:, 0]
        found.append(
            StageSummary(
                name=stage.name,
                survivors=len(ranks),
                kept=float(before[alive].sum(dtype=torch.float64)),
                entropy=float(-torch.special.xlogy(shares, shares).sum(dtype=torch.float64)),
                least=float(shares[alive].min()),
                most=float(shares[alive].max()),
                first=int(ranks[0]),
                last=int(ranks[-1]),
            )
        )
        before = shares
    return tuple(found)
