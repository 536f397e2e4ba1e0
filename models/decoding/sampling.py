"""From logits to a drawn token, stage by stage, by transformers' own processors in transformers' own order."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from transformers import LogitsProcessorList

from models.decoding.count_penalties import CountPenalties
from models.decoding.settings import SMALLEST, DecodingSettings, SettingsError

# What each processor of transformers is called here; others (a model's own) go by the name of their class.
STAGES = {
    "SequenceBiasLogitsProcessor": "logit bias",
    "RepetitionPenaltyLogitsProcessor": "repetition penalty",
    "CountPenalties": "presence and frequency",
    "NoRepeatNGramLogitsProcessor": "no-repeat n-gram",
    "NoBadWordsLogitsProcessor": "bad words",
    # Transformers holds a minimum with two of them, of which each forbids the end token.
    "MinLengthLogitsProcessor": "minimum length",
    "MinNewTokensLengthLogitsProcessor": "minimum length",
    "ForcedBOSTokenLogitsProcessor": "forced first token",
    "ForcedEOSTokenLogitsProcessor": "forced last token",
    "TemperatureLogitsWarper": "temperature",
    "TopHLogitsWarper": "top-h",
    "TopKLogitsWarper": "top-k",
    "TopPLogitsWarper": "top-p",
    "MinPLogitsWarper": "min-p",
    "TypicalLogitsWarper": "typical",
    "EpsilonLogitsWarper": "epsilon",
    "EtaLogitsWarper": "eta",
    "LogitNormalization": "renormalised",
}


# These stages forbid nothing: where they leave no number, it is beyond float32.
_SCALES = ("temperature", "repetition penalty")

# So many of the likeliest are ranked before all are.
_RANKED_FIRST = 512


@dataclass(frozen=True, eq=False)
class Stage:
    """The distribution after one stage.

    name: "raw", or what was done. probabilities: softmax of the scores; exactly 0 for a token that has been cut.
    alive: which tokens may still come. What is very unlikely may have a probability of 0 by rounding, and be alive.
    """

    name: str
    probabilities: Float[Tensor, " vocabulary"]
    alive: Bool[Tensor, " vocabulary"]


def generation_arguments(settings: DecodingSettings) -> dict[str, Any]:
    """The knobs as `generate` takes them, each with a value, so that no checkpoint's own is used unseen."""
    counted = bool(settings.presence_penalty or settings.frequency_penalty)
    return {
        "do_sample": settings.temperature > 0,
        "temperature": float(settings.temperature) if settings.temperature > 0 else 1.0,
        "top_k": settings.top_k or None,
        "top_p": float(settings.top_p),
        "min_p": float(settings.min_p) or None,
        "typical_p": float(settings.typical_p),
        "epsilon_cutoff": float(settings.epsilon_cutoff),
        "eta_cutoff": float(settings.eta_cutoff),
        "top_h": float(settings.top_h) if settings.top_h < 1 else None,
        "repetition_penalty": float(settings.repetition_penalty),
        "logits_processor": LogitsProcessorList(
            [CountPenalties(settings.presence_penalty, settings.frequency_penalty)] if counted else []
        ),
        "sequence_bias": {(token,): float(bias) for token, bias in settings.logit_bias} or None,
        "no_repeat_ngram_size": settings.no_repeat_ngram_size,
        "min_new_tokens": settings.min_new_tokens or None,
        "min_length": None if settings.min_new_tokens else 0,
        "bad_words_ids": [list(word) for word in settings.bad_words] or None,
        "renormalize_logits": settings.temperature > 0,
    }


# Every knob is disabled here, so that no checkpoint's generation_config sets it; words that must not come, such as the
# padding of Marian, are no knob.
DISABLED = {
    name: value
    for name, value in generation_arguments(DecodingSettings()).items()
    if name not in ("bad_words_ids", "logits_processor")
} | {
    "num_beams": 1,
    "num_return_sequences": 1,
    "encoder_no_repeat_ngram_size": 0,
    "encoder_repetition_penalty": 1.0,
    "max_length": None,
    "output_scores": False,
    "return_dict_in_generate": False,
    "trust_remote_code": False,
}


class Processors:
    """Transformers' processors in an order, called like its `LogitsProcessorList`, so that no row stops the others.

    A row without a token that may come is -inf all over in the end, and one with a number beyond float32 is NaN all
    over, although some of the processors raise at such rows. Which rows are still drawn from is for `draw` to know.
    """

    def __init__(self, processors: Iterable[Any]) -> None:
        self._each = tuple(processors)
        # An infinite score is the greatest where the greatest is taken, and no probability where one is drawn.
        self._is_drawn = any(type(each).__name__ == "LogitNormalization" for each in self._each)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._each)

    def __call__(
        self, ids: Int[Tensor, "row token"], logits: Float[Tensor, "row vocabulary"]
    ) -> Float[Tensor, "row vocabulary"]:
        """The scores after all of them. Raises SettingsError where a setting does not fit the model."""
        scores = logits
        for _, made in self.after_each(ids, logits):
            scores = made
        broken = self._broken(scores)
        return torch.where(broken[:, None], torch.nan, scores) if broken.any() else scores

    def after_each(
        self, ids: Int[Tensor, "row token"], logits: Float[Tensor, "row vocabulary"]
    ) -> Iterator[tuple[str, Float[Tensor, "row vocabulary"]]]:
        """The name of each and the scores after it. Raises SettingsError where a setting does not fit the model."""
        scores = logits
        for processor in self._each:
            name = STAGES.get(type(processor).__name__, type(processor).__name__)
            lost = ~(scores > -torch.inf).any(dim=-1) & ~scores.isnan().any(dim=-1)
            try:
                made = processor(ids, scores)
            except ValueError:
                made = self._with_others_alone(name, processor, ids, scores, lost)
            if made.shape != scores.shape:
                raise SettingsError(
                    f"The stage {name} of this model makes {len(made)} rows of {len(scores)}: it writes something else "
                    "than one text, such as several tracks of a sound. Choose a language model."
                )
            # A forced token brings a row back; nothing else makes a number of nothing.
            lost &= ~(made > -torch.inf).any(dim=-1)
            scores = torch.where(lost[:, None], -torch.inf, made) if lost.any() else made
            yield name, scores

    def _with_others_alone(
        self,
        name: str,
        processor: Any,
        ids: Int[Tensor, "row token"],
        scores: Float[Tensor, "row vocabulary"],
        lost: Bool[Tensor, " row"],
    ) -> Float[Tensor, "row vocabulary"]:
        held = lost | self._broken(scores)
        try:
            made = processor(ids, torch.where(held[:, None], 0.0, scores))
        except ValueError as error:
            raise SettingsError(
                f"The stage {name} does not fit this model, whose vocabulary has {scores.shape[-1]:,} tokens; "
                "check the tokens and numbers that it was given."
            ) from error
        return torch.where(held[:, None], torch.nan, made)

    def _broken(self, scores: Float[Tensor, "row vocabulary"]) -> Bool[Tensor, " row"]:
        broken = scores.isnan().any(dim=-1)
        return broken | (scores == torch.inf).any(dim=-1) if self._is_drawn else broken


def staged(
    processors: Processors, ids: Int[Tensor, "row token"], logits: Float[Tensor, "row vocabulary"]
) -> tuple[tuple[Stage, ...], ...]:
    """Every stage of each row, the untouched distribution first; `ids` is what stands before.

    NaN after a stage that leaves no token, or a number beyond float32.

    Raises SettingsError where a setting does not fit the model.
    """
    stages = [("raw", torch.softmax(logits, dim=-1), logits.isfinite())]
    for name, scores in processors.after_each(ids, logits):
        if name == stages[-1][0]:
            stages.pop()
        stages.append((name, torch.softmax(scores, dim=-1), scores.isfinite()))
    return tuple(
        tuple(Stage(name, shares[row], alive[row]) for name, shares, alive in stages) for row in range(len(logits))
    )


def check_some_left(stages: Sequence[Stage], logits: Float[Tensor, " vocabulary"]) -> None:
    """Raise SettingsError, with the stage to blame, where the last of these stages leaves no token that may come."""
    blamed = ""
    for stage in reversed(stages):
        if stage.probabilities.isfinite().all():
            break
        blamed = stage.name
    if blamed:
        raise _nothing_left(logits, is_forbidden=blamed not in _SCALES, stage=f" after the stage {blamed}")


def _nothing_left(logits: Float[Tensor, " vocabulary"], *, is_forbidden: bool, stage: str = "") -> SettingsError:
    if logits.isnan().any() or (logits == torch.inf).any() or not logits.isfinite().any():
        return SettingsError("This model gives no numbers for the next token; its weights are damaged: get them anew.")
    if is_forbidden:
        # What the first stage that leaves nothing is called says more than any advice, where it is known.
        where = f" (none is left{stage})" if stage else ""
        return SettingsError(f"These settings forbid every token{where}; allow repetitions or fewer bad words.")
    least = float(logits[logits.isfinite()].abs().max()) / torch.finfo(torch.float32).max
    return SettingsError(
        f"These settings make numbers beyond float32{stage}: take a temperature of 0 (greedy) or at least "
        f"{max(least, SMALLEST):.1g}, and a repetition penalty nearer to 1."
    )


def draw(
    scores: Float[Tensor, " vocabulary"], logits: Float[Tensor, " vocabulary"], numbers: Float[Tensor, " draw"]
) -> list[int]:
    """A token for each number in [0, 1), by the inverse of the cumulative distribution that `scores` describe.

    The tokens stand in the order of the model's own `logits`, the likeliest first (equal ones by id), whatever the
    settings made of them: so two settings can share random numbers, and a small number means a likely token.

    Devroye 1986, Non-Uniform Random Variate Generation, section III.2.

    Raises SettingsError where `scores` forbid every token, or are none.
    """
    if scores.isnan().any() or not scores.isfinite().any():
        raise _nothing_left(logits, is_forbidden=not scores.isnan().any())
    shares = torch.softmax(scores.to("cpu", torch.float64), dim=-1)
    logits = logits.cpu()
    # Most draws end among the first few; whoever is above the last of these is ranked without sorting all.
    least = logits.topk(min(_RANKED_FIRST, len(logits))).values[-1]
    first = torch.nonzero(logits > least)[:, 0]
    order = first[torch.sort(logits[first], descending=True, stable=True).indices]
    reached = torch.cumsum(shares[order], dim=0)
    if not len(order) or float(numbers.max()) >= float(reached[-1]):
        order = torch.sort(logits, descending=True, stable=True).indices
        reached = torch.cumsum(shares[order], dim=0)
        # Rounding: the last one that may come ends at the whole.
        reached /= float(reached[-1])
    places = torch.searchsorted(reached, numbers.double(), right=True)
    alive = torch.nonzero(shares[order])[:, 0]
    return order[places.clamp(max=int(alive[-1]))].tolist()


def ordered(processors: Iterable[Any], order: Sequence[str]) -> Processors:
    """The same processors, those whose stages are named in `order` in that order; the others keep their places."""
    processors = list(processors)
    named = [each for each in processors if STAGES.get(type(each).__name__) in order]
    named.sort(key=lambda each: order.index(STAGES[type(each).__name__]))
    rest = iter(named)
    return Processors(next(rest) if each in named else each for each in processors)


def random_numbers(seed: int, steps: int, first: int = 0) -> Float[Tensor, " step"]:
    """The numbers in [0, 1) that a seed holds ready for the steps from `first` on, on every machine the same."""
    numbers = torch.rand(first + steps, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return numbers[first:]
