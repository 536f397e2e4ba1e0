"""What a model says with something switched off: each number against a forward of its own."""

import copy

import numpy as np
import pytest
import torch

from models.attention import (
    ChangesRequest,
    CutLink,
    HideToken,
    InterventionError,
    TraceRequest,
    ZeroHead,
    trace_attention,
)

NAME = "Dr. Zorblax lives in Oslo. Yesterday I met Dr. Z"
KEYS = "The keys to the cabinet are on the table."
FOUR = tuple(ZeroHead("decoder", layer, head) for layer, head in ((17, 3), (17, 4), (17, 5), (18, 6)))


def changes(engine, model, text, interventions, target=None):
    before = TraceRequest(model, text, target)
    return engine.run(ChangesRequest(before, TraceRequest(model, text, target, interventions)))


def shares(logits):
    return torch.softmax(torch.as_tensor(logits).double(), dim=-1).numpy()


def without_heads(loaded, heads):
    """The next token's shares where transformers runs a copy of the model with these heads' columns of o_proj at 0."""
    model = copy.deepcopy(loaded.model)
    for each in heads:
        projection = model.model.layers[each.layer].self_attn.o_proj
        with torch.no_grad():
            projection.weight[:, each.head * 64 : (each.head + 1) * 64] = 0
    ids = torch.tensor([loaded.tokenizer(NAME)["input_ids"]])
    with torch.inference_mode():
        return shares(model(ids, use_cache=False).logits[0, -1])


def agree(found, loaded, one, other):
    """Check a decoder's lines against these shares; returns which tokens are likely only after."""
    best = np.argsort(-one)[:5].tolist()
    only_after = [each for each in np.argsort(-other)[:5].tolist() if each not in best]
    expected = [*best, *only_after]
    assert [each.text for each in found.next_tokens] == [piece.text for piece in loaded.pieces(expected)]
    np.testing.assert_allclose([each.before for each in found.next_tokens], one[expected], atol=1e-4)
    np.testing.assert_allclose([each.after for each in found.next_tokens], other[expected], atol=1e-4)
    return {piece.text for piece in loaded.pieces(only_after)}


def test_four_heads_copy_the_name(engine, smollm2):
    found = changes(engine, "smollm2", NAME, FOUR)
    assert found.steps == found.kept == ()
    first = found.next_tokens[0]
    assert first.text == "or"
    assert first.before == pytest.approx(0.69, abs=0.01)
    assert first.after < 0.05
    assert agree(found, smollm2, without_heads(smollm2, ()), without_heads(smollm2, FOUR)), "others are likely now"


def test_a_decoder_without_a_token_is_what_its_mask_makes_of_it(engine, smollm2):
    found = changes(engine, "smollm2", NAME, (HideToken(2),))
    ids = torch.tensor([smollm2.tokenizer(NAME)["input_ids"]])
    mask = torch.ones_like(ids)
    mask[0, 2] = 0
    with torch.inference_mode():
        # The places stay as they are: a mask alone would count the positions anew.
        places = torch.arange(ids.shape[1])[None]
        result = smollm2.model(ids, attention_mask=mask, position_ids=places, use_cache=False)
        whole = smollm2.model(ids, use_cache=False)
    agree(found, smollm2, shares(whole.logits[0, -1]), shares(result.logits[0, -1]))
    assert max(abs(each.after - each.before) for each in found.next_tokens) > 0.01


def test_an_encoders_vectors_keep_their_direction_as_far_as_transformers_says(engine, minilm):
    found = changes(engine, "minilm", KEYS, (HideToken(2),))
    assert found.steps == found.next_tokens == ()
    inputs = minilm.tokenizer(KEYS, return_tensors="pt")
    with torch.inference_mode():
        one = minilm.model(**inputs).last_hidden_state[0]
        inputs["attention_mask"][0, 2] = 0
        other = minilm.model(**inputs).last_hidden_state[0]
    expected = torch.nn.functional.cosine_similarity(one.double(), other.double(), dim=-1)
    np.testing.assert_allclose(found.kept, expected.numpy(), atol=1e-5)
    assert 0.2 < min(found.kept) < 0.98
    assert max(found.kept) <= 1 + 1e-6


def test_an_encoders_head_and_link(engine, minilm):
    for off in ((ZeroHead("encoder", 2, 3),), (CutLink("encoder", 1, 3, 2, 4), ZeroHead("encoder", 4, 0))):
        found = changes(engine, "minilm", KEYS, off)
        one, other = (trace_attention(minilm, KEYS, interventions=each).outputs for each in ((), off))
        expected = [a @ b / np.linalg.norm(a) / np.linalg.norm(b) for a, b in zip(one, other, strict=True)]
        np.testing.assert_allclose(found.kept, expected, atol=1e-5)
        assert min(found.kept) < 0.9999


@pytest.mark.parametrize("is_typed", [True, False], ids=["a typed output", "one as it was written"])
def test_a_seq2seq_models_output_token_by_token(engine, is_typed):
    loaded = engine.model("spelling_to_sound")
    written = tuple(loaded.tokenizer.convert_tokens_to_ids(["N", "AY1", "T", "</s>"]))
    if is_typed:
        written = tuple(loaded.target_tokenizer("N AY1 T")["input_ids"])
    found = changes(engine, "spelling_to_sound", "knight", (HideToken(2),), "N AY1 T" if is_typed else written)
    assert found.next_tokens == found.kept == ()
    assert [each.text for each in found.steps] == ["N", "AY1", "T", "</s>"]
    inputs = loaded.tokenizer("knight", return_tensors="pt")
    given = torch.tensor([[loaded.model.config.decoder_start_token_id, *written[:-1]]])
    with torch.inference_mode():
        one = shares(loaded.model(**inputs, decoder_input_ids=given).logits[0])
        inputs["attention_mask"][0, 2] = 0
        other = shares(loaded.model(**inputs, decoder_input_ids=given).logits[0])
    steps = np.arange(4)
    np.testing.assert_allclose([each.before for each in found.steps], one[steps, list(written)], atol=1e-5)
    np.testing.assert_allclose([each.after for each in found.steps], other[steps, list(written)], atol=1e-5)
    likeliest = [piece.text for piece in loaded.pieces(other.argmax(axis=1).tolist())]
    assert [each.likeliest for each in found.steps] == likeliest
    assert likeliest != ["N", "AY1", "T", "</s>"], "without the i another word is heard"


def test_a_hidden_token_of_the_output_is_one_of_the_targets(engine):
    found = changes(engine, "spelling_to_sound", "knight", (HideToken(1, in_target=True),), "N AY1 T")
    assert found.steps[0].after == pytest.approx(found.steps[0].before, abs=1e-6), "the first step does not see it"
    assert max(abs(each.after - each.before) for each in found.steps[1:]) > 1e-4


@pytest.mark.parametrize(("model", "text"), [("minilm", KEYS), ("smollm2", NAME)])
def test_nothing_switched_off_changes_nothing(engine, model, text):
    found = changes(engine, model, text, ())
    assert all(each.before == each.after for each in found.next_tokens)
    np.testing.assert_allclose(found.kept, 1, atol=1e-12)


def test_a_head_that_is_not_there_is_refused(engine):
    with pytest.raises(InterventionError):
        changes(engine, "smollm2", NAME, (ZeroHead("decoder", 99, 0),))
