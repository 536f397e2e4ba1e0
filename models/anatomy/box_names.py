"""What a box of the plan is called, and what else was seen in it."""

from collections.abc import Iterator, Sequence
from itertools import islice

from models.anatomy.diagram import BoxKind, Fact
from models.anatomy.module_recognition import ModuleRecognition
from models.anatomy.tracing import ModuleCall
from models.anatomy.unfinished_diagram import Part

_TITLES: dict[str, str] = {
    "attention": "Attention",
    "cross-attention": "Cross-attention",
    "attending": "softmax(q·k)·v",
    "mlp": "MLP",
    "experts": "Experts",
    "router": "Router",
    "sum": "+",
    "product": "×",
    "other": "What it computes itself",
}

_MOST_SIZES = 2
_EPSILONS = ("eps", "variance_epsilon", "epsilon")


def title_of(seen: ModuleRecognition, part: Part, number: int | None) -> str:
    """For people."""
    kind, calls = part.kind, part.calls
    if number is not None:
        return f"Layer {number}"
    if kind == "norm":
        return seen.norm(calls[0])
    if kind == "embedding":
        return {"segments": "Segment embedding"}.get(seen.table(calls[0]), "Token embedding")
    if kind == "positions":
        return "Rotary angles" if seen.turns(calls[0]) else "Position embedding"
    if kind == "activation":
        return seen.activation(calls[0]) if calls else seen.curve_of([seen.trace.operations[part.operations[0]]])
    if not calls or kind in _TITLES:
        return _TITLES.get(kind, kind)
    if kind == "head" and not calls[0].children:
        return "Head"
    if kind == "linear":
        return calls[0].path.rpartition(".")[2]
    return own_name(type(calls[0].module).__name__, type(seen.trace.root.module).__name__)


def own_name(module: str, model: str) -> str:
    """The name of a class without what it shares with that of its model: BambaMixer of BambaForCausalLM is Mixer."""
    shared = 0
    while shared < min(len(module), len(model)) and module[shared] == model[shared]:
        shared += 1
    while shared and not (shared < len(module) and module[shared].isupper()):
        shared -= 1
    return module[shared:] or module


def box_facts(seen: ModuleRecognition, kind: BoxKind, calls: Sequence[ModuleCall]) -> tuple[Fact, ...]:
    """What it is and how much of it there is: names and numbers or words."""
    if not calls:
        return ()
    if kind in ("attention", "cross-attention"):
        return tuple(_of_attention(calls))
    if kind == "mlp":
        whole = seen.trace.operations[calls[0].first : calls[-1].last]
        curve = (
            next((found for each in calls if (found := seen.activation(each))), "") or seen.curve_of(whole) or "none"
        )
        gated = "yes" if any(map(seen.is_gated, calls)) else "no"
        return ("curve", curve), ("gated", gated), ("inner width", seen.inner_width(calls[-1]))
    if kind in ("experts", "router"):
        return tuple(_of_experts(seen, calls))
    if kind in ("embedding", "positions", "linear", "head", "norm"):
        return tuple(_of_table(kind, calls))
    return ()


def _of_table(kind: BoxKind, calls: Sequence[ModuleCall]) -> Iterator[Fact]:
    """The sizes of its parameters, and what of it is no parameter or is not trained."""
    module = calls[0].module
    epsilon = next((value for name in _EPSILONS if (value := getattr(module, name, None))), None)
    if kind == "norm" and isinstance(epsilon, float):
        yield "ε", epsilon
    if kind == "positions" and not all(each.requires_grad for each in module.parameters()):
        yield "trained", "no"
    if len(calls) == 1:
        for name, parameter in islice(module.named_parameters(), _MOST_SIZES):
            yield name, tuple(parameter.shape)


def _of_attention(calls: Sequence[ModuleCall]) -> list[Fact]:
    attended = [each for call in calls for run in call.below() for each in run.attended]
    if not attended:
        return []
    first = attended[0]
    heads, keys = first.query.shape[1], first.key.shape[1]
    found: list[Fact] = [("heads", heads), ("key and value heads", keys), ("numbers in a key", first.key.shape[-1])]
    if first.value.shape[-1] != first.key.shape[-1]:
        found.append(("numbers in a value", first.value.shape[-1]))
    scaling = first.arguments.get("scaling")
    if isinstance(scaling, float):
        found.append(("scores times", scaling))
    window = first.arguments.get("sliding_window") or getattr(first.module, "sliding_window", None)
    if isinstance(window, int) and window > 0:
        found.append(("window", window))
    if len(attended) > 1:
        found.append(("times that it attends", len(attended)))
    return found


def _of_experts(seen: ModuleRecognition, calls: Sequence[ModuleCall]) -> list[Fact]:
    found: list[Fact] = []
    stacked = [parameter.shape[0] for call in calls for parameter in call.module.parameters() if parameter.dim() == 3]
    if stacked:
        found.append(("experts", max(stacked)))
    chosen = [
        seen.trace.shapes[each.made[0]][-1] for call in calls for each in seen.inside(call) if each.name == "topk"
    ]
    if chosen:
        # DeepSeek chooses groups of experts first, and then among those.
        found.append(("used for a token", chosen[-1]))
    return found
