"""A server that is used for ten minutes holds what it held before; `python -m benchmarks.soak` is the hour."""

from dataclasses import replace

import pytest

from benchmarks.serving import APP, serving
from benchmarks.soak import Held, Soak, soak

MB = 10**6


def held(at, memory=1_000, threads=20, descriptors=50):
    return Held(at, memory * MB, threads, descriptors)


STEADY = Soak(
    seconds=600.0,
    clients=30,
    samples=tuple(held(at, 1_000 + at % 7) for at in range(0, 600, 10)),
    before=held(0),
    after=held(600),
    served=(0.5, 1.0),
    faults=(),
    traces=(),
)


def test_a_steady_server_has_no_problem():
    assert STEADY.growth < 0.01
    assert STEADY.problems() == []
    assert "median 750 ms" in STEADY.said()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"samples": tuple(held(at, 1_000 + at / 5) for at in range(0, 600, 10))}, "memory moved by 10"),
        ({"samples": (*STEADY.samples, *(held(at, 900) for at in range(600, 660, 10)))}, "memory moved by 10"),
        ({"after": held(600, threads=21)}, "21 threads"),
        ({"after": held(600, descriptors=51)}, "51 descriptors"),
        ({"faults": ("http://x: no picture",)}, "no picture"),
        ({"traces": ("Traceback",)}, "Traceback"),
    ],
)
def test_what_grows_or_fails_is_a_problem(change, said):
    [problem] = replace(STEADY, **change).problems()
    assert said in problem


def test_one_high_sample_is_no_growth():
    """A forward takes memory and gives it back."""
    peak = (*STEADY.samples[:30], held(300, 1_500), *STEADY.samples[31:])
    assert replace(STEADY, samples=peak).problems() == []


@pytest.mark.slow
@pytest.mark.timeout(1_800)
def test_ten_minutes_leave_nothing_behind():
    with serving(APP) as server:
        found = soak(server, 600, 30)
    assert len(found.served) > 100
    assert found.problems() == [], found.said()
