"""Thirty sessions share one model: what a thread gets must not depend on what the others do meanwhile."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from models.attention import CutLink, HideToken, ReplacePattern, ZeroHead, trace_attention
from tests.models import architectures

THREADS = 8
ROUNDS = 5


def ids_of(thread):
    """Another text, of another length, for each thread."""
    return [(7 * thread + 5 * place) % 60 + 4 for place in range(5 + 2 * thread)]


def interventions_of(thread, kind, count):
    """None for two of the threads, for the others something of their own."""
    uniform = tuple((1 / count,) * count for _ in range(count))
    return (
        (),
        (ZeroHead(kind, 0, 1),),
        (HideToken(0),),
        (CutLink(kind, 1, 3, 2),),
        (ReplacePattern(kind, 0, 2, uniform),),
        (),
        (HideToken(3), ZeroHead(kind, 1, 0)),
        (CutLink(kind, 0, 4, 1, 2), CutLink(kind, 0, 4, 2, 3)),
    )[thread]


def read(loaded, text, interventions, target=None):
    """Everything that a trace gives out, computed by the thread that asks."""
    trace = trace_attention(loaded, text, target, interventions)
    found = [trace.outputs, trace.last_output]
    for kind in trace.kinds:
        for layer in trace.layers(kind):
            found += [trace.weights(kind, layer), trace.visible(kind, layer, 2)]
            found += [trace.queries(kind, layer), trace.keys(kind, layer), trace.values(kind, layer)]
    return trace.tokens, found


def all_at_once(jobs):
    """Run each job in a thread of its own; all begin together."""
    barrier = threading.Barrier(len(jobs))

    def begin(job):
        barrier.wait(timeout=30)
        return job()

    with ThreadPoolExecutor(len(jobs)) as pool:
        return [future.result(timeout=120) for future in [pool.submit(begin, job) for job in jobs]]


def check_threads(loaded, requests, rounds=ROUNDS):
    jobs = [lambda request=request: read(loaded, *request) for request in requests]
    serial = [job() for job in jobs]
    for _ in range(rounds):
        for (tokens, arrays), (expected_tokens, expected) in zip(all_at_once(jobs), serial, strict=True):
            assert tokens == expected_tokens
            assert len(arrays) == len(expected)
            for array, wanted in zip(arrays, expected, strict=True):
                # Bit for bit, NaN included: there is none, so plain equality says it.
                assert np.array_equal(array, wanted)


@pytest.mark.quick(2)
@pytest.mark.parametrize("name", ["bert", "llama", "gpt_oss", "albert"])
def test_eight_threads_get_what_each_gets_alone(name):
    kind = architectures.ARCHITECTURES[name].family
    texts = [ids_of(thread) for thread in range(THREADS)]
    requests = [(ids, interventions_of(thread, kind, len(ids))) for thread, ids in enumerate(texts)]
    check_threads(architectures.loaded(name), requests)


@pytest.mark.slow
def test_eight_threads_on_a_seq2seq_model():
    requests = []
    for thread in range(THREADS):
        ids = ids_of(thread)
        changes = interventions_of(thread, "encoder", len(ids))
        requests.append((ids, changes, ids[: 5 + thread]))
    check_threads(architectures.loaded("t5"), requests)


SENTENCES = (
    "The animal didn't cross the street because it was too tired.",
    "Attention is all you need.",
    "To be, or not to be, that is the question.",
    "A heart 💙, an accent é and 中文 in one line.",
    "The quick brown fox jumps over the lazy dog, again and again and again.",
    "Ships that pass in the night, and speak each other in passing.",
    "<script>alert(1)</script> is text like any other.",
    "unbelievably antidisestablishmentarian " * 4,
)


def test_eight_threads_with_texts_on_minilm(minilm):
    lengths = [len(trace_attention(minilm, text).tokens) for text in SENTENCES]
    requests = [
        (text, interventions_of(thread, "encoder", length))
        for thread, (text, length) in enumerate(zip(SENTENCES, lengths, strict=True))
    ]
    check_threads(minilm, requests, rounds=3)


def test_a_thread_that_fails_leaves_the_others_alone(minilm):
    """An intervention that is refused halfway through the forward must not leak into anybody's run."""
    fails = ("Half of these requests are refused.", (ZeroHead("encoder", 3, 99),))
    works = ("Half of these requests are answered.", ())
    expected = read(minilm, *works)

    def attempt(request):
        try:
            return read(minilm, *request)
        except Exception as error:
            return error

    answers = all_at_once([lambda request=request: attempt(request) for request in [fails, works] * 4])
    for place, answer in enumerate(answers):
        if place % 2 == 0:
            assert type(answer).__name__ == "InterventionError"
        else:
            assert answer[0] == expected[0]
            assert all(np.array_equal(got, wanted) for got, wanted in zip(answer[1], expected[1], strict=True))
