"""Frames of a WebSocket that no browser sends: they hold nobody up, and nothing of them is kept."""

import socket
import threading
import time

import pytest

from tests.hostile.visitor import Visitor

_HANDSHAKE = (
    "GET /_stcore/stream HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\nUpgrade: websocket\r\n"
    "Connection: Upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Protocol: streamlit\r\n\r\n"
)
_MORE, _TEXT, _BYTES, _PING = 0, 1, 2, 9


def frame(kind, payload=b"", *, is_last=True):
    return bytes([(0x80 if is_last else 0) | kind, 0x80 | len(payload), 0, 0, 0, 0]) + payload


# What comes first, and what comes again and again.
FLOODS = {
    "pings": (b"", frame(_PING, b"x" * 125) * 2_000),
    "parts of nothing": (frame(_BYTES, is_last=False), frame(_MORE, is_last=False) * 40_000),
    "small parts": (frame(_BYTES, is_last=False), frame(_MORE, b"ab", is_last=False) * 30_000),
    "whole messages of nothing": (b"", frame(_BYTES) * 40_000),
}


def session(server):
    """The connection of a session, to be written to as no browser does."""
    opened = socket.create_connection(("127.0.0.1", server.port), 10)
    opened.sendall(_HANDSHAKE.format(host=server.host).encode())
    assert b"101" in opened.recv(4_096)
    return opened


def flood(opened, first, data, seconds, cut_off):
    """Send it again and again, and read nothing."""
    opened.settimeout(0.5)
    opened.sendall(first)
    end, place = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        try:
            place = (place + opened.send(data[place:])) % len(data)
        except TimeoutError:
            continue
        except OSError:
            cut_off.append(True)
            return


@pytest.mark.quick(2)
@pytest.mark.parametrize("kind", FLOODS)
def test_frames_that_no_browser_sends_hold_nobody_up(class_server, kind):
    with Visitor(class_server) as first:
        first.open("attention")
    before, cut_off = class_server.rss, []
    held = [session(class_server) for _ in range(6)]
    floods = [threading.Thread(target=flood, args=(each, *FLOODS[kind], 6, cut_off)) for each in held]
    for each in floods:
        each.start()
    # In seconds of the server's own processor: others may need the machine as well.
    began = class_server.computed
    with Visitor(class_server) as other:
        other.start("attention", text="of somebody else")
        other.until(lambda: "attention_view" in other.components, 30)
    took = class_server.computed - began
    for each in floods:
        each.join()
    grown = class_server.rss - before
    for each in held:
        each.close()
    assert took < 5
    assert grown < 100_000_000
    assert len(cut_off) == len(held)


def test_a_large_message_is_few_frames(class_server):
    with Visitor(class_server) as visitor:
        visitor.open("attention")
        visitor.put("text_box", string_value="a b " * 50_000)
        visitor.ask().settle()
        assert "attention_view" in visitor.components


@pytest.mark.slow
def test_text_closes_the_session_and_is_nothing_to_write_down(class_server):
    opened = session(class_server)
    opened.sendall(frame(_TEXT, b"hello"))
    opened.settimeout(30)
    said = b""
    while data := opened.recv(65_536):
        said += data
    assert b"bytes, and no text" in said
    opened.close()
    assert class_server.traces() == []
