"""The server ends with 0 soon after it is told to, and nothing that a person does ends it, or their session, before."""

import signal
import socket
import time

import psutil
import pytest

from tests.hostile.class_server import serving
from tests.hostile.visitor import Visitor

SIGNALS = [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.slow)]


def end(server, number):
    """(exit code, seconds) of a server that is told to end; none of its children is left."""
    children = psutil.Process(server.process.pid).children(recursive=True)
    start = time.monotonic()
    code = server.end(number, 10)
    seconds = time.monotonic() - start
    _, alive = psutil.wait_procs(children, timeout=3)
    assert alive == []
    assert "Traceback" not in server.said()
    return code, seconds


def forward(server):
    visitor = Visitor(server).open("attention", model="smollm2")
    visitor.start("attention", model="smollm2", text="word " * 1_800)
    return visitor


def importing(server):
    return Visitor(server).start("attention")


def writing(server):
    visitor = Visitor(server).open("sampling", model="smollm2")
    visitor.tap("write")
    return visitor


def training(server):
    visitor = Visitor(server).open("tokenizers")
    visitor.choose("below_tokenizers", string_value="Bring your own")
    visitor.put("training_text", string_value=" ".join(map(str, range(300_000))))
    visitor.tap("Train")
    return visitor


@pytest.mark.quick(1)
@pytest.mark.parametrize("number", SIGNALS, ids=["SIGTERM", "SIGINT"])
@pytest.mark.parametrize(
    ("busy", "pause"),
    [
        pytest.param(importing, 1.5, id="importing"),
        # Of those that compute, one: a job is stopped between its steps as a forward is between its layers.
        pytest.param(forward, 1.0, id="a forward", marks=pytest.mark.slow),
        pytest.param(writing, 1.0, id="a text"),
        pytest.param(training, 1.5, id="a training", marks=pytest.mark.slow),
    ],
)
def test_a_signal_ends_it_with_0(tmp_path, busy, pause, number):
    with serving(tmp_path) as server:
        visitor = busy(server)
        time.sleep(pause)
        code, seconds = end(server, number)
        visitor.socket.close()
    assert code == 0
    assert seconds < 5


@pytest.mark.slow
def test_a_visitor_who_does_not_let_go_is_not_waited_for(tmp_path):
    """Neither one whose request never ends, nor one who reads nothing, so that the session is never closed by both."""
    with serving(tmp_path) as server, socket.create_connection(("127.0.0.1", server.port)) as slow:
        slow.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ")
        with silent_visitor(server):
            code, seconds = end(server, signal.SIGTERM)
    assert code == 0
    assert seconds < 6


@pytest.mark.slow
def test_as_many_descriptors_are_taken_as_there_may_be(tmp_path):
    """256 is what macOS gives to a program, which may have more."""
    with serving(tmp_path, descriptors=(256, 4_096)) as server:
        come = [silent_visitor(server) for _ in range(120)]
        assert None not in come
        for each in come:
            each.close()
        assert server.get("/", {"Accept": "text/html"})[0] == 200


@pytest.mark.slow
def test_where_they_are_few_who_comes_last_reads_so_and_the_server_lives(tmp_path):
    with serving(tmp_path, descriptors=(256, 256)) as server:
        come = []
        while len(come) < 150 and (visitor := silent_visitor(server)) is not None:
            come.append(visitor)
        assert 30 < len(come) < 150
        # What the server opens for a moment, as a module that is imported, may have made the first one come too late.
        later = [silent_visitor(server) for _ in range(20)]
        come += [each for each in later if each is not None]
        assert later.count(None) >= 15
        status, _, body = server.get("/", {"Accept": "text/html"})
        assert (status, b"as many visitors as it can take" in body) == (503, True)
        for each in come:
            each.close()
        assert server.is_well()
        assert "Too many open files" not in server.said()


def silent_visitor(server):
    """The connection of a session that says and reads nothing; None where the server does not take it."""
    visitor = socket.create_connection(("127.0.0.1", server.port), 2)
    visitor.settimeout(2)
    visitor.sendall(
        b"GET /_stcore/stream HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )
    try:
        if b" 101 " in visitor.recv(100):
            return visitor
    except OSError:
        pass
    visitor.close()
    return None
