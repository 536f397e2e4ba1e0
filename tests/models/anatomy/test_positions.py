"""How a model tells places apart is what its own modules compute."""

import numpy as np
import pytest
import torch

from models.anatomy.part_switches import SwitchError
from models.anatomy.positions import PositionsRequest, distance_bias, position_ways
from models.anatomy.rotary_turns import TurnedRequest, _layout, _unturned
from models.attention import TraceRequest
from models.attention.trace import NoSuchMapError
from models.forward.capture import Call
from tests.in_each_run import only
from tests.models import odd_architectures
from tests.models.architectures import NAMES, eager, loaded, trace

KINDS = {
    **dict.fromkeys(("bert", "distilbert", "roberta", "albert", "gpt2", "bart"), "learned rows"),
    **dict.fromkeys(("modernbert", "gpt_neox", "llama", "qwen3", "mistral", "gemma2", "gemma3"), "rotary"),
    "gpt_oss": "rotary",
    "deepseek_v3": "rotary",
    "t5": "relative bias",
    "marian": "sinusoids",
}


@pytest.mark.parametrize("name", only(("bert", "marian", "t5"), NAMES))
def test_it_is_told_by_what_the_modules_do(name):
    assert position_ways(loaded(name)).kinds == (KINDS[name],)


def test_rows_are_those_of_the_table():
    rows = position_ways(loaded("bert")).rows[0]
    table = eager("bert").get_parameter("embeddings.position_embeddings.weight").detach().numpy()
    np.testing.assert_allclose(rows.lengths, np.linalg.norm(table, axis=1)[: len(rows.lengths)], rtol=1e-5)
    cosine = table[3] @ table[7] / np.linalg.norm(table[3]) / np.linalg.norm(table[7])
    assert rows.cosines[3, 7] == pytest.approx(cosine, abs=1e-5)
    assert rows.rows == len(table)


def test_sinusoids_have_the_wavelengths_of_the_paper():
    rows = position_ways(loaded("marian")).rows[0]
    theirs = 2 * np.pi * 10_000 ** (2 * np.arange(rows.width // 2) / rows.width)
    np.testing.assert_allclose(rows.wavelengths[:8], theirs[:8], rtol=1e-2)


def test_angles_are_those_of_rotary_embedding():
    turns = position_ways(loaded("llama")).turns[0]
    frequencies = eager("llama").model.rotary_emb.inv_freq.numpy()
    np.testing.assert_allclose(turns.angles, np.outer(np.arange(len(turns.angles)), frequencies), atol=1e-3)


def test_biases_are_those_that_the_model_computes():
    found = {each.stack: each for each in position_ways(loaded("t5")).biases}
    for stack, layers in (("encoder", (0, 1, 2)), ("decoder", (0, 1))):
        attention = getattr(eager("t5"), stack).block[0].layer[0].SelfAttention
        bias = attention.compute_bias(6, 6)[0].detach().numpy()
        assert found[stack].layers == layers
        for distance in (-5, -1, 0):
            own = found[stack].biases[:, found[stack].distances.index(distance)]
            np.testing.assert_allclose(own, bias[:, 5, 5 + distance], rtol=1e-4)


def test_a_bias_that_grows_evenly_is_alibi():
    places = torch.arange(8)
    slopes = torch.tensor([0.5, 0.25])
    future = torch.where(places[None] > places[:, None], torch.finfo(torch.float32).min, 0.0)
    mask = (slopes[:, None, None] * (places[None] - places[:, None]).clamp(max=0) + future)[None]
    one = torch.ones(1, 2, 8, 4)
    found = distance_bias(Call(torch.nn.Identity(), one, one, one, mask, {}, is_causal=False), "decoder", 0)
    assert found is not None
    assert found.kind == "ALiBi"
    np.testing.assert_allclose(found.slopes, [-0.5, -0.25], rtol=1e-5)
    assert distance_bias(Call(torch.nn.Identity(), one, one, one, None, {}, is_causal=True), "decoder", 0) is None


def test_what_else_tells_the_order_is_seen():
    assert position_ways(loaded("llama")).otherwise == ()
    # Its layers look back over a window: which tokens these are depends on the order.
    assert position_ways(loaded("mistral")).otherwise == (("decoder", 0), ("decoder", 1))
    hybrid = position_ways(odd_architectures.loaded("jamba"))
    assert hybrid.kinds == ("none",)
    assert ("decoder", 0) in (hybrid.otherwise or ())


@pytest.mark.parametrize("name", ["llama", "gpt_neox", "deepseek_v3", pytest.param("gemma3", marks=pytest.mark.slow)])
def test_pairs_are_found_in_every_layer(name):
    whole, ways = trace(name), position_ways(loaded(name))
    for layer in whole.layers("decoder"):
        with torch.inference_mode():
            queries, _ = _unturned(whole, "decoder", layer)
        turned = whole.queries("decoder", layer)[1].astype(np.float64)
        assert _layout(ways.turns, queries[1].astype(np.float64), turned)[1] is not None


@pytest.mark.slow
def test_before_the_turn_are_the_layers_own_projections(engine):
    request = TraceRequest("smollm2", "The capital of France is")
    found = engine.run(TurnedRequest(request, "decoder", 3, 2, 4, 1))
    whole = engine.run(request)
    layer = whole.loaded.model.model.layers[3]
    ids = torch.tensor([whole.inputs.ids])
    with torch.inference_mode():
        stream = whole.loaded.model.model(input_ids=ids, output_hidden_states=True, use_cache=False).hidden_states[3]
        normed = layer.input_layernorm(stream)[0]
        query, key = (
            projection(normed).unflatten(-1, (-1, 64))[:, head]
            for projection, head in ((layer.self_attn.q_proj, 2), (layer.self_attn.k_proj, 0))
        )
    np.testing.assert_allclose(found.before, (query @ key.T).numpy(), atol=1e-2, rtol=1e-3)
    after = whole.queries("decoder", 3)[2] @ whole.keys("decoder", 3)[2].T
    np.testing.assert_allclose(found.after, after, atol=1e-3)
    # The key is three places before the query; had it stood at the same place, nothing would be turned.
    assert found.live[3] == pytest.approx(found.after[4, 1], abs=1e-2)
    assert found.live[0] == pytest.approx(found.before[4, 1], abs=1e-2)
    assert found.own[0] == pytest.approx(1)
    assert found.energies.sum() == pytest.approx(1)
    assert found.even[1] < found.even[0] == 1


def test_what_turns_nothing_or_is_not_there_is_said(engine):
    request = TraceRequest("minilm", "A short text")
    assert engine.run(PositionsRequest("minilm")).kinds == ("learned rows",)
    with pytest.raises(SwitchError, match="Nothing turns"):
        engine.run(TurnedRequest(request, "encoder", 0, 0, 0, 0))
    with pytest.raises(NoSuchMapError, match="no head 99"):
        engine.run(TurnedRequest(request, "encoder", 0, 99, 0, 0))
