"""The server asks nobody outside, whatever is said to it: each lookup and connection is written down by the server."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.hostile.visitor import Visitor, is_refused

FOREIGN = [
    "null",
    "",
    " ",
    "file://",
    "http://evil.example",
    "https://evil.example:8501",
    "http://8.8.8.8",
    "http://[2001:db8::1]:8501",
    "http://[fe80::1%25eth0]",
    "http://[::1",
    "http://127.0.0.1:1:1",
    "http://127.0.0.1:99999",
    "http://user@127.0.0.1",
    "http://127.0.0.1.evil.example",
    "//127.0.0.1",
    "127.0.0.1",
    "ws://127.0.0.1",
    "javascript:alert(1)",
    "chrome-extension://abcdefgh",
    pytest.param("http://" + "a" * 20_000, marks=pytest.mark.slow),
    "http://xn--e1afmkfd.example",
    "ht!tp://x",
]


@pytest.mark.parametrize("origin", FOREIGN, ids=lambda each: each[:30] or "empty")
def test_an_origin_from_elsewhere_is_refused_and_asks_nobody(class_server, origin):
    start = time.monotonic()
    assert is_refused(class_server, origin=origin)
    # One that is longer than a whole request may be is cut off when no more of it comes.
    assert time.monotonic() - start < (2 if len(origin) < 8_000 else 60)
    assert class_server.asked() == []


@pytest.mark.parametrize("host", ["127.0.0.1:1@x", "", "a b", "evil.example", "[::1", "x" * 5_000, "127.0.0.1:99999"])
def test_no_host_asks_anybody(class_server, host):
    is_refused(class_server, host="127.0.0.1", headers={"Host": host}, origin=None)
    class_server.get("/", {"Host": host or "0"})
    assert class_server.asked() == []


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    origin=st.one_of(st.none(), st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=40)),
    name=st.sampled_from(["X-Forwarded-For", "Cookie", "Referer", "X-Forwarded-Host", "Sec-Fetch-Site", "Via"]),
    value=st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=60),
)
def test_no_handshake_asks_anybody(class_server, origin, name, value):
    is_refused(class_server, origin=origin, headers={name: value})
    assert class_server.asked() == []


def test_forty_of_them_at_once_hold_nobody_up(class_server):
    with ThreadPoolExecutor(40) as pool:
        start = time.monotonic()
        refused = list(pool.map(lambda _: is_refused(class_server, origin="null"), range(40)))
    assert all(refused)
    assert time.monotonic() - start < 10
    assert class_server.is_well(2)
    assert class_server.asked() == []


def test_its_own_pages_come_in_by_any_name_of_theirs(class_server):
    for host in (class_server.host, f"localhost:{class_server.port}", f"10.1.2.3:{class_server.port}"):
        for origin in (f"http://{host}", f"https://{host}", None):
            assert not is_refused(class_server, host=host, origin=origin), (host, origin)
    # A proxy may leave out the port in the name that it passes on.
    named = {"host": "class.example", "headers": {"X-Forwarded-For": "192.0.2.7"}}
    assert not is_refused(class_server, origin="https://class.example:8443", **named)
    assert is_refused(class_server, origin="https://evil.example", **named)


def test_pages_with_all_their_models_ask_nobody(class_server):
    for page, model in (
        ("", "minilm"),
        ("attention", "minilm"),
        ("attention", "spelling_to_sound"),
        ("tokenizers", "minilm"),
        ("embeddings", "minilm"),
        ("kv_cache", "smollm2"),
        ("sampling", "smollm2"),
    ):
        with Visitor(class_server) as visitor:
            visitor.start(page, model=model, text="A cat.")
            # What is written is asked for by a browser's clock.
            visitor.until(lambda: not visitor.is_running or "Stop" in visitor.labels)
            assert visitor.errors == []
            if not visitor.is_running:
                visitor.press("About this model")
    for name in ("gpt2", "hub:org/name", "hub:evil.example/x", "folder:/x", "zebra"):
        with Visitor(class_server) as visitor:
            visitor.open("attention", model=name)
    assert class_server.asked() == []


def test_what_a_browser_may_do_with_a_page(class_server):
    """It fetches from this server alone, and stands in no other one's frame."""
    for path in ("/", "/attention", "/_stcore/host-config", "/nowhere.js"):
        _, headers, _ = class_server.get(path)
        rules = dict(each.strip().partition(" ")[::2] for each in headers["content-security-policy"].split(";"))
        allowed = {each for rule in ("default-src", "connect-src") for each in rules[rule].split()}
        here = {f"ws://{class_server.host}", f"wss://{class_server.host}"}
        assert allowed == {"'self'", "data:", "blob:", "'unsafe-inline'", "'unsafe-eval'"} | here
        assert rules["frame-ancestors"] == "'self'"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
