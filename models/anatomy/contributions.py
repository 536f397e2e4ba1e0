"""What each part of a model says for the next token: the logit as a sum of what was added to the residual stream.

Direct logit attribution (Elhage et al. 2021, "A Mathematical Framework for Transformer Circuits", and nostalgebraist's
logit lens before it): with the scale of the norms held as it is in this run, the logit is a sum over every head, every
MLP, every bias and the embeddings. It is what a part writes for the token itself, without what it does to later parts.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float

from models.anatomy.direct_path import Aim, DirectParts, Source, direct_parts
from models.attention.trace import AttentionTrace, TraceRequest
from models.engine import Engine
from models.errors import HeadlightError
from models.heads.changed_runs import MOST_TOKENS
from models.heads.measured_quantity import MeasuredQuantity, Quantity, measured
from models.loaded import LoadedModel

# Of the number itself; a model that computes in half precision is only as exact as its own sums.
_MOST_ERROR = 1e-4
_ROUNDINGS = 16


class ContributionsError(HeadlightError):
    """A model or a text whose output is no sum of what its parts add."""


@dataclass(frozen=True, eq=False)
class Contributions:
    """What each part adds to a logit, to the difference of two, or to how far a vector goes in a direction.

    measured: the quantity (its `value` is another number: these are logits); `towards`: of a vector, the token whose
        own last vector is the direction, as shown.
    sources, values: who adds, and how much, in the order in which it is added; heads of one layer by number.
    total: their sum, float64. aimed: what it should be, of the model's own run. output: what the model puts out, a
        different number only where it bends its logits afterwards (`is_bent`).
    error: as in `DirectParts`.
    has_held_curve: whether the head has a curve of its own, held as well.
    rounded: the numbers of half precision in which the model itself adds, "" for others.
    """

    measured: MeasuredQuantity
    towards: str
    sources: tuple[Source, ...]
    values: Float[np.ndarray, " part"]
    total: float
    aimed: float
    output: float
    error: float
    is_bent: bool
    has_held_curve: bool
    rounded: str

    def by_size(self) -> np.ndarray:
        """The order from the largest to the smallest, whichever way they go."""
        return np.argsort(-np.abs(self.values), kind="stable")


@dataclass(frozen=True)
class ContributionsRequest:
    """What each part adds; one forward beside the run as it is.

    quantity: which logit, or which two, or of an encoder without a head whose vector (its `position`).
    towards: of a vector, the token whose own last vector is the direction; None for the same token.
    """

    trace: TraceRequest
    quantity: Quantity
    towards: int | None = None

    def answer(self, engine: Engine) -> Contributions:
        """Raises what `TraceRequest` raises; QuantityError, EffectsError; ContributionsError where the sum of the parts
        is not what the model puts out, with the reason.
        """
        trace = engine.run(self.trace)
        loaded, inputs = trace.loaded, trace.inputs
        longest = max(len(inputs.ids), len(inputs.target_ids))
        if longest > MOST_TOKENS:
            raise ContributionsError(f"This text has {longest:,} tokens, and parts are added up for {MOST_TOKENS}.")
        with engine.forward(loaded):
            what = measured(trace, self.quantity, self.trace)
            aim, expected = self._aim(trace, what)
            is_last = what.quantity.of in ("next token", "difference")
            rows = (self.trace.interventions,)
            found = direct_parts(loaded, inputs, rows, aim, last_only=is_last)
            if found.error > _most_error(loaded):
                other = direct_parts(loaded, inputs, rows, aim, last_only=is_last, holds_attention=False)
                found = min(found, other, key=lambda each: each.error)
        _check(loaded, found, expected)
        dtype = loaded.model.dtype
        return Contributions(
            measured=what,
            towards=trace.tokens[self._towards(what)] if what.quantity.of == "vector" else "",
            sources=tuple(source for source, _ in found.parts),
            values=np.array([value for _, value in found.parts]),
            total=found.total,
            aimed=found.aimed if found.is_bent else expected,
            output=expected,
            error=found.error,
            is_bent=found.is_bent,
            has_held_curve=found.has_held_curve,
            rounded="" if torch.finfo(dtype).bits > 16 else str(dtype).removeprefix("torch."),
        )

    def _towards(self, what: MeasuredQuantity) -> int:
        return what.position if self.towards is None else self.towards

    def _aim(self, trace: AttentionTrace, what: MeasuredQuantity) -> tuple[Aim, float]:
        """What is aimed at, and what it is in the run as it is."""
        of = what.quantity.of
        if of == "vector":
            towards = self._towards(what)
            if not 0 <= towards < len(trace.tokens):
                raise ContributionsError(
                    f"There is no token {towards}: this text has those from 0 to {len(trace.tokens) - 1}."
                )
            direction = trace.outputs[towards].astype(np.float64)
            direction = (direction / max(float(np.linalg.norm(direction)), 1e-12)).astype(np.float32)
            own = float(trace.outputs[what.position].astype(np.float64) @ direction)
            return Aim(what.position, direction=tuple(direction.tolist())), own
        if of == "output":
            row = what.position
            ids = (what.ids[row],)
            return Aim(row, ids), float(trace.outputs[row, ids[0]])
        row = what.position if of == "masked token" else -1
        logits = trace.outputs[row] if of == "masked token" else trace.last_output
        numbers = [float(logits[each]) for each in what.ids]
        return Aim(row, what.ids), numbers[0] - sum(numbers[1:])


def _most_error(loaded: LoadedModel) -> float:
    return max(_MOST_ERROR, _ROUNDINGS * torch.finfo(loaded.model.dtype).eps)


def _check(loaded: LoadedModel, found: DirectParts, expected: float) -> None:
    name = loaded.card.title
    if found.why_not:
        raise ContributionsError(f"The parts of {name} are no sum: {found.why_not}. Choose another model.")
    if not np.isfinite(found.error) or found.error > _most_error(loaded):
        raise ContributionsError(
            f"The parts of {name} do not add up to its output (they miss it by {found.error:.1%}): something between "
            "its layers and its output is neither a sum, nor a norm, nor a map. Choose another model."
        )
    apart = abs(found.output - expected) / max(abs(expected), found.largest)
    if apart > _most_error(loaded):
        raise ContributionsError(
            f"{name} gives another output when it is run a second time (by {apart:.1%}), so that nothing is added up."
        )
