"""From logits to a drawn token: each stage is what transformers' own `generate` computes, over the whole vocabulary."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from models.decoding import DecodingSettings, SettingsError, decode, decode_batch, sampling_stages
from models.decoding.sampling import DISABLED, STAGES, generation_arguments
from tests.models import architectures
from tests.models.reference_processors import their_processors
from tests.models.test_decoding import PROMPT, ours, plain, written

# In transformers' order, with values that do something.
KNOBS = {
    "repetition_penalty": 1.3,
    "no_repeat_ngram_size": 2,
    "bad_words": ((5,), (9, 7)),
    "min_new_tokens": 3,
    "temperature": 0.7,
    "top_h": 0.8,
    "top_k": 30,
    "top_p": 0.9,
    "min_p": 0.02,
    "typical_p": 0.95,
    "epsilon_cutoff": 0.001,
    "eta_cutoff": 0.002,
}
NAMES = dict(
    zip(
        KNOBS,
        (
            *("repetition penalty", "no-repeat n-gram", "bad words", "minimum length", "temperature", "top-h", "top-k"),
            *("top-p", "min-p", "typical", "epsilon", "eta"),
        ),
        strict=True,
    )
)


def logits_of(name, ids=PROMPT):
    with torch.inference_mode():
        return plain(name)(input_ids=torch.tensor([ids])).logits[0, -1]


def generated_scores(model, ids, knobs):
    """The scores from which `generate` itself draws the first token."""
    asked = torch.tensor([ids])
    return model.generate(
        asked,
        attention_mask=torch.ones_like(asked),
        max_new_tokens=8,
        pad_token_id=0,
        **DISABLED
        | generation_arguments(DecodingSettings(8, **knobs))
        | {"output_scores": True, "return_dict_in_generate": True},
    ).scores[0][0]


def with_end_token(name):
    """Models of these tests have none; the minimum length wants one."""
    for model in (plain(name), ours(name).model):
        model.generation_config.eos_token_id = 3


def test_each_stage_is_what_generate_draws_from_with_the_knobs_so_far():
    with_end_token("llama")
    try:
        logits = logits_of("llama")
        stages = sampling_stages(ours("llama"), logits, PROMPT, DecodingSettings(8, **KNOBS))
        assert [stage.name for stage in stages] == ["raw", *NAMES.values(), "renormalised"]
        torch.testing.assert_close(stages[0].probabilities, torch.softmax(logits, -1))
        turned = {}
        torch.testing.assert_close(stages[-1].probabilities, stages[-2].probabilities, rtol=1e-5, atol=1e-8)
        for stage, (knob, value) in zip(stages[1:-1], KNOBS.items(), strict=True):
            turned[knob] = value
            # Before the temperature nothing is drawn in transformers; 1 draws and changes nothing.
            scores = generated_scores(plain("llama"), PROMPT, {"temperature": 1.0} | turned)
            torch.testing.assert_close(stage.probabilities, torch.softmax(scores, -1), rtol=1e-4, atol=1e-6)
    finally:
        for model in (plain("llama"), ours("llama").model):
            model.generation_config.eos_token_id = None


some_settings = st.fixed_dictionaries(
    {},
    optional={
        "temperature": st.floats(0.05, 3),
        "top_k": st.integers(1, 70),
        "top_p": st.floats(0.05, 1),
        "min_p": st.floats(0, 0.9),
        "typical_p": st.floats(0.05, 1),
        "epsilon_cutoff": st.floats(0, 0.3),
        "eta_cutoff": st.floats(0, 0.3),
        "top_h": st.floats(0.1, 1),
        "repetition_penalty": st.floats(0.5, 3),
        "no_repeat_ngram_size": st.integers(0, 3),
    },
)


@given(some_settings, st.integers(0, 2**31), st.booleans())
def test_the_last_stage_is_what_transformers_processors_leave(knobs, seed, has_ties):
    """On random logits; with ties, whole groups of tokens have the same one."""
    draw = torch.Generator().manual_seed(seed)
    logits = torch.randn(architectures.VOCABULARY, generator=draw) * 3
    if has_ties:
        logits = logits.round()
    asked = DecodingSettings(8, **({"temperature": 1.0} | knobs))
    stages = sampling_stages(ours("llama"), logits, PROMPT, asked)
    expected = torch.softmax(their_processors(PROMPT, asked)(logits), -1)
    torch.testing.assert_close(stages[-1].probabilities, expected, rtol=1e-6, atol=1e-9)
    for stage in stages:
        assert float(stage.probabilities.sum()) == pytest.approx(1, abs=1e-5)


def test_smollm2_over_its_whole_vocabulary(smollm2):
    ids = smollm2.tokenizer("The capital of France is")["input_ids"]
    with torch.inference_mode():
        logits = smollm2.model(input_ids=torch.tensor([ids])).logits[0, -1]
    stages = sampling_stages(smollm2, logits, ids, DecodingSettings(temperature=1.0, top_p=0.9))
    paris = smollm2.tokenizer(" Paris")["input_ids"][0]
    assert [stage.name for stage in stages] == ["raw", "top-p", "renormalised"]
    assert float(stages[0].probabilities[paris]) == pytest.approx(0.77, abs=0.01)
    assert int((stages[1].probabilities > 0).sum()) == 10
    hot = sampling_stages(smollm2, logits, ids, DecodingSettings(temperature=2.0, top_p=0.9))
    assert int((hot[-1].probabilities > 0).sum()) == pytest.approx(13_307, abs=5)
    held = sampling_stages(smollm2, logits, ids, DecodingSettings(temperature=2.0, min_p=0.05))
    assert int((held[-1].probabilities > 0).sum()) == 21


@pytest.mark.parametrize("name", architectures.SEQ2SEQ)
def test_stages_of_a_seq2seq_model(name):
    stages = sampling_stages(ours(name), torch.randn(64), (2, 9, 9), DecodingSettings(temperature=0.5, top_k=3))
    assert [stage.name for stage in stages[-3:]] == ["temperature", "top-k", "renormalised"]
    assert int((stages[-1].probabilities > 0).sum()) == 3


def test_greedy_with_knobs_is_what_generate_writes():
    knobs = {"repetition_penalty": 1.4, "no_repeat_ngram_size": 2, "bad_words": ((11,), (40,))}
    ids = torch.tensor([PROMPT])
    expected = plain("llama").generate(
        ids,
        attention_mask=torch.ones_like(ids),
        max_new_tokens=24,
        pad_token_id=0,
        **DISABLED | generation_arguments(DecodingSettings(24, **knobs)),
    )[0, len(PROMPT) :]
    assert written(ours("llama"), PROMPT, max_new_tokens=24, **knobs) == expected.tolist()
    assert not {11, 40} & set(expected.tolist())


def test_rows_of_a_batch_have_their_own_knobs():
    asked = [
        DecodingSettings(10, temperature=1.5, top_k=4, seed=3),
        DecodingSettings(10, temperature=0.0, repetition_penalty=1.5),
        DecodingSettings(10, temperature=2.0, min_p=0.1, seed=5),
        DecodingSettings(10, temperature=1.5, top_k=4, seed=9),
    ]
    prompts = (PROMPT, PROMPT[:4], PROMPT[2:], PROMPT)
    rows = list(zip(*decode_batch(ours("llama"), prompts, asked), strict=True))
    for prompt, one, row in zip(prompts, asked, rows, strict=True):
        alone = [step.token_id for step in decode(ours("llama"), prompt, one)]
        assert [step.token_id for step in row if step is not None] == alone


def test_a_step_tells_its_stages_where_it_is_asked():
    asked = DecodingSettings(4, temperature=0.8, top_k=5, repetition_penalty=1.2, seed=2)
    assert [step.stages for step in decode(ours("llama"), PROMPT, asked)] == [()] * 4
    rows = list(decode_batch(ours("llama"), (PROMPT, PROMPT[:3]), replace(asked, with_stages=True)))
    for row, prompt in enumerate((PROMPT, PROMPT[:3])):
        history = list(prompt)
        for steps in rows:
            step = steps[row]
            with torch.inference_mode():
                logits = plain("llama")(input_ids=torch.tensor([history])).logits[0, -1]
            expected = sampling_stages(ours("llama"), logits, history, asked, prompt_length=len(prompt))
            assert [stage.name for stage in step.stages] == [stage.name for stage in expected]
            for one, other in zip(step.stages, expected, strict=True):
                torch.testing.assert_close(one.probabilities, other.probabilities, rtol=1e-3, atol=1e-5)
            assert step.probability == pytest.approx(float(step.stages[0].probabilities[step.token_id]), rel=1e-4)
            history.append(step.token_id)


def test_where_nothing_may_come_it_is_said():
    everything = tuple((token,) for token in range(architectures.VOCABULARY))
    for temperature in (0.0, 1.0):
        with pytest.raises(SettingsError, match="forbid every token"):
            list(decode(ours("llama"), PROMPT, DecodingSettings(temperature=temperature, bad_words=everything)))


@pytest.mark.parametrize(
    "wrong",
    [
        {"top_p": 0.0},
        {"top_p": 1.5},
        {"min_p": 1.0},
        {"min_p": -0.1},
        {"top_k": -1},
        {"typical_p": 0},
        {"epsilon_cutoff": 1},
        {"eta_cutoff": -1},
        {"top_h": 0},
        {"repetition_penalty": 0},
        {"repetition_penalty": float("inf")},
        {"no_repeat_ngram_size": -2},
        {"min_new_tokens": -1},
        {"min_new_tokens": 40},
        {"bad_words": ((),)},
    ],
    ids=lambda each: " ".join(f"{name} {value}" for name, value in each.items()),
)
def test_knobs_outside_their_range_are_refused(wrong):
    with pytest.raises(SettingsError):
        DecodingSettings(**wrong)


def test_every_stage_has_a_name():
    assert set(NAMES.values()) <= set(STAGES.values())
