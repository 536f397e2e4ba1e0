"""The logit lens: its last row is the model, its other rows are the model's own head after its own norm."""

from typing import Any

import numpy as np
import pytest
import torch
import transformers

from models.embeddings import (
    EmbedRequest,
    LensError,
    LensRequest,
    LensTableRequest,
    TopRequest,
    embed,
    final_norm,
    logit_lens,
    normed,
    read_out,
)
from models.embeddings.largest_values import best_first, rank_of
from models.engine import Engine
from models.loading import wrap_model
from tests.models import architectures
from tests.models.architectures import DECODERS, IDS, SEQ2SEQ, TARGET_IDS
from tests.models.config_settings import GROUPED
from tests.models.drawn_weights import with_drawn_weights

HEADED = (*DECODERS, *SEQ2SEQ)
MASKED = {"bert": "BertForMaskedLM", "roberta": "RobertaForMaskedLM", "albert": "AlbertForMaskedLM"} | {
    "distilbert": "DistilBertForMaskedLM",
    "modernbert": "ModernBertForMaskedLM",
}
TIGHT = 1e-5
EIFFEL = "The Eiffel Tower is located in the city of"


def with_head(name):
    """An encoder of this architecture with a head for hidden tokens, random weights in all of it."""
    config = architectures.ARCHITECTURES[name].config()
    model = getattr(transformers, MASKED[name])._from_config(config, attn_implementation="eager")
    draw = torch.Generator().manual_seed(len(name))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=draw) * 0.2)
    return wrap_model(model, None, "encoder")


@pytest.fixture(scope="module")
def masked():
    return {name: with_head(name) for name in MASKED}


@pytest.fixture(scope="module")
def engine(minilm, smollm2, masked):
    """An engine of its own, with the models that the other tests loaded, and tiny ones."""
    tiny = {name: architectures.loaded(name) for name in HEADED}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("models.loading.load_model", ({"minilm": minilm, "smollm2": smollm2} | tiny | masked).__getitem__)
        yield Engine(10**9)


def target_of(name):
    return TARGET_IDS if name in SEQ2SEQ else None


def read_states(name):
    """The hidden states that the head of a tiny model reads."""
    embedding = embed(architectures.loaded(name), IDS, target_of(name))
    return torch.from_numpy(embedding.target_hidden_states if name in SEQ2SEQ else embedding.hidden_states)


def softmax(logits):
    logits = logits.astype(np.float64)
    shares = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return shares / shares.sum(axis=-1, keepdims=True)


# ----- The head


@pytest.mark.parametrize("name", HEADED)
def test_the_last_hidden_state_is_read_as_the_models_logits(name):
    logits = read_out(architectures.loaded(name), read_states(name)[-1])
    assert logits.dtype == torch.float32
    np.testing.assert_allclose(logits.numpy(), architectures.run(architectures.plain(name)), rtol=0, atol=TIGHT)


def test_scores_of_experts_are_of_the_text_and_not_of_what_is_read():
    """Where the config asks for them, the model's forward makes a loss of as many as there are tokens."""
    settings = GROUPED | {"num_local_experts": 4, "num_experts_per_tok": 2, "output_router_logits": True}
    config = transformers.MixtralConfig(**settings)
    model = with_drawn_weights(transformers.MixtralForCausalLM._from_config(config, attn_implementation="eager"), "moe")
    logits = architectures.run(model)
    loaded = wrap_model(model, None, "decoder")
    assert loaded.refusal("lens") == ""
    read = read_out(loaded, torch.from_numpy(embed(loaded, IDS).hidden_states[-1][:3]))
    np.testing.assert_allclose(read.numpy(), logits[:3], rtol=0, atol=TIGHT)


@pytest.mark.parametrize("name", MASKED)
def test_a_masked_head_reads_the_last_hidden_state_as_it_does_itself(masked, name):
    loaded = masked[name]
    states = torch.from_numpy(embed(loaded, IDS).hidden_states)
    expected = architectures.run(loaded.model)
    np.testing.assert_allclose(read_out(loaded, states[-1]).numpy(), expected, rtol=0, atol=TIGHT)


def norm_then(name):
    """The head of a tiny model written out: what it does with the hidden state after the first layer."""
    model: Any = architectures.eager(name)
    hidden = read_states(name)[1]
    if name == "gpt2":
        return model.lm_head(model.transformer.ln_f(hidden))
    if name == "llama":
        return model.lm_head(model.model.norm(hidden))
    if name == "gemma2":
        cap = model.config.final_logit_softcapping
        return torch.tanh(model.lm_head(model.model.norm(hidden)) / cap) * cap
    if name == "gemma3":
        return model.lm_head(model.model.norm(hidden))
    if name == "t5":
        scale = model.config.d_model**-0.5 if model.config.tie_word_embeddings else 1
        return model.lm_head(model.decoder.final_layer_norm(hidden) * scale)
    # Post-norm: the layers have normed already, and both have a bias for each token.
    return model.lm_head(hidden) + model.final_logits_bias[0]


@pytest.mark.parametrize("name", ["gpt2", "llama", "gemma2", "gemma3", "t5", "bart", "marian"])
def test_an_inner_hidden_state_is_read_through_norm_and_head(name):
    loaded = architectures.loaded(name)
    with torch.inference_mode():
        expected = norm_then(name).numpy()
    logits = read_out(loaded, normed(loaded, read_states(name)[1]))
    np.testing.assert_allclose(logits.numpy(), expected, rtol=0, atol=TIGHT)


@pytest.mark.parametrize("name", ["bert", "modernbert"])
def test_an_inner_state_of_an_encoder_is_read_through_the_heads_transform(masked, name):
    loaded = masked[name]
    hidden = torch.from_numpy(embed(loaded, IDS).hidden_states[1])
    model: Any = loaded.model
    with torch.inference_mode():
        if name == "bert":
            expected = model.cls(hidden)
            assert final_norm(loaded) is None
        else:
            expected = model.decoder(model.head(model.model.final_norm(hidden)))
    np.testing.assert_allclose(read_out(loaded, normed(loaded, hidden)).numpy(), expected.numpy(), rtol=0, atol=TIGHT)


def test_t5_scales_what_its_head_reads_where_the_config_says_so():
    config = architectures.ARCHITECTURES["t5"].config()
    config.scale_decoder_outputs = not config.scale_decoder_outputs
    with torch.random.fork_rng():
        model = transformers.T5ForConditionalGeneration._from_config(config)
    loaded = wrap_model(model, None, "seq2seq")
    states = torch.from_numpy(embed(loaded, IDS, TARGET_IDS).target_hidden_states)
    np.testing.assert_allclose(read_out(loaded, states[-1]).numpy(), architectures.run(model), rtol=0, atol=TIGHT)


def test_the_shared_model_is_not_touched():
    loaded = architectures.loaded("gpt2")
    before = {path: tuple(module.__dict__) for path, module in loaded.model.named_modules()}
    logits = architectures.run(loaded.model)
    read_out(loaded, torch.zeros(3, architectures.WIDTH))
    assert {path: tuple(module.__dict__) for path, module in loaded.model.named_modules()} == before
    np.testing.assert_array_equal(architectures.run(loaded.model), logits)


# ----- The table


@pytest.mark.quick(6)
@pytest.mark.parametrize("name", [*HEADED, *MASKED])
def test_the_last_row_is_the_models_own_distribution(engine, name):
    loaded = engine.model(name)
    # The engine's decoder is given what stands before each written token.
    target = (33, 14, 51, 20) if name in SEQ2SEQ else None
    request = LensTableRequest(name, IDS, target)
    table = engine.run(request)
    embedding = engine.run(EmbedRequest(name, IDS, target))
    shares = softmax(architectures.run(loaded.model, target=embedding.target_ids))
    np.testing.assert_array_equal(table.ids[-1], shares.argmax(axis=-1))
    np.testing.assert_allclose(table.probabilities[-1], shares.max(axis=-1), rtol=0, atol=TIGHT)
    np.testing.assert_array_equal(table.divergences[-1], 0)
    assert table.pieces[-1] == tuple(map(str, table.ids[-1]))
    assert table.read == (embedding.target_pieces or embedding.pieces)
    last = engine.run(TopRequest(name, IDS, len(table.ids) - 1, 1, 5, target))
    np.testing.assert_allclose(last.probabilities, np.sort(shares[1])[::-1][:5], rtol=0, atol=TIGHT)


@pytest.mark.parametrize("name", ["llama", "t5", "marian", "bert"])
def test_divergences_are_from_the_models_output_to_the_layers(engine, name):
    loaded = engine.model(name)
    target = (33, 14, 51, 20) if name in SEQ2SEQ else None
    table = engine.run(LensTableRequest(name, IDS, target))
    embedding = engine.run(EmbedRequest(name, IDS, target))
    states = torch.from_numpy(embedding.target_hidden_states if target else embedding.hidden_states)
    final = softmax(read_out(loaded, states[-1]).numpy())
    for layer in range(len(states) - 1):
        own = softmax(read_out(loaded, normed(loaded, states[layer])).numpy())
        expected = (final * np.log(final / own)).sum(axis=-1)
        np.testing.assert_allclose(table.divergences[layer], expected, rtol=1e-4, atol=TIGHT)
        np.testing.assert_array_equal(table.ids[layer], own.argmax(axis=-1))
        np.testing.assert_allclose(table.probabilities[layer], own.max(axis=-1), rtol=0, atol=TIGHT)


def test_a_few_positions_at_a_time_give_the_same_table(engine, monkeypatch):
    whole = engine.run(LensTableRequest("gpt2", IDS))
    monkeypatch.setattr(logit_lens, "_LOGITS_AT_ONCE", 4 * architectures.VOCABULARY)
    parts = LensTableRequest("gpt2", IDS).answer(engine)
    np.testing.assert_array_equal(parts.ids, whole.ids)
    np.testing.assert_allclose(parts.probabilities, whole.probabilities, rtol=0, atol=TIGHT)
    np.testing.assert_allclose(parts.divergences, whole.divergences, rtol=0, atol=TIGHT)


def test_a_last_state_before_the_norm_is_normed_as_well(engine, monkeypatch):
    """transformers can be told to return the last layer's output itself."""
    model = architectures.build("llama", "eager")
    model.config.tie_last_hidden_states = False
    loaded = wrap_model(model, None, "decoder")
    monkeypatch.setattr("models.loading.load_model", lambda _: loaded)
    own = Engine(10**8)
    assert own.run(EmbedRequest("odd", IDS)).last == "the last layer's output, before the final norm"
    table = own.run(LensTableRequest("odd", IDS))
    shares = softmax(architectures.run(model))
    np.testing.assert_array_equal(table.ids[-1], shares.argmax(axis=-1))
    np.testing.assert_allclose(table.probabilities[-1], shares.max(axis=-1), rtol=0, atol=TIGHT)


# ----- One column


@pytest.mark.parametrize("name", ["gpt_oss", "bart"])
def test_a_token_is_followed_through_the_layers(engine, name):
    loaded = engine.model(name)
    target = (33, 14, 51, 20) if name in SEQ2SEQ else None
    embedding = engine.run(EmbedRequest(name, IDS, target))
    states = torch.from_numpy(embedding.target_hidden_states if target else embedding.hidden_states)
    answer = engine.run(LensRequest(name, IDS, target, token=17, position=2))
    assert (answer.position, answer.token, answer.piece) == (2, 17, "17")
    for layer, state in enumerate(states):
        vectors = state if layer == len(states) - 1 else normed(loaded, state)
        shares = softmax(read_out(loaded, vectors).numpy()[2])
        order = sorted(range(len(shares)), key=lambda each: (-shares[each], each))
        assert answer.ranks[layer] == order.index(17)
        assert answer.shares[layer] == pytest.approx(shares[17], abs=TIGHT)
        top = engine.run(TopRequest(name, IDS, layer, 2, 4, target))
        assert top.ids.tolist() == order[:4]
        np.testing.assert_allclose(top.probabilities, shares[order[:4]], rtol=0, atol=TIGHT)
        assert top.pieces == tuple(map(str, order[:4]))


def test_the_token_and_the_place_left_open_are_the_models_own(engine):
    answer = engine.run(LensRequest("gpt2", IDS))
    assert answer.position == len(IDS) - 1
    assert answer.token == answer.table.ids[-1, -1]
    assert answer.ranks[-1] == 0
    assert answer.table is engine.run(LensTableRequest("gpt2", IDS))


def test_paris_comes_up_late(engine, smollm2):
    """The figures of the pages' example, measured."""
    paris = smollm2.tokenizer(" Paris")["input_ids"]
    assert len(paris) == 1
    answer = engine.run(LensRequest("smollm2", EIFFEL, token=paris[0]))
    assert answer.piece == "␣Paris"
    assert len(answer.ranks) == 31
    assert answer.ranks[1] == pytest.approx(13_616, rel=0.01)
    assert answer.ranks[23] > 1000
    assert answer.ranks[26] < 50
    assert answer.ranks[28:].tolist() == [0, 0, 0]
    with torch.inference_mode():
        logits = smollm2.model(torch.tensor([smollm2.tokenizer(EIFFEL)["input_ids"]])).logits[0]
    shares = softmax(logits.numpy())
    np.testing.assert_array_equal(answer.table.ids[-1], shares.argmax(axis=-1))
    np.testing.assert_allclose(answer.table.probabilities[-1], shares.max(axis=-1), rtol=0, atol=TIGHT)
    assert answer.shares[-1] == pytest.approx(shares[-1, paris[0]], abs=TIGHT)


# ----- The order of equal values


def test_of_equal_values_the_smaller_id_comes_first():
    values = np.array([1, 3, 2, 3, -np.inf, 2, 3, 2], dtype=np.float32)
    assert best_first(values, 5).tolist() == [1, 3, 6, 2, 5]
    assert best_first(values, 50).tolist() == [1, 3, 6, 2, 5, 7, 0, 4]
    assert best_first(values, 0).tolist() == []
    assert [rank_of(values, each) for each in (1, 3, 6, 2, 5, 7, 0, 4)] == list(range(8))


# ----- What cannot be read


@pytest.mark.parametrize(
    ("request_of", "match"),
    [
        (LensTableRequest("minilm", "A text."), "no head"),
        (LensRequest("gpt2", IDS, position=9), "no position 9"),
        (LensRequest("gpt2", IDS, position=-1), "no position"),
        (LensRequest("gpt2", IDS, token=64), "no token 64"),
        (TopRequest("gpt2", IDS, 3, 0), "no layer 3"),
        (TopRequest("gpt2", IDS, 0, 9), "no position 9"),
        (LensTableRequest("smollm2", (5,) * 257), "257 positions"),
    ],
)
def test_what_cannot_be_read_is_said(engine, request_of, match):
    with pytest.raises(LensError, match=match):
        engine.run(request_of)
