"""The server ends with 0 soon after it is told to, and nothing that a person does ends it, or their session, before."""

import resource
import signal
import socket
import time
from contextlib import nullcontext, suppress

import psutil
import pytest

from tests.hostile.class_server import serving
from tests.hostile.visitor import Visitor

SIGNALS = [signal.SIGTERM, signal.SIGINT]


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


@pytest.mark.parametrize("number", SIGNALS, ids=lambda each: each.name)
@pytest.mark.parametrize(
    ("busy", "pause"),
    [(importing, 1.5), (forward, 1.0), (writing, 1.0), (training, 1.5)],
    ids=["importing", "a forward", "a text", "a training"],
)
def test_a_signal_ends_it_with_0(tmp_path, busy, pause, number):
    with serving(tmp_path) as server:
        visitor = busy(server)
        time.sleep(pause)
        code, seconds = end(server, number)
        visitor.socket.close()
    assert code == 0
    assert seconds < 5


def test_a_visitor_who_does_not_let_go_is_not_waited_for(tmp_path):
    """Neither one whose request never ends, nor one who reads nothing, so that the session is never closed by both."""
    with serving(tmp_path) as server, socket.create_connection(("127.0.0.1", server.port)) as slow:
        slow.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ")
        with socket.create_connection(("127.0.0.1", server.port)) as silent:
            silent.sendall(
                b"GET /_stcore/stream HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
            )
            assert b" 101 " in silent.recv(100)
            code, seconds = end(server, signal.SIGTERM)
    assert code == 0
    assert seconds < 6


@pytest.mark.parametrize("limits", [(256, 4_096), pytest.param((256, 256), marks=pytest.mark.slow)], ids=str)
def test_few_descriptors_are_enough_for_a_class_and_come_back(tmp_path, limits):
    """256 is what macOS gives: the server takes as many as it may have, and where that is all, it recovers."""
    with serving(tmp_path, descriptors=limits) as server:
        with Visitor(server) as first:
            first.open("tokenizers")
        if hasattr(resource, "prlimit"):
            assert resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE)[0] == limits[1]
        before = server.descriptors
        visitors = []
        with suppress(Exception) if limits[1] == 256 else nullcontext():
            visitors.extend(come(server) for _ in range(150))
        for each in visitors:
            each.socket.close()
        end_at = time.monotonic() + 30
        while server.descriptors > before + 10:
            assert time.monotonic() < end_at, (before, server.descriptors)
            time.sleep(0.2)
        with Visitor(server) as last:
            assert last.open("tokenizers").errors == []


def come(server):
    """A visitor who is there and does nothing."""
    visitor = Visitor(server)
    visitor.server = None
    return visitor
