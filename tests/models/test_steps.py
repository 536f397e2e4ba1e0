"""Row t of one forward over the whole output is what step t looked at, for decoders and seq2seq models."""

import numpy as np
import pytest
import transformers

from models.attention import (
    AbsencesRequest,
    HeadMapRequest,
    HideToken,
    StepRowsRequest,
    TooManyTokensError,
    TracedTextRequest,
    TraceRequest,
    trace_attention,
)
from models.decoding import DecodingSettings, decode
from models.engine import Engine
from models.loading import wrap_model
from tests.models import architectures
from tests.models.test_decoding import PROMPT, ours

NAMES = ("gpt2", "llama", "mistral", "gemma2", "gemma3", "deepseek_v3", "gpt_oss")
STEPS = 12


def engine_with(name, loaded):
    engine = Engine()
    engine._models.get(name, lambda: loaded)
    return engine


def rows_of(name, kind, layer, head):
    loaded = ours(name)
    engine = engine_with(name, loaded)
    written = tuple(step.token_id for step in decode(loaded, PROMPT, DecodingSettings(max_new_tokens=STEPS)))
    if kind == "decoder" and not loaded.model.config.is_encoder_decoder:
        trace = TraceRequest(name, (*PROMPT, *written[:-1]))
        request = StepRowsRequest(HeadMapRequest(trace, kind, layer, head), first=len(PROMPT) - 1)
    else:
        request = StepRowsRequest(HeadMapRequest(TraceRequest(name, PROMPT, written), kind, layer, head))
    return loaded, written, engine.run(request)


@pytest.mark.quick(5)
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("layer", "head"), [(0, 1), (1, 3)])
def test_a_decoders_rows_are_those_of_a_fresh_forward(name, layer, head):
    loaded, written, rows = rows_of(name, "decoder", layer, head)
    assert rows.weights.shape == (STEPS, len(PROMPT) + STEPS - 1)
    for step in range(STEPS):
        prefix = (*PROMPT, *written[:step])
        fresh = trace_attention(loaded, prefix).weights("decoder", layer, head)[-1]
        shown = rows.weights[step]
        np.testing.assert_allclose(np.nan_to_num(shown[: len(prefix)]), fresh, atol=1e-4)
        assert np.isnan(shown[len(prefix) :]).all(), "what is not written yet cannot be looked at"


@pytest.mark.quick(2)
@pytest.mark.parametrize("name", architectures.SEQ2SEQ)
@pytest.mark.parametrize("kind", ["cross", "decoder"])
def test_a_seq2seq_models_rows_are_those_of_a_fresh_forward(name, kind):
    loaded, written, rows = rows_of(name, kind, 1, 2)
    start = loaded.model.config.decoder_start_token_id
    for step in range(STEPS):
        prefix = (start, *written[:step])
        fresh = trace_attention(loaded, PROMPT, prefix).weights(kind, 1, 2)[-1]
        np.testing.assert_allclose(np.nan_to_num(rows.weights[step][: len(fresh)]), fresh, atol=1e-4)
    assert rows.most == pytest.approx(np.nanmax(rows.weights))


@pytest.mark.parametrize("name", architectures.SEQ2SEQ)
def test_each_row_names_the_token_that_it_writes(name):
    loaded = ours(name)
    engine = engine_with(name, loaded)
    steps = list(decode(loaded, PROMPT, DecodingSettings(max_new_tokens=6)))
    ids = tuple(step.token_id for step in steps)
    traced = engine.run(TracedTextRequest(TraceRequest(name, PROMPT, ids)))
    assert tuple(each.id for each in traced.written) == ids
    shares = [each.probability for each in traced.written]
    np.testing.assert_allclose(shares, [step.probability for step in steps], atol=1e-4)
    assert len(traced.target_tokens) == len(ids)


def test_written_pieces_add_up_to_the_text_of_any_tokenizer(smollm2):
    config = architectures.ARCHITECTURES["t5"].config()
    config.vocab_size = smollm2.vocabulary
    model = transformers.T5ForConditionalGeneration(config)
    engine = engine_with("t5", wrap_model(model, smollm2.tokenizer, "seq2seq"))
    target = "Paris, café 🍓 and  1,234"
    traced = engine.run(TracedTextRequest(TraceRequest("t5", "a text", target)))
    assert "".join(each.adds for each in traced.written) == target
    assert len(traced.written) > 8


@pytest.mark.parametrize(
    ("name", "kind"), [("llama", "decoder"), ("t5", "encoder"), ("t5", "cross"), ("bert", "encoder")]
)
def test_all_layers_are_the_mean_of_all_maps(name, kind):
    loaded = architectures.loaded(name)
    engine = engine_with(name, loaded)
    target = architectures.TARGET_IDS if name == "t5" else None
    trace = TraceRequest(name, architectures.IDS, target)
    whole = engine.run(HeadMapRequest(trace, kind, None, None))
    maps = engine.run(trace)
    expected = np.mean([maps.weights(kind, layer).mean(axis=0) for layer in maps.layers(kind)], axis=0)
    np.testing.assert_allclose(whole.weights, expected, atol=1e-6)
    assert (whole.visible == maps.visible(kind, 0)).all()


def test_absences_are_what_hiding_each_token_gives():
    loaded = ours("t5")
    engine = engine_with("t5", loaded)
    ids = tuple(step.token_id for step in decode(loaded, PROMPT, DecodingSettings(max_new_tokens=5)))
    found = engine.run(AbsencesRequest(TraceRequest("t5", PROMPT, ids)))
    assert len(found) == len(PROMPT) + 1
    assert found[0].first_changed is None
    start = loaded.model.config.decoder_start_token_id
    for place in range(len(PROMPT)):
        logits = trace_attention(loaded, PROMPT, (start, *ids[:-1]), [HideToken(place)]).outputs.astype(np.float64)
        shares = np.exp(logits - logits.max(axis=-1, keepdims=True))
        shares /= shares.sum(axis=-1, keepdims=True)
        assert found[place + 1].probability == pytest.approx(np.prod(shares[range(5), list(ids)]), rel=1e-3)
        changed = np.flatnonzero(logits.argmax(axis=-1) != np.array(ids))
        assert found[place + 1].first_changed == (int(changed[0]) if len(changed) else None)
        if len(changed):
            at = changed[0]
            assert found[place + 1].before == str(ids[at])
            assert found[place + 1].after == str(logits[at].argmax())
    with pytest.raises(TooManyTokensError, match="at most 64"):
        engine.run(AbsencesRequest(TraceRequest("t5", (5,) * 65, ids)))
