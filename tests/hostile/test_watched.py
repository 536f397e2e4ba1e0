"""What a server tells about itself, to whom, and what its operator has set."""

import json
import re
import time

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from tests.hostile.class_server import serving
from tests.hostile.test_uploads import put
from tests.hostile.visitor import Visitor

SECRET = "zebrafinch"


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    """A server that writes its requests down, with room for three pages and three files a minute."""
    folder = tmp_path_factory.mktemp("watched")
    settings = {
        "HEADLIGHT_REQUEST_LOG": str(folder / "requests.jsonl"),
        "HEADLIGHT_MOST_SESSIONS": "3",
        "HEADLIGHT_UPLOADS_A_MINUTE": "3",
        "HEADLIGHT_ANSWER_SECONDS": "3",
    }
    with serving(folder, environment=settings) as server:
        yield server, folder / "requests.jsonl"


def lines(written):
    return [json.loads(line) for line in written.read_text().splitlines()]


def family(server, name):
    status, _, body = server.get(f"/_stcore/metrics?families={name}")
    assert status == 200
    return {said: float(value) for said, value in re.findall(rf"(?m)^({name}[^ ]*) ([\d.e+]+)$", body.decode())}


def test_it_is_ready_when_the_default_model_answers(watched):
    server, _ = watched
    end, seen = time.monotonic() + 120, []
    while not seen or seen[-1][0] != 200:
        assert time.monotonic() < end, seen[-1:]
        status, headers, body = server.get("/health", headers={"Host": "whoever.looks.example"})
        said = json.loads(body)
        assert (said["status"], "missing" in said) == (("ready", False) if status == 200 else ("not ready", True))
        assert headers["Cache-Control"] == "no-store"
        seen.append((status, said))
        time.sleep(0.1)
    # Streamlit's own was there before: the class server waits for it.
    assert seen[0][0] == 503
    assert "Ready: minilm is loaded" in server.said() or len(seen) > 1
    assert seen[-1][1]["model"] == "minilm"
    forwards = family(server, "headlight_forwards")["headlight_forwards_total"]
    for _ in range(20):
        assert server.get("/health")[0] == 200
    assert family(server, "headlight_forwards")["headlight_forwards_total"] <= forwards + 1


def test_figures_count_what_a_visitor_does(watched):
    server, _ = watched
    before = family(server, "headlight_forwards")["headlight_forwards_total"]
    with Visitor(server) as visitor:
        visitor.open("attention", model="minilm", text=f"A {SECRET} sings.")
        assert visitor.errors == []
        assert family(server, "headlight_forwards")["headlight_forwards_total"] > before
        assert family(server, "headlight_models")["headlight_models"] >= 1
        assert family(server, "headlight_cache_answers")["headlight_cache_answers"] >= 1
        assert family(server, "active_sessions") == {"active_sessions": 1}
    said = server.get("/_stcore/metrics")[2].decode()
    # Strict about names, units, types, and the order of all of it.
    families = {each.name: each for each in text_string_to_metric_families(said)}
    assert families["headlight_forwards"].type == "counter"
    assert families["headlight_device_busy_seconds"].unit == "seconds"
    assert families["headlight_forward_wait_seconds"].type == "histogram"
    assert {"headlight_queue", "headlight_questions", "headlight_cache_bytes", "headlight_jobs"} <= families.keys()
    assert {"headlight_models", "headlight_rooms", "headlight_room_people", "active_sessions"} <= families.keys()
    assert SECRET not in said


def test_figures_are_told_to_this_machine_alone(watched):
    server, _ = watched
    before = family(server, "headlight_refused").get('headlight_refused_total{by="server",reason="metrics"}', 0)
    assert server.get("/_stcore/metrics", headers={"X-Forwarded-For": "192.0.2.7"})[0] == 403
    after = family(server, "headlight_refused")
    assert after['headlight_refused_total{by="server",reason="metrics"}'] == before + 1


def test_a_line_for_each_request_and_nothing_of_a_person_in_them(watched):
    server, written = watched
    with Visitor(server) as visitor:
        visitor.open("tokenizers", text=f"Two {SECRET}s.")
        assert visitor.errors == []
    server.get(f"/{SECRET}?text={SECRET}", headers={"User-Agent": SECRET, "Referer": SECRET})
    end = time.monotonic() + 30
    # A line is written when all is over.
    while not {("session", "/_stcore/stream"), ("http", "other")} <= {
        (each["kind"], each.get("route")) for each in lines(written)
    }:
        assert time.monotonic() < end
        time.sleep(0.1)
    found = lines(written)
    assert SECRET not in written.read_text()
    assert "127.0.0.1" not in written.read_text()
    assert {each["kind"] for each in found} >= {"http", "session", "question"}
    assert {each["route"] for each in found if each["kind"] == "http"} >= {"/health", "other"}
    asked = [each for each in found if each["kind"] == "question"]
    assert {each["page"] for each in asked} <= {"home", "attention", "tokenizers", ""}
    assert all(each["seconds"] >= each["waited"] >= 0 for each in asked)
    [computed] = {each["outcome"] for each in asked if not each["kept"]} - {"left"}
    assert computed == "answered"


def test_one_more_page_than_the_operator_allows_is_told_so(watched):
    server, _ = watched
    held = [Visitor(server) for _ in range(3)]
    try:
        status, _, body = server.get("/attention", headers={"Accept": "text/html"})
        assert status == 503
        assert "as many visitors as it takes, which are 3" in body.decode()
        # Whoever looks whether it is well is no visitor.
        assert server.get("/health")[0] == 200
    finally:
        for each in held:
            each.socket.close()
    end = time.monotonic() + 30
    while server.get("/attention", headers={"Accept": "text/html"})[0] != 200:
        assert time.monotonic() < end
        time.sleep(0.1)


def test_more_files_a_minute_than_the_operator_allows_are_told_so(watched):
    server, _ = watched
    cookie = (server.get("/_stcore/health")[1].get("Set-Cookie") or "").partition(";")[0]
    said = []
    for _ in range(2):
        with Visitor(server) as visitor:
            visitor.start()
            visitor._read_until(lambda: visitor.id, 60)
            said += [put(server, visitor.id, 1_000, cookie=cookie) for _ in range(2)]
    assert [status for status, _ in said] == [204, 204, 204, 429]
    assert "as many files within a minute as this server takes, which are 3" in said[-1][1]


@pytest.mark.slow
def test_a_text_that_takes_longer_than_the_operator_allows_ends_with_a_sentence(watched):
    server, _ = watched
    with Visitor(server) as visitor:
        visitor.open("attention", model="smollm2", text="word " * 1_900)
        assert any("this server computes for one question, which is 3 s" in each for each in visitor.errors)
        # The page goes on with a shorter one.
        visitor.open("attention", model="minilm", text="A short one.")
        assert visitor.errors == []
