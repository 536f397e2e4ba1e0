"""The same sentence with two words swapped, with and without positions: what the order of words does to vectors."""

import inspect
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float

from models.embeddings.hidden_states import hidden_of
from models.embeddings.similarity import paired_cosines
from models.embeddings.token_vectors import hidden_forward
from models.engine import Engine
from models.errors import HeadlightError
from models.forward.inputs import Inputs, model_inputs
from models.forward.recorded_run import to_numpy
from models.loaded import LoadedModel


class SwapError(HeadlightError):
    """Two sentences that have no token in common."""


@dataclass(frozen=True, eq=False)
class SwapCosines:
    """How alike the vectors of the last layer are in the two sentences, as cosines.

    tokens: for each pair of tokens of `Swapped.pairs`. pooled: of the means over all tokens.
    """

    tokens: Float[np.ndarray, " pair"]
    pooled: float | int


@dataclass(frozen=True, eq=False)
class Swapped:
    """A sentence and the same with words swapped.

    pieces: of the sentence, as shown. pairs: the places of the same token in both; of tokens that occur more
        than once the first belongs to the first. same_tokens: whether the two have exactly the same tokens; where they
        do not (a word at the start of a text is another token in many vocabularies), even a model that knows no order
        can tell them apart.
    without: the same with every token at position 0; None where the model cannot be asked that, and `why_not` says why.
    is_causal: whether each token sees only those before it, so that the order shows even without positions.
    """

    pieces: tuple[str, ...]
    is_special: tuple[bool, ...]
    pairs: tuple[tuple[int, int], ...]
    same_tokens: bool
    with_positions: SwapCosines
    without: SwapCosines | None
    why_not: str
    is_causal: bool


@dataclass(frozen=True)
class SwappedRequest:
    """text, swapped: the two sentences, or their ids."""

    model: str
    text: str | tuple[int, ...]
    swapped: str | tuple[int, ...]

    def answer(self, engine: Engine) -> Swapped:
        """Raises what `load_model` and `embed` raise, and SwapError where the two have no token in common.

        One forward for each sentence, and one more for each without positions. Of an encoder-decoder, the encoder.
        """
        loaded = engine.model(self.model)
        both = tuple(model_inputs(loaded, each) for each in (self.text, self.swapped))
        pairs = same_tokens(both[0].ids, both[1].ids)
        if not pairs:
            raise SwapError("These two sentences have no token in common, so there is nothing to compare.")
        taken = inspect.signature(loaded.model.base_model.forward).parameters
        without, why_not = None, ""
        if "position_ids" in taken:
            without = _agreement(*(_last(engine, loaded, each, _nowhere(loaded, each)) for each in both), pairs)
        else:
            why_not = (
                f"The positions of {loaded.card.title} cannot be switched off from outside: the model takes none, it "
                "counts them itself or knows only distances."
            )
        return Swapped(
            pieces=tuple(piece.text for piece in both[0].pieces),
            is_special=tuple(piece.is_special for piece in both[0].pieces),
            pairs=pairs,
            same_tokens=sorted(both[0].ids) == sorted(both[1].ids),
            with_positions=_agreement(*(_last(engine, loaded, each, {}) for each in both), pairs),
            without=without,
            why_not=why_not,
            is_causal=loaded.card.family == "decoder",
        )


def same_tokens(one: Sequence[int], other: Sequence[int]) -> tuple[tuple[int, int], ...]:
    """The places of each token that is in both, its first occurrence paired with the first, in the order of `one`."""
    places: dict[int, list[int]] = defaultdict(list)
    for place, number in reversed(tuple(enumerate(other))):
        places[number].append(place)
    return tuple((place, places[number].pop()) for place, number in enumerate(one) if places[number])


def _nowhere(loaded: LoadedModel, inputs: Inputs) -> dict[str, torch.Tensor]:
    return {"position_ids": torch.zeros((1, len(inputs.ids)), dtype=torch.long, device=loaded.device)}


def _last(
    engine: Engine, loaded: LoadedModel, inputs: Inputs, more: dict[str, torch.Tensor]
) -> Float[np.ndarray, "token width"]:
    name = "encoder_hidden_states" if loaded.is_seq2seq else "hidden_states"
    with engine.forward(loaded):
        return to_numpy(hidden_of(loaded, hidden_forward(loaded, inputs, **more), name)[-1, 0])


def _agreement(
    one: Float[np.ndarray, "one_token width"],
    other: Float[np.ndarray, "other_token width"],
    pairs: tuple[tuple[int, int], ...],
) -> SwapCosines:
    first, second = np.array(pairs).T
    return SwapCosines(
        tokens=paired_cosines(one[first], other[second]),
        pooled=float(paired_cosines(one.mean(axis=0, keepdims=True), other.mean(axis=0, keepdims=True))[0]),
    )
