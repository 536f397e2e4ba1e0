"""Models in memory that cannot be shown: one sentence each."""

from typing import Any

import pytest
import torch
import transformers

from models.attention import trace_attention
from models.loading import wrap_model
from models.loading.checks_before_reading import ArchitectureNotSupportedError, ModelRefusedError
from models.loading.position_limit import position_limit
from tests.models.test_predicted_caches import BASE, GROUPED

SMALL = {"vocab_size": 64, "hidden_size": 32, "num_hidden_layers": 2}
FUNNEL = {"vocab_size": 64, "block_sizes": [1, 1], "d_model": 32, "n_head": 4, "d_head": 8, "d_inner": 48}
LATENTS = {"vocab_size": 64, "d_model": 32, "d_latents": 32, "num_latents": 8, "num_self_attention_heads": 4}
AXIAL = {"attention_head_size": 8, "axial_pos_embds_dim": (16, 16), "axial_pos_shape": (4, 8)}
SPEECH = {"conv_dim": (32,), "conv_kernel": (3,), "conv_stride": (2,), "num_conv_pos_embeddings": 4}

REFUSED = {
    "mamba": ("MambaForCausalLM", "MambaConfig", SMALL, "names no num_attention_heads"),
    "mamba 2": ("Mamba2ForCausalLM", "Mamba2Config", SMALL | {"num_heads": 4, "head_dim": 16}, "num_attention_heads"),
    "xlstm": ("xLSTMForCausalLM", "xLSTMConfig", SMALL | {"num_heads": 4}, "names no num_attention_heads"),
    "rwkv": ("RwkvForCausalLM", "RwkvConfig", SMALL | {"attention_hidden_size": 32}, "by itself"),
    "fnet": ("FNetModel", "FNetConfig", SMALL, "names no num_attention_heads"),
    "fnet with a head": ("FNetForMaskedLM", "FNetConfig", SMALL, "names no num_attention_heads"),
    "funnel": ("FunnelModel", "FunnelConfig", FUNNEL, "by itself"),
    "perceiver": ("PerceiverModel", "PerceiverConfig", LATENTS, "by itself"),
    "reformer": ("ReformerModel", "ReformerConfig", BASE | AXIAL, "by itself"),
    "canine": ("CanineModel", "CanineConfig", BASE | {"num_hash_buckets": 64}, "by itself"),
    "no language": ("XmodModel", "XmodConfig", BASE, "Input language unknown"),
    "no language, with a head": ("XmodForMaskedLM", "XmodConfig", BASE, "Input language unknown"),
    "no language, a decoder": ("XmodForCausalLM", "XmodConfig", BASE | {"is_decoder": True}, "Input language unknown"),
    "pictures": ("ViTModel", "ViTConfig", BASE | {"image_size": 16, "patch_size": 8}, "does not read text"),
    "pictures and text": (
        "CLIPModel",
        "CLIPConfig",
        {"text_config": BASE, "vision_config": BASE},
        "does not read text",
    ),
    "sounds": ("Wav2Vec2Model", "Wav2Vec2Config", BASE | SPEECH, "does not read text"),
    "one vector for all": ("DPRQuestionEncoder", "DPRConfig", BASE, "neither logits nor a vector for each token"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_shown_is_refused_in_a_sentence(name):
    model_class, config_class, settings, sentence = REFUSED[name]
    model = getattr(transformers, model_class)(getattr(transformers, config_class)(**settings))
    with pytest.raises(ModelRefusedError, match=sentence) as found:
        wrap_model(model, None, "encoder")
    assert "\n" not in str(found.value)
    assert str(found.value).endswith(".")


@pytest.mark.parametrize("field", ["num_attention_heads", "hidden_size", "num_hidden_layers", "vocab_size"])
def test_a_config_that_lacks_a_figure(field):
    model: Any = transformers.LlamaForCausalLM(transformers.LlamaConfig(**GROUPED))
    model.config = Without(model.config, field)
    with pytest.raises(ArchitectureNotSupportedError, match=f"names no {field}"):
        wrap_model(model, None, "decoder")


class Without:
    """A config without a field."""

    def __init__(self, config, field):
        self.config, self.field = config, field

    def __getattr__(self, name):
        if name == self.field:
            raise AttributeError(name)
        return getattr(self.config, name)

    def get_text_config(self, **_):
        return self


@pytest.mark.parametrize(
    ("field", "numbers"), [("num_attention_heads", [4, 8]), ("num_key_value_heads", (2, 4)), ("hidden_size", [32, 16])]
)
def test_a_list_with_a_number_for_each_layer(field, numbers):
    """As OpenELM writes it. One number for all is one number, though it be a list."""
    model = transformers.LlamaForCausalLM(transformers.LlamaConfig(**GROUPED))
    model.config.__dict__[field] = numbers
    with pytest.raises(ArchitectureNotSupportedError, match=rf"differ in {field} \(\d+, \d+\)"):
        wrap_model(model, None, "decoder")
    model.config.__dict__[field] = [{"hidden_size": 32, "num_attention_heads": 4, "num_key_value_heads": 2}[field]] * 2
    assert wrap_model(model, None, "decoder").card.heads == 4


def test_what_layers_have_each_of_their_own():
    """transformers does not tell it for the whole, and raises a RuntimeError for who asks."""
    config = transformers.LlamaConfig(**GROUPED)
    model = transformers.LlamaForCausalLM(config)
    model.config.per_layer_config = {1: {"num_key_value_heads": 4}}
    with pytest.raises(ArchitectureNotSupportedError, match=r"differ in num_key_value_heads \(2, 4\)"):
        wrap_model(model, None, "decoder")


def test_a_language_makes_xmod_readable():
    config = transformers.XmodConfig(**BASE, languages=["en_XX", "de_DE"], default_language="de_DE")
    loaded = wrap_model(transformers.XmodModel(config).eval(), None, "encoder")
    assert trace_attention(loaded, [5, 6, 7]).weights("encoder", 0).shape == (4, 3, 3)


@pytest.mark.parametrize(("rows", "limit"), [(40, 40), (None, None), (0, None), (-1, None), ([8, 16], None)])
def test_positions_that_are_no_number_are_no_limit(rows, limit):
    model = transformers.GPT2LMHeadModel(transformers.GPT2Config(n_positions=40, n_layer=1, n_embd=8, n_head=2))
    model.config.__dict__["n_positions"] = rows
    assert position_limit(model) == limit


def test_a_device_without_room_is_not_taken_for_a_refusal():
    class Full(transformers.LlamaForCausalLM):
        def forward(self, *_, **__):
            raise torch.OutOfMemoryError("CUDA out of memory")

    with pytest.raises(torch.OutOfMemoryError):
        wrap_model(Full(transformers.LlamaConfig(**GROUPED)), None, "decoder")
