"""The formula of a part, with its symbols bound to the numbers of this model and this text."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from viz.number_format import counted

if TYPE_CHECKING:
    from models.anatomy import Box, ModelPlan


def formula(plan: "ModelPlan", box: "Box", above: "Box | None") -> tuple[str, list[str]]:
    """The formula, and what each symbol in it is here; ("", []) for a part that has none."""
    facts = dict(box.facts)
    n, d = f"n = {counted(plan.tokens, 'token')}", f"d = {plan.width:,}, the width of the residual stream"
    if box.kind == "attending" and above is not None:
        return _attention(dict(above.facts), n)
    if box.kind in ("attention", "cross-attention"):
        said, bound = _attention(facts, n)
        return said, [*bound, d]
    if box.kind == "mlp":
        width = f"{facts.get('inner width', 0):,} numbers inside"
        curve = f"f = {facts.get('curve')}"
        if facts.get("gated") == "yes":
            return "y = W_down (f(W_gate x) ⊙ W_up x)", [curve, width, d]
        return "y = W₂ f(W₁ x + b₁) + b₂" if _has_bias(box) else "y = W₂ f(W₁ x)", [curve, width, d]
    if box.kind in ("experts", "router"):
        bound = [f"e = {facts['experts']:,} experts"] if "experts" in facts else []
        if "used for a token" in facts:
            bound.append(f"k = {facts['used for a token']} of them for each token, those with the largest p")
        return "y = Σₖ pₖ · expertₖ(x)", [*bound, d]
    if box.kind == "norm":
        return _norm(box)
    if box.kind == "embedding":
        return "x = E[token]", [f"E: {_sizes(box)}", n]
    if box.kind == "positions":
        if "Rotary" in box.title:
            return "(q₂ᵢ, q₂ᵢ₊₁) turned by position · θᵢ", ["one angle for each pair of numbers and each position", n]
        return "x + P[position]", [f"P: {_sizes(box)}", n]
    if box.kind in ("linear", "head"):
        return ("y = W x + b" if _has_bias(box) else "y = W x"), [f"W: {_sizes(box)}"] if _sizes(box) else []
    if box.kind == "sum":
        return "x + f(x)", ["what was given, and what was made of it", n]
    if box.kind == "product":
        return "a ⊙ b", ["number by number"]
    return "", []


def _attention(facts: Mapping[str, object], n: str) -> tuple[str, list[str]]:
    heads, keys, size = (facts.get(name) for name in ("heads", "key and value heads", "numbers in a key"))
    bound = [n]
    if isinstance(heads, int) and isinstance(keys, int):
        bound.append(f"h = {counted(heads, 'head')}")
        if keys != heads:
            bound.append(f"h_kv = {keys}: {heads // max(1, keys)} heads look with one key and value")
    if isinstance(size, int):
        bound.append(f"d_head = {size}")
    scaling = facts.get("scores times")
    if isinstance(scaling, float):
        is_root = isinstance(size, int) and abs(scaling * size**0.5 - 1) < 1e-6
        bound.append(f"s = {scaling:.4g}" + (f" = 1/√{size}" if is_root else ""))
        return "y = W_o · softmax(s · q kᵀ) v", bound
    return "y = W_o · softmax(q kᵀ) v", bound


def _norm(box: "Box") -> tuple[str, list[str]]:
    epsilon = dict(box.facts).get("ε")
    bound = [f"ε = {epsilon:g}"] if isinstance(epsilon, float) else []
    bound.append(f"g: {_sizes(box)}")
    if box.title == "RMSNorm":
        return "y = g ⊙ x / √(mean(x²) + ε)", bound
    return "y = g ⊙ (x − mean(x)) / √(var(x) + ε) + b", bound


def _has_bias(box: "Box") -> bool:
    inner = () if box.inner is None else box.inner.boxes
    return any(name.endswith("bias") for each in (box, *inner) for name, _ in each.facts)


def _sizes(box: "Box") -> str:
    shape = next((value for _, value in box.facts if isinstance(value, tuple)), ())
    return " × ".join(f"{each:,}" for each in shape)
