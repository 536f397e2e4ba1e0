"""Edges of the stages: what transformers does without an error is the same here; what fails there is a sentence."""

from dataclasses import replace

import pytest
import torch

from models.decoding import (
    DecodingSettings,
    SamplingStagesRequest,
    SettingsError,
    decode,
    decode_batch,
    sampling_stages,
)
from models.decoding.prepared_generation import settings_left_out
from models.engine import Engine
from tests.models.reference_processors import their_processors
from tests.models.test_decoding import PROMPT, ours

VOCABULARY = 8
ALL_SEEN = tuple(range(VOCABULARY))
LOGITS = torch.tensor([1.5, -0.5, 0.25, 3.0, -2.0, 0.0, 1.0, -1.0])


EDGES = {
    "temperature": (0.0, 1e-37, 1e-30, 1e-6, 0.5, 1.0, 1e3, 1e38, 1e39, 1e300),
    "top_k": (1, 7, 8, 9, 10**9),
    "top_p": (1e-300, 1e-9, 0.5, 1 - 1e-9),
    "min_p": (1e-300, 0.5, 1 - 1e-9),
    "typical_p": (1e-300, 1e-9, 0.5, 1 - 1e-9),
    "epsilon_cutoff": (1e-300, 0.1, 0.999),
    "eta_cutoff": (1e-300, 0.1, 0.999),
    "top_h": (1e-300, 0.5, 1 - 1e-9),
    "repetition_penalty": (1e-300, 1e-45, 1e-38, 0.5, 3.0, 1e38, 1e39, 1e300),
    "no_repeat_ngram_size": (1, 2, 3, 50),
    "bad_words": (
        ((0,),),
        ((3,), (0, 1)),
        tuple((token,) for token in range(8)),
        tuple((token,) for token in range(7)),
    ),
}
SOME_LOGITS = (
    LOGITS,
    LOGITS * 0,
    LOGITS.round(),
    LOGITS * 1e30,
    LOGITS * 1e-30,
    torch.where(LOGITS < 0, -torch.inf, LOGITS),
    torch.where(LOGITS < 2, -torch.inf, LOGITS),
)


@pytest.mark.slow
def test_a_sweep_over_edges_is_transformers_or_a_sentence():
    draw = torch.Generator().manual_seed(11)

    def pick(values):
        return values[int(torch.randint(len(values), (1,), generator=draw))]

    refused = 0
    for _ in range(1_500):
        chosen = [name for name in EDGES if float(torch.rand(1, generator=draw)) < 0.3]
        knobs = {name: pick(EDGES[name]) for name in chosen}
        if not knobs.get("temperature"):
            # Only these are of matter where nothing is drawn; transformers warns of others.
            knobs = {
                name: knobs[name]
                for name in ("repetition_penalty", "no_repeat_ngram_size", "bad_words")
                if name in knobs
            }
        asked = DecodingSettings(8, **knobs)
        logits, history = pick(SOME_LOGITS), pick((ALL_SEEN, (0,), (1, 2, 1), ALL_SEEN[1:], (3, 3, 3)))
        try:
            expected = torch.softmax(their_processors(history, asked)(logits), dim=-1)
        except ValueError:
            expected = torch.tensor(torch.nan)
        if expected.isfinite().all():
            found = sampling_stages(ours("llama"), logits, history, asked)[-1].probabilities
            torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-9)
            continue
        refused += 1
        with pytest.raises(SettingsError) as refusal:
            sampling_stages(ours("llama"), logits, history, asked)
        assert str(refusal.value).endswith(".")
    assert 100 < refused < 1_000


@pytest.mark.parametrize(
    "knob",
    [
        {"eta_cutoff": 0.1},
        {"top_h": 0.5},
        {"typical_p": 0.5},
        {"min_p": 0.5},
        {"epsilon_cutoff": 0.1},
        {"top_k": 3},
        {"top_p": 0.5},
        {},
    ],
    ids=lambda each: next(iter(each), "nothing"),
)
def test_whatever_comes_after_the_stage_that_forbids_all_names_that_stage(knob):
    asked = DecodingSettings(temperature=1.0, no_repeat_ngram_size=1, **knob)
    with pytest.raises(SettingsError, match=r"forbid every token.*after the stage no-repeat n-gram"):
        sampling_stages(ours("llama"), LOGITS, ALL_SEEN, asked)


@pytest.mark.parametrize("knob", [{"eta_cutoff": 0.1}, {"top_h": 0.5}, {}], ids=str)
def test_writing_says_so_as_well(knob):
    everything = tuple((token,) for token in range(64))
    for temperature in (0.0, 1.0):
        with pytest.raises(SettingsError, match="forbid every token"):
            list(decode(ours("llama"), PROMPT, DecodingSettings(temperature=temperature, bad_words=everything, **knob)))


def test_rows_that_have_ended_do_not_stop_the_others():
    """A row that may say three more tokens ends; what its settings then leave is of no matter."""
    few = tuple((token,) for token in range(64) if token not in {*PROMPT, 1, 2, 3})
    short = DecodingSettings(2, temperature=1.0, no_repeat_ngram_size=1, bad_words=few, eta_cutoff=0.1, seed=1)
    long = DecodingSettings(8, temperature=1.0, seed=2)
    rows = list(zip(*decode_batch(ours("llama"), (PROMPT,), (short, long)), strict=True))
    assert [step.token_id for step in rows[1]] == [step.token_id for step in decode(ours("llama"), PROMPT, long)]
    assert [step is None for step in rows[0]] == [False] * 2 + [True] * 6


# ----- Numbers beyond float32


@pytest.mark.parametrize("temperature", [5e-324, 1e-45, 1e-40, 1e-38, float("inf"), float("nan"), -1e-45])
def test_a_temperature_that_float32_does_not_hold_is_refused_with_its_limit(temperature):
    with pytest.raises(SettingsError, match="temperature") as refusal:
        DecodingSettings(temperature=temperature)
    assert ("1.2e-38" in str(refusal.value)) == (0 < temperature < 1)


def test_a_temperature_that_is_too_small_for_these_logits_is_blamed_and_nothing_else():
    asked = DecodingSettings(temperature=2e-38)
    with pytest.raises(SettingsError, match=r"after the stage temperature: take a temperature of .* at least 9e-38"):
        sampling_stages(ours("llama"), LOGITS * 10, (0,), asked)
    with pytest.raises(SettingsError, match="beyond float32"):
        list(decode(ours("llama"), PROMPT, DecodingSettings(temperature=1.2e-38, top_k=3)))
    # A little more is the likeliest alone.
    (*_, last) = sampling_stages(ours("llama"), LOGITS * 10, (0,), replace(asked, temperature=1e-36))
    assert last.probabilities.argmax() == 3
    assert float(last.probabilities.max()) == 1.0


def test_a_penalty_beyond_float32_is_blamed():
    asked = DecodingSettings(temperature=1.0, repetition_penalty=1e-45, top_p=0.9)
    with pytest.raises(SettingsError, match="after the stage repetition penalty"):
        sampling_stages(ours("llama"), LOGITS, ALL_SEEN, asked)


def test_a_model_that_gives_no_numbers_is_blamed_itself():
    for broken in (torch.full((8,), torch.nan), torch.full((8,), torch.inf), torch.full((8,), -torch.inf)):
        for asked in (DecodingSettings(temperature=1.0, eta_cutoff=0.1), DecodingSettings(temperature=0.7)):
            with pytest.raises(SettingsError, match="gives no numbers"):
                sampling_stages(ours("llama"), broken, (0,), asked)


# ----- Words that must not come


def test_a_bad_word_that_is_no_token_is_refused():
    with pytest.raises(SettingsError, match="ids, from 0 on"):
        DecodingSettings(bad_words=((-1,),))
    for beyond in (((64,),), ((5, 64),)):
        asked = DecodingSettings(bad_words=beyond)
        with pytest.raises(SettingsError, match="bad words does not fit this model"):
            sampling_stages(ours("llama"), torch.randn(64), PROMPT, asked)
        with pytest.raises(SettingsError, match="bad words does not fit this model"):
            list(decode(ours("llama"), PROMPT, asked))


def test_what_transformers_leaves_out_of_the_bad_words_is_said(smollm2):
    end = smollm2.tokenizer.eos_token_id
    asked = DecodingSettings(temperature=1.0, bad_words=((end,), (28,)))
    logits = torch.zeros(smollm2.vocabulary)
    (*_, last) = sampling_stages(smollm2, logits, (1,), asked)
    assert last.probabilities[end] > 0
    assert last.probabilities[28] == 0
    found = Engine().run(SamplingStagesRequest("smollm2", "The", asked))
    assert smollm2.tokenizer.eos_token in found.note
    assert "may still come" in found.note
    # The end token within a longer word is forbidden like any other.
    for other in (replace(asked, bad_words=((28,), (28, end))), DecodingSettings(min_new_tokens=3)):
        assert settings_left_out(smollm2, other) == ""


def test_a_minimum_length_without_an_end_token_is_said_to_change_nothing():
    assert "no end token" in settings_left_out(ours("llama"), DecodingSettings(8, min_new_tokens=3))
