"""The quantities of `small`, measured on transformers' own models with hooks."""

import numpy as np
import torch

from tests.models import architectures
from tests.models.architectures import ARCHITECTURES, IDS, SEQ2SEQ
from tests.models.heads.small import WRITTEN, target_of

# How the names of the modules end whose output is the MLP's, and where the layers are.
MLPS = {
    "bert": "output.dense",
    "distilbert": "ffn",
    "roberta": "output.dense",
    "albert": "ffn_output",
    "gpt_neox": "mlp",
    "t5": "DenseReluDense",
    "bart": "fc2",
    "marian": "fc2",
}
STACKS = ("layer", "layers", "h", "block", "albert_layer_groups")


def read(name, output, intact):
    """The quantity of an output [position, vocabulary or width] beside that of the run as it is, by its formula."""
    output, intact = (torch.as_tensor(each).double() for each in (output, intact))
    family = ARCHITECTURES[name].family
    if family == "encoder":
        return torch.cosine_similarity(output[2], intact[2], dim=0)
    logs = torch.log_softmax(output, -1)
    if family == "decoder":
        return logs[-1, intact[-1].argmax()]
    return sum(logs[step, token] for step, token in enumerate(WRITTEN))


def their_output(name, hooks=(), ids=IDS):
    """What transformers itself returns with hooks on its modules: of (module, hook, whether before)."""
    model = architectures.eager(name)
    handles = [
        module.register_forward_pre_hook(hook) if is_before else module.register_forward_hook(hook)
        for module, hook, is_before in hooks
    ]
    try:
        return architectures.run(model, ids, target_of(name))
    finally:
        for each in handles:
            each.remove()


def banked_means(each, count):
    """What the sentences of a bank have, [token, width] each: the mean of their first tokens, and of all others."""
    others = torch.cat([one[1:] for one in each]).mean(0)
    return torch.cat([torch.stack([one[0] for one in each]).mean(0)[None], others.expand(count - 1, -1)])


def their_effect(name, hooks):
    intact = their_output(name)
    return float(read(name, their_output(name, hooks), intact) - read(name, intact, intact))


def layers_of(name, kind):
    """The modules of the layers of a stack, as often as each runs."""
    model = architectures.eager(name)
    lists = [
        (path, module)
        for path, module in model.named_modules()
        if isinstance(module, torch.nn.ModuleList) and path.split(".")[-1] in STACKS
    ]
    outermost = [(path, each) for path, each in lists if not any(path.startswith(f"{other}.") for other, _ in lists)]
    if name in SEQ2SEQ:
        outermost = [(path, each) for path, each in outermost if f"{kind}." in path]
    ((_, found),) = outermost
    return list(found) * 2 if name == "albert" else list(found)


def mlp_of(name, kind, layer):
    block = layers_of(name, kind)[layer]
    end = MLPS.get(name, "mlp")
    return next(
        module for path, module in block.named_modules() if path.endswith(end) and "attention" not in path.lower()
    )


def nth_run(run, hook):
    """The hook, in that run of the module alone."""
    runs = iter(range(100))
    return lambda module, given, output: hook(module, given, output) if next(runs) == run else None


def with_first(value, tensor):
    return (tensor, *value[1:]) if isinstance(value, tuple) else tensor


def first(value):
    return value[0] if isinstance(value, tuple) else value


def close(found, expected, limit=1e-5):
    np.testing.assert_allclose(found, expected, rtol=0, atol=limit)
