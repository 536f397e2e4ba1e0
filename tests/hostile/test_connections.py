"""What a browser may say, how fast, and what becomes of one that does not listen."""

import socket
import time
import urllib.parse

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from websockets.exceptions import ConnectionClosed

from benchmarks.own_loop import run_beside
from pages.shared.browser_connection import Connection, ConnectionLimits, Shared
from pages.shared.limits import Bounded, Limits
from tests.hostile.visitor import Visitor


def opened(server):
    visitor = Visitor(server)
    visitor.start()
    visitor._read_until(lambda: visitor.id and not visitor.is_running, 60)
    return visitor


@pytest.mark.slow
def test_a_thousand_reruns_a_second_hold_nobody_up(class_server):
    with opened(class_server) as hasty, opened(class_server) as other:
        # One that reads nothing would only be asked to read.
        hasty.socket.socket.setblocking(False)
        ask = BackMsg()
        ask.rerun_script.page_name = "attention"
        end = time.monotonic() + 4
        sent = 0
        while time.monotonic() < end:
            try:
                hasty.socket.send(ask.SerializeToString())
                sent += 1
            except (BlockingIOError, ConnectionClosed):
                break
            time.sleep(0.001)
        began = time.monotonic()
        other.start("attention", text="of somebody else")
        other.until(lambda: "attention_view" in other.components, 30)
        assert time.monotonic() - began < 10
        assert sent > 20
        assert class_server.threads < 60


@pytest.mark.slow
def test_a_message_larger_than_any_is_not_gathered(class_server):
    with opened(class_server) as visitor:
        with pytest.raises(ConnectionClosed):  # noqa: PT012 - the first may still leave before it is cut off
            for _ in range(3):
                visitor.send(b"\x00" * 12_000_000)
                time.sleep(0.5)
        assert class_server.is_well()


@pytest.mark.slow
@pytest.mark.parametrize(
    "said",
    [
        BackMsg(load_git_info=True),
        BackMsg(clear_cache=True),
        BackMsg(set_run_on_save=True),
        BackMsg(debug_shutdown_runtime=True),
    ],
    ids=lambda each: each.WhichOneof("type"),
)
def test_what_is_a_programmers_is_not_heard(class_server, said):
    with opened(class_server) as visitor:
        before = len(visitor.heard)
        visitor.send(said)
        visitor.open("")
        kinds = {each.WhichOneof("type") for each in visitor.heard[before:]}
        assert not kinds & {"git_info_changed"}
        assert class_server.is_well()


def test_a_query_of_megabytes_is_as_none(class_server):
    with Visitor(class_server) as visitor:
        began = time.monotonic()
        visitor.start("attention", "&".join(f"a{number}=1" for number in range(200_000)))
        visitor.until(lambda: "attention_view" in visitor.components, 60)
        assert time.monotonic() - began < 20


@pytest.mark.slow
def test_connections_that_ask_for_nothing_are_closed(class_server):
    before = class_server.descriptors
    held = []
    for number in range(60):
        each = socket.create_connection(("127.0.0.1", class_server.port), 10)
        each.sendall((b"", b"GET / HT", b"POST /x HTTP/1.1\r\nHost: ")[number % 3])
        held.append(each)
    # Whoever asks first lets the server see them.
    assert class_server.is_well()
    end = time.monotonic() + 60
    while class_server.descriptors > before + 5:
        assert time.monotonic() < end, class_server.descriptors
        time.sleep(0.5)
    for each in held:
        each.close()


def test_nothing_went_wrong_unforeseen(class_server):
    assert class_server.traces() == []


# ----- Without a server


def asked(app, scope, messages=()):
    """What an ASGI app answers."""
    left, sent = list(messages), []

    async def receive():
        return left.pop(0) if left else {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)

    async def ask():
        await app({"headers": [], "method": "GET", "path": "/", "client": ("10.0.0.1", 1), **scope}, receive, send)

    run_beside(ask())
    return sent


def test_one_session_too_many_is_refused_and_a_page_says_so():
    async def app(scope, receive, send):
        await send({"type": "websocket.accept"})

    bounded = Bounded(app, Limits(sessions=2, sessions_of_one=1))
    bounded._sessions["10.0.0.1"] = 1
    refused = asked(bounded, {"type": "websocket"}, [{"type": "websocket.connect"}])
    assert refused == [{"type": "websocket.close", "code": 1013}]
    other = {"type": "websocket", "client": ("10.0.0.2", 1)}
    assert asked(bounded, other, [{"type": "websocket.connect"}]) == [{"type": "websocket.accept"}]
    assert bounded._sessions == {"10.0.0.1": 1}
    bounded._sessions["10.0.0.3"] = 1
    page = asked(bounded, {"type": "http", "headers": [(b"accept", b"text/html")]}, [{"type": "http.request"}])
    assert page[0]["status"] == 503
    assert b"as many visitors as it takes, which are 2" in page[1]["body"]


def read(shared, messages, count):
    """What Streamlit would be given of a browser's messages."""

    async def run():
        left = [{"type": "websocket.receive", "bytes": each} for each in messages]

        async def receive():
            return left.pop(0) if left else {"type": "websocket.disconnect", "code": 1000}

        async def send(message):
            closed.append(message)

        connection = Connection(receive, send, shared, 1.0)
        return [await connection.receive() for _ in range(count)]

    closed = []
    return run_beside(run()), closed


def test_large_messages_of_all_together_are_bounded():
    limits = ConnectionLimits(message_bytes=1_000, large_bytes=100, all_large_bytes=1_500)
    shared = Shared(limits)
    large = BackMsg()
    large.rerun_script.page_name = "x" * 900
    small = BackMsg()
    small.rerun_script.page_name = "x"
    (heard,), _ = read(shared, [large.SerializeToString()], 1)
    assert heard["type"] == "websocket.receive"
    (refused,), closed = read(shared, [large.SerializeToString()], 1)
    assert refused["type"] == "websocket.disconnect"
    assert closed[0]["code"] == 1009
    (heard,), _ = read(shared, [small.SerializeToString()], 1)
    assert heard["type"] == "websocket.receive", "who says little is heard"


def test_too_many_widgets_or_names_are_not_heard():
    many = BackMsg()
    for number in range(3_000):
        many.rerun_script.widget_states.widgets.add(id=str(number), string_value="x")
    names = BackMsg()
    names.file_urls_request.file_names.extend(["x"] * 1_000)
    fine = BackMsg(app_heartbeat=True)
    (heard,), _ = read(Shared(), [many.SerializeToString(), names.SerializeToString(), fine.SerializeToString()], 1)
    assert BackMsg.FromString(heard["bytes"]) == fine


@pytest.mark.parametrize(("levels", "is_heard"), [(100, True), (190, True), (2_000, False), (500_000, False)])
def test_a_value_that_is_too_deep_is_not_heard(levels, is_heard):
    deep, fine = BackMsg(), BackMsg(app_heartbeat=True)
    deep.rerun_script.widget_states.widgets.add(id="x", json_value="[" * levels + "]" * levels)
    (heard,), _ = read(Shared(), [deep.SerializeToString(), fine.SerializeToString()], 1)
    assert (BackMsg.FromString(heard["bytes"]) == deep) == is_heard


def test_of_the_operations_only_a_file_is_heard():
    skills, file = BackMsg(), BackMsg()
    skills.backend_operation_request.install_skills.SetInParent()
    file.backend_operation_request.deferred_file.file_id = "x"
    (heard,), _ = read(Shared(), [skills.SerializeToString(), file.SerializeToString()], 1)
    assert BackMsg.FromString(heard["bytes"]) == file


def test_a_long_query_is_left_out():
    said = BackMsg()
    said.rerun_script.query_string = urllib.parse.urlencode({"text": "x" * 50_000})
    said.rerun_script.page_name = "attention"
    (heard,), _ = read(Shared(), [said.SerializeToString()], 1)
    kept = BackMsg.FromString(heard["bytes"]).rerun_script
    assert (kept.query_string, kept.page_name) == ("", "attention")


def test_whoever_asks_too_fast_waits():
    shared = Shared(ConnectionLimits(burst=5, in_a_second=20.0))
    said = BackMsg(app_heartbeat=True).SerializeToString()
    began = time.monotonic()
    read(shared, [said] * 15, 15)
    assert 0.3 < time.monotonic() - began < 5
