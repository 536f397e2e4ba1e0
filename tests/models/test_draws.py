"""What is drawn, by which luck, what ends a run, and branches that turn off: each can be had again from its request."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import TopKLogitsWarper, TopPLogitsWarper

from models.decoding import (
    BranchPoint,
    DecodingSettings,
    SettingsError,
    WriteRequest,
    decode,
    decode_batch,
    sampling_stages,
)
from models.decoding.sampling import draw, random_numbers
from models.engine import Engine
from tests.models import architectures
from tests.models.test_decoding import PROMPT, ours
from tests.models.test_sampling import logits_of

ENGINE = Engine()


def chi_square_holds(counts, expected):
    """Whether counts may come from the distribution, cells with fewer than five expected draws taken together."""
    draws = counts.sum()
    assert (counts[expected == 0] == 0).all(), "what was cut is never drawn"
    large = expected * draws >= 5
    seen = np.array([*counts[large], counts[~large].sum()])
    wanted = np.array([*(expected[large] * draws), expected[~large].sum() * draws])
    seen, wanted = seen[wanted > 0], wanted[wanted > 0]
    freedom = len(seen) - 1
    found = ((seen - wanted) ** 2 / wanted).sum()
    return chi_square_share(found, freedom) > 1e-3


def chi_square_share(found, freedom):
    """How often chance alone gives as much."""
    half = torch.tensor([freedom / 2, found / 2], dtype=torch.float64)
    return float(torch.special.gammaincc(half[0], half[1]))


def test_draws_of_the_loop_follow_the_last_stage():
    asked = {"temperature": 1.7, "top_p": 0.8, "min_p": 0.01}
    stages = sampling_stages(ours("gpt2"), logits_of("gpt2"), PROMPT, DecodingSettings(**asked))
    expected = stages[-1].probabilities.double().numpy()
    each = [DecodingSettings(max_new_tokens=1, seed=seed, **asked) for seed in range(2_000)]
    (row,) = decode_batch(ours("gpt2"), [PROMPT], each)
    assert chi_square_holds(np.bincount([step.token_id for step in row if step], minlength=len(expected)), expected)


@pytest.mark.parametrize(
    "knobs",
    [
        {"temperature": 1.0},
        {"temperature": 2.0, "top_p": 0.9},
        {"temperature": 1.3, "typical_p": 0.6},
        {"temperature": 0.7, "top_k": 40, "repetition_penalty": 1.3},
        {"temperature": 1.5, "min_p": 0.02, "order": ("min-p", "temperature")},
    ],
    ids=lambda knobs: " ".join(knobs),
)
def test_20_000_draws_follow_the_last_stage(smollm2, knobs):
    ids = smollm2.tokenizer("The capital of France is")["input_ids"]
    with torch.inference_mode():
        logits = smollm2.model(input_ids=torch.tensor([ids])).logits[0, -1]
    shares = sampling_stages(smollm2, logits, ids, DecodingSettings(**knobs))[-1].probabilities
    counts = np.bincount(draw(shares.log(), logits, random_numbers(7, 20_000)), minlength=len(shares))
    assert counts.sum() == 20_000
    assert chi_square_holds(counts, shares.double().numpy())
    assert not chi_square_holds(counts, torch.softmax(logits * 1.2, -1).double().numpy() * (shares > 0).numpy())


@given(st.integers(0, 2**31), st.booleans(), st.floats(0.2, 3), st.floats(0.1, 1))
def test_a_draw_is_the_inverse_of_the_distribution(seed, has_ties, temperature, top_p):
    """Also where many are equal, where the first few are passed, and at both ends of luck."""
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(3_000, generator=generator) * 2
    logits = logits.round() if has_ties else logits
    scores = TopPLogitsWarper(top_p)(torch.empty(1, 0), (logits / temperature)[None])[0]
    luck = torch.cat([torch.tensor([0.0, 1 - 2**-53], dtype=torch.float64), random_numbers(seed, 50)])
    order = np.lexsort((np.arange(3_000), -logits.numpy()))
    shares = torch.softmax(scores.double(), -1).numpy()[order]
    reached = np.cumsum(shares)
    for one, token in zip(luck.tolist(), draw(scores, logits, luck), strict=True):
        place = int(np.flatnonzero(order == token)[0])
        assert shares[place] > 0
        assert reached[place] - shares[place] <= one + 1e-9
        assert one < reached[place] + 1e-9


def test_the_same_luck_in_another_setting_parts_where_the_settings_do():
    """The k-th step has the k-th number, so a setting that cuts nothing there takes the same token."""
    free = DecodingSettings(20, temperature=1.0, seed=11)
    same = [step.token_id for step in decode(ours("llama"), PROMPT, free)]
    held = [step.token_id for step in decode(ours("llama"), PROMPT, replace(free, min_p=0.001))]
    assert same[0] == held[0]
    assert torch.equal(random_numbers(11, 5), random_numbers(11, 500)[:5])
    assert torch.equal(random_numbers(11, 7, first=3), random_numbers(11, 10)[3:])


def test_stages_in_another_order():
    knobs = {"temperature": 2.0, "top_p": 0.7, "top_k": 9}
    logits = logits_of("llama")
    names = [stage.name for stage in sampling_stages(ours("llama"), logits, PROMPT, DecodingSettings(8, **knobs))]
    assert names == ["raw", "temperature", "top-k", "top-p", "renormalised"]
    other = DecodingSettings(8, **knobs, order=("top-p", "top-k", "temperature"))
    stages = sampling_stages(ours("llama"), logits, PROMPT, other)
    assert [stage.name for stage in stages] == ["raw", "top-p", "top-k", "temperature", "renormalised"]
    ids = torch.tensor([PROMPT])
    scores = TopKLogitsWarper(9)(ids, TopPLogitsWarper(0.7)(ids, logits[None]))
    torch.testing.assert_close(stages[-1].probabilities, torch.softmax(scores[0] / 2, -1), rtol=1e-5, atol=1e-8)
    only = sampling_stages(ours("llama"), logits, PROMPT, DecodingSettings(8, **knobs, order=("top-p", "top-k")))
    assert [stage.name for stage in only] == ["raw", "temperature", "top-p", "top-k", "renormalised"]
    (step, *_) = decode(ours("llama"), PROMPT, replace(other, with_stages=True))
    assert [stage.name for stage in step.stages] == ["raw", "top-p", "top-k", "temperature", "renormalised"]


@pytest.mark.quick(4)
@pytest.mark.parametrize("name", ["llama", "t5", "bart", "marian"])
@pytest.mark.parametrize("cache", ["dynamic", "static", "none"])
def test_going_on_from_what_was_written_is_the_same_text(name, cache):
    asked = DecodingSettings(12, temperature=1.2, seed=5, cache=cache, min_new_tokens=3, repetition_penalty=1.1)
    whole = list(decode(ours(name), PROMPT, asked))
    ids = [step.token_id for step in whole]
    on = list(decode(ours(name), PROMPT, asked, written=ids[:5], first=ids[5]))
    assert [(step.index, step.token_id, step.rank) for step in on] == [
        (step.index, step.token_id, step.rank) for step in whole[5:]
    ]
    for one, other in zip(on, whole[5:], strict=True):
        assert one.drawn_probability == pytest.approx(other.drawn_probability, rel=1e-3, abs=1e-6)
    with pytest.raises(SettingsError, match="written already"):
        list(decode(ours(name), PROMPT, asked, written=[*ids, 3]))
    with pytest.raises(SettingsError, match="no token 64"):
        list(decode(ours(name), PROMPT, asked, first=architectures.VOCABULARY))


def test_a_step_tells_rank_entropy_and_what_it_was_drawn_from():
    asked = DecodingSettings(6, temperature=1.5, top_k=7, seed=4, with_stages=True)
    for step in decode(ours("llama"), PROMPT, asked):
        raw, last = step.stages[0].probabilities.double(), step.stages[-1].probabilities
        assert step.rank == int((raw > raw[step.token_id]).sum())
        assert step.drawn_probability == pytest.approx(float(last[step.token_id]), rel=1e-5)
        assert step.entropy == pytest.approx(float(-(raw * raw.log()).sum()), rel=1e-4)
        assert step.surprisal == pytest.approx(-np.log(step.probability))


@pytest.mark.slow
def test_a_text_that_ends_the_run(smollm2):
    asked = DecodingSettings(20, seed=1)
    steps = list(decode(smollm2, "The capital of France is", asked))
    text = "".join(step.text for step in steps)
    # Across two tokens, and inside of one.
    stop = steps[3].text[-1] + steps[4].text[:2]
    ended = list(decode(smollm2, "The capital of France is", replace(asked, stop=(stop, "never there"))))
    assert ended[-1].ends == "stop text"
    assert "".join(step.text for step in ended) == text[: len("".join(step.text for step in ended))]
    assert stop in "".join(step.text for step in ended)
    assert stop not in "".join(step.text for step in ended[:-1])
    never = list(decode(smollm2, "The capital of France is", replace(asked, stop=("never there",))))
    assert [step.token_id for step in never] == [step.token_id for step in steps]
    with pytest.raises(SettingsError, match="at least one character"):
        DecodingSettings(stop=("",))


# ----- Branches


@pytest.mark.slow
def test_a_seed_has_its_text_while_seven_others_write():
    requests = [
        WriteRequest("smollm2", "The capital of France is", DecodingSettings(6, temperature=1.0, seed=seed))
        for seed in range(8)
    ]
    alone = [[step.token_id for step in Engine().run(each)] for each in requests[:3]]
    engine = Engine()
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda each: [step.token_id for step in each.steps(engine)], requests))
    assert together[:3] == alone
    assert len(set(map(tuple, together))) > 4


@pytest.mark.slow
def test_a_branch_is_told_by_its_turnings_alone(smollm2):
    asked = DecodingSettings(14, temperature=1.0, top_p=0.95, seed=3)
    root = WriteRequest("smollm2", "The capital of France is", asked)
    steps = ENGINE.run(root)
    other = next(each for each in range(300, 400) if each != steps[4].token_id)
    branch = replace(root, branch=(BranchPoint(4, other),))
    found = ENGINE.run(branch)
    assert [step.token_id for step in found[:4]] == [step.token_id for step in steps[:4]]
    assert found[4].token_id == other
    assert [step.index for step in found] == list(range(len(found)))
    second = replace(branch, branch=(BranchPoint(4, other), BranchPoint(9, 500)))
    assert second.parent == branch
    # Somebody else, who opens the link and knows nothing of how one came there.
    fresh = Engine()
    assert [step.token_id for step in fresh.run(second)] == [step.token_id for step in ENGINE.run(second)]
    assert [step.text for step in fresh.run(branch)] == [step.text for step in found]
    assert [step.token_id for step in ENGINE.run(second)][:9] == [step.token_id for step in found[:9]]
    with pytest.raises(SettingsError, match="turns off at token 40"):
        ENGINE.run(replace(root, branch=(BranchPoint(39, 5),)))
    with pytest.raises(SettingsError, match="in their order"):
        WriteRequest("smollm2", "a", asked, branch=(BranchPoint(4, 5), BranchPoint(4, 6)))
