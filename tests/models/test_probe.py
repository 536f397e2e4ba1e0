"""Kinds, layers, lens and hidden tokens of models that are unlike the rest, against transformers' own."""

import numpy as np
import pytest
import torch
import transformers

from models.attention import HideToken, ReplacePattern, UnseenAttentionError, ZeroHead, trace_attention, trace_rows
from models.embeddings import embed, read_out
from models.forward.capture import ADDRESSES
from models.loading import ArchitectureNotSupportedError, wrap_model
from tests.models import architectures, odd_architectures
from tests.models.architectures import IDS, TARGET_IDS, forward, run
from tests.models.config_settings import DECODER_LAYERS, ENCODER_LAYERS, HEADS
from tests.models.odd_architectures import HYBRID, NAMES, SEQ2SEQ

CLOSE = {"rtol": 0, "atol": 5e-5}
# As the classes are written; none of it is told by `is_causal` or a name.
LAYERS = {
    "nllb_moe": {"encoder": range(ENCODER_LAYERS), "decoder": range(DECODER_LAYERS), "cross": range(DECODER_LAYERS)},
    "switch": {"encoder": range(ENCODER_LAYERS), "decoder": range(DECODER_LAYERS), "cross": range(DECODER_LAYERS)},
    "pegasus_x": {"decoder": range(DECODER_LAYERS), "cross": range(DECODER_LAYERS)},
    "longt5": {"decoder": range(DECODER_LAYERS), "cross": range(DECODER_LAYERS)},
    "bert_pair": {"encoder": range(2), "decoder": range(3), "cross": range(3)},
    "bert_and_roberta": {"encoder": range(2), "decoder": range(3), "cross": range(3)},
    "layoutlm": {"encoder": range(2)},
    "align_text": {"encoder": range(2)},
    "qwen3_next": {"decoder": [3]},
    "jamba": {"decoder": [1]},
    "lfm2": {"decoder": [1]},
    "minimax": {"decoder": [1]},
    "zamba2": {"decoder": [1]},
}


def target_of(name):
    return TARGET_IDS if name in SEQ2SEQ else None


def trace(name, interventions=()):
    return trace_attention(odd_architectures.loaded(name), IDS, target_of(name), interventions)


def maps_of(name, kind):
    """transformers' own maps of a kind, those that are maps of heads."""
    result = forward(odd_architectures.eager(name), output_attentions=True)
    names = {"encoder": "encoder_attentions", "decoder": "decoder_attentions", "cross": "cross_attentions"}
    given = result[names[kind]] if name in SEQ2SEQ else result["attentions"]
    size = {"encoder": (9, 9), "decoder": (6, 6), "cross": (6, 9)}[kind] if name in SEQ2SEQ else (9, 9)
    return [each[0].numpy() for each in given if each is not None and each.shape[2:] == size]


@pytest.mark.quick(3)
@pytest.mark.parametrize("name", NAMES)
def test_kinds_and_layers_are_those_that_the_class_has(name):
    found = trace(name)
    expected = LAYERS.get(name, {"decoder": range(2)})
    assert {kind: list(found.layers(kind)) for kind in found.kinds} == {k: list(v) for k, v in expected.items()}


@pytest.mark.quick(7)
@pytest.mark.parametrize("name", NAMES)
def test_every_map_is_transformers_own(name):
    found = trace(name)
    for kind in found.kinds:
        maps = maps_of(name, kind)
        assert len(maps) == len(found.layers(kind))
        for layer, expected in zip(found.layers(kind), maps, strict=True):
            np.testing.assert_allclose(found.weights(kind, layer), expected, **CLOSE)


@pytest.mark.quick(7)
@pytest.mark.parametrize("name", NAMES)
def test_the_output_is_transformers_own(name):
    np.testing.assert_allclose(trace(name).outputs, run(odd_architectures.eager(name)), rtol=0, atol=2e-4)


def test_a_model_that_chooses_its_keys_looks_at_no_more_than_it_chose():
    assert ((trace("deepseek_v32").weights("decoder", 0)[:, 8] > 0).sum(axis=-1) == 4).all()
    assert not trace("deepseek_v32").visible("decoder", 0)[4].all()


@pytest.mark.parametrize("name", ["pegasus_x", "longt5", "minimax"])
def test_what_has_no_maps_is_said(name):
    sentence = odd_architectures.loaded(name).caveat("maps")
    assert "no maps of" in sentence
    assert ("encoder" in sentence) == (name != "minimax")


@pytest.mark.quick(7)
@pytest.mark.parametrize("name", [each for each in NAMES if each != "align_text"])
def test_the_lens_reads_the_vectors_that_it_is_given(name):
    loaded = odd_architectures.loaded(name)
    if name == "pegasus_x":
        # Its encoder pads the text, and there are no vectors of the text to show.
        assert "hidden state" in loaded.refusal("lens")
        return
    found = embed(loaded, IDS, target_of(name))
    last = torch.from_numpy((found.target_hidden_states if name in SEQ2SEQ else found.hidden_states)[-1])
    logits = run(odd_architectures.eager(name))
    np.testing.assert_allclose(read_out(loaded, last).numpy(), logits, rtol=0, atol=2e-4)
    turned = read_out(loaded, last.flip(0)).numpy()
    np.testing.assert_allclose(turned, logits[::-1], rtol=0, atol=2e-4)
    assert loaded.refusal("lens") == ""


@pytest.mark.quick(14)
@pytest.mark.parametrize("name", [each for each in NAMES if each != "pegasus_x"])
@pytest.mark.parametrize("position", [3, 0])
def test_a_hidden_token_is_a_zero_in_the_mask_for_every_layer(name, position):
    mask = torch.ones(1, len(IDS), dtype=torch.long)
    mask[0, position] = 0
    expected = run(odd_architectures.eager(name), attention_mask=mask)
    hidden = trace(name, [HideToken(position)])
    # A query without any key looks at all keys alike in transformers, and at none here.
    first = 0 if name in SEQ2SEQ or position or trace(name).kinds == ("encoder",) else 1
    np.testing.assert_allclose(hidden.outputs[first:], expected[first:], rtol=0, atol=2e-4)
    assert np.isfinite(hidden.outputs).all()


@pytest.mark.parametrize("name", HYBRID)
def test_of_a_hidden_token_nothing_is_seen_by_layers_without_attention(name):
    loaded = odd_architectures.loaded(name)
    assert loaded.caveat("hidden token") == ""
    changed = (*IDS[:3], 20, *IDS[4:])
    one, other = (trace_attention(loaded, ids, target_of(name), [HideToken(3)]).last_output for ids in (IDS, changed))
    np.testing.assert_allclose(one, other, rtol=0, atol=1e-5)
    assert abs(trace_attention(loaded, changed, target_of(name)).last_output - trace(name).last_output).max() > 1e-3


@pytest.mark.parametrize("name", ["qwen3_next", "nllb_moe", "diffllama", "bert_pair"])
def test_rows_of_a_batch_and_runs_from_a_base_are_as_one_by_one(name):
    kind = trace(name).kinds[0]
    layer = trace(name).layers(kind)[-1]
    rows = ([HideToken(2)], [ZeroHead(kind, layer, 1)], [])
    base = trace(name)
    together = trace_rows(odd_architectures.loaded(name), IDS, rows, target_of(name))
    for row, found in zip(rows, together, strict=True):
        alone = trace(name, row)
        np.testing.assert_allclose(found.last_output, alone.last_output, rtol=0, atol=1e-4)
        again = trace_attention(odd_architectures.loaded(name), IDS, target_of(name), row, base)
        np.testing.assert_allclose(again.last_output, alone.last_output, rtol=0, atol=1e-5)
        for each in alone.kinds:
            for number in alone.layers(each):
                np.testing.assert_allclose(again.weights(each, number), alone.weights(each, number), **CLOSE)


def test_a_head_that_attends_twice_in_a_layer_is_switched_off_twice():
    """DiffLlama: two calls with the same weights, one for each half of the values."""
    loaded = odd_architectures.loaded("diffllama")
    weights = trace("diffllama").weights("decoder", 1)
    same = tuple(map(tuple, weights[2].tolist()))
    found = trace("diffllama", [ReplacePattern("decoder", 1, 2, same)])
    np.testing.assert_allclose(found.outputs, trace("diffllama").outputs, rtol=0, atol=1e-4)
    nothing = tuple((0.0,) * len(IDS) for _ in IDS)
    off = trace("diffllama", [ZeroHead("decoder", 1, 2)])
    by_pattern = trace("diffllama", [ReplacePattern("decoder", 1, 2, nothing)])
    np.testing.assert_allclose(off.outputs, by_pattern.outputs, rtol=0, atol=1e-5)
    assert abs(off.outputs - found.outputs).max() > 1e-3
    width = trace("diffllama").keys("decoder", 1).shape[-1]
    assert trace("diffllama").values("decoder", 1).shape == (HEADS, len(IDS), 2 * width)
    assert loaded.findings[0].verdict == "exact"


def test_attention_that_runs_more_often_than_it_was_seen_to_is_refused():
    model = architectures.build("albert", "eager")
    loaded = wrap_model(model, None, "encoder")
    module = next(each for each in loaded.model.modules() if ADDRESSES in each.__dict__)
    module.__dict__[ADDRESSES] = module.__dict__[ADDRESSES][:1]
    with pytest.raises(UnseenAttentionError, match="more often"):
        trace_attention(loaded, IDS)


def test_maps_that_are_not_of_the_tokens_are_refused():
    """T5Gemma 2 looks at the source and at its own output in one attention."""
    text = {
        "vocab_size": 64,
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 8,
        "max_position_embeddings": 40,
        "layer_types": ["full_attention", "full_attention"],
    }
    picture = {
        "hidden_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 16,
        "image_size": 28,
        "patch_size": 14,
    }
    config = transformers.T5Gemma2Config(encoder={"text_config": text, "vision_config": picture}, decoder=text)
    model = transformers.T5Gemma2ForConditionalGeneration(config).eval()
    with pytest.raises(ArchitectureNotSupportedError, match="not of the tokens"):
        wrap_model(model, None, "seq2seq")
