"""Weights of tiny models, the same every time."""

import torch
from transformers import PreTrainedModel


def with_drawn_weights(model: PreTrainedModel, name: str) -> PreTrainedModel:
    """The model with weights drawn by a generator that is seeded by this name, ready to compute."""
    draw = torch.Generator().manual_seed(sum(map(ord, name)))
    with torch.no_grad():
        for path, parameter in model.named_parameters():
            # What is not trained (Marian's sinusoidal positions) is computed and the same each time.
            if parameter.requires_grad:
                # As transformers makes them weights are so small that every pattern is uniform, and nearly any
                # mistake passes. Those of norms stand about 1.
                middle = 1 if parameter.dim() == 1 and path.endswith("weight") else 0
                parameter.copy_(torch.randn(parameter.shape, generator=draw) * 0.2 + middle)
    return model.eval()
