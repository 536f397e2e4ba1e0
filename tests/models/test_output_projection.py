"""What receives what the heads return, in architectures where something lies in between, and at what cost."""

import gc
import sys
import weakref

import numpy as np
import pytest
import torch
import transformers
from accelerate import dispatch_model

from models.attention import CutLink, HideToken, QueryKeyRequest, TraceRequest, ZeroHead
from models.loading import wrap_model
from tests.models import architectures
from tests.models.architectures import ARCHITECTURES, HEADS, IDS
from tests.models.test_query_key import CLOSE, SINK, TIGHT, ask, own_engine, softmax, traced
from tests.models.test_threads import all_at_once

NORMED = "What the heads return is normed before the output projection."


def other_model(config, model, dtype=torch.float32, **settings):
    built = getattr(transformers, model)._from_config(architectures._grouped(config, **settings)())
    draw = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for path, parameter in built.named_parameters():
            middle = 1 if parameter.dim() == 1 and path.endswith("weight") else 0
            parameter.copy_(torch.randn(parameter.shape, generator=draw) * 0.2 + middle)
    return wrap_model(built.to(dtype), None, "decoder")


def asked(loaded, layer=1, head=1, query=5):
    return own_engine("own", loaded).run(QueryKeyRequest(TraceRequest("own", IDS), "decoder", layer, head, query))


def test_a_norm_before_the_projection_is_passed_and_told():
    loaded = other_model("BitNetConfig", "BitNetForCausalLM")
    found = asked(loaded)
    assert found.between == (NORMED,)
    assert found.contribution is None
    module = loaded.model.model.layers[1].self_attn
    seen = []
    hook = module.o_proj.register_forward_hook(lambda _, __, output: seen.append(output[0].numpy()))
    architectures.run(loaded.model)
    hook.remove()
    np.testing.assert_allclose(found.output, seen[0][5], **CLOSE)


def test_a_gate_after_the_heads_ends_the_way_and_is_told():
    # A plain Llama, whose heads somebody gates.
    loaded = other_model("LlamaConfig", "LlamaForCausalLM")
    projection = loaded.model.model.layers[1].self_attn.o_proj

    class Gated(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = projection

        def forward(self, joined):
            return self.inner(joined * 0.5)

    loaded.model.model.layers[1].self_attn.o_proj = Gated()
    found = asked(loaded)
    assert found.output is None
    assert found.contribution is None
    assert len(found.between) == 1
    assert "not followed" in found.between[0]
    assert asked(loaded, layer=0).output is not None


def test_layers_without_rotary_are_told_from_those_with():
    loaded = other_model("SmolLM3Config", "SmolLM3ForCausalLM", no_rope_layer_interval=2)
    assert [asked(loaded, layer=layer).rotary for layer in (0, 1)] == [True, False]


def test_half_precision_takes_its_own_rounding_for_nothing():
    found = asked(other_model("LlamaConfig", "LlamaForCausalLM", torch.bfloat16))
    assert (found.between, found.changed) == ((), False)
    assert found.contribution is not None
    np.testing.assert_allclose(softmax(found.scores), found.weights, rtol=0, atol=0.02)


def test_what_no_argument_announces_is_seen_in_the_weights(monkeypatch):
    """A sink that the function keeps to itself is found, and what cannot be understood is said."""
    loaded = other_model("LlamaConfig", "LlamaForCausalLM")
    beside = sys.modules[type(loaded.model).__module__]
    plain = beside.eager_attention_forward

    def with_sink(module, query, key, value, mask, scaling, **keywords):
        keys = beside.repeat_kv(key, module.num_key_value_groups)
        scores = query @ keys.transpose(2, 3) * scaling + mask
        whole = torch.logaddexp(scores.logsumexp(dim=-1, keepdim=True), torch.tensor(0.7))
        return plain(module, query, key, value, mask, scaling, **keywords)[0], (scores - whole).exp()

    def sharpened(*arguments, **keywords):
        output, weights = plain(*arguments, **keywords)
        return output, weights**2 / (weights**2).sum(dim=-1, keepdim=True)

    monkeypatch.setattr(beside, "eager_attention_forward", with_sink)
    sunk = asked(loaded)
    assert sunk.between == (SINK,)
    assert sunk.sink == pytest.approx(0.7, abs=1e-4)
    monkeypatch.setattr(beside, "eager_attention_forward", sharpened)
    strange = asked(loaded)
    assert len(strange.between) == 1
    assert "logarithms of the weights" in strange.between[0]
    np.testing.assert_allclose(softmax(strange.scores), strange.weights, **TIGHT)
    assert (strange.scores[6:] == -np.inf).all()


def test_one_query_costs_no_forward_of_its_own():
    loaded, forwards = architectures.loaded("qwen3"), []
    ask("qwen3", "decoder", 0, 0, 0)
    hook = loaded.model.register_forward_pre_hook(lambda *_: forwards.append(1))
    for layer, head, query in ((0, 0, 1), (0, 3, 1), (1, 2, 7)):
        ask("qwen3", "decoder", layer, head, query)
    hook.remove()
    assert not forwards


def test_nothing_stays_on_the_shared_model_and_nothing_holds_on_to_it():
    loaded = other_model("LlamaConfig", "LlamaForCausalLM")
    before = {module: dict(module.__dict__) for module in loaded.model.modules()}
    asked(loaded)
    for module, attributes in before.items():
        assert module.__dict__ == attributes
        for hooks in (module._forward_hooks, module._forward_pre_hooks, module._backward_hooks):
            assert not hooks
    gone = weakref.ref(loaded.model)
    del loaded, before, module, attributes, hooks
    gc.collect()
    assert gone() is None


@pytest.mark.quick(1)
@pytest.mark.parametrize("name", ["llama", "t5", "gpt_oss"])
def test_eight_threads_get_what_one_gets(name):
    kind = "cross" if name == "t5" else "decoder"
    changes = ((), (ZeroHead(kind, 0, 1),), (HideToken(1),), (CutLink(kind, 1, 3, 2),)) * 2

    def fresh():
        # A model whose projections nobody has looked for.
        return own_engine(name, wrap_model(architectures.build(name, "eager"), None, ARCHITECTURES[name].family))

    def jobs(engine):
        return [
            lambda place=place: [
                engine.run(QueryKeyRequest(traced(name, changes[place]), kind, layer, place % HEADS, place % 5))
                for layer in (0, 1)
            ]
            for place in range(8)
        ]

    expected = [job() for job in jobs(fresh())]
    for answers, wanted in zip(all_at_once(jobs(fresh())), expected, strict=True):
        for one, other in zip(answers, wanted, strict=True):
            for field, value in vars(one).items():
                np.testing.assert_array_equal(value, getattr(other, field))


@pytest.mark.parametrize("name", ["llama", "gpt_oss", "bert"])
def test_layers_that_lie_aside_come_for_it(name, tmp_path):
    """As `device_map="auto"` does for layers beyond the GPU: weights are on "meta", and come for a layer's turn."""
    family = ARCHITECTURES[name].family
    model = architectures.build(name, "eager")
    layer = next(f"{path}.1" for path, module in model.named_modules() if isinstance(module, torch.nn.ModuleList))
    aside = dispatch_model(model, {"": "cpu", layer: "disk"}, main_device="cpu", offload_dir=tmp_path)
    found = own_engine(name, wrap_model(aside, None, family)).run(QueryKeyRequest(traced(name), family, 1, 2, 4))
    expected = ask(name, family, 1, 2, 4)
    for field in ("scores", "weights", "concatenated", "output", "contribution"):
        np.testing.assert_allclose(getattr(found, field), getattr(expected, field), **CLOSE)
    assert (found.between, found.rotary, found.sink) == (expected.between, expected.rotary, expected.sink)
    assert any(parameter.device.type == "meta" for parameter in aside.parameters())
