"""The simulation of queue and wait: what it must give by hand, and beside the class of thirty that was measured."""

import numpy as np
import pytest

from benchmarks.costs import measure, measured
from benchmarks.scale import PEOPLE, SCALE, Site, Work, class_of, costs_table, lesson, sizes_line, waits, written

# What the machine does beside differs from class to class.
NEAR = 1.5
SOON = 0.25


def test_one_person_waits_for_the_own_work_alone():
    assert waits([1.0], [Work(0.2, 0.5, 0.3)], Site(workers=1)) == pytest.approx([0.7])


def test_questions_take_turns_on_a_device():
    assert waits([0.0] * 2, [Work(0.0, 1.0, 0.0), Work(0.0, 2.0, 0.0)], Site(workers=1)) == pytest.approx([2.0, 3.0])
    assert waits([0.0] * 3, [Work(0.0, 1.0, 0.0)] * 3, Site(workers=2)) == pytest.approx([1.5] * 3)
    assert waits([0.0] * 3, [Work(0.0, 1.0, 0.0)] * 3, Site(workers=3)) == pytest.approx([1.0] * 3)


def test_python_is_shared_among_the_pages_that_are_drawn():
    works = [Work(1.0, 0.0, 0.0)] * 2
    assert waits([0.0, 0.0], works, Site(workers=9)) == pytest.approx([2.0, 2.0])
    assert waits([0.0, 0.0], works, Site(workers=9, running=1)) == pytest.approx([1.0, 2.0])
    assert waits([0.0, 0.0], works, Site(webs=2, workers=9)) == pytest.approx([1.0, 1.0])


def test_a_device_that_is_the_same_processor_is_slower_while_python_runs():
    # One draws for 4 seconds, meanwhile the other's question has one of two cores.
    works = [Work(0.0, 1.0, 0.0), Work(4.0, 0.0, 0.0)]
    assert waits([0.0, 0.0], works, Site(cores=2))[0] == pytest.approx(2.0)
    assert waits([0.0, 0.0], works, Site(workers=1))[0] == pytest.approx(1.0)


def test_nobody_is_served_before_what_must_be_done():
    """Whatever comes: nobody waits less than their own work, and all of a device's work takes its time."""
    draws = np.random.default_rng(1)
    arrivals = np.sort(draws.uniform(0, 10, 80)).tolist()
    works = [Work(*draws.uniform(0, 0.3, 3)) for _ in arrivals]
    for site in (Site(), Site(workers=1), Site(webs=3, workers=2)):
        found = waits(arrivals, works, site)
        assert (found >= [work.before + work.device - 1e-6 for work in works]).all()
    last = max(np.add(arrivals, waits(arrivals, works, Site(workers=1))))
    assert last >= sum(work.device for work in works)


def test_a_lesson_is_the_same_each_time_and_as_busy_as_said():
    costs = measured()
    arrivals, works = lesson(costs, 100, 600)
    assert (arrivals, works) == lesson(costs, 100, 600)
    assert len(arrivals) == pytest.approx(100 * 600 / 20, rel=0.1)


def test_the_class_of_thirty_is_as_it_was_measured():
    costs = measured()
    simulated, seen = class_of(costs), np.array(costs.classes)
    assert seen.shape[1] == len(simulated) == 30
    assert 1 / NEAR < np.percentile(simulated, 95) / np.percentile(seen, 95) < NEAR
    # Half of them ask for what needs no device, or little of it.
    assert abs(np.median(simulated) - np.median(seen)) < SOON


def test_the_document_has_what_the_simulation_gives_for_few():
    costs, lines = measured(), SCALE.read_text("utf-8").splitlines()
    assert {*costs_table(costs).splitlines(), *(sizes_line(costs, people) for people in PEOPLE[:2])} <= {*lines}


@pytest.mark.slow
def test_the_document_has_what_the_simulation_gives():
    assert written(measured()) == SCALE.read_text("utf-8")


@pytest.mark.slow
@pytest.mark.timeout(1_200)
def test_a_class_on_this_machine_is_as_simulated_from_its_own_costs():
    costs = measure(texts=1, class_count=2)
    simulated, seen = class_of(costs), np.array(costs.classes)
    assert 1 / 3 < np.percentile(simulated, 95) / np.percentile(seen, 95) < 3
