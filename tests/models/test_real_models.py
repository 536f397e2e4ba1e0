"""The real models: exact against transformers, and the figures that the pages and the examples state."""

from functools import cache

import numpy as np
import pytest
import torch
from transformers import AutoModel, AutoModelForCausalLM

from models.attention import trace_attention
from models.catalog import DEFAULT_MODEL, MODELS, UnknownModelError, model_card
from models.loading import load_model
from models.loading.packs import model_folder

CLASSES = {"minilm": AutoModel, "smollm2": AutoModelForCausalLM}
PRONOUN = "The animal didn't cross the street because it was too tired."
NAME = "Dr. Zorblax lives in Oslo. Yesterday I met Dr. Z"
TEXTS = {"minilm": PRONOUN, "smollm2": NAME}
BOTH = tuple(CLASSES)


@cache
def transformers_own(name, implementation):
    """The same files, read by transformers alone."""
    folder = model_folder(MODELS[name])
    return CLASSES[name].from_pretrained(folder, dtype=torch.float32, attn_implementation=implementation).eval()


def run_own(name, implementation, ids, **more):
    with torch.inference_mode():
        return transformers_own(name, implementation)(input_ids=torch.tensor([ids]), use_cache=False, **more)


@pytest.fixture(params=BOTH)
def name(request):
    return request.param


@pytest.fixture
def loaded(name, request):
    return request.getfixturevalue(name)


@pytest.fixture(scope="module")
def traces(minilm, smollm2):
    return {"minilm": trace_attention(minilm, PRONOUN), "smollm2": trace_attention(smollm2, NAME)}


def test_every_map_is_that_of_eager_attention(name, loaded, traces):
    trace = traces[name]
    ids = loaded.tokenizer(TEXTS[name])["input_ids"]
    assert [piece.id for piece in trace.pieces] == ids
    attentions = run_own(name, "eager", ids, output_attentions=True).attentions
    (kind,) = trace.kinds
    assert kind == loaded.card.family
    assert trace.layers(kind) == tuple(range(len(attentions)))
    for layer, expected in enumerate(attentions):
        np.testing.assert_allclose(trace.weights(kind, layer), expected[0].numpy(), rtol=0, atol=1e-5)


def test_capturing_does_not_change_the_output(name, loaded, traces):
    result = run_own(name, "sdpa", [piece.id for piece in traces[name].pieces])
    expected = (result.logits if name == "smollm2" else result.last_hidden_state)[0].numpy()
    assert traces[name].outputs.shape == expected.shape
    np.testing.assert_allclose(traces[name].outputs, expected, rtol=0, atol=1e-4)
    np.testing.assert_allclose(traces[name].last_output, expected[-1], rtol=0, atol=1e-4)


def test_minilm_finds_what_it_stands_for(traces):
    trace = traces["minilm"]
    row = trace.weights("encoder", 3, 1)[trace.tokens.index("it")]
    assert row.argmax() == trace.tokens.index("animal")
    assert row.max() == pytest.approx(0.68, abs=0.01)


def test_smollm2_looks_back_to_what_followed_last_time(smollm2, traces):
    """An induction head: the name is begun for the second time, and the head looks at how it went on."""
    trace = traces["smollm2"]
    assert trace.tokens[-1].endswith("Z")
    earlier = trace.tokens.index("or")
    assert trace.tokens[earlier - 1] == trace.tokens[-1]
    row = trace.weights("decoder", 17, 3)[-1]
    assert row.argmax() == earlier
    assert row.max() == pytest.approx(0.90, abs=0.01)
    shares = np.exp(trace.last_output - trace.last_output.max())
    shares /= shares.sum()
    assert smollm2.tokenizer.decode([shares.argmax()]) == "or"
    assert shares.max() == pytest.approx(0.69, abs=0.01)


def test_the_card_states_the_figures_of_the_config(name, loaded):
    card, config, model = MODELS[name], transformers_own(name, "eager").config, transformers_own(name, "eager")
    assert card.layers == config.num_hidden_layers
    assert card.heads == config.num_attention_heads
    assert card.key_value_heads == getattr(config, "num_key_value_heads", config.num_attention_heads)
    assert card.width == config.hidden_size
    assert card.vocabulary == config.vocab_size == model.get_input_embeddings().num_embeddings
    assert card.positions == config.max_position_embeddings == loaded.positions
    # `parameters()` gives a tied tensor once.
    assert card.parameters == sum(parameter.numel() for parameter in model.parameters())
    assert loaded.card is card
    assert len(loaded.tokenizer) <= card.vocabulary


def test_the_card_states_the_figures_of_the_trace(name, loaded, traces):
    trace, card = traces[name], MODELS[name]
    assert len(trace.layers(card.family)) == card.layers
    assert {trace.heads(card.family, layer) for layer in trace.layers(card.family)} == {card.heads}
    keys = trace.keys(card.family, 0)
    assert len({head.tobytes() for head in keys}) == card.key_value_heads
    assert keys.shape[0] * keys.shape[2] == card.width


def test_a_loaded_model_is_ready(loaded):
    assert not loaded.model.training
    assert loaded.model.dtype == torch.float32
    assert loaded.device == loaded.model.device
    assert loaded.backend.padding is None
    assert loaded.backend.truncation is None


def test_a_name_that_is_on_no_card_is_refused_with_those_that_are():
    for call in (model_card, load_model):
        with pytest.raises(UnknownModelError, match=r"minilm, smollm2") as refusal:
            call("zebra")
        assert "zebra" not in str(refusal.value)


def test_the_default_model_is_on_the_shelf():
    assert DEFAULT_MODEL in MODELS
    assert all(card.name == name for name, card in MODELS.items())
