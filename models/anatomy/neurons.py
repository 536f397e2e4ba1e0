"""The neurons of one layer's MLP for one token: what goes into them, what comes out, and what the strongest ones push.

The tokens that a neuron pushes are those whose logits its vector changes most through the model's head: Geva et al.,
"Transformer Feed-Forward Layers Build Predictions by Promoting Concepts in the Vocabulary Space" (2022, 2203.14680).
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from models.anatomy.frozen_norms import seen_norm
from models.anatomy.mlp_weights import (
    NeuronError,
    SeenMlp,
    check_neuron,
    curve_values,
    lengths_written,
    mlp_of,
    neurons_of,
    written_by,
)
from models.attention.trace import AttentionTrace, TraceRequest
from models.embeddings.hidden_states import anatomy_of
from models.engine import Engine
from models.forward.cached_block_outputs import Hook
from models.forward.inputs import Inputs
from models.forward.interventions import Intervention
from models.forward.recorded_run import recorded_forward, to_numpy
from models.heads.changed_runs import first_of
from models.loaded import LoadedModel

Through = Literal["head", "norm"]

MOST_NEURONS = 64
MOST_TOKENS_SHOWN = 50
# Of the largest of a token: what is smaller than this counts as near zero.
NEAR_ZERO = 0.01
_CURVE_POINTS = 200
# Logits of so many neurons are there at once.
_LOGITS_AT_ONCE = 2**22


@dataclass(frozen=True, eq=False)
class Neurons:
    """The neurons of one layer for one token.

    into: what goes into the curve (the pre-activations); bent: what the curve makes of it. Both are empty where no
        module of its own computes the curve. given: what the last matrix is given, which is `bent` times the second
        projection where the MLP is gated.
    lengths: of the vector that each neuron writes where it is 1.
    curve_at, curve: the curve's own function at points over the range of `into`.
    order: neurons from the strongest, by |given| times length.
    """

    layer: int
    token: str
    is_gated: bool
    into: Float[np.ndarray, " neuron"]
    bent: Float[np.ndarray, " neuron"]
    given: Float[np.ndarray, " neuron"]
    lengths: Float[np.ndarray, " neuron"]
    curve_at: Float[np.ndarray, " point"]
    curve: Float[np.ndarray, " point"]
    order: Int64[np.ndarray, " neuron"]

    @property
    def near_zero(self) -> int:
        """How many give less than `NEAR_ZERO` of the largest."""
        size = np.abs(self.given)
        return int((size < NEAR_ZERO * size.max(initial=0)).sum())

    @property
    def exactly_zero(self) -> int:
        """How many give nothing at all."""
        return int((self.given == 0).sum())

    @property
    def strength(self) -> Float[np.ndarray, " neuron"]:
        """How long the vector is that each neuron adds to the stream here."""
        return np.abs(self.given) * self.lengths


@dataclass(frozen=True)
class NeuronsRequest:
    """The neurons of one layer for one token; one forward from that layer on.

    kind: of the stack, "encoder" or "decoder". position: in the text, or in what a seq2seq model writes for "decoder".
    """

    trace: TraceRequest
    kind: str
    layer: int
    position: int

    def answer(self, engine: Engine) -> Neurons:
        """Raises what `TraceRequest` raises, and NeuronError."""
        trace = engine.run(self.trace)
        tokens = _tokens(trace, self.kind)
        if not 0 <= self.position < len(tokens):
            raise NeuronError(f"There is no token {self.position}: this text has those from 0 to {len(tokens) - 1}.")
        with engine.forward(trace.loaded), torch.inference_mode():
            mlp = neurons_of(trace.loaded, self.kind, self.layer)
            into, bent, given = neuron_values(trace.loaded, trace.inputs, mlp, trace.interventions, trace)
            lengths = lengths_written(mlp)
            at = np.empty(0, dtype=np.float32)
            if mlp.curve is not None:
                own = into[self.position]
                room = 0.05 * max(float(np.ptp(own)), 1e-3)
                at = np.linspace(own.min() - room, own.max() + room, _CURVE_POINTS, dtype=np.float32)
            drawn = curve_values(mlp, at) if mlp.curve is not None else at
        row = given[self.position]
        nothing = np.empty(0, dtype=np.float32)
        return Neurons(
            layer=self.layer,
            token=tokens[self.position],
            is_gated=mlp.is_gated,
            into=into[self.position] if len(into) else nothing,
            bent=bent[self.position] if len(bent) else nothing,
            given=row,
            lengths=lengths,
            curve_at=at,
            curve=drawn,
            order=np.argsort(-np.abs(row) * lengths, kind="stable"),
        )


@dataclass(frozen=True, eq=False)
class Pushed:
    """The tokens whose logits one neuron's vector changes most, where the neuron is 1.

    up, down: as shown, the most first; ids, and by how much.
    """

    neuron: int
    up: tuple[str, ...]
    up_ids: Int64[np.ndarray, " token"]
    up_by: Float[np.ndarray, " token"]
    down: tuple[str, ...]
    down_ids: Int64[np.ndarray, " token"]
    down_by: Float[np.ndarray, " token"]


@dataclass(frozen=True)
class PushedRequest:
    """What some neurons push; no forward, a product of their vectors with the head's matrix.

    through: "head" the matrix of the head alone, as Geva et al. have it; "norm" the gain of the final norm before it
        (and its mean taken away, where it takes one), as it is on the way of a vector to the logits but for its scale.
    """

    model: str
    kind: str
    layer: int
    neurons: tuple[int, ...]
    through: Through = "head"
    count: int = 8

    def answer(self, engine: Engine) -> tuple[Pushed, ...]:
        """Raises what `load_model` raises; NeuronError for a neuron that is not there, or a model without a head."""
        loaded = engine.model(self.model)
        if len(self.neurons) > MOST_NEURONS or not 0 < self.count <= MOST_TOKENS_SHOWN:
            raise NeuronError(
                f"At most {MOST_NEURONS} neurons are read at once, and {MOST_TOKENS_SHOWN} tokens of each."
            )
        model: Any = loaded.model
        head = model.get_output_embeddings() if hasattr(model, "get_output_embeddings") else None
        if head is None:
            raise NeuronError(
                f"{loaded.card.title} has no head over its vocabulary, so that its neurons push vectors and name no "
                "tokens. Choose a decoder."
            )
        with engine.forward(loaded), torch.inference_mode():
            mlp = neurons_of(loaded, self.kind, self.layer)
            for neuron in self.neurons:
                check_neuron(mlp, neuron)
            vectors = written_by(mlp, self.neurons)
            vectors = _gained(loaded, vectors) if self.through == "norm" else vectors
            step = max(1, _LOGITS_AT_ONCE // loaded.vocabulary)
            rows = [_read(head, vectors[start : start + step]) for start in range(0, len(vectors), step)]
        return tuple(
            _pushed(loaded, neuron, row, self.count)
            for neuron, row in zip(self.neurons, (each for some in rows for each in some), strict=True)
        )


def neuron_values(
    loaded: LoadedModel,
    inputs: Inputs,
    mlp: SeenMlp,
    interventions: tuple[Intervention, ...] = (),
    base: AttentionTrace | None = None,
) -> tuple[Float[np.ndarray, "token neuron"], Float[np.ndarray, "token neuron"], Float[np.ndarray, "token neuron"]]:
    """What goes into the curve of one MLP, what comes out, and what its last matrix is given, for each token; the first
    two are empty where no module computes the curve.

    Takes the device: call it while holding its lock.
    """
    bends: list[tuple[Tensor, Tensor]] = []
    takes: list[Tensor] = []

    def bent(_: nn.Module, given: tuple[Any, ...], named: dict[str, Any], output: Tensor) -> None:
        bends.append((first_of(given or tuple(named.values())), output))

    def taken(_: nn.Module, given: tuple[Any, ...], named: dict[str, Any], __: Tensor) -> None:
        takes.append(first_of(given or tuple(named.values())))

    assert mlp.last is not None
    hooks: dict[nn.Module, Hook] = {mlp.last: taken}
    if mlp.curve is not None:
        hooks[mlp.curve] = bent
    recorded_forward(loaded, inputs, (interventions,), last_only=True, base=base, hooks=hooks)
    given = to_numpy(takes[mlp.run].reshape(-1, mlp.neurons))
    # A curve of one module for all layers has run once for each.
    own = bends[mlp.run] if mlp.run < len(bends) else None
    if own is None:
        none = np.empty((0, mlp.neurons), dtype=np.float32)
        return none, none, given
    into, out = (to_numpy(each.reshape(-1, mlp.neurons)) for each in own)
    return into, out, given


def _tokens(trace: AttentionTrace, kind: str) -> tuple[str, ...]:
    return trace.target_tokens if trace.target_tokens and kind != "encoder" else trace.tokens


def _gained(loaded: LoadedModel, vectors: Float[Tensor, "neuron width"]) -> Float[Tensor, "neuron width"]:
    module = anatomy_of(loaded).reader.final_norm
    norm = None if module is None else seen_norm(module, vectors.to(loaded.model.dtype))
    if norm is None:
        raise NeuronError(f"{loaded.card.title} has no norm between its layers and its head; take the head alone.")
    return norm.gain * norm.centred(vectors)


def _read(head: nn.Module, vectors: Float[Tensor, "neuron width"]) -> Float[np.ndarray, "neuron vocabulary"]:
    given = vectors.to(next(head.parameters()).dtype)
    if not any(each.dim() == 1 for each in head.parameters()):
        return to_numpy(head(given))
    return to_numpy(head(given) - head(torch.zeros_like(given[:1])))


def _pushed(loaded: LoadedModel, neuron: int, row: Float[np.ndarray, " vocabulary"], count: int) -> Pushed:
    order = np.argsort(-row, kind="stable")
    up, down = order[:count], order[::-1][:count]
    return Pushed(
        neuron=neuron,
        up=tuple(each.text for each in loaded.pieces(up.tolist())),
        up_ids=up,
        up_by=row[up],
        down=tuple(each.text for each in loaded.pieces(down.tolist())),
        down_ids=down.copy(),
        down_by=row[down],
    )


@dataclass(frozen=True, eq=False)
class LayersWithMlp:
    """The layers of one stack that have an MLP, how many neurons each has (0 where unseen), and why not."""

    kind: str
    layers: tuple[int, ...]
    neurons: tuple[int, ...]
    why_not: tuple[str, ...]


@dataclass(frozen=True)
class LayersWithMlpRequest:
    """The stacks of a model whose MLPs are seen, with what there is to look at in each layer."""

    model: str

    def answer(self, engine: Engine) -> tuple[LayersWithMlp, ...]:
        """Raises what `load_model` raises, and NeuronError for a model without an MLP that could be seen."""
        from models.anatomy.mlp_weights import seen_mlps

        loaded = engine.model(self.model)
        with engine.forward(loaded):
            mlps = seen_mlps(loaded)
            if not mlps:
                mlp_of(loaded, "decoder", 0)
        kinds = dict.fromkeys(kind for kind, _ in mlps)
        return tuple(
            LayersWithMlp(
                kind,
                tuple(layer for own, layer in mlps if own == kind),
                tuple(each.neurons for (own, _), each in mlps.items() if own == kind),
                tuple(each.why_not for (own, _), each in mlps.items() if own == kind),
            )
            for kind in kinds
        )
