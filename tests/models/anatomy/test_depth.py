"""Lengths of activations and gradients are autograd's own."""

from contextlib import ExitStack

import numpy as np
import pytest
import torch

from models.anatomy.lengths_by_depth import DepthRequest, _lengths, _loss, _off
from models.attention import TraceRequest
from tests.models.anatomy.by_hand import first, residual_off
from tests.models.architectures import IDS, eager, trace


def _depth(name, without):
    whole = trace(name)
    return _lengths(whole, _off(whole, without), *_loss(whole, TraceRequest("wrapped", IDS), 0))


def _by_hand(model, layers):
    """The first layer's input and every layer's output, and the gradients along them of the loss over the text."""
    tapped = []
    handles = [layers[0].register_forward_pre_hook(lambda _, given: tapped.append(given[0].requires_grad_()))]
    handles += [each.register_forward_hook(lambda _, __, output: tapped.append(first(output))) for each in layers]
    try:
        logits = model(input_ids=torch.tensor([IDS]), use_cache=False).logits
    finally:
        for handle in handles:
            handle.remove()
    loss = torch.nn.functional.cross_entropy(logits[0, :-1], torch.tensor(IDS[1:]))
    slopes = torch.autograd.grad(loss, tapped)
    return [torch.stack([each[0].norm(dim=-1) for each in some]).detach().numpy() for some in (tapped, slopes)]


@pytest.mark.parametrize("name", ["llama", pytest.param("gemma2", marks=pytest.mark.slow)])
def test_they_are_those_of_autograd(name):
    model = eager(name)
    found = _depth(name, "nothing").stacks[0]
    activations, gradients = _by_hand(model, model.model.layers)
    np.testing.assert_allclose(found.activations, activations, rtol=1e-4)
    np.testing.assert_allclose(found.gradients, gradients, rtol=1e-3)
    assert all(each.grad is None for each in model.parameters())


def test_without_residual_connections_they_are_those_of_a_model_without():
    model = eager("llama")
    found = _depth("llama", "residuals")
    parts = [(f"model.layers.{layer}.self_attn", f"model.layers.{layer}") for layer in range(2)]
    parts += [(f"model.layers.{layer}.mlp", f"model.layers.{layer}.post_attention_layernorm") for layer in range(2)]
    with ExitStack() as off:
        for each in parts:
            off.enter_context(residual_off(model, *each))
        activations, gradients = _by_hand(model, model.model.layers)
    assert found.off == 4
    np.testing.assert_allclose(found.stacks[0].activations, activations, rtol=1e-3)
    np.testing.assert_allclose(found.stacks[0].gradients, gradients, rtol=2e-2)


@pytest.mark.parametrize("name", ["bert", "gpt_neox", "t5", pytest.param("albert", marks=pytest.mark.slow)])
@pytest.mark.parametrize("without", ["nothing", "norms", "residuals"])
def test_every_layer_of_every_stack_has_one(name, without):
    found = _depth(name, without)
    assert sum(len(each.layers) for each in found.stacks) == (5 if name == "t5" else 2)
    assert all(each.activations.shape[0] == len(each.layers) + 1 for each in found.stacks)
    assert all(np.isfinite(each.gradients).all() and each.gradients.any() for each in found.stacks)


def test_one_token_is_enough(engine):
    found = engine.run(DepthRequest(TraceRequest("smollm2", (100,))))
    assert found.stacks[0].activations.shape == (31, 1)
    assert found.of == "- log p of the likeliest next token"
