"""A head switched off: each row of the batch against a run of its own, and what four heads do together."""

import random  # noqa: TID251 - a generator of its own, and no state for everybody

import numpy as np
import pytest

from models.attention import HeadsOffRequest, TraceRequest, ZeroHead, trace_attention, trace_rows
from models.engine import Engine

OSLO = "Dr. Zorblax lives in Oslo. Yesterday I met Dr. Z"


@pytest.fixture(scope="module")
def engine():
    return Engine()


def softmax(logits):
    shares = np.exp(logits.astype(np.float64) - logits.max())
    return shares / shares.sum()


@pytest.mark.slow
def test_a_decoder_s_next_token_without_each_head(engine):
    loaded = engine.model("smollm2")
    found = engine.run(HeadsOffRequest(TraceRequest("smollm2", OSLO), "decoder", 17))
    assert (found.measured, len(found.without)) == ("next token", 9)
    whole = softmax(trace_attention(loaded, OSLO).last_output)
    best = int(whole.argmax())
    assert found.before == pytest.approx(whole[best], abs=1e-5)
    for head in (0, 3, 8):
        shares = softmax(trace_attention(loaded, OSLO, interventions=[ZeroHead("decoder", 17, head)]).last_output)
        assert found.without[head] == pytest.approx(shares[best], abs=1e-4)
        said = found.next_tokens[head + 1]
        assert [each.id for each in said][:2] == np.argsort(-shares)[:2].tolist()
    assert found.token == loaded.pieces([best])[0].text


def test_an_encoder_s_vector_without_each_head(engine):
    text = "The keys to the cabinet are on the table."
    loaded = engine.model("minilm")
    found = engine.run(HeadsOffRequest(TraceRequest("minilm", text), "encoder", 2, 5))
    assert (found.measured, found.before, len(found.without)) == ("vector", 1.0, 12)
    whole = trace_attention(loaded, text).outputs[5]
    for head in (0, 7, 11):
        vector = trace_attention(loaded, text, interventions=[ZeroHead("encoder", 2, head)]).outputs[5]
        cosine = vector @ whole / np.linalg.norm(vector) / np.linalg.norm(whole)
        assert found.without[head] == pytest.approx(cosine, abs=1e-5)
    assert max(found.without) < 1


def test_a_seq2seq_model_s_output_without_each_head(engine):
    loaded = engine.model("spelling_to_sound")
    target = loaded.model.generate(
        **loaded.tokenizer("knight", return_tensors="pt"), max_new_tokens=20, do_sample=False, num_beams=1
    )[0].tolist()
    written = tuple(target[1:])
    for kind, layer in (("cross", 1), ("encoder", 0)):
        found = engine.run(HeadsOffRequest(TraceRequest("spelling_to_sound", "knight", written), kind, layer))
        assert found.measured == "output"
        assert 0 < found.before <= 1
        assert min(found.without) < found.before
        changed = trace_attention(loaded, "knight", tuple(target[:-1]), [ZeroHead(kind, layer, 0)]).outputs
        shares = [softmax(changed[step])[token] for step, token in enumerate(written)]
        assert found.without[0] == pytest.approx(float(np.prod(shares)), abs=1e-4)


def test_four_heads_copy_the_name_and_four_others_do_not(engine):
    """With all heads the name's next piece is likely, without four of them it is not; other fours leave it."""
    loaded = engine.model("smollm2")
    four = [ZeroHead("decoder", layer, head) for layer, head in ((17, 3), (17, 4), (17, 5), (18, 6))]
    others = [(layer, head) for layer in (17, 18) for head in range(9) if ZeroHead("decoder", layer, head) not in four]
    draws = random.Random(0)
    controls = [draws.sample(others, 4) for _ in range(20)]
    rows = [(), four, *([ZeroHead("decoder", *each) for each in control] for control in controls)]
    outputs = [softmax(trace.last_output) for trace in trace_rows(loaded, OSLO, rows)]
    token = int(outputs[0].argmax())
    assert loaded.pieces([token])[0].text == "or"
    intact, without, *controlled = (float(shares[token]) for shares in outputs)
    assert intact == pytest.approx(0.69, abs=0.02)
    assert without < 0.05
    # Over many draws the lowest is about .33: still six times what the four leave.
    assert min(controlled) > 0.35
