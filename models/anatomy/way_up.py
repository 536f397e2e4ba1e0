"""The residual stream of each token on its way up: how long it is, and what each part of each layer adds to it.

The stream is what one layer hands to the next (Elhage et al., "A Mathematical Framework for Transformer Circuits").
"""

from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

import torch
from jaxtyping import Float
from numpy import ndarray
from torch import Tensor, nn

from models.anatomy.frozen_norms import Norm, seen_norm
from models.attention.output_projection import receivers_of
from models.attention.trace import AttentionTrace, TraceRequest
from models.embeddings.hidden_states import NoHiddenStatesError, anatomy_of
from models.engine import Engine
from models.errors import HeadlightError
from models.forward.cached_block_outputs import Hook
from models.forward.capture import ADDRESSES
from models.forward.recorded_run import recorded_forward, to_numpy
from models.heads.changed_runs import MOST_TOKENS, first_of
from models.heads.layer_and_mlp_modules import SeenBlock, seen_blocks
from models.loaded import LoadedModel

What = Literal["attention", "cross-attention", "mlp", "other"]

# Of the largest number: what two ways to add the same numbers may be apart.
_NEAR = 1e-3


class WayUpError(HeadlightError):
    """A model whose layers hand no stream on, or a text that is too long."""


@dataclass(frozen=True, eq=False)
class NormEffect:
    """What one norm does to the vector of each token.

    kind: "LayerNorm" or "RMSNorm". means: of each vector; spreads: what the norm divides it by (the standard deviation,
        of an RMSNorm the root of the mean square). before, after: lengths. gain: least, middle and largest of what each
        number is multiplied with. has_bias: whether it adds something.
    """

    kind: str
    means: Float[ndarray, " token"]
    spreads: Float[ndarray, " token"]
    before: Float[ndarray, " token"]
    after: Float[ndarray, " token"]
    gain: tuple[float, float, float]
    has_bias: bool


@dataclass(frozen=True, eq=False)
class Added:
    """What one part of a layer adds to the stream.

    lengths: of what is added. cosines: with the stream that it is added to. before: the norm through which the part
        reads the stream; after: the norm over what it gives, or over the sum; None where there is none.
    """

    what: What
    lengths: Float[ndarray, " token"]
    cosines: Float[ndarray, " token"]
    before: NormEffect | None
    after: NormEffect | None


@dataclass(frozen=True, eq=False)
class LayerUp:
    """One layer. entered, left: how long the stream is. turned: the cosine of the two. added: its parts in order; empty
    where what it does is no sum of them.
    """

    kind: str
    layer: int
    entered: Float[ndarray, " token"]
    left: Float[ndarray, " token"]
    turned: Float[ndarray, " token"]
    added: tuple[Added, ...]


@dataclass(frozen=True, eq=False)
class WayUp:
    """The way of each token up the stack whose end the model's head reads.

    width: how many numbers a vector has; the cosine of two random ones is about 0, give or take 1 / sqrt(width).
    """

    tokens: tuple[str, ...]
    layers: tuple[LayerUp, ...]
    final: NormEffect | None
    width: int

    @property
    def chance(self) -> float:
        """How far from 0 the cosine of two random directions is, on the average square."""
        return float(self.width**-0.5)


@dataclass(frozen=True)
class WayUpRequest:
    """The way of every token of a text up the layers, one forward."""

    trace: TraceRequest

    def answer(self, engine: Engine) -> WayUp:
        """Raises what `TraceRequest` raises, and WayUpError."""
        trace = engine.run(self.trace)
        longest = max(len(trace.inputs.ids), len(trace.inputs.target_ids))
        if longest > MOST_TOKENS:
            raise WayUpError(f"This text has {longest:,} tokens, and {MOST_TOKENS} are followed; take a shorter one.")
        with engine.forward(trace.loaded), torch.inference_mode():
            return _followed(trace)


@dataclass(eq=False)
class _Block:
    """What was seen of one run of one layer, until it ends."""

    seen: SeenBlock
    parts: list[tuple[What, Tensor]] = field(default_factory=list)
    norms: list[tuple[nn.Module, Tensor, Tensor, int]] = field(default_factory=list)


def _followed(trace: AttentionTrace) -> WayUp:
    loaded = trace.loaded
    blocks = seen_blocks(loaded)
    own = "decoder" if loaded.is_seq2seq else blocks[0].kind if blocks else ""
    stack = [each for each in blocks if each.kind == own]
    if not stack:
        raise WayUpError(
            f"It cannot be seen how the layers of {loaded.card.title} hand one stream on; choose another model."
        )
    watched = _Followed(loaded, stack)
    recorded_forward(loaded, trace.inputs, (trace.interventions,), last_only=True, base=None, hooks=watched.hooks())
    assert watched.last is not None
    try:
        final = anatomy_of(loaded).reader.final_norm
    except NoHiddenStatesError:
        final = None
    tokens = trace.target_tokens or trace.tokens
    return WayUp(
        tokens=tokens,
        layers=tuple(watched.layers),
        final=None if final is None else watched.norm(final, watched.last, final(watched.last)),
        width=watched.last.shape[-1],
    )


class _Followed:
    """Hooks for one forward that look at each layer as it ends and keep only lengths and angles."""

    def __init__(self, loaded: LoadedModel, stack: list[SeenBlock]) -> None:
        self._stack = stack
        self._receivers = receivers_of(loaded)
        self.layers: list[LayerUp] = []
        self.last: Tensor | None = None
        self._norms: dict[nn.Module, Norm | None] = {}
        self._now = _Block(stack[0])

    def hooks(self) -> dict[nn.Module, Hook]:
        """What is told of each module of the layers."""
        found: dict[nn.Module, Hook] = {}
        for each in self._stack:
            attention = [module for module in each.block.modules() if ADDRESSES in module.__dict__]
            beside: list[tuple[What, nn.Module]] = [] if each.mlp is None else [("mlp", each.mlp)]
            beside += [("other", module) for module, _ in each.others]
            below = {inner for _, module in beside for inner in module.modules()}
            for module in each.block.modules():
                has_matrix = any(parameter.dim() > 1 for parameter in module.parameters())
                if module not in below and not has_matrix and not any(True for _ in module.children()):
                    found[module] = partial(self._passed_norm, module)
            for own, module in beside:
                found[module] = partial(self._gave, own)
            for module in attention:
                kind, layer = module.__dict__[ADDRESSES][0]
                what: What = "cross-attention" if kind == "cross" else "attention"
                receiver = self._receivers.get((kind, layer))
                # What joins the heads gives what is added, wherever the sum is.
                gives = receiver.modules[-1] if receiver is not None and receiver.modules else module
                found[gives] = partial(self._gave, what)
            found[each.block] = self._ended
        return found

    def _gave(self, what: What, *call: Any) -> None:
        self._now.parts.append((what, first_of(call[-1])))

    def _passed_norm(self, module: nn.Module, _: nn.Module, given: tuple[Any, ...], named: Any, output: Any) -> None:
        x = first_of(given or tuple(named.values()))
        if isinstance(x, Tensor) and isinstance(output, Tensor) and x.shape == output.shape:
            self._now.norms.append((module, x, output, len(self._now.parts)))

    def _ended(self, _: nn.Module, given: tuple[Any, ...], named: dict[str, Any], output: Any) -> None:
        x, y = first_of(given or tuple(named.values()))[0].float(), first_of(output)[0].float()
        seen = self._now.seen
        self.layers.append(
            LayerUp(
                kind=seen.kind,
                layer=seen.layer,
                entered=_lengths(x),
                left=_lengths(y),
                turned=_cosines(x, y),
                added=self._added(x, y),
            )
        )
        self.last = first_of(output)[0]
        following = self._stack[len(self.layers) :]
        self._now = _Block(following[0] if following else seen)

    def _added(self, x: Tensor, y: Tensor) -> tuple[Added, ...]:
        parts = [
            (what, each[0].float()) for what, each in self._now.parts if each.dim() == 3 and each.shape[1:] == x.shape
        ]
        if not parts:
            return ()
        return self._sums_with_norms(parts, x, y) or self._plain_sum(parts, x, y)

    def _sums_with_norms(self, parts: list[tuple[What, Tensor]], x: Tensor, y: Tensor) -> tuple[Added, ...]:
        """Of layers that norm each sum (2017, BERT): the stream is what the norm gives."""
        stream, found = x, []
        for what, given in parts:
            taken = self._norm_of(stream + given)
            if taken is None:
                return ()
            found.append(_one(what, given, stream, None, taken[0]))
            stream = taken[1]
        return tuple(found) if _near(stream, y) else ()

    def _plain_sum(self, parts: list[tuple[What, Tensor]], x: Tensor, y: Tensor) -> tuple[Added, ...]:
        """Of layers that add to the stream; what a part gives may be normed, or multiplied with a number, before."""
        after = [self._norm_of(given) for _, given in parts]
        raw = [given if own is None else own[1] for (_, given), own in zip(parts, after, strict=True)]
        flat = torch.stack([each.flatten() for each in raw], dim=1).double()
        factors = torch.linalg.lstsq(flat.cpu(), (y - x).flatten()[:, None].double().cpu()).solution[:, 0].tolist()
        # What is multiplied with 1 but for rounding is not multiplied.
        factors = [1.0 if abs(each - 1) < _NEAR else each for each in factors]
        added = [factor * each for factor, each in zip(factors, raw, strict=True)]
        if not _near(x + sum(added), y):
            return ()
        streams = [x]
        for each in added[:-1]:
            streams.append(streams[-1] + each)
        # Where nothing reads the stream in between, the parts run side by side.
        reads = [any(_near(given[0].float(), each) for _, given, _, _ in self._now.norms) for each in streams]
        streams = [own if is_read else x for own, is_read in zip(streams, reads, strict=True)]
        return tuple(
            _one(what, each, stream, self._norm_before(stream, place), None if own is None else own[0])
            for place, ((what, _), each, stream, own) in enumerate(zip(parts, added, streams, after, strict=True))
        )

    def _norm_of(self, vectors: Tensor) -> tuple[NormEffect, Tensor] | None:
        """The norm that took these vectors, and what it gave."""
        for module, given, output, _ in self._now.norms:
            if given.dim() == 3 and given.shape[1:] == vectors.shape and _near(given[0].float(), vectors):
                norm = self.norm(module, given[0], output[0])
                if norm is not None:
                    return norm, output[0].float()
        return None

    def _norm_before(self, stream: Tensor, place: int) -> NormEffect | None:
        """The last norm that took the stream before the part ended."""
        for module, given, output, parts in reversed(self._now.norms):
            if parts <= place and given.shape[1:] == stream.shape and _near(given[0].float(), stream):
                norm = self.norm(module, given[0], output[0])
                if norm is not None:
                    return norm
        return None

    def norm(self, module: nn.Module, x: Tensor, y: Tensor) -> NormEffect | None:
        """What a norm did to each vector; None where the module is none."""
        if module not in self._norms:
            self._norms[module] = seen_norm(module, x)
        norm = self._norms[module]
        if norm is None or not norm.fits(x, y):
            return None
        gain = norm.gain.float().sort().values
        return NormEffect(
            kind="LayerNorm" if norm.takes_mean else "RMSNorm",
            means=to_numpy(x.float().mean(-1)),
            spreads=to_numpy(norm.spread(x, y)[..., 0]),
            before=_lengths(x),
            after=_lengths(y),
            gain=(float(gain[0]), float(gain[len(gain) // 2]), float(gain[-1])),
            has_bias=bool(norm.bias.any()),
        )


def _one(what: What, added: Tensor, stream: Tensor, before: NormEffect | None, after: NormEffect | None) -> Added:
    return Added(what, _lengths(added), _cosines(added, stream), before, after)


def _lengths(vectors: Tensor) -> Float[ndarray, " token"]:
    return to_numpy(vectors.float().norm(dim=-1))


def _cosines(one: Tensor, other: Tensor) -> Float[ndarray, " token"]:
    return to_numpy(torch.cosine_similarity(one.float(), other.float(), dim=-1))


def _near(one: Tensor, other: Tensor) -> bool:
    # Token by token: the first one is often a hundred times as long as the others.
    if one.shape != other.shape:
        return False
    near = _NEAR * other.abs().amax(-1).clamp(min=1e-12)
    return bool(((one - other).abs().amax(-1) <= near).all())
