"""Norms and curves held still: what they do to a vector, with what they divide or gate by kept as it was in one run.

Held like this a norm is a linear map, and what it makes of a sum is the sum of what it makes of the parts.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from models.model_facts.layer_parts import CURVES, kind_of_norm

# So large that what a norm adds below its root is nothing beside it.
_PROBE = 64.0
# Of the largest number: what a norm gives beside what its gain and bias make of the same vector.
_NEAR = 2e-3


@dataclass(frozen=True, eq=False)
class Norm:
    """What a norm multiplies and adds, seen by what it gives.

    takes_mean: whether it takes the mean away (LayerNorm) or not (RMSNorm).
    gain, bias: one number for each of the vector's, float32; the bias is zeros where it has none.
    """

    takes_mean: bool
    gain: Float[Tensor, " width"]
    bias: Float[Tensor, " width"]

    def centred(self, x: Float[Tensor, "*rows width"]) -> Float[Tensor, "*rows width"]:
        """The vectors without their mean, where this norm takes it away."""
        return x - x.mean(dim=-1, keepdim=True) if self.takes_mean else x

    def spread(self, x: Float[Tensor, "*rows width"], y: Float[Tensor, "*rows width"]) -> Float[Tensor, "*rows 1"]:
        """What the norm divided each vector by, told from what it was given and what it gave."""
        wanted, given = self.gain * self.centred(x.float()), y.float() - self.bias
        over, under = (wanted * wanted).sum(-1, keepdim=True), (wanted * given).sum(-1, keepdim=True)
        return torch.where(under.abs() > 0, over / under, torch.ones_like(over))

    def held(self, x: Float[Tensor, "*rows width"], y: Float[Tensor, "*rows width"]) -> Float[Tensor, "*rows width"]:
        """What the norm makes of the vectors `x`, of which it made `y`, without its bias; gradients flow through `x`
        and not through what it divides by.
        """
        spread = self.spread(x.detach(), y.detach())
        return (self.gain * self.centred(x.float()) / spread).to(y.dtype)

    def fits(self, x: Float[Tensor, "*rows width"], y: Float[Tensor, "*rows width"]) -> bool:
        """Whether this is all that the norm did."""
        apart = self.held(x.detach(), y.detach()).float() + self.bias - y.detach().float()
        near = max(_NEAR, 8 * torch.finfo(y.dtype).eps)
        return float(apart.abs().max()) <= near * max(float(y.detach().abs().max()), 1e-12)


def seen_norm(module: nn.Module, like: Float[Tensor, "*rows width"]) -> Norm | None:
    """What a module multiplies and adds as a norm over vectors like these; None where it is no norm."""
    width, device, dtype = like.shape[-1], like.device, like.dtype
    kind = kind_of_norm(module, width, device, dtype) if width > 1 else ""
    if not kind:
        return None
    probe = torch.full((1, 1, width), _PROBE, device=device, dtype=dtype)
    probe[..., 1::2] *= -1
    with torch.inference_mode():
        bias = module.forward(torch.zeros_like(probe)).float()[0, 0]
        given = module.forward(probe).float()[0, 0]
    takes_mean = kind == "LayerNorm"
    centred = probe.float()[0, 0]
    centred = centred - centred.mean() if takes_mean else centred
    gain = (given - bias) * centred.pow(2).mean().sqrt() / centred
    return Norm(takes_mean, gain.clone(), bias.clone())


def gates(x: Float[Tensor, "*shape"], y: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """What a curve multiplied each number with: its output over its input, 0 where the input is."""
    x, y = x.detach(), y.detach()
    return torch.where(x == 0, torch.zeros_like(x), y / torch.where(x == 0, torch.ones_like(x), x))


def named_curve(x: Float[Tensor, "*shape"], y: Float[Tensor, "*shape"]) -> str:
    """The name of a known curve that makes `y` of `x`, number by number; "" where none does."""
    x, y = x.detach().float(), y.detach().float()
    near = 1e-5 * max(1.0, float(y.abs().max()))
    return next((name for name, known in CURVES.items() if float((known(x) - y).abs().max()) <= near), "")


def is_curve(module: nn.Module) -> bool:
    """Whether a module without weights computes one function number by number: the same in any order and shape."""
    if any(True for _ in module.parameters()) or any(True for _ in module.buffers()):
        return False
    x = torch.linspace(-6, 6, 24)
    try:
        with torch.inference_mode():
            y, turned, folded = module.forward(x), module.forward(x.flip(0)), module.forward(x.reshape(4, 6))
    except (AttributeError, IndexError, RuntimeError, TypeError, ValueError):
        return False
    if not all(isinstance(each, Tensor) for each in (y, turned, folded)) or y.shape != x.shape:
        return False
    same = torch.allclose(turned.flip(0), y, atol=1e-6) and torch.allclose(folded.reshape(-1), y, atol=1e-6)
    return same and not torch.equal(x, y)
