"""Many texts at once: each is what it would be alone, and the figures are those of their papers."""

import math
import time
from dataclasses import replace

import pytest
import sacrebleu
import torch

from models.decoding import (
    BatchRequest,
    CommonNumbersRequest,
    DecodingSettings,
    SettingsError,
    SweepRequest,
    decode,
    sampling_stages,
)
from models.decoding.repetition_and_diversity import (
    distinct_n,
    figures_of,
    mean_log_probability,
    n_grams,
    repeated_share,
    self_bleu,
)
from models.decoding.sampling import random_numbers
from models.engine import Engine
from tests.models.test_decoding import PROMPT, ours

FRANCE = "The capital of France is"


def engine_with(name):
    """An engine that knows a tiny model by its name; it has no tokenizer, so that its texts are token ids."""
    engine = Engine()
    engine._models.get(name, lambda: ours(name))
    return engine


def alone(name, settings):
    return list(decode(ours(name), PROMPT, settings))


@pytest.mark.parametrize("name", ["llama", "gpt2", "t5"])
def test_each_text_is_what_it_would_be_alone(name):
    hot = DecodingSettings(12, temperature=1.3, seed=40)
    settings = (hot, replace(hot, top_k=5, repetition_penalty=1.2), replace(hot, temperature=0, max_new_tokens=7))
    engine, request = engine_with(name), BatchRequest(name, PROMPT, settings, 3)
    steps = list(request.steps(engine))
    assert [step.tokens for step in steps] == list(range(1, 13))
    assert all(step.most == 12 for step in steps)
    assert [step.going_on for step in steps] == [7] * 6 + [6] * 5 + [0]
    each = engine.answers.peek(request).each
    for one, found in zip(settings, each, strict=True):
        assert found.settings == one
        assert [text.seed for text in found.texts] == [40, 41, 42]
        for text in found.texts:
            expected = alone(name, replace(one, seed=text.seed))
            assert list(text.ids) == [step.token_id for step in expected]
            assert text.probabilities == pytest.approx([step.probability for step in expected], rel=1e-3, abs=1e-6)
            assert text.log_probabilities == pytest.approx([-step.surprisal for step in expected], rel=1e-3, abs=1e-3)
            assert text.ends == expected[-1].ends == "length"
    assert len({text.ids for text in each[0].texts}) == 3
    assert each[2].figures.distinct == 1


@pytest.mark.slow
def test_each_text_of_a_real_model_is_what_it_would_be_alone(smollm2):
    engine = Engine()
    engine._models.get("smollm2", lambda: smollm2)
    asked = DecodingSettings(6, temperature=1.0, top_p=0.95, seed=3)
    request = BatchRequest("smollm2", FRANCE, (asked, replace(asked, temperature=1.8, min_p=0.1)), 3)
    found = engine.run(request)
    for each in found.each:
        for text in each.texts:
            steps = list(decode(smollm2, FRANCE, replace(each.settings, seed=text.seed)))
            assert list(text.ids) == [step.token_id for step in steps]
            assert text.text == "".join(step.text for step in steps)
            assert list(text.pieces) == [step.piece.text for step in steps]
        texts = [text.text for text in each.texts]
        assert each.figures.self_bleu == pytest.approx(self_bleu(texts))
        assert each.figures.distinct == len(set(texts))
    # As a job it is there at once.
    assert list(request.steps(engine)) == []
    assert engine.run(request) is found


def test_an_end_token_is_drawn_but_is_not_of_the_text(smollm2):
    engine = Engine()
    engine._models.get("smollm2", lambda: smollm2)
    asked = "<|im_start|>user\nWhat is 2+2?<|im_end|>\n<|im_start|>assistant\nThe answer is"
    [each] = engine.run(BatchRequest("smollm2", asked, (DecodingSettings(12),), 2)).each
    one, other = each.texts
    assert one.ends == "end token"
    assert one.own_ids == one.ids[:-1]
    assert one.parts[-1] == ""
    assert len(one.log_probabilities) == len(one.ids)
    assert replace(other, seed=one.seed) == one
    assert each.figures.length == len(one.ids) - 1
    assert each.figures.log_probability == pytest.approx(sum(one.log_probabilities) / len(one.ids))


def test_a_sweep_over_temperatures():
    hot = DecodingSettings(10, temperature=0.3, seed=5, top_p=0.9)
    request = SweepRequest("llama", PROMPT, hot, (0, 0.5, 2.0), 4)
    engine = engine_with("llama")
    found = engine.run(request)
    assert [each.settings.temperature for each in found.each] == [0, 0.5, 2.0]
    for each in found.each:
        assert len(each.texts) == 4
        for text in each.texts:
            expected = alone("llama", replace(each.settings, seed=text.seed))
            assert list(text.ids) == [step.token_id for step in expected]
    greedy, cool, warm = (each.figures for each in found.each)
    assert greedy.distinct == 1
    # All n-grams of the greedy text come four times.
    [text, *_] = found.each[0].texts
    assert greedy.distinct_2 == pytest.approx(len(set(n_grams(text.ids, 2))) / 9 / 4)
    assert greedy.distinct_2 < cool.distinct_2 < warm.distinct_2
    assert warm.log_probability < min(cool.log_probability, greedy.log_probability)


def test_the_same_luck_in_two_settings():
    hot = DecodingSettings(14, temperature=1.0, seed=11)
    settings = (hot, replace(hot, top_k=3))
    engine = engine_with("llama")
    found = engine.run(CommonNumbersRequest("llama", PROMPT, settings))
    for one, steps in zip(settings, found.steps, strict=True):
        assert [step.token_id for step in steps] == [step.token_id for step in alone("llama", one)]
        assert all(step.cache is None for step in steps)
    at = found.diverges_at
    first, second = ([step.token_id for step in steps] for steps in found.steps)
    assert at is not None
    assert first[:at] == second[:at]
    assert first[at] != second[at]
    assert found.number == float(random_numbers(11, 14)[at])
    for (low, high), steps, one in zip(found.intervals, found.steps, settings, strict=True):
        assert low - 1e-6 <= found.number < high + 1e-6
        assert high - low == pytest.approx(steps[at].drawn_probability, rel=1e-3)
        history = [*PROMPT, *first[:at]]
        with torch.inference_mode():
            logits = ours("llama").model(input_ids=torch.tensor([history])).logits[0, -1]
        shares = sampling_stages(ours("llama"), logits, history, one)[-1].probabilities
        before = logits > logits[steps[at].token_id]
        assert low == pytest.approx(float(shares[before].sum()), abs=1e-4)


def test_the_same_luck_where_nothing_parts_or_one_is_greedy():
    engine = engine_with("gpt2")
    hot = DecodingSettings(8, temperature=1.5, seed=2)
    same = engine.run(CommonNumbersRequest("gpt2", PROMPT, (hot, replace(hot, top_p=1))))
    assert (same.diverges_at, same.number, same.intervals) == (None, None, None)
    shorter = engine.run(CommonNumbersRequest("gpt2", PROMPT, (hot, replace(hot, max_new_tokens=5))))
    assert shorter.diverges_at == 5
    assert shorter.intervals is None
    greedy = engine.run(CommonNumbersRequest("gpt2", PROMPT, (replace(hot, temperature=0), hot)))
    assert greedy.intervals[0] == (0, 1)


# ----- Bounds and jobs


def test_what_is_too_much_is_said_in_a_sentence():
    hot = DecodingSettings(10, temperature=1.0)
    with pytest.raises(SettingsError, match="80 texts at once, and 64 can be written"):
        BatchRequest("llama", "a", (hot, replace(hot, top_k=3)), 40)
    # Greedily there is one text however many are asked for.
    BatchRequest("llama", "a", (replace(hot, temperature=0), hot), 63)
    with pytest.raises(SettingsError, match="1 to 4 settings"):
        BatchRequest("llama", "a", (hot,) * 5, 2)
    with pytest.raises(SettingsError, match="1 to 4 settings"):
        BatchRequest("llama", "a", (), 2)
    with pytest.raises(SettingsError, match="At least one text"):
        BatchRequest("llama", "a", (hot,), 0)
    with pytest.raises(SettingsError, match="give all of them one seed"):
        BatchRequest("llama", "a", (hot, replace(hot, seed=1)), 2)
    with pytest.raises(SettingsError, match="give all of them one seed"):
        CommonNumbersRequest("llama", "a", (hot, replace(hot, seed=1)))
    with pytest.raises(SettingsError, match="The seed"):
        BatchRequest("llama", "a", (replace(hot, seed=2**63 - 1),), 2)
    with pytest.raises(SettingsError, match="each of them once"):
        SweepRequest("llama", "a", hot, (1.0, 1.0), 2)
    with pytest.raises(SettingsError, match="The temperature"):
        SweepRequest("llama", "a", hot, (-1.0,), 2)
    with pytest.raises(SettingsError, match="72 texts at once"):
        SweepRequest("llama", "a", hot, (0.5, 1.0, 1.5), 24)


def test_a_batch_that_takes_too_much_memory_is_refused_before_it_is_computed(smollm2):
    engine = Engine()
    engine._models.get("smollm2", lambda: smollm2)
    long = BatchRequest("smollm2", "word " * 400, (DecodingSettings(64, temperature=1.0),), 64)
    with pytest.raises(SettingsError, match=r"MiB of keys and values, and 512 MiB are allowed; ask for fewer texts"):
        engine.run(long)


def test_a_cancelled_job_stops():
    engine = engine_with("llama")
    request = BatchRequest("llama", PROMPT, (DecodingSettings(64, temperature=1.0),), 8)
    with engine.gate("cpu").lock():
        job = engine.start(request)
        engine.cancel(job)
    until = time.monotonic() + 20
    while engine.jobs_running and time.monotonic() < until:
        time.sleep(0.02)
    assert not engine.jobs_running
    progress = engine.poll(job)
    assert progress.is_cancelled
    assert request not in engine.answers


# ----- Figures


def test_distinct_n_by_hand():
    texts = [[1, 2, 1, 2], [1, 2, 3]]
    assert n_grams(texts[0], 2) == [(1, 2), (2, 1), (1, 2)]
    assert distinct_n(texts, 1) == 3 / 7
    # 12 21 12 | 12 23
    assert distinct_n(texts, 2) == 3 / 5
    # 121 212 | 123
    assert distinct_n(texts, 3) == 1
    assert distinct_n(texts, 4) == 1
    assert distinct_n(texts, 5) is None
    assert distinct_n([], 1) is None
    assert distinct_n([[], []], 1) is None


def test_repetition_by_hand():
    # 1212 2121 1212 | 1234: one of three, none of one.
    assert repeated_share([[1, 2, 1, 2, 1, 2], [1, 2, 3, 4], [7, 7]]) == pytest.approx(1 / 6)
    assert repeated_share([[5] * 10]) == pytest.approx(6 / 7)
    assert repeated_share([[1, 2, 3]]) is None


def test_self_bleu_is_sacrebleus():
    texts = ["the cat sat on the mat today", "the cat sat on a mat", "dogs never sit on any mats at all", "  "]
    metric = sacrebleu.BLEU(effective_order=True)
    worded = texts[:3]
    scores = [metric.sentence_score(text, [other for other in worded if other != text]).score / 100 for text in worded]
    assert self_bleu(texts) == pytest.approx(sum(scores) / 3)
    assert self_bleu(["a b c d e", "a b c d e"]) == 1
    apart = self_bleu(["one two three four", "five six seven eight"])
    assert apart is not None
    assert apart < 0.2
    assert self_bleu(["only one", "", " "]) is None
    assert self_bleu([]) is None


def test_log_probability_is_over_all_tokens_alike():
    logs = [[-1.0, -2.0, -3.0], [-6.0]]
    assert mean_log_probability(logs) == -3
    found = figures_of([[1, 2, 3], [4]], ["a b c", "d"], logs)
    assert found.perplexity == pytest.approx(math.exp(3))
    assert (found.count, found.distinct, found.length) == (2, 2, 2)
    assert found.repetition is None


def test_what_is_not_defined_is_none():
    empty = figures_of([[]], [""], [[]])
    assert (empty.count, empty.distinct, empty.length) == (1, 1, 0)
    assert {empty.distinct_1, empty.self_bleu, empty.log_probability, empty.perplexity, empty.repetition} == {None}
    nothing = figures_of([], [], [])
    assert (nothing.count, nothing.distinct, nothing.length) == (0, 0, None)
