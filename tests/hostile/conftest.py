"""A class server for the test files that ask for one, and visitors without a browser.

`class_server` is one server for all test files of a process, bound beyond this machine, and its traces are those since
the file began; `visitor` opens sessions of it that are closed with the test. A test that needs other settings, limits
or an end uses `serving` of tests.hostile.class_server.

Nothing of models/ is imported at the top: see tests/models/conftest.py.
"""

import os
import time
from contextlib import contextmanager

import psutil
import pytest

SECONDS = 10.0
GROWTH = 500_000_000


@contextmanager
def bounded():
    """What is done inside takes at most 10 s, and what this process and its children hold grows by less than 500 MB.

    On a machine that does other things as well it takes as much longer as those leave less of it.
    """
    me = psutil.Process(os.getpid())
    before, start = held(me), time.monotonic()
    yield
    busy = max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
    assert time.monotonic() - start < SECONDS * busy
    assert held(me) - before < GROWTH


def held(process):
    """Bytes in memory of a process and of those that it started."""
    size = process.memory_info().rss
    for child in process.children(recursive=True):
        try:
            size += child.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return size


@pytest.fixture
def within_bounds():
    return bounded


@pytest.fixture
def short(monkeypatch):
    """Questions of the sandbox are given up after a second or two of the processor, so that the tests are fast."""
    from models.loading import sandboxed_tokenizer
    from models.tokenization import sandboxed

    for pool in (sandboxed.POOL, sandboxed_tokenizer.POOL):
        monkeypatch.setattr(pool, "seconds", 2)


@pytest.fixture(scope="session")
def _class_server(tmp_path_factory):
    from tests.hostile.class_server import serving

    with serving(tmp_path_factory.mktemp("class")) as server:
        yield server


@pytest.fixture(scope="module")
def class_server(_class_server):
    # Streamlit logs a component's value that is no JSON with its trace: a file that sends some is not every file's.
    _class_server.pass_over_traces()
    return _class_server


@pytest.fixture
def visitor(class_server):
    """`visitor(**handshake)` is a new session of the class server."""
    from tests.hostile.visitor import Visitor

    opened = []

    def come(**handshake):
        opened.append(Visitor(class_server, **handshake))
        return opened[-1]

    yield come
    for each in opened:
        each.socket.close()
