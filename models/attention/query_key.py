"""One query and one head, from the dot products to what the layer hands on: every number that attention computes."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from models.attention.head_map import HeadMapRequest
from models.attention.output_projection import Receiver, received, receivers_of
from models.attention.score_biases import added_to_scores
from models.attention.trace import NoSuchMapError, OfHead
from models.engine import Engine
from models.forward.capture import Call
from models.forward.eager import attended, of_queries
from models.forward.interventions import Intervention, ReplacePattern, at_query, replaced_output, zeroed_heads
from models.forward.recorded_run import to_numpy

_SINK = "An attention sink takes part in the softmax: the weights add up to less than 1."
_UNKNOWN = (
    "This architecture does something to the scores that is not shown: those shown are the logarithms of the weights."
)
_REPLACED = "The pattern of this head was replaced: it does not come from these scores."
_NORMED = "What the heads return is normed before the output projection."
_NOT_RECEIVED = (
    "What the heads return is changed, by a gate for example, before any module receives it, so it is not followed "
    "further."
)


@dataclass(frozen=True)
class QueryKey:
    """What attention computes for one query in one head, in the order in which it does.

    query, keys: after rotary embedding, float32; the keys of a group stand with each of its query heads.
    dots: query · key. scaling: what they are multiplied with, 1 for T5.
    added: to the scaled dots, a position bias or a mask; 0 where nothing is, -inf where the query may not look.
    has_bias: whether anything but 0 and -inf is added.
    scores: before the softmax: dots · scaling + added, and what `between` says; -inf where the query may not look.
    weights: this row of the trace, exactly.
    head_output: what left the head, interventions applied. changed: whether it is not the sum of weights · values.
    concatenated: what all heads of the layer return for this query, side by side.
    output: what the output projection makes of it; None where nothing that receives it was found.
    contribution: what of `output` comes from this head alone, projection(this head) - projection(0); None where the
        way from the heads to `output` is not linear.
    rotary: whether queries and keys were turned by their positions.
    between: what lies between these steps in this architecture, in sentences for a person.
    sink: the score of the attention sink that takes part in the softmax, None where there is none.
    """

    query: Float[np.ndarray, " head_dim"]
    keys: Float[np.ndarray, "key head_dim"]
    dots: Float[np.ndarray, " key"]
    scaling: float
    added: Float[np.ndarray, " key"]
    has_bias: bool
    scores: Float[np.ndarray, " key"]
    weights: Float[np.ndarray, " key"]
    values: Float[np.ndarray, "key value_dim"]
    head_output: Float[np.ndarray, " value_dim"]
    concatenated: Float[np.ndarray, " joined"]
    output: Float[np.ndarray, " width"] | None
    contribution: Float[np.ndarray, " width"] | None
    rotary: bool
    between: tuple[str, ...]
    changed: bool = False
    sink: float | None = None


@dataclass(frozen=True)
class QueryKeyRequest(OfHead):
    """One query in one head of a trace; it costs no forward but the one that finds the projections of a model.

    Vaswani et al. 2017 (arXiv 1706.03762), sections 3.2.1 and 3.2.2, for what is computed; Elhage et al. 2021, A
    Mathematical Framework for Transformer Circuits, for the output as a sum over heads.
    """

    query: int

    def answer(self, engine: Engine) -> QueryKey:
        """Raises what `HeadMapRequest` raises, NoSuchMapError also for a query that is not there."""
        trace = engine.run(self.trace)
        kind, layer, head = self.kind, self.layer, self.head
        # The picture beside this one has asked for the same map.
        rows = engine.run(HeadMapRequest(self.trace, kind, layer, head)).weights
        if not 0 <= self.query < len(rows):
            raise NoSuchMapError(f"There is no query {self.query} here: the queries go from 0 to {len(rows) - 1}.")
        call = of_queries(trace.calls[kind, layer], slice(self.query, self.query + 1))
        with engine.forward(trace.loaded), torch.inference_mode():
            outputs, own_weights = attended(call, trace.loaded.device)
            heads = _intervened(outputs[0], call, trace.interventions, self)
            receiver = receivers_of(trace.loaded)[kind, layer]
            output, contribution = _received(receiver, heads, head)
        query, keys = trace.queries(kind, layer)[head, self.query], trace.keys(kind, layer)[head]
        weights, values = rows[self.query].copy(), trace.values(kind, layer)[head]
        # In float64: of two ways to round a sum, the more exact one is shown.
        dots = keys.astype(np.float64) @ query.astype(np.float64)
        scaling = call.arguments.get("scaling")
        scaling = float(query.size**-0.5 if scaling is None else scaling)
        added = _added(call, head)
        scores, sink, between = _scores(call, head, dots * scaling, added, to_numpy(own_weights[head, 0]))
        if any(isinstance(each, ReplacePattern) and _is_of(each, self) for each in trace.interventions):
            between.append(_REPLACED)
        if not receiver.modules:
            between.append(_NOT_RECEIVED)
        elif len(receiver.modules) > 1:
            between.append(_NORMED)
        head_output = to_numpy(heads[head])
        apart = float(np.abs(head_output - weights @ values).max())
        return QueryKey(
            query=query.copy(),
            keys=keys.copy(),
            dots=dots.astype(np.float32),
            scaling=scaling,
            added=added.astype(np.float32),
            has_bias=bool(added[np.isfinite(added)].any()),
            scores=scores.astype(np.float32),
            weights=weights,
            values=values.copy(),
            head_output=head_output.copy(),
            concatenated=to_numpy(heads).reshape(-1),
            output=output,
            contribution=contribution,
            rotary=receiver.has_rotary,
            between=tuple(between),
            changed=apart > _near(call, np.abs(values)),
            sink=sink,
        )


def _intervened(
    heads: Float[Tensor, "heads value_dim"], call: Call, interventions: tuple[Intervention, ...], at: QueryKeyRequest
) -> Float[Tensor, "heads value_dim"]:
    """What left the heads of this call once the run's interventions had acted on them."""
    own = (tuple(found for each in interventions if (found := at_query(each, at.query)) is not None),)
    output = replaced_output(own, at.kind, at.layer, heads[None, None], call.value.to(heads.device))
    return zeroed_heads(own, at.kind, at.layer, output)[0, 0]


def _is_of(pattern: ReplacePattern, at: QueryKeyRequest) -> bool:
    return (pattern.kind, pattern.layer, pattern.head) == (at.kind, at.layer, at.head)


def _received(
    receiver: Receiver, heads: Float[Tensor, "heads value_dim"], head: int
) -> tuple[Float[np.ndarray, " width"] | None, Float[np.ndarray, " width"] | None]:
    """What the output projection makes of all heads, and of one of them alone, its bias aside."""
    if not receiver.modules:
        return None, None
    alone = torch.zeros_like(heads)
    alone[head] = heads[head]
    whole, one, nothing = received(receiver, torch.stack([heads, alone, torch.zeros_like(heads)]).flatten(1))
    return to_numpy(whole).copy(), to_numpy(one) - to_numpy(nothing) if receiver.is_linear else None


def _added(call: Call, head: int) -> Float[np.ndarray, " key"]:
    """What is added to the scores of the one query of this call, float64; -inf where it may not look."""
    added, allowed = added_to_scores(call)
    return np.where(allowed[head, 0], added[head, 0], -np.inf)


def _scores(
    call: Call,
    head: int,
    scaled: Float[np.ndarray, " key"],
    added: Float[np.ndarray, " key"],
    weights: Float[np.ndarray, " key"],
) -> tuple[Float[np.ndarray, " key"], float | None, list[str]]:
    """The scores before the softmax, the score of an attention sink, and what there is to say about them.

    `softcap` and `s_aux` are what transformers' own attention functions call a cap and sinks.

    weights: by the module's own function; what its arguments announce is held against them.
    """
    between = []
    cap = call.arguments.get("softcap")
    if cap:
        scaled = cap * np.tanh(scaled / cap)
        between.append(f"The scores are capped: {cap:g} · tanh(score / {cap:g}).")
    scores = scaled + added
    visible = np.isfinite(scores)
    if not visible.any():
        return scores, None, between
    near, total = _near(call, np.abs(scores[visible])), float(weights.sum())
    sinks, sink = call.arguments.get("s_aux"), None
    if isinstance(sinks, Tensor) and sinks.numel() == call.query.shape[1]:
        sink = float(sinks.detach().flatten()[head])
    elif 0 < total < 1 - near:
        sink = float(np.logaddexp.reduce(scores) + np.log((1 - total) / total))
    everything = np.logaddexp.reduce(scores if sink is None else [*scores, sink])
    if np.abs(np.exp(scores - everything) - weights).max() > near:
        least = np.finfo(np.float32).tiny
        return np.where(visible, np.log(np.maximum(weights, least)), -np.inf), None, [_UNKNOWN]
    return scores, sink, between if sink is None else [*between, _SINK]


def _near(call: Call, sizes: Float[np.ndarray, "..."]) -> float:
    """How far apart numbers of these sizes may be by the rounding of the model's own type."""
    return max(1e-5, 4 * torch.finfo(call.query.dtype).eps * float(sizes.max()))
