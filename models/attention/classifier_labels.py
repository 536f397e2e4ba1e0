"""What a classifier says of a traced text: its labels, each with its probability."""

from typing import Any

import numpy as np
import torch
from jaxtyping import Float

from models.attention.outputs import TokenProbability, softmax
from models.attention.trace import AttentionTrace
from models.forward.capture import Run, recording
from models.forward.recorded_run import to_numpy

_LONGEST_LABEL = 60


def label_logits(trace: AttentionTrace) -> Float[np.ndarray, " label"] | None:
    """What the model's head gives for each label, by one more forward with the interventions of this trace; None for a
    model without such a head. Takes the device.
    """
    loaded = trace.loaded
    if loaded.classifier is None:
        return None
    rows = (trace.interventions,)
    arguments = trace.inputs.arguments(loaded, 1, last_only=False, rows=rows)
    with torch.inference_mode(), recording(Run(interventions=rows if trace.interventions else ())):
        return to_numpy(loaded.classifier(**arguments).logits[0])


def probabilities(config: Any, logits: Float[np.ndarray, " label"]) -> Float[np.ndarray, " label"]:
    """One label of all (softmax), or each for itself (sigmoid) where the config says that several may hold."""
    if config.problem_type == "multi_label_classification":
        return 1 / (1 + np.exp(-logits.astype(np.float64)))
    return softmax(logits)


def labels(trace: AttentionTrace, logits: Float[np.ndarray, " label"], count: int) -> tuple[TokenProbability, ...]:
    """The likeliest labels, best first; one number that is no probability (a regression) is none."""
    if len(logits) < 2:
        return ()
    config = trace.loaded.classifier.config
    shares = probabilities(config, logits)
    best = np.argsort(-shares, kind="stable")[:count]
    return tuple(TokenProbability(int(each), label_name(config, int(each)), float(shares[each])) for each in best)


def label_name(config: Any, number: int) -> str:
    """What config.json calls a label."""
    return str(config.id2label.get(number, f"label {number}"))[:_LONGEST_LABEL]
