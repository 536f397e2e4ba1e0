"""The stream of a token, beside transformers' own hidden states and what its modules give."""

import numpy as np
import pytest
import torch

from models.anatomy.way_up import WayUpError, WayUpRequest
from tests.in_each_run import only
from tests.models import architectures
from tests.models.architectures import ARCHITECTURES, IDS, NAMES
from tests.models.heads.small import REPRESENTATIVES, engine_of, trace_of
from tests.models.test_query_key import own_engine

QUICK = (*REPRESENTATIVES, "gemma2", "gpt_neox", "albert")
EACH = only(QUICK, NAMES)
# How the norms of each stand to the parts: before them, over the sums, or before and after.
BEFORE, OVER, BOTH = (True, False), (False, True), (True, True)
NORMS = dict.fromkeys(("bert", "distilbert", "roberta", "albert", "bart", "marian"), OVER)
NORMS |= {"gemma2": BOTH, "gemma3": BOTH}
PARTS = {"encoder": ["attention", "mlp"], "decoder": ["attention", "mlp"]}


def way(name):
    return engine_of(name).run(WayUpRequest(trace_of(name)))


@pytest.mark.parametrize("name", EACH)
def test_the_stream_is_that_of_the_hidden_states_and_its_parts_are_all_there(name):
    found = way(name)
    family = ARCHITECTURES[name].family
    with_cross = ["attention", "cross-attention", "mlp"]
    for layer in found.layers:
        assert [each.what for each in layer.added] == (with_cross if family == "seq2seq" else ["attention", "mlp"])
        for each in layer.added:
            is_first = name == "modernbert" and layer.layer == 0 and each.what == "attention"
            # ModernBERT's first attention reads the normed embeddings as they are.
            expected = (False, False) if is_first else NORMS.get(name, BEFORE)
            assert (each.before is not None, each.after is not None) == expected
    model = architectures.eager(name)
    with torch.inference_mode():
        own = {"decoder_input_ids": torch.tensor([(2, 33, 14, 51, 20, 44)])} if family == "seq2seq" else {}
        output = model(torch.tensor([IDS]), output_hidden_states=True, **own)
    states = output.decoder_hidden_states if family == "seq2seq" else output.hidden_states
    for place, layer in enumerate(found.layers):
        np.testing.assert_allclose(layer.entered, states[place][0].norm(dim=-1), rtol=1e-4)
        if place:
            np.testing.assert_array_equal(layer.entered, found.layers[place - 1].left)


def test_what_is_added_and_its_angle_are_those_of_the_modules():
    model = architectures.eager("llama")
    calls = {}
    modules = dict(model.named_modules())
    names = [f"model.layers.1.{each}" for each in ("self_attn", "mlp", "post_attention_layernorm")]
    handles = [
        modules[each].register_forward_hook(
            lambda _, given, output, each=each: calls.update(
                {each: (given[0] if given else None, output[0] if isinstance(output, tuple) else output)}
            )
        )
        for each in names
    ]
    with torch.inference_mode():
        states = model(torch.tensor([IDS]), output_hidden_states=True).hidden_states
    for each in handles:
        each.remove()
    layer = way("llama").layers[1]
    attention, mlp = layer.added
    stream = states[1][0]
    given = calls[names[0]][1][0]
    middle, normed = (each[0] for each in calls[names[2]])
    np.testing.assert_allclose(attention.lengths, given.norm(dim=-1), rtol=1e-4)
    np.testing.assert_allclose(attention.cosines, torch.cosine_similarity(given, stream, dim=-1), atol=1e-5)
    np.testing.assert_allclose(mlp.cosines, torch.cosine_similarity(calls[names[1]][1][0], middle, dim=-1), atol=1e-5)
    norm = mlp.before
    assert norm.kind == "RMSNorm"
    np.testing.assert_allclose(norm.means, middle.mean(dim=-1), atol=1e-5)
    np.testing.assert_allclose(norm.spreads, middle.pow(2).mean(dim=-1).sqrt(), rtol=1e-4)
    np.testing.assert_allclose((norm.before, norm.after), (middle.norm(dim=-1), normed.norm(dim=-1)), rtol=1e-4)
    gain = modules[names[2]].weight.detach()
    assert norm.gain[::2] == pytest.approx((float(gain.min()), float(gain.max())), rel=1e-4)


def test_parts_that_run_side_by_side_are_compared_with_the_same_stream():
    one, two = way("gpt_neox").layers[0].added
    np.testing.assert_allclose(one.before.before, two.before.before)


def test_a_model_whose_layers_hand_no_stream_on_is_said_to_have_none(monkeypatch):
    monkeypatch.setattr("models.anatomy.way_up.seen_blocks", lambda _: ())
    with pytest.raises(WayUpError, match="choose another model"):
        own_engine("unseen", architectures.loaded("llama")).run(WayUpRequest(trace_of("unseen", IDS)))
