"""Classes that stumble without weights: experts that are modules, parameters made on the CPU, distributions."""

from typing import Any

import pytest
import torch
import transformers
from torch.utils.flop_counter import FlopCounterMode

from models.anatomy import plan_of

TOKENS, TARGET = 7, 5
SIZES = {"vocab_size": 64, "d_model": 32}
GEMMA: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 4,
    "vocab_size": 64,
    "laurel_rank": 4,
}
GEMMA |= {"num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 8, "num_kv_shared_layers": 2}
GEMMA |= {"vocab_size_per_layer_input": 64, "hidden_size_per_layer_input": 8, "altup_num_inputs": 2}
GEMMA |= {
    "layer_types": ["sliding_attention", "full_attention"] * 2,
    "activation_sparsity_pattern": [0.9, 0.0, 0.0, 0.0],
}
ODD = {
    "SwitchTransformersForConditionalGeneration": lambda: transformers.SwitchTransformersConfig(
        **SIZES, d_kv=8, d_ff=64, num_layers=4, num_decoder_layers=4, num_heads=4, num_experts=8
    ),
    "XLNetLMHeadModel": lambda: transformers.XLNetConfig(**SIZES, n_layer=2, n_head=4, d_inner=64),
    "Gemma3nForCausalLM": lambda: transformers.Gemma3nTextConfig(**GEMMA),
}


@pytest.mark.parametrize("name", ODD)
def test_it_is_drawn_without_weights_and_counted_as_with_them(name):
    config, model_class = ODD[name](), getattr(transformers, name)
    target = TARGET if config.is_encoder_decoder else 0
    plan = plan_of(model_class, config, TOKENS, target, title="odd", bits=32)
    model = model_class(config).eval()
    # Torch's counter has no formula for the function that computes attention on a CPU otherwise.
    model.config._attn_implementation = "eager"
    given = {"input_ids": torch.arange(4, 4 + TOKENS)[None], "use_cache": False}
    if target:
        given["decoder_input_ids"] = torch.arange(4, 4 + target)[None]
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model(**given)
    assert plan.parameters == model.num_parameters()
    assert plan.operations == pytest.approx(counter.get_total_flops(), rel=1e-2)
    assert sum(each.operations for each in plan.every.boxes) == plan.operations
