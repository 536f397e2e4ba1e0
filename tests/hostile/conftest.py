"""A class server for each test file that asks for one, and visitors without a browser.

`class_server` is one fresh server per test file, bound beyond this machine; `visitor` opens sessions of it that are
closed with the test. A test that needs other settings, limits or an end uses `serving` of
tests.hostile.class_server.
"""

import pytest


@pytest.fixture(scope="module")
def class_server(tmp_path_factory):
    from tests.hostile.class_server import serving

    with serving(tmp_path_factory.mktemp("class")) as server:
        yield server


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
