"""Presence and frequency penalties, and a bias on logits: equal to the formula, step by step, and in the order said."""

from collections import Counter

import pytest
import torch

from models.decoding import DecodingSettings, decode, sampling_stages
from models.decoding.count_penalties import CountPenalties
from models.decoding.settings import SettingsError
from tests.models import architectures
from tests.models.architectures import IDS

LOGITS = torch.linspace(-2, 2, 64)
SETTINGS = {
    "presence": {"presence_penalty": 1.5},
    "frequency": {"frequency_penalty": 0.7},
    "both": {"presence_penalty": -0.5, "frequency_penalty": 1.25},
    "bias": {"logit_bias": ((17, 4.0), (5, -100))},
    "all": {"presence_penalty": 0.5, "frequency_penalty": 0.25, "logit_bias": ((31, 2),), "repetition_penalty": 1.3},
}


def by_hand(model, ids, steps, presence_penalty=0.0, frequency_penalty=0.0, logit_bias=(), repetition_penalty=1.0):
    """Greedy, with the formulas written out."""
    ids = list(ids)
    for _ in range(steps):
        with torch.inference_mode():
            logits = model(input_ids=torch.tensor([ids])).logits[0, -1].tolist()
        for token, bias in logit_bias:
            logits[token] += bias
        for token in set(ids):
            logits[token] *= 1 / repetition_penalty if logits[token] > 0 else repetition_penalty
        for token, count in Counter(ids).items():
            logits[token] -= presence_penalty + count * frequency_penalty
        ids.append(max(range(len(logits)), key=logits.__getitem__))
    return ids[-steps:]


@pytest.mark.parametrize("case", SETTINGS)
@pytest.mark.parametrize("name", ["llama", "gpt2"])
def test_what_is_written_is_what_the_formula_says(name, case):
    knobs = SETTINGS[case]
    loaded = architectures.loaded(name)
    steps = list(decode(loaded, IDS, DecodingSettings(8, **knobs)))
    written = [step.token_id for step in steps]
    assert written == by_hand(architectures.eager(name), IDS, len(written), **knobs)
    plain = [step.token_id for step in decode(loaded, IDS, DecodingSettings(8))]
    assert written != plain, "a setting that changes nothing would agree with any formula"


def test_each_is_a_stage_before_the_draw():
    settings = DecodingSettings(
        temperature=0.8, presence_penalty=1, logit_bias=((3, 1.0),), repetition_penalty=1.2, top_p=0.9
    )
    names = [stage.name for stage in sampling_stages(architectures.loaded("llama"), LOGITS, IDS, settings)]
    assert names == [
        "raw", "logit bias", "repetition penalty", "presence and frequency", "temperature", "top-p", "renormalised"
    ]  # fmt: skip
    plain = DecodingSettings(temperature=0.8)
    assert "logit bias" not in [
        each.name for each in sampling_stages(architectures.loaded("llama"), LOGITS, IDS, plain)
    ]


def test_each_row_counts_its_own_tokens():
    ids = torch.tensor([[1, 1, 2], [3, 3, 3]])
    found = CountPenalties(0.5, 0.25)(ids, torch.zeros(2, 4))
    torch.testing.assert_close(found, torch.tensor([[0, -1.0, -0.75, 0], [0, 0, 0, -1.25]]))


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"presence_penalty": float("nan")}, "presence penalty is a number from -100 to 100"),
        ({"frequency_penalty": 101}, "frequency penalty is a number"),
        ({"logit_bias": ((3, 1.0), (3, 2.0))}, "each of them once"),
        ({"logit_bias": ((-1, 1.0),)}, "from 0 on"),
        ({"logit_bias": ((3, float("inf")),)}, "A logit bias is a number"),
    ],
)
def test_what_is_no_setting_is_said(settings, sentence):
    with pytest.raises(SettingsError, match=sentence):
        DecodingSettings(**settings)


def test_a_token_that_the_model_has_not_is_said():
    with pytest.raises(SettingsError, match="does not fit this model"):
        sampling_stages(architectures.loaded("llama"), LOGITS, IDS, DecodingSettings(logit_bias=((10_000, 1.0),)))
