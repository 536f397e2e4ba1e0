"""A server that has just been started: thirty people at once, a signal in the middle, a log that says when."""

import re
import signal
import time

import pytest

from benchmarks.classroom import class_of_all_pages
from benchmarks.serving import APP, serving
from benchmarks.sessions import attend


@pytest.mark.parametrize("start", [0, *(pytest.param(30 * each, marks=pytest.mark.slow) for each in range(1, 4))])
def test_thirty_people_open_five_pages_and_three_models(start):
    """Each another text, all within the first second: no error box, and everybody gets the picture."""
    with serving(APP) as server:
        opened = attend(server, class_of_all_pages(server, start=start))
        log = server.log()
    assert len(opened) == 30
    assert [(each.visit.link, each.faults) for each in opened if each.faults] == []
    assert "Traceback" not in log
    assert re.search(r"(?m)^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} INFO pages\.\S+: Ready", log)


@pytest.mark.parametrize(
    "moment", [pytest.param(each, marks=pytest.mark.slow) for each in (0.0, 0.3, 1.0, 2.0, 3.0, 6.0)]
)
def test_a_signal_while_it_gets_ready_ends_it(moment):
    with serving(APP) as server:
        time.sleep(moment)
        server.process.send_signal(signal.SIGTERM)
        # What ends a program that takes the signal as it comes, and one that answers it.
        assert server.process.wait(10) in (0, -signal.SIGTERM)
        assert "Traceback" not in server.log()
