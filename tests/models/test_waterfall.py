"""A waterfall: what each stage does to the next token, over the whole vocabulary."""

import numpy as np
import pytest
import torch

from models.decoding import DecodingSettings, SamplingStagesRequest, SettingsError, sampling_stages
from models.engine import Engine

ENGINE = Engine()


def waterfall(asked, *tokens, model="smollm2", text="The capital of France is"):
    return ENGINE.run(SamplingStagesRequest(model, text, asked, tokens))


def test_a_waterfall_says_what_is_cut_where(smollm2):
    paris, lyon = (smollm2.tokenizer(word)["input_ids"][0] for word in (" Paris", " Lyon"))
    found = waterfall(DecodingSettings(temperature=1.0, top_k=50, top_p=0.9), lyon)
    raw, of_k, of_p, _ = found.stages
    assert (raw.name, raw.survivors, raw.kept) == ("raw", 49_152, pytest.approx(1, abs=1e-5))
    assert (of_k.name, of_k.survivors) == ("top-k", 50)
    assert (of_p.name, of_p.kept) == ("top-p", pytest.approx(0.9, abs=0.02))
    assert of_p.survivors <= 10
    assert raw.entropy > of_k.entropy > of_p.entropy > 0
    assert found.top[0].id == paris
    assert found.top[0].rank == 0
    assert found.top[0].cut_by is None
    assert found.top[0].probabilities[0] == pytest.approx(0.77, abs=0.01)
    assert found.top[0].surprisal == pytest.approx(-np.log(found.top[0].probabilities[0]))
    (followed,) = found.followed
    assert followed.text == "␣Lyon"
    assert followed.cut_by in ("top-k", "top-p")
    with torch.inference_mode():
        ids = torch.tensor([smollm2.tokenizer("The capital of France is")["input_ids"]])
        logits = smollm2.model(input_ids=ids).logits[0, -1]
    assert followed.logit == pytest.approx(float(logits[lyon]), abs=1e-3)
    assert followed.rank == int((logits > logits[lyon]).sum())


def test_curves_are_the_stages_by_raw_rank(smollm2):
    asked = DecodingSettings(temperature=1.5, min_p=0.02)
    found = waterfall(asked)
    ids = smollm2.tokenizer("The capital of France is")["input_ids"]
    with torch.inference_mode():
        logits = smollm2.model(input_ids=torch.tensor([ids])).logits[0, -1]
    stages = sampling_stages(smollm2, logits, ids, asked)
    order = torch.sort(stages[0].probabilities, descending=True, stable=True).indices
    assert found.ranks[0] == 0
    assert found.ranks[-1] == 49_151
    for curve, stage in zip(found.curves, stages, strict=True):
        np.testing.assert_allclose(curve, stage.probabilities[order[found.ranks]], rtol=1e-3, atol=1e-8)


def test_another_knob_takes_no_new_forward(monkeypatch):
    waterfall(DecodingSettings(temperature=1.0))
    monkeypatch.setattr(Engine, "forward", lambda *_: pytest.fail("a forward was made"))
    waterfall(DecodingSettings(temperature=0.3, top_k=7))


def test_a_waterfall_of_a_seq2seq_model():
    found = waterfall(DecodingSettings(temperature=1.0, top_k=3), model="spelling_to_sound", text="knight")
    assert found.top[0].text == "N"
    assert found.stages[-1].survivors == 3


def test_what_no_waterfall_can_show_is_said():
    with pytest.raises(SettingsError, match="no token 99999"):
        waterfall(DecodingSettings(temperature=1.0), 99_999)
