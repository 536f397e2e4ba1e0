"""What the cache buys, and what 8 bits change: both ways compute the same, and operations are counted as by torch."""

import threading
import time
from contextlib import nullcontext

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode, sdpa_flop_count

from models.attention import InputError
from models.decoding import (
    CacheTimingRequest,
    CannotWriteError,
    DecodingSettings,
    Fp8Request,
    SettingsError,
    TimedStep,
    cache_timing,
    decode,
)
from models.decoding.cache_speed_up import WARM_UP
from models.decoding.forced_forwards import forced_forwards
from models.engine import Engine
from models.forward.operation_counter import OperationCounter
from tests.models import architectures
from tests.models.architectures import IDS

WRITERS = (*architectures.DECODERS, *architectures.SEQ2SEQ)


def engine_with(name):
    """An engine that knows a tiny model by its name."""
    engine = Engine()
    engine._models.get(name, lambda: architectures.loaded(name))
    return engine


def forwards(name, cache, count=6, **more):
    return list(forced_forwards(architectures.loaded(name), IDS, count, cache, lock=nullcontext, **more))


@pytest.mark.quick(4)
@pytest.mark.parametrize("name", WRITERS)
def test_both_ways_compute_the_same(name):
    with_cache = forwards(name, "dynamic")
    tokens = [each.token for each in with_cache]
    without = forwards(name, "none", tokens=tokens)
    assert len(with_cache) == len(without) == 6
    for one, other in zip(with_cache, without, strict=True):
        assert float((one.logits - other.logits).abs().max()) < 1e-4
        assert one.seconds > 0
        assert other.cache is None
        assert one.cache is not None
    # Greedy, but on and on: no end token is heeded.
    own = [step.token_id for step in decode(architectures.loaded(name), IDS, DecodingSettings(max_new_tokens=6))]
    assert tokens[: len(own) - 1] == own[:-1]


@pytest.mark.quick(4)
@pytest.mark.parametrize("name", WRITERS)
def test_given_tokens_are_read_whatever_the_model_would_say(name):
    given = [7, 7, 9, 11, 7, 30]
    found = forwards(name, "dynamic", tokens=given)
    assert [each.token for each in found] == given
    other = forwards(name, "none", tokens=given)
    for one, two in zip(found, other, strict=True):
        assert float((one.logits - two.logits).abs().max()) < 1e-4


@pytest.mark.parametrize("name", ["gpt2", "llama", "gemma2", "mistral", "deepseek_v3"])
def test_operations_are_those_that_torch_counts(name):
    model = architectures.loaded(name).model
    mapping = {
        torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: lambda q, k, v, *_, **__: sdpa_flop_count(q, k, v)
    }
    with FlopCounterMode(display=False, custom_mapping=mapping) as counter, torch.no_grad():
        model(input_ids=torch.tensor([IDS]), use_cache=False, logits_to_keep=1)
    counted = forwards(name, "dynamic", counted=True)
    assert counted[0].operations == counter.get_total_flops() > 0
    without = forwards(name, "none", counted=True, tokens=[each.token for each in counted])
    assert without[0].operations == counted[0].operations
    # Without the cache each token costs more than the one before; with it hardly more, and less than a prefill.
    assert all(np.diff([each.operations for each in without]) > 0)
    assert all(each.operations < counted[0].operations for each in counted[1:])


def test_the_counter_counts_a_product():
    with OperationCounter() as counter, torch.no_grad():
        torch.ones(3, 5) @ torch.ones(5, 7)
        torch.ones(3, 5) + 1
    assert counter.operations == 2 * 3 * 5 * 7


def timed(repeat, index, seconds_with, seconds_without):
    return TimedStep(repeat, index, 10 + index, seconds_with, seconds_without, 5, 6, 0.25)


def test_medians_slopes_and_sums():
    warm = [timed(WARM_UP, index, 9.0, 9.0) for index in range(4)]
    rounds = [
        [timed(repeat, index, 0.5 if index == 0 else 0.1, 0.5 + 0.2 * index) for index in range(4)]
        for repeat in range(3)
    ]
    # A slow step in one round changes nothing.
    rounds[1][2] = timed(1, 2, 7.0, 8.0)
    found = cache_timing([*warm, *rounds[0], *rounds[1], *rounds[2]])
    assert found is not None
    assert found.repeats == 3
    np.testing.assert_allclose(found.seconds_with, [0.5, 0.1, 0.1, 0.1])
    np.testing.assert_allclose(found.seconds_without, [0.5, 0.7, 0.9, 1.1])
    assert found.slope_with == pytest.approx(0)
    assert found.slope_without == pytest.approx(0.2)
    assert found.prefill_seconds == 0.5
    assert found.decode_seconds == pytest.approx(0.3)
    assert found.speed_up == pytest.approx(3.2 / 0.8)
    assert found.one_pass_seconds == pytest.approx(1.1)
    assert found.operations_with.tolist() == [5] * 4
    assert found.difference == 0.25
    assert cache_timing([]) is None
    assert cache_timing(warm) is None
    assert cache_timing([*warm, *rounds[0][:2]]) is None
    partly = cache_timing([*warm, *rounds[0], *rounds[1][:1]])
    assert partly is not None
    assert partly.repeats == 1


@pytest.mark.parametrize("name", ["llama", "mistral", "t5"])
def test_a_timing_goes_through_its_rounds(name):
    engine = engine_with(name)
    steps = list(CacheTimingRequest(name, IDS, 5, 2).steps(engine))
    assert [step.repeat for step in steps] == [WARM_UP] * 5 + [0] * 5 + [1] * 5
    assert all(step.operations_with > 0 for step in steps[:5])
    assert all(step.operations_with == 0 for step in steps[5:])
    assert max(step.difference for step in steps) < 1e-4
    found = cache_timing(steps)
    assert found is not None
    assert found.repeats == 2
    first = 1 if name == "t5" else len(IDS)
    assert found.positions.tolist() == list(range(first, first + 5))


@pytest.mark.slow
def test_one_timing_at_a_time_and_the_other_is_told():
    engine = engine_with("llama")
    held, told = threading.Event(), []
    with engine.gate("timing").lock():
        job = engine.start(CacheTimingRequest("llama", IDS, 4, 1))
        until = time.monotonic() + 10
        while not told and time.monotonic() < until:
            progress = engine.poll(job, wait=0.05)
            if progress.place:
                told.append(progress.place)
        held.set()
        assert told == [1]
        assert engine.poll(job).count == 0
    until = time.monotonic() + 20
    while not engine.poll(job, wait=0.2).is_done and time.monotonic() < until:
        pass
    assert engine.poll(job).count == 8
    assert engine.poll(job).error is None


@pytest.mark.parametrize(("tokens", "repeats"), [(2, 1), (1_000, 1), (8, 0), (8, 99)])
def test_what_cannot_be_timed_is_said(tokens, repeats):
    with pytest.raises(SettingsError, match="tokens can be timed"):
        CacheTimingRequest("llama", "text", tokens, repeats)


def test_a_timing_ends_where_the_models_positions_do():
    engine = engine_with("llama")
    ids = (5,) * (architectures.POSITIONS - 3)
    assert {step.index for step in CacheTimingRequest("llama", ids, 8, 1).steps(engine)} == {0, 1, 2}
    with pytest.raises(InputError):
        list(CacheTimingRequest("llama", (5,) * architectures.POSITIONS, 8, 1).steps(engine))


@pytest.mark.slow
def test_with_the_cache_time_hardly_grows_with_the_text():
    """On smollm2 at 64 tokens: the slope is at most a tenth of the one without."""
    found = cache_timing(list(CacheTimingRequest("smollm2", "Once upon a time there was a", 64, 3).steps(Engine())))
    assert found is not None
    assert found.slope_without > 0
    assert found.slope_with <= 0.1 * found.slope_without


@pytest.mark.parametrize("name", ["gpt2", "llama", "qwen3", "deepseek_v3"])
def test_8_bits_round_what_comes_after_the_prompt(name):
    found = engine_with(name).run(Fp8Request(name, IDS, 6))
    assert found.differences[0] == 0
    assert found.divergences[0] == 0
    assert found.agrees[0]
    assert (found.differences[1:] > 0).all()
    assert (found.divergences >= 0).all()
    assert found.exact_bytes / found.fp8_bytes == pytest.approx(4, rel=0.05)
    texts = (found.exact_texts, found.fp8_texts)
    assert found.diverges_at is None or texts[0][: found.diverges_at] == texts[1][: found.diverges_at]


def test_a_comparison_is_a_job_that_keeps_its_answer():
    engine = engine_with("llama")
    request = Fp8Request("llama", IDS, 6)
    steps = list(request.steps(engine))
    done = [step.done for step in steps]
    assert done == sorted(done)
    assert done[-1] == steps[-1].of
    found = engine.answers.peek(request)
    assert len(found.agrees) == 6
    assert engine.run(request) is found
    assert list(request.steps(engine)) == []


@pytest.mark.parametrize("name", ["mistral", "gemma3", "t5"])
def test_where_there_are_no_8_bits_it_is_said(name):
    with pytest.raises(CannotWriteError, match="8-bit cache of transformers"):
        engine_with(name).run(Fp8Request(name, IDS, 6))
