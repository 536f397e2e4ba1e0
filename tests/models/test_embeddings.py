"""Hidden states are transformers' own, and what is said of the first and the last of them holds."""

import gc
import weakref
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from transformers import AutoModel, AutoModelForCausalLM, AutoModelForSeq2SeqLM

from models.attention import InputError
from models.catalog import MODELS
from models.embeddings import (
    EmbedRequest,
    NoHiddenStatesError,
    SwapError,
    SwappedRequest,
    embed,
    final_norm,
)
from models.embeddings.hidden_states import hidden_of
from models.embeddings.swapped_words import same_tokens
from models.engine import Engine, size_of
from models.forward.shadow_modules import answering, shadow_of
from models.loading import load_model, wrap_model
from models.loading.packs import model_folder
from models.tokenization import TextError
from tests.models import architectures
from tests.models.architectures import IDS, NAMES, SEQ2SEQ, TARGET_IDS

CLASSES = {"minilm": AutoModel, "smollm2": AutoModelForCausalLM, "spelling_to_sound": AutoModelForSeq2SeqLM}
TEXTS = {"minilm": "She sat by the river bank.", "smollm2": "She sat by the river bank", "spelling_to_sound": "knight"}
TIGHT = 1e-5

# How the first hidden state comes about, and the final norm of the stack that a head reads.
FIRSTS = {
    "bert": "static vectors, positions and a norm",
    "distilbert": "static vectors, positions and a norm",
    "roberta": "static vectors, positions and a norm",
    "albert": "static vectors, positions, a norm and a linear map",
    "modernbert": "static vectors and a norm",
    "gpt2": "static vectors plus positions",
    "gemma2": "static vectors times a number",
    "gemma3": "static vectors times a number",
    "bart": "static vectors, positions and a norm",
    "marian": "static vectors plus positions",
}
NORMS = {
    "modernbert": "final_norm",
    "gpt2": "transformer.ln_f",
    "gpt_neox": "gpt_neox.final_layer_norm",
    "t5": "decoder.final_layer_norm",
} | dict.fromkeys(("llama", "qwen3", "mistral", "gemma2", "gemma3", "gpt_oss", "deepseek_v3"), "model.norm")


@cache
def of(name):
    return embed(architectures.loaded(name), IDS, TARGET_IDS if name in SEQ2SEQ else None)


@pytest.fixture(scope="module")
def real(minilm, smollm2):
    return {"minilm": minilm, "smollm2": smollm2, "spelling_to_sound": load_model("spelling_to_sound")}


@pytest.fixture(scope="module")
def engine(real):
    """An engine of its own, with the models that the other tests loaded, and tiny ones."""
    tiny = {f"tiny {name}": architectures.loaded(name) for name in NAMES}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("models.loading.load_model", (real | tiny).__getitem__)
        yield Engine(10**9)


def state(model):
    """All that a forward could leave behind on a model: its tensors, modules and hooks."""
    return [
        (
            path,
            type(module),
            tuple(id(each) for each in module._parameters.values()),
            tuple(id(each) for each in module._buffers.values()),
            tuple(id(each) for each in module._modules.values()),
            len(module._forward_hooks) + len(module._forward_pre_hooks),
            tuple(module.__dict__),
        )
        for path, module in model.named_modules()
    ]


# ----- Hidden states


@pytest.mark.parametrize("name", NAMES)
def test_hidden_states_are_those_of_transformers(name):
    result = architectures.forward(architectures.plain(name), output_hidden_states=True)
    key = "encoder_hidden_states" if name in SEQ2SEQ else "hidden_states"
    states = np.stack([each[0].numpy() for each in result[key]])
    assert of(name).hidden_states.dtype == np.float32
    np.testing.assert_allclose(of(name).hidden_states, states, rtol=0, atol=TIGHT)
    if name in SEQ2SEQ:
        states = np.stack([each[0].numpy() for each in result["decoder_hidden_states"]])
        np.testing.assert_allclose(of(name).target_hidden_states, states, rtol=0, atol=TIGHT)
        assert of(name).target_ids == TARGET_IDS
    else:
        assert of(name).target_hidden_states.shape == (0, 0, 0)
        assert of(name).target_ids == of(name).target_pieces == ()


@pytest.mark.parametrize("name", CLASSES)
def test_hidden_states_of_real_models_are_those_of_transformers(real, name):
    own = CLASSES[name].from_pretrained(model_folder(MODELS[name]), dtype=torch.float32).eval()
    embedding = embed(real[name], TEXTS[name], "N AY1 T" if name == "spelling_to_sound" else None)
    result = architectures.forward(own, embedding.ids, embedding.target_ids or None, output_hidden_states=True)
    key = "encoder_hidden_states" if embedding.target_ids else "hidden_states"
    # The numbers of SmolLM2's inner layers go up to a thousand and more.
    for mine, theirs in zip(embedding.hidden_states, result[key], strict=True):
        np.testing.assert_allclose(mine, theirs[0].numpy(), rtol=0, atol=TIGHT * max(1, float(theirs.abs().max())))
    if embedding.target_ids:
        mine, theirs = embedding.target_hidden_states, torch.stack(result["decoder_hidden_states"])[:, 0]
        np.testing.assert_allclose(mine, theirs.numpy(), rtol=0, atol=TIGHT)
        assert embedding.target_pieces == ("<pad>", "N", "AY1", "T")


def test_pieces_stand_where_they_stand_in_the_text(minilm):
    embedding = embed(minilm, "The 🍓 bank")
    assert embedding.pieces == ("[CLS]", "the", "[UNK]", "bank", "[SEP]")
    assert embedding.is_special == (True, False, False, False, True)
    assert embedding.spans == ((0, 0), (0, 3), (4, 5), (6, 10), (0, 0))
    vectors = 4 * 384 * 5 * (7 + 1)
    assert vectors <= size_of(embedding) < vectors + 4_000


@pytest.mark.parametrize("name", NAMES)
def test_static_vectors_are_rows_of_the_table(name):
    model: Any = architectures.eager(name)
    weight = model.get_input_embeddings().weight.detach().numpy()
    np.testing.assert_array_equal(of(name).static, weight[list(IDS)])


@pytest.mark.parametrize("name", NAMES)
def test_what_the_first_and_the_last_are(name):
    embedding = of(name)
    assert embedding.first == FIRSTS.get(name, "static vectors")
    expected = "after the final norm" if name in NORMS else "the last layer's output"
    assert embedding.last == expected
    of_target = (embedding.first, expected) if name in SEQ2SEQ else ("", "")
    assert (embedding.target_first, embedding.target_last) == of_target
    is_scaled = name.startswith("gemma")
    assert embedding.scale == pytest.approx(architectures.WIDTH**0.5 if is_scaled else 1, rel=1e-4)
    if embedding.first in ("static vectors", "static vectors times a number"):
        np.testing.assert_allclose(embedding.hidden_states[0], embedding.static * embedding.scale, rtol=0, atol=TIGHT)


@pytest.mark.parametrize("name", NAMES)
def test_the_final_norm_is_found(name):
    loaded = architectures.loaded(name)
    norm = final_norm(loaded)
    assert next((path for path, module in loaded.model.named_modules() if module is norm), None) == NORMS.get(name)


def test_a_scale_before_positions_is_told_from_them():
    config = architectures.ARCHITECTURES["marian"].config()
    config.scale_embedding = True
    with torch.random.fork_rng():
        model = transformers.MarianMTModel._from_config(config)
    embedding = embed(wrap_model(model, None, "seq2seq"), IDS, TARGET_IDS)
    assert embedding.first == embedding.target_first == "static vectors times a number plus positions"
    assert embedding.scale == pytest.approx(architectures.WIDTH**0.5, rel=1e-4)


@pytest.mark.parametrize("name", ["bert", "llama", "gemma3", "t5", "marian"])
def test_the_shared_model_is_left_as_it_was(name):
    model = architectures.build(name, "eager")
    loaded = wrap_model(model, None, architectures.ARCHITECTURES[name].family)
    before = state(model)
    first = embed(loaded, IDS).hidden_states
    assert state(model) == before
    # Somebody else may have had transformers set its hooks: the states are the same then, and each comes once.
    architectures.forward(model, output_hidden_states=True)
    np.testing.assert_array_equal(embed(loaded, IDS).hidden_states, first)


def test_a_shadow_shares_weights_and_stand_ins_take_the_place_of_modules():
    model = architectures.build("t5", "eager")
    shadow = shadow_of(model)[model]
    assert [id(each) for each in shadow.parameters()] == [id(each) for each in model.parameters()]
    assert not {id(each) for each in shadow.modules()} & {id(each) for each in model.modules()}
    stub = answering(model.decoder, lambda: "answer")
    copy: Any = shadow_of(model, {model.decoder: stub})[model]
    assert copy.decoder(input_ids=None) == "answer"
    assert copy.decoder.config is model.decoder.config
    assert model.decoder is not stub


def test_what_was_measured_goes_with_its_model():
    loaded = wrap_model(architectures.build("bert", "eager"), None, "encoder")
    embed(loaded, IDS)
    gone = weakref.ref(loaded)
    del loaded
    gc.collect()
    assert gone() is None


def test_a_module_in_two_places_has_one_shadow():
    layer = torch.nn.Identity()
    twice = torch.nn.Sequential(layer, torch.nn.Sequential(layer))
    shadow: Any = shadow_of(twice)[twice]
    assert shadow[0] is shadow[1][0] is not layer


@pytest.mark.parametrize("states", [None, (), (torch.zeros(1, 2, 4), torch.zeros(1, 2, 6)), (torch.zeros(2, 4),)])
def test_a_model_without_one_state_for_each_layer_is_refused(states):
    with pytest.raises(NoHiddenStatesError, match="hidden state"):
        hidden_of(architectures.loaded("bert"), {"hidden_states": states}, "hidden_states")


@pytest.mark.parametrize(
    ("text", "target", "error"),
    [
        (" ", None, InputError),
        ("a\0b", None, TextError),
        ((1, 40_000), None, InputError),
        ("word " * 600, None, InputError),
        ("word", "word", InputError),
    ],
)
def test_what_the_model_cannot_take_is_refused(minilm, text, target, error):
    with pytest.raises(error):
        embed(minilm, text, target)


def test_the_engine_keeps_an_embedding(engine):
    request = EmbedRequest("tiny gpt2", IDS)
    assert engine.run(request) is engine.run(EmbedRequest("tiny gpt2", IDS))
    np.testing.assert_array_equal(engine.run(request).hidden_states, of("gpt2").hidden_states)


def test_generated_tokens_are_given_to_the_decoder_one_later(engine):
    answer = engine.run(EmbedRequest("tiny t5", IDS, (33, 14, 51)))
    # T5 starts with the token its config names.
    assert answer.target_ids == (2, 33, 14)
    np.testing.assert_array_equal(
        answer.target_hidden_states, embed(architectures.loaded("t5"), IDS, (2, 33, 14)).target_hidden_states
    )


# ----- Order

DOG = "The dog bit the man."


def test_without_positions_an_encoder_cannot_tell_the_order(engine):
    swapped = "The man bit the dog."
    answer = engine.run(SwappedRequest("minilm", DOG, swapped))
    assert answer.same_tokens
    assert answer.why_not == ""
    assert not answer.is_causal
    assert answer.pairs[1:6] == ((1, 1), (2, 5), (3, 3), (4, 4), (5, 2))
    np.testing.assert_allclose(answer.without.tokens, 1, rtol=0, atol=TIGHT)
    assert answer.without.pooled == pytest.approx(1, abs=TIGHT)
    assert answer.with_positions.pooled < 0.99
    assert answer.with_positions.tokens.max() < 0.995
    one, other = (engine.run(EmbedRequest("minilm", text)).hidden_states[-1].mean(axis=0) for text in (DOG, swapped))
    by_hand = one @ other / np.linalg.norm(one) / np.linalg.norm(other)
    assert answer.with_positions.pooled == pytest.approx(by_hand, abs=TIGHT)


@pytest.mark.parametrize("name", ["llama", "gpt2", "bert", "roberta", "modernbert"])
def test_without_positions_is_transformers_with_every_position_0(engine, name):
    swapped = (IDS[1], IDS[0], *IDS[2:])
    answer = engine.run(SwappedRequest(f"tiny {name}", IDS, swapped))
    more = {"position_ids": torch.zeros(1, len(IDS), dtype=torch.long), "attention_mask": torch.ones(1, len(IDS))}
    one, other = (
        architectures.forward(architectures.plain(name), ids, output_hidden_states=True, **more).hidden_states[-1][0]
        for ids in (IDS, swapped)
    )
    pairs = torch.tensor(answer.pairs).T
    expected = torch.cosine_similarity(one[pairs[0]], other[pairs[1]])
    np.testing.assert_allclose(answer.without.tokens, expected.numpy(), rtol=0, atol=TIGHT)
    # A causal mask shows the order all the same, and a window of ModernBERT's does.
    knows = answer.is_causal or name == "modernbert"
    assert (answer.without.pooled < 1 - 1e-4) == knows


@pytest.mark.parametrize("name", ["t5", "bart", "marian"])
def test_positions_that_cannot_be_switched_off_are_said_to_be_so(engine, name):
    answer = engine.run(SwappedRequest(f"tiny {name}", IDS, IDS[::-1]))
    assert answer.without is None
    assert "cannot be switched off" in answer.why_not
    assert answer.with_positions.pooled < 1


def test_the_same_token_is_paired_in_order():
    assert same_tokens((5, 7, 5, 9), (7, 5, 8, 5)) == ((0, 1), (1, 0), (2, 3))


def test_sentences_without_a_common_token_are_refused(engine):
    with pytest.raises(SwapError, match="in common"):
        engine.run(SwappedRequest("tiny bert", (11, 12), (13, 14)))
