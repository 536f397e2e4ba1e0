"""A plan counts what the module tree and torch's own counter count, and draws what a forward does."""

import json
import math
import subprocess
import sys
from functools import cache

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode
from transformers import AutoConfig

from models.anatomy import PlanError, PlanRequest, plan_of, plan_of_config
from models.catalog import ARCHITECTURES
from models.kv_cache.config_file import config_in
from models.kv_cache.facts_before_run import known_config
from models.loading.refusals import ModelRefusedError
from tests.in_each_run import only
from tests.models import architectures

TOKENS = 7
# A stack that writes, one that reads, both, turns of two kinds, experts and latents; the others among the slow ones.
QUICK = ("llama", "bert", "t5", "gemma2", "deepseek_v3")
each_architecture = pytest.mark.parametrize("name", only(QUICK, architectures.NAMES))


@cache
def drawn(name):
    """The plan of a tiny model, as many tokens as its own ids."""
    model = architectures.eager(name)
    target = len(architectures.TARGET_IDS) if model.config.is_encoder_decoder else 0
    return plan_of(type(model), model.config, len(architectures.IDS), target, title=name, bits=32)


def published(kind, **figures):
    return plan_of_config(AutoConfig.for_model(kind, **figures), TOKENS, bits=16)


def with_layers(name, count):
    """The config of a known architecture with fewer layers."""
    config = known_config(ARCHITECTURES[name])
    config.num_hidden_layers = count
    return config


def kinds(plan, layer=0):
    """What a layer is made of, in the order in which it runs."""
    boxes = [each for each in plan.every.boxes if each.kind == "layer"]
    return [each.kind for each in boxes[layer].inner.boxes if each.kind not in ("text", "beside")]


@each_architecture
def test_it_counts_what_torch_counts(name):
    plan, model = drawn(name), architectures.eager(name)
    assert plan.parameters == sum(each.numel() for each in model.parameters())
    assert plan.bytes == 4 * plan.parameters
    before = model.config._experts_implementation
    # Torch's counter has no formula for the product with which experts run otherwise.
    model.set_experts_implementation("eager")
    try:
        with FlopCounterMode(display=False) as counter:
            architectures.forward(model)
    finally:
        model.set_experts_implementation(before)
    assert plan.operations == pytest.approx(counter.get_total_flops(), rel=1e-2)


@each_architecture
def test_every_box_is_the_sum_of_what_is_in_it(name):
    plan = drawn(name)
    for diagram in (plan.every, plan.folded):
        assert sum(each.parameters for each in diagram.boxes) == plan.parameters
        assert sum(each.bytes for each in diagram.boxes) == plan.bytes
        assert sum(each.operations for each in diagram.boxes) == plan.operations
        names = [each.name for each in diagram.boxes]
        assert len(set(names)) == len(names)
    for box in plan.folded.every_box():
        if box.inner is None or box.kind == "layers" or box.shared:
            continue
        for figure in ("parameters", "bytes", "operations"):
            inner = sum(getattr(each, figure) for each in box.inner.boxes)
            assert box.count * inner == getattr(box, figure), (box.name, figure)
    model = architectures.eager(name)
    for box in plan.every.every_box():
        assert not box.path or model.get_submodule(box.path) is not None


def test_gpt2_by_hand():
    plan = plan_of_config(known_config(ARCHITECTURES["gpt2"]), TOKENS, bits=32)
    d, rows, layers = 768, 50_257, 12
    layer = 12 * d * d + 13 * d
    assert plan.parameters == rows * d + 1_024 * d + layers * layer + 2 * d
    # Two operations for each weight of a matrix and each token; scores, and the sum of values, for each pair.
    matrices = layers * 12 * d * d + rows * d
    assert plan.operations == 2 * TOKENS * matrices + layers * 2 * 2 * TOKENS**2 * d
    assert plan.ties == ("transformer.wte.weight = lm_head.weight",)
    assert kinds(plan) == ["norm", "attention", "sum", "norm", "mlp", "sum"]
    (head,) = [each for each in plan.folded.boxes if each.kind == "head"]
    assert (head.parameters, head.shared) == (0, rows * d)


def test_bert_by_hand():
    plan = published("bert")
    d, inner, layers = 768, 3_072, 12
    assert plan.parameters == (30_522 + 512 + 2 + 2) * d + layers * (
        4 * (d * d + d) + 2 * d * inner + inner + d + 4 * d
    ) + (d * d + d)
    # Its pooler reads the first token alone.
    assert plan.operations == layers * (2 * TOKENS * (4 * d * d + 2 * d * inner) + 4 * TOKENS**2 * d) + 2 * d * d
    assert kinds(plan) == ["attention", "sum", "norm", "mlp", "sum", "norm"]


def test_llama_by_hand():
    plan = plan_of_config(with_layers("llama-3-70b", 4), TOKENS, bits=16)
    d, keys, inner, rows, layers = 8_192, 8 * 128, 28_672, 128_256, 4
    layer = 2 * d * d + 2 * d * keys + 3 * d * inner
    assert plan.parameters == 2 * rows * d + layers * (layer + 2 * d) + d
    assert plan.operations == 2 * TOKENS * (layers * layer + rows * d) + layers * 4 * TOKENS**2 * d
    assert plan.bytes == 2 * plan.parameters
    (layers,) = [each for each in plan.folded.boxes if each.kind == "layer"]
    assert layers.count == 4
    facts = dict(layers.inner.box("self_attn").facts)
    assert (facts["heads"], facts["key and value heads"], facts["numbers in a key"]) == (64, 8, 128)
    assert facts["scores times"] == pytest.approx(128**-0.5)
    assert dict(layers.inner.box("mlp").facts) == {"curve": "SiLU", "gated": "yes", "inner width": inner}


def test_t5_by_hand():
    plan = published("t5")
    d, inner, rows, heads, layers = 512, 2_048, 32_128, 8, 6
    encoder = layers * (4 * d * d + 2 * d * inner + 2 * d) + 32 * heads + d
    decoder = layers * (8 * d * d + 2 * d * inner + 3 * d) + 32 * heads + d
    assert plan.parameters == rows * d + encoder + decoder
    matrices = layers * (12 * d * d + 4 * d * inner) + rows * d
    assert plan.operations == 2 * TOKENS * matrices + 3 * layers * 4 * TOKENS**2 * d
    last = [each for each in plan.every.boxes if each.kind == "layer"][-1]
    assert [each.kind for each in last.inner.boxes if each.kind == "cross-attention"] == ["cross-attention"]
    assert any(each.title == "from the encoder" for each in last.inner.boxes)
    assert [each.count for each in plan.folded.boxes if each.kind == "layer"] == [1, 5, 1, 5]


def test_mixtral_by_hand():
    plan = published("mixtral", num_hidden_layers=3)
    d, keys, inner, rows, layers, experts, used = 4_096, 1_024, 14_336, 32_000, 3, 8, 2
    attention = 2 * d * d + 2 * d * keys
    assert plan.parameters == 2 * rows * d + layers * (attention + experts * 3 * d * inner + experts * d + 2 * d) + d
    matrices = layers * (attention + used * 3 * d * inner + experts * d) + rows * d
    assert plan.operations == 2 * TOKENS * matrices + layers * 4 * TOKENS**2 * d
    (box,) = [each for each in plan.folded.every_box() if each.name == "mlp"]
    assert dict(box.facts) == {"experts": experts, "used for a token": used}
    assert [each.kind for each in box.inner.boxes if each.kind != "text"] == ["router", "experts"]


def test_deepseek_v3_by_hand():
    plan = plan_of_config(with_layers("deepseek-v3", 5), TOKENS, bits=8)
    d, heads, rows, dense, layers = 7_168, 128, 129_280, 3, 5
    latent, key, turned, queries, value = 512, 128, 64, 1_536, 128
    attention = d * queries + queries * heads * (key + turned) + d * (latent + turned)
    attention += latent * heads * (key + value) + heads * value * d
    expert = 3 * d * 2_048
    mlp, moe = 3 * d * 18_432, 257 * expert + 256 * d
    norms = 2 * d + queries + latent
    assert plan.parameters == (2 * rows * d + layers * (attention + norms) + dense * mlp + (layers - dense) * moe + d)
    run = layers * attention + dense * mlp + (layers - dense) * (9 * expert + 256 * d) + rows * d
    pairs = layers * 2 * TOKENS**2 * heads * (key + turned + value)
    assert plan.operations == 2 * TOKENS * run + pairs
    assert plan.bytes == plan.parameters


@pytest.mark.parametrize(
    ("kind", "figures", "expected"),
    [
        # Attention and MLP side by side: their sum is added to the stream.
        ("gptj", {"n_layer": 2}, ["norm", "attention", "mlp", "sum", "sum"]),
        # A norm before and one behind each part.
        ("gemma2", {"num_hidden_layers": 2}, ["norm", "attention", "norm", "sum", "norm", "mlp", "norm", "sum"]),
        ("olmo2", {"num_hidden_layers": 2}, ["attention", "norm", "sum", "mlp", "norm", "sum"]),
        ("mamba2", {"num_hidden_layers": 2}, ["norm", "mixer", "sum"]),
        ("bloom", {}, ["norm", "attention", "sum", "norm", "mlp", "sum"]),
    ],
)
def test_a_layer_is_drawn_as_it_runs(kind, figures, expected):
    plan = published(kind, **figures)
    assert kinds(plan) == expected
    assert not [each for each in plan.notes if "residual" in each]


def test_the_stream_goes_past_a_part_and_is_added_to_it():
    plan = drawn("llama")
    inner = next(each for each in plan.every.boxes if each.kind == "layer").inner
    arrows = {(each.source, each.target): each.shape for each in inner.arrows}
    shape = (len(architectures.IDS), architectures.WIDTH)
    for pair in (
        ("input", "input_layernorm"),
        ("input", "sum"),
        ("self_attn", "sum"),
        ("sum", "sum-2"),
        ("mlp", "sum-2"),
    ):
        assert arrows[pair] == shape
    attention = inner.box("self_attn").inner
    grouped = {each.source: each.shape[0] for each in attention.arrows if each.target == "attending"}
    assert grouped["k_proj"] * 2 == grouped["q_proj"]


def test_layers_that_share_their_weights_count_once_and_run_each_time():
    plan = published("albert", num_hidden_layers=3)
    (layers,) = [each for each in plan.folded.boxes if each.kind == "layer"]
    first = next(each for each in plan.every.boxes if each.kind == "layer")
    assert (layers.count, layers.parameters) == (3, first.parameters)
    assert layers.operations == 3 * first.operations
    assert any("share their weights" in each for each in plan.notes)


def test_layers_of_two_kinds_come_in_turns():
    plan = published("gemma3_text", num_hidden_layers=24)
    (layers,) = [each for each in plan.folded.boxes if each.kind == "layers"]
    assert [each.count for each in layers.inner.boxes] == [5, 1]
    assert dict(layers.inner.boxes[0].inner.box("self_attn").facts)["window"] == 4_096


@pytest.mark.slow
def test_many_layers_and_experts_are_drawn():
    config = AutoConfig.for_model("mixtral", num_hidden_layers=200, num_local_experts=128)
    plan = plan_of_config(config, TOKENS, bits=16)
    assert len([each for each in plan.every.boxes if each.kind == "layer"]) == 200
    assert [each.count for each in plan.folded.boxes if each.kind == "layer"] == [200]


@pytest.mark.slow
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_published_model_has_its_published_parameters(name):
    known = ARCHITECTURES[name]
    plan = plan_of_config(known_config(known), TOKENS, title=known.title, bits=known.weight_bits)
    # Of DeepSeek-V3 a number for each expert and layer is a buffer, and no parameter.
    assert plan.parameters + (58 * 256 if name == "deepseek-v3" else 0) == known.parameters


@pytest.mark.slow
def test_a_model_of_70_billion_parameters_takes_two_seconds_and_500_mb():
    program = """
import resource, time
from models.anatomy import plan_of_config
from models.catalog import ARCHITECTURES
from models.kv_cache.facts_before_run import known_config
begin, before = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
plan = plan_of_config(known_config(ARCHITECTURES["llama-3-70b"]), 7, bits=16)
now = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(plan.parameters, time.process_time() - begin, (now - before) / 1024)
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    parameters, seconds, megabytes = map(float, run.stdout.split())
    assert parameters == ARCHITECTURES["llama-3-70b"].parameters
    assert seconds < 2
    assert megabytes < 500


def test_a_part_in_a_layer_that_is_drawn_by_its_twin_has_its_own_path():
    plan = drawn("llama")
    way = plan.every.way(["layer.1", "mlp", "up_proj"])
    assert [each.path for each in way] == ["model.layers.1", "model.layers.1.mlp", "model.layers.1.mlp.up_proj"]
    assert plan.every.way(["layer.1", "nothing", "up_proj"]) == way[:1]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        json.dumps({"model_type": "none that there is"}),
        json.dumps({"model_type": "llama", "num_attention_heads": 7, "hidden_size": 8}),
        json.dumps({"model_type": "vit"}),
        json.dumps({"model_type": "llama", "num_hidden_layers": 10**9}),
        json.dumps({"model_type": "llama", "hidden_size": 0}),
    ],
)
def test_a_config_that_makes_no_model_is_one_sentence(text):
    with pytest.raises((ModelRefusedError, PlanError)) as said:
        plan_of_config(config_in(text), TOKENS)
    assert str(said.value).endswith(".")
    assert "\n" not in str(said.value)


def test_how_weights_are_packed_is_not_asked():
    said = {"model_type": "llama", "num_hidden_layers": 1, "quantization_config": {"quant_method": "bitsandbytes"}}
    assert plan_of_config(config_in(json.dumps(said)), TOKENS).parameters


def test_a_request_counts_the_tokens_of_its_text(engine):
    own = engine.run(PlanRequest("smollm2", "The capital of France is"))
    assert (own.tokens, own.parameters) == (5, 134_515_008)
    other = engine.run(PlanRequest("smollm2", "The capital of France is", of="llama-3-8b"))
    assert (other.tokens, other.title) == (5, "Llama 3 8B")
    sounds = engine.run(PlanRequest("spelling_to_sound", "knight"))
    assert sounds.target_tokens == 1
    assert math.isclose(sounds.bytes, 4 * sounds.parameters)
    assert torch.get_default_device().type == "cpu"
