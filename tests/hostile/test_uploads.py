"""Files that are handed to a class server: counted for each session, for all, and gone with the session."""

import http.client
import time
import uuid

import pytest

from tests.hostile.visitor import Visitor

MIB = 1024**2


def put(server, session, size, *, cookie, headers=(), name=None):
    """An upload by hand, without a widget: its status and what was said."""
    boundary = uuid.uuid4().hex
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="f"; filename="f.txt"\r\n\r\n'.encode()
    body = head + b"x" * size + f"\r\n--{boundary}--\r\n".encode()
    given = {
        "Content-Type": f"multipart/form-data; boundary={boundary}",
        "Cookie": cookie,
        "X-Xsrftoken": cookie.partition("=")[2],
        **dict(headers),
    }
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    try:
        connection.request("PUT", f"/_stcore/upload_file/{session}/{name or uuid.uuid4()}", body, given)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    except (BrokenPipeError, ConnectionResetError):
        return 413, "cut off"
    finally:
        connection.close()


@pytest.fixture
def cookie(class_server):
    return (class_server.get("/_stcore/health")[1].get("Set-Cookie") or "").partition(";")[0]


def until_ready(server):
    """Wait until the server has loaded what it loads by itself: its memory grows meanwhile."""
    end = time.monotonic() + 120
    while "Ready:" not in server.said():
        assert time.monotonic() < end
        time.sleep(0.1)


def opened(server):
    visitor = Visitor(server)
    visitor.start()
    visitor._read_until(lambda: visitor.id, 60)
    return visitor


@pytest.mark.slow
def test_a_hundred_files_of_five_megabytes_do_not_stay(class_server, cookie):
    until_ready(class_server)
    with opened(class_server) as visitor:
        # Home shows each page at a glance, and loads another model for it.
        visitor._read_until(lambda: not visitor.is_running, 120)
        before = class_server.rss
        said = [put(class_server, visitor.id, 5 * MIB - 1000, cookie=cookie) for _ in range(100)]
        # What was refused is given back when the server keeps house, every few seconds.
        until = time.monotonic() + 15
        while class_server.rss - before >= 200 * MIB and time.monotonic() < until:
            time.sleep(0.2)
        assert class_server.rss - before < 200 * MIB
    taken = [status for status, _ in said if status < 300]
    assert 3 <= len(taken) <= 24
    refused = [sentence for status, sentence in said if status >= 400]
    assert refused
    assert all(sentence for sentence in refused), "it says why"


def test_many_small_files_are_bounded_as_well(class_server, cookie):
    with opened(class_server) as visitor:
        said = [put(class_server, visitor.id, 10, cookie=cookie)[0] for _ in range(60)]
    assert sum(status < 300 for status in said) <= 24
    assert 413 in said or 429 in said


def test_one_that_took_too_much_keeps_nobody_else_from_uploading(class_server, cookie):
    with opened(class_server) as greedy, opened(class_server) as other:
        while put(class_server, greedy.id, 5 * MIB - 1000, cookie=cookie)[0] < 300:
            pass
        assert put(class_server, other.id, 1000, cookie=cookie)[0] < 300


@pytest.mark.parametrize("size", [6 * MIB, 40 * MIB])
def test_a_file_over_the_bound_is_refused(class_server, cookie, size):
    with opened(class_server) as visitor:
        assert put(class_server, visitor.id, size, cookie=cookie)[0] == 413


def test_an_upload_that_does_not_say_how_long_it_is(class_server, cookie):
    with opened(class_server) as visitor:
        connection = http.client.HTTPConnection("127.0.0.1", class_server.port, timeout=30)
        headers = {"Cookie": cookie, "X-Xsrftoken": cookie.partition("=")[2], "Content-Type": "multipart/form-data"}
        connection.request(
            "PUT",
            f"/_stcore/upload_file/{visitor.id}/{uuid.uuid4()}",
            iter([b"x" * 1000]),
            headers,
            encode_chunked=True,
        )
        assert connection.getresponse().status == 411
        connection.close()


@pytest.mark.parametrize("path", ["/", "/attention", "/_stcore/host-config", "/_stcore/upload_file/a/b"])
def test_a_large_body_elsewhere_is_refused(class_server, path):
    assert class_server.get(path, method="POST", data=b"x" * MIB)[0] in (405, 413)


def test_nothing_went_wrong_unforeseen(class_server):
    assert class_server.traces() == []
    assert class_server.is_well()
