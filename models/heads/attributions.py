"""Which tokens counted for another, in five ways of asking: four that look at weights, and one that hides the token."""

from collections.abc import Generator, Iterable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from models.attention.output_projection import received, receivers_of
from models.attention.trace import AttentionTrace, TraceRequest
from models.engine import Engine, Stepwise
from models.forward.inputs import InputError
from models.forward.interventions import HideToken
from models.forward.recorded_run import to_numpy
from models.heads.changed_runs import ChangedRuns
from models.heads.gradients import slopes_along
from models.heads.measured_quantity import MeasuredQuantity, Quantity, QuantityError, Reading
from models.heads.parts_of_model import EffectsError
from models.heads.rank_correlation import rank_correlation

Way = Literal["attention", "rollout", "value norm", "gradient", "hidden"]
WAYS: tuple[Way, ...] = ("attention", "rollout", "value norm", "gradient", "hidden")

MOST_TEXTS = 100


@dataclass(frozen=True, eq=False)
class Attribution:
    """One way of asking.

    way:
        "attention": the last layer's weights in the row of the place, the mean over its heads.
        "rollout": the product of ½A + ½I over the layers, A the mean over the heads (Abnar and Zuidema 2020, arXiv
            2005.00928). Of a seq2seq model the last layer's cross-attention of the step times that of its encoder.
        "value norm": ‖Σ α · x W_V W_O‖, the sum over the last layer's heads (Kobayashi et al. 2020, arXiv 2004.10102).
        "gradient": weight times the quantity's slope along it, the sum over all layers, heads and queries: what cutting
            every link to the token would change by this slope, with the sign turned.
        "hidden": the truth, the quantity with the token hidden from the whole model less the quantity with it.
    scores: one for each token of the text; NaN where a way does not fit. agreement: the rank correlation of their sizes
        with those of "hidden"; NaN for fewer than three tokens, and of "hidden" itself. note: why there are none, or
        what else has to be said.
    """

    way: Way
    scores: Float[np.ndarray, " token"]
    agreement: float
    note: str = ""


@dataclass(frozen=True, eq=False)
class Attributions:
    """How much each token of a text counted for what is at a place, in each of the five ways.

    tokens: of the text; of a decoder those up to the place. place: whose row it is; of a seq2seq model the step of the
        output. ways: in the order of WAYS.
    """

    measured: MeasuredQuantity
    tokens: tuple[str, ...]
    place: int
    ways: tuple[Attribution, ...]

    def of(self, way: Way) -> Attribution:
        """One of them."""
        return self.ways[WAYS.index(way)]


@dataclass(frozen=True)
class AttributionsRequest:
    """What counted for one token of a text.

    quantity: its `position` is that of the place. place: from 0; of a decoder the text ends there, and what it then
        finds likeliest is measured, where no token is typed; of an encoder its vector is, or its mask; of a seq2seq
        model the token that is written at this step. None for the last, or for the first mask.
    """

    trace: TraceRequest
    quantity: Quantity
    place: int | None = None

    def answer(self, engine: Engine) -> Attributions:
        """Raises what `EffectsRequest` raises; EffectsError for a text of one token, or a model whose tokens cannot be
        hidden.
        """
        runs = ChangedRuns(engine, *self._placed(engine))
        trace, loaded = runs.trace, runs.loaded
        if why := loaded.refusal("hidden token"):
            raise EffectsError(why)
        count = len(trace.pieces)
        if count < 2:
            raise EffectsError("There is one token, and nothing else that could count for it; take a longer text.")
        place = runs.measured.position
        hidden: list[float] = []
        step = runs.rows_at_once
        for start in range(0, count, step):
            values = runs.values([(HideToken(each),) for each in range(start, min(start + step, count))])
            hidden += (values - runs.measured.value).tolist()
        truth = np.array(hidden)
        scores = {
            "attention": _attention(trace, place),
            "rollout": _rollout(trace, place),
            "value norm": _value_norms(engine, trace, place),
            "gradient": _gradients(engine, runs),
            "hidden": (truth, loaded.caveat("hidden token")),
        }
        ways = tuple(
            Attribution(way, found, float("nan") if way == "hidden" else agreement_of(found, truth), note)
            for way, (found, note) in ((way, scores[way]) for way in WAYS)
        )
        return Attributions(runs.measured, trace.tokens, place, ways)

    def _placed(self, engine: Engine) -> tuple[TraceRequest, Quantity]:
        """The text and the quantity of the place."""
        whole = engine.run(self.trace)
        rows = len(whole.target_tokens or whole.tokens)
        if self.place is not None and not 0 <= self.place < rows:
            raise QuantityError(f"There is no token {self.place}: there are those from 0 to {rows - 1}.")
        if self.quantity.of not in ("next token", "difference"):
            place = self.place
            if place is None and self.quantity.of != "masked token":
                place = rows - 1
            return self.trace, replace(self.quantity, position=place)
        if self.place is None or self.place == rows - 1:
            return self.trace, self.quantity
        return replace(self.trace, text=whole.inputs.ids[: self.place + 1]), self.quantity


def agreement_of(scores: Float[np.ndarray, " token"], truth: Float[np.ndarray, " token"]) -> float:
    """The rank correlation of the sizes; NaN where there are no scores."""
    return float("nan") if np.isnan(scores).any() else rank_correlation(np.abs(scores), np.abs(truth))


def _attention(trace: AttentionTrace, place: int) -> tuple[Float[np.ndarray, " token"], str]:
    kind = "cross" if trace.target_pieces else trace.kinds[0]
    if kind not in trace.kinds:
        return _none(trace), "This model has no attention from what it writes to what it reads."
    last = trace.layers(kind)[-1]
    return trace.weights(kind, last, queries=slice(place, place + 1)).mean(0)[0].astype(np.float64), ""


def _rollout(trace: AttentionTrace, place: int) -> tuple[Float[np.ndarray, " token"], str]:
    kind = "encoder" if trace.target_pieces else trace.kinds[0]
    if trace.target_pieces and not {"encoder", "cross"} <= set(trace.kinds):
        return _none(trace), "This model has no maps of its encoder, or none between it and the decoder."
    count = len(trace.pieces)
    row, note = np.eye(count)[min(place, count - 1)], ""
    if trace.target_pieces:
        row, _ = _attention(trace, place)
        note = "Through the encoder alone, from the last layer's cross-attention."
    # From the last layer down, so that one row is multiplied and no product of maps is kept.
    for layer in reversed(trace.layers(kind)):
        row = (row + row @ trace.weights(kind, layer).mean(0).astype(np.float64)) / 2
    return row, note


def _value_norms(engine: Engine, trace: AttentionTrace, place: int) -> tuple[Float[np.ndarray, " token"], str]:
    kind = "cross" if trace.target_pieces else trace.kinds[0]
    if kind not in trace.kinds:
        return _none(trace), "This model has no attention from what it writes to what it reads."
    last = trace.layers(kind)[-1]
    weights, values = trace.weights(kind, last, queries=slice(place, place + 1))[:, 0], trace.values(kind, last)
    with engine.forward(trace.loaded):
        receiver = receivers_of(trace.loaded)[kind, last]
        if not receiver.is_linear:
            return _none(trace), "What the heads return passes more than one linear map, so that it has no parts."
        weighted = torch.from_numpy(weights[:, :, None] * values).transpose(0, 1).flatten(1)
        weighted = weighted.to(trace.loaded.device, trace.loaded.model.dtype)
        try:
            moved = received(receiver, torch.cat([weighted, torch.zeros_like(weighted[:1])])).double()
        except RuntimeError:
            return _none(trace), "This layer attends twice, and what it returns is made of both."
        return (moved[:-1] - moved[-1]).norm(dim=-1).cpu().numpy(), ""


def _gradients(engine: Engine, runs: ChangedRuns) -> tuple[Float[np.ndarray, " token"], str]:
    trace = runs.trace
    number, note = runs.reading, ""
    if not runs.measured.has_slope:
        number, note = _along_itself(runs), "The slope is that of the vector's length along itself: a cosine has none."
    with engine.forward(runs.loaded):
        slopes = slopes_along(runs, "heads", number)
    total = np.zeros(len(trace.pieces))
    keys = "encoder" if trace.target_pieces else trace.kinds[0]
    for (kind, layer), calls in slopes.found.items():
        # A decoder beside an encoder looks at its own tokens there.
        if kind not in (keys, "cross"):
            continue
        if len(calls) > 1:
            return _none(trace), "This model's layers attend twice, and what they return is made of both."
        # What a head returns is weights · values, so that its slope along a weight is that along the output · value.
        along = np.einsum("qhd,hkd->hqk", to_numpy(calls[0].slope), trace.values(kind, layer))
        total += (along * trace.weights(kind, layer)).sum((0, 1), dtype=np.float64)
    return total, note


def _along_itself(runs: ChangedRuns) -> Reading:
    place = runs.measured.position
    vector = torch.from_numpy(runs.trace.outputs[place]).double()
    unit = vector / vector.norm()

    def length(output: Tensor) -> Tensor:
        return output[:, place].double() @ unit.to(output.device)

    return length


def _none(trace: AttentionTrace) -> Float[np.ndarray, " token"]:
    return np.full(len(trace.pieces), np.nan)


@dataclass(frozen=True, eq=False)
class Agreements:
    """How far each way agrees with the truth, text by text.

    texts: those that could be read, as far as they are. correlations: NaN where a way does not fit or a text is too
        short; `ways` names the columns.
    """

    texts: tuple[str | tuple[int, ...], ...]
    ways: tuple[Way, ...]
    correlations: Float[np.ndarray, "text way"]
    done: int
    of: int


@dataclass(frozen=True)
class AgreementsRequest(Stepwise[Agreements, Agreements]):
    """Each way's agreement with the truth for the last token of each of several texts, at most MOST_TEXTS.

    quantity: as in `AttributionsRequest`; target: of a seq2seq model, what is written for each text.
    """

    model: str
    texts: tuple[str | tuple[int, ...], ...]
    quantity: Quantity
    target: str | tuple[int, ...] | None = None

    def computed(self, engine: Engine) -> Generator[Agreements, None, Agreements]:
        """Raises EffectsError for too many texts; texts that cannot be read, or have one token, are left out."""
        if len(self.texts) > MOST_TEXTS:
            raise EffectsError(f"At most {MOST_TEXTS} texts are read, and these are {len(self.texts):,}.")
        ways = WAYS[:-1]
        so_far = Agreements((), ways, np.empty((0, len(ways))), 0, len(self.texts))
        for text in self.texts:
            so_far = replace(so_far, done=so_far.done + 1)
            try:
                found = engine.run(AttributionsRequest(TraceRequest(self.model, text, self.target), self.quantity))
            except (EffectsError, InputError, QuantityError):
                yield so_far
                continue
            row = np.array([[found.of(way).agreement for way in ways]])
            so_far = replace(
                so_far, texts=(*so_far.texts, text), correlations=np.concatenate([so_far.correlations, row])
            )
            yield so_far
        return so_far

    def steps_of(self, answer: Agreements) -> Iterable[Agreements]:
        """The whole at once."""
        return (answer,)
