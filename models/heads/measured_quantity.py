"""What is measured of a run, as one number to which gradients can flow."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from models.attention.outputs import written_ids
from models.attention.trace import AttentionTrace, TraceRequest
from models.decoding.masked_token import has_masked_head
from models.engine import Engine
from models.errors import HeadlightError
from models.loaded import LoadedModel
from models.tokenization import encode

Of = Literal["next token", "difference", "output", "vector", "masked token"]
Unit = Literal["nats", "logits", "cosine"]

UNITS: dict[Of, Unit] = {
    "next token": "nats",
    "difference": "logits",
    "output": "nats",
    "vector": "cosine",
    "masked token": "nats",
}

# From the outputs of rows, [row, position or the last one alone, vocabulary or width], to one number for each row.
Reading = Callable[[Float[Tensor, "row position output"]], Float[Tensor, " row"]]


class QuantityError(HeadlightError):
    """A quantity that this model, or this text, does not have."""


@dataclass(frozen=True)
class Quantity:
    """What is measured, by name; `MeasuredRequest` says what it is of a certain text.

    of:
        "next token": of a decoder, the natural logarithm of the probability of `token` after the text, in nats.
        "difference": of a decoder, the logit of `token` less that of `other`.
        "output": of a seq2seq model, the logarithm of the probability of all that is written, in nats; of the one token
            that is written at the step `position`, where one is told.
        "vector": of an encoder, the cosine of the last vector at `position` with what it is in the run as it is.
        "masked token": of a model with a masked-language head, the logarithm of the odds of `token` at `position`,
            ln(p / (1 - p)), in nats.
    token, other: as typed; "" for the likeliest one, and for the second likeliest as `other`.
    position: counted from 0, special tokens included; None for the first mask, or for a vector the first token.
    """

    of: Of
    token: str = ""
    other: str = ""
    position: int | None = None


@dataclass(frozen=True)
class MeasuredQuantity:
    """A quantity of one text.

    value: of the run as it is, in `unit`.
    ids: of the token or the two that are measured; of what is written. token, other: they, as shown.
    position: whose vector or mask it is; of a decoder the last.
    note: what has to be said, as that of a typed word its first piece alone is taken; "" for most.
    has_slope: whether a gradient says anything: a cosine that is 1 is at its top, where every slope is 0.
    """

    quantity: Quantity
    unit: Unit
    value: float
    ids: tuple[int, ...]
    token: str
    other: str
    position: int
    note: str
    has_slope: bool


@dataclass(frozen=True)
class QuantitiesRequest:
    """Which quantities a model has, by what `Quantity.of` says; the first is what is looked at first."""

    model: str

    def answer(self, engine: Engine) -> tuple[Of, ...]:
        """Raises what `load_model` raises."""
        return quantities(engine.model(self.model))


@dataclass(frozen=True)
class MeasuredRequest:
    """What a quantity is of a certain text, and its value in the run as it is."""

    trace: TraceRequest
    quantity: Quantity

    def answer(self, engine: Engine) -> MeasuredQuantity:
        """Raises what `TraceRequest` raises, and QuantityError."""
        trace = engine.run(self.trace)
        with engine.forward(trace.loaded):
            return measured(trace, self.quantity, self.trace)


def quantities(loaded: LoadedModel) -> tuple[Of, ...]:
    """Which quantities this model has."""
    if loaded.is_seq2seq:
        return ("output",)
    if has_masked_head(loaded):
        return ("masked token",)
    return ("next token", "difference") if loaded.model.can_generate() else ("vector",)


def measured(trace: AttentionTrace, quantity: Quantity, request: TraceRequest) -> MeasuredQuantity:
    """A quantity of a run, and its value in it.

    Takes the device: call it while holding its lock. Raises QuantityError.
    """
    loaded = trace.loaded
    if quantity.of not in quantities(loaded):
        has = " or ".join(f"“{each}”" for each in quantities(loaded))
        raise QuantityError(f"{loaded.card.title} has no “{quantity.of}” that could be measured; take {has}.")
    position, note = _position(trace, quantity), ""
    if quantity.of == "vector":
        ids, shown = (), (trace.tokens[position], "")
    elif quantity.of == "output":
        ids = written_ids(loaded, request.target)
        if not ids:
            raise QuantityError("Nothing is written yet, so that no output can be measured: give this model one.")
        shown = ("the whole output" if quantity.position is None else loaded.pieces(ids)[position].text, "")
    else:
        logits = trace.last_output if quantity.of != "masked token" else trace.outputs[position]
        ids, note = _tokens(loaded, quantity, logits)
        shown = (*(piece.text for piece in loaded.pieces(ids)), "")[:2]
    found = MeasuredQuantity(
        quantity=quantity,
        unit=UNITS[quantity.of],
        value=1.0,
        ids=ids,
        token=shown[0],
        other=shown[1],
        position=position,
        note=note,
        has_slope=quantity.of != "vector",
    )
    output = trace.outputs if reads_all(found) else trace.last_output[None]
    value = float(reading(found, trace)(torch.from_numpy(output)[None])[0])
    if not np.isfinite(value):
        raise QuantityError(f"The {quantity.of} has no finite value for this text; choose another token.")
    return replace(found, value=value)


def reads_all(what: MeasuredQuantity) -> bool:
    """Whether it is read of other positions than the last."""
    return what.quantity.of not in ("next token", "difference")


def reading(what: MeasuredQuantity, trace: AttentionTrace, at: int | None = None) -> Reading:
    """What makes the number of the outputs of a batch, float64; gradients flow through it.

    trace: the run in which it was `measured`, whose vector the others are compared with.
    at: where the batch has its vector or its mask, if not where that run has it.
    """
    of = what.quantity.of
    at = what.position if at is None else at
    if of == "vector":
        vector = torch.from_numpy(trace.outputs[what.position]).double()
        return lambda output: torch.cosine_similarity(output[:, at].double(), vector.to(output.device)[None], dim=-1)
    if of == "output":
        steps, ids = list(range(len(what.ids))), list(what.ids)
        if what.quantity.position is not None:
            steps, ids = [at], [what.ids[at]]
        return lambda output: torch.log_softmax(output.double(), -1)[:, steps, ids].sum(-1)
    if of == "masked token":

        def odds(output: Tensor) -> Tensor:
            logits = output[:, at].double()
            others = logits.clone()
            others[:, what.ids[0]] = -torch.inf
            return logits[:, what.ids[0]] - torch.logsumexp(others, -1)

        return odds
    if of == "difference":
        one, other = what.ids
        return lambda output: output[:, -1, one].double() - output[:, -1, other].double()
    return lambda output: torch.log_softmax(output[:, -1].double(), -1)[:, what.ids[0]]


def _position(trace: AttentionTrace, quantity: Quantity) -> int:
    count = len(trace.target_tokens or trace.tokens)
    if quantity.of in ("next token", "difference"):
        return count - 1
    if quantity.position is not None:
        if not 0 <= quantity.position < count:
            raise QuantityError(f"There is no token {quantity.position}: this text has those from 0 to {count - 1}.")
        return quantity.position
    if quantity.of in ("output", "vector"):
        return count - 1 if quantity.of == "output" else 0
    mask = getattr(trace.loaded.tokenizer, "mask_token_id", None)
    if mask is None or int(mask) not in trace.inputs.ids:
        typed = getattr(trace.loaded.tokenizer, "mask_token", None) or "the mask"
        raise QuantityError(f"Nothing is hidden in this text: type {typed} where a word is to be found.")
    return trace.inputs.ids.index(int(mask))


def _tokens(
    loaded: LoadedModel, quantity: Quantity, logits: Float[np.ndarray, " vocabulary"]
) -> tuple[tuple[int, ...], str]:
    """The tokens that are measured, and what has to be said of them."""
    likeliest = [int(each) for each in np.argsort(-logits, kind="stable")[:2]]
    ids, notes = [], []
    for typed in (quantity.token, quantity.other)[: 2 if quantity.of == "difference" else 1]:
        if typed:
            number, note = _typed(loaded, typed, logits)
            ids.append(number)
            notes += [note] if note else []
        else:
            ids.append(next(each for each in likeliest if each not in ids))
    if len(set(ids)) < len(ids):
        raise QuantityError("Both words begin with the same token, so that their difference is always 0; take another.")
    return tuple(ids), " ".join(notes)


def _typed(loaded: LoadedModel, typed: str, logits: Float[np.ndarray, " vocabulary"]) -> tuple[int, str]:
    """The token of a typed word: its first piece, and of the word with and without a space before it the likelier."""
    if loaded.tokenizer is None:
        raise QuantityError("This model came without a tokenizer, so that no word can be typed; take the likeliest.")
    cuts = []
    for text in dict.fromkeys((typed, typed if typed[:1].isspace() else f" {typed}")):
        pieces = [each for each in encode(loaded.tokenizer, text).pieces if not each.is_special]
        pieces = [each for each in pieces if each.id < len(logits)]
        # A tokenizer that makes a piece of the space alone has said nothing of the word.
        pieces = pieces[1:] if len(pieces) > 1 and not pieces[0].data.strip() else pieces
        cuts += [pieces] if pieces else []
    if not cuts:
        raise QuantityError("What is typed as a token makes none in this model; take another word.")
    best = max(cuts, key=lambda pieces: float(logits[pieces[0].id]))
    if best[0].is_unknown:
        raise QuantityError("This model has no token for what is typed, only the unknown one; take another word.")
    if len(best) == 1:
        return best[0].id, ""
    return best[0].id, f"The word has {len(best)} tokens here; its first one, “{best[0].text}”, is measured."
