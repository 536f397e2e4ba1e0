"""The server ends with 0 soon after it is told to, and nothing that a person does ends it, or their session, before."""

import resource
import signal
import time

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
    visitor.choose("below_tokenizers", string_value="Your own")
    visitor.put("training_text", string_value=" ".join(map(str, range(300_000))))
    visitor.tap("Train")
    return visitor


@pytest.mark.parametrize("number", SIGNALS, ids=lambda each: each.name)
@pytest.mark.parametrize(
    ("busy", "pause"), [(importing, 1.5), (forward, 1.0), (writing, 1.0), (training, 1.5)], ids=lambda each: str(each)
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
    with serving(tmp_path) as server:
        visitor = Visitor(server).open("tokenizers")
        # It reads nothing any more, and so never hears that the session is to be closed.
        visitor.socket.recv_events_exc = None
        stopped = psutil.Process(server.process.pid)
        assert stopped.is_running()
        import socket as sockets

        raw = sockets.create_connection(("127.0.0.1", server.port))
        raw.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ")
        code, seconds = end(server, signal.SIGTERM)
        raw.close()
    assert code == 0
    assert seconds < 6


@pytest.mark.parametrize("limits", [(256, 4_096), (256, 256)], ids=str)
def test_few_descriptors_are_enough_for_a_class_and_come_back(tmp_path, limits):
    """256 is what macOS gives: the server takes as many as it may have."""
    with serving(tmp_path, descriptors=limits) as server:
        Visitor(server).open("tokenizers").socket.close()
        if hasattr(resource, "prlimit"):
            assert resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE)[0] == limits[1]
        time.sleep(1)
        before = server.descriptors
        visitors = []
        try:
            for _ in range(150):
                visitors.append(Visitor(server).start("tokenizers"))
        except (OSError, TimeoutError, Exception) as error:
            assert limits[1] == 256, error
        for each in visitors:
            each.socket.close()
        end_at = time.monotonic() + 30
        while server.descriptors > before + 10:
            assert time.monotonic() < end_at, server.descriptors
            time.sleep(0.2)
        assert Visitor(server).open("tokenizers").errors == []
