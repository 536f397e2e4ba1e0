"""Whether a head raises the tokens that it looks at: the sign of its OV circuit, through the model's own head."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from models.attention.output_projection import Receiver, received, receivers_of
from models.attention.trace import AttentionTrace
from models.embeddings.hidden_states import NoHiddenStatesError, final_norm
from models.engine import Engine
from models.forward.recorded_run import to_numpy
from models.heads.random_tokens import RepeatedTokens
from models.heads.role_sums import RoleSums
from models.loaded import LoadedModel


def copying(
    engine: Engine, loaded: LoadedModel, kind: str, traces: Sequence[tuple[AttentionTrace, RepeatedTokens]]
) -> RoleSums | None:
    """How often what a head carries over from a token raises that token more than the others, and more than the other
    tokens do: the sign of the diagonal of W_U W_O W_V of the tokens in a sequence, less the means of rows and columns.

    The values are those that the tokens have in that layer. They pass the output projection, the final norm (which
    makes no difference to a sign but by its own weights) and the rows of the output table.

    NaN for a layer whose heads go elsewhere than into an output projection; None for a model without a head over its
    vocabulary. Takes the device's lock for each layer.
    """
    table = _output_table(loaded)
    if table is None or kind != "decoder":
        return None
    with engine.forward(loaded):
        receivers = receivers_of(loaded)
        norm = _norm(loaded)
    layers = traces[0][0].layers(kind)
    if not any(receivers[kind, layer].is_linear for layer in layers):
        return None
    found: list[np.ndarray] = []
    for trace, sequence in traces:
        start = sequence.first if not trace.target_pieces else 1
        tokens = list(sequence.tokens[: sequence.length])
        rows = table[torch.tensor(tokens, device=table.device)]
        of_sequence = []
        for layer in layers:
            if not receivers[kind, layer].is_linear:
                of_sequence.append(np.full((trace.heads(kind, layer), sequence.length), np.nan, dtype=np.float32))
                continue
            with engine.forward(loaded), torch.inference_mode():
                values = trace.values(kind, layer)[:, start : start + sequence.length]
                of_sequence.append(_raised(values, receivers[kind, layer], norm, rows))
        found.append(np.concatenate(of_sequence))
    sums = np.concatenate(found, axis=1).T.astype(np.float32)
    return RoleSums("copying", sums, np.ones(len(sums)), np.full(sums.shape[1], 0.5, dtype=np.float32), is_hits=True)


def _raised(
    values: Float[np.ndarray, "head token value_dim"],
    receiver: Receiver,
    norm: nn.Module | None,
    rows: Float[Tensor, "token width"],
) -> Float[np.ndarray, "head token"]:
    """1 where a token is raised, 0 where it is lowered, ½ where nothing moves."""
    heads, count, width = values.shape
    parameter = next(receiver.modules[-1].parameters())
    raised = np.empty((heads, count), dtype=np.float32)
    given = torch.from_numpy(np.ascontiguousarray(values)).to(parameter.device, parameter.dtype)
    nothing = received(receiver, torch.zeros(1, heads * width, device=parameter.device, dtype=parameter.dtype))
    for head in range(heads):
        joined = torch.zeros(count, heads * width, device=parameter.device, dtype=parameter.dtype)
        joined[:, head * width : (head + 1) * width] = given[head]
        carried = received(receiver, joined) - nothing
        if norm is not None:
            carried = norm(carried)
        logits = (carried.to(rows.device, rows.dtype) @ rows.T).float()
        apart = logits - logits.mean(0, keepdim=True) - logits.mean(1, keepdim=True) + logits.mean()
        own = to_numpy(apart.diagonal())
        raised[head] = np.where(np.abs(own) <= 1e-6 * float(apart.abs().max()), 0.5, own > 0)
    return raised


def _output_table(loaded: LoadedModel) -> Tensor | None:
    """The rows of the output embedding of a model that writes."""
    if not loaded.model.can_generate():
        return None
    head: Any = loaded.model.get_output_embeddings()
    weight = getattr(head, "weight", None)
    return weight.detach() if isinstance(weight, Tensor) and weight.dim() == 2 and weight.is_floating_point() else None


def _norm(loaded: LoadedModel) -> nn.Module | None:
    try:
        return final_norm(loaded)
    except NoHiddenStatesError:
        return None
