"""Memory that is given back while something is computed that does not end."""

import time

from models.engine import memory


def test_free_memory_goes_back_while_work_goes_on(monkeypatch):
    returned = []
    monkeypatch.setattr(memory, "_REST_SECONDS", 0.02)
    monkeypatch.setattr(memory, "_LONGEST_WORK_SECONDS", 0.1)
    monkeypatch.setattr(memory, "_library", lambda: "a C library that is GNU's")
    monkeypatch.setattr(memory, "return_now", lambda: returned.append(time.monotonic()))
    # A thread of before may still rest as long as it did before.
    until = time.monotonic() + 10
    while len(returned) < 3 and time.monotonic() < until:
        memory.return_when_idle()
        time.sleep(0.005)
    assert len(returned) >= 3
