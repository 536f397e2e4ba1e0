"""A line of JSON for each request, with nothing of a person in it."""

import json
import logging
import re

import pytest

from models.engine import Told
from pages.shared import request_log
from pages.shared.limits import Limits, operators_limits
from pages.shared.metrics import engine_stats
from pages.shared.refusals import refusals, refused
from pages.shared.request_log import line_of, log_file_error, model_name, route_of


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/", "/"),
        ("/attention", "/attention"),
        ("/base/attention/", "/attention"),
        ("/my secret", "other"),
        ("/health", "/health"),
        ("/base/health", "/health"),
        ("/_stcore/health", "/_stcore/health"),
        ("/_stcore/upload_file/session/file", "/_stcore/upload_file"),
        ("/media/0123abc.csv", "/media"),
        ("/static/js/index.js", "/static"),
    ],
)
def test_an_address_is_one_of_ours_or_other(path, route):
    assert route_of(path) == route


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("minilm", "minilm"),
        ("bert-base-uncased", "bert-base-uncased"),
        ("hub:somebody/private", "hub"),
        ("folder:/home/somebody/model", "folder"),
        ("what somebody typed", "other"),
    ],
)
def test_a_model_that_somebody_named_is_not_told(name, said):
    assert model_name(name) == said


def test_a_line_is_json_of_numbers_and_names_of_ours():
    told = Told("HeadMapRequest", frozenset({"minilm", "folder:/x"}), False, 0.123456, 0.1, 2, False, "answered")
    assert json.loads(json.dumps(line_of(told, "attention"))) == {
        "kind": "question",
        "question": "HeadMapRequest",
        "page": "attention",
        "models": ["folder", "minilm"],
        "seconds": 0.1235,
        "waited": 0.1,
        "forwards": 2,
        "kept": False,
        "outcome": "answered",
    }


def test_a_place_where_nothing_can_be_written_is_refused_at_the_start(monkeypatch, tmp_path):
    monkeypatch.setenv(request_log.VARIABLE, str(tmp_path / "none" / "log"))
    assert "cannot be written" in log_file_error()
    monkeypatch.setenv(request_log.VARIABLE, str(tmp_path / "log"))
    assert log_file_error() == ""
    monkeypatch.setenv(request_log.VARIABLE, "stdout")
    assert log_file_error() == ""


def test_a_file_that_is_moved_away_is_begun_anew(tmp_path, monkeypatch):
    written = tmp_path / "log"
    monkeypatch.setattr(request_log, "log", logging.getLogger("tests.requests"))
    monkeypatch.setattr(request_log.engine.figures, "heard", None)
    request_log.write_requests({request_log.VARIABLE: str(written)})
    request_log._write({"kind": "first"})
    written.rename(tmp_path / "log.1")
    request_log._write({"kind": "second"})
    assert [json.loads(path.read_text())["kind"] for path in (tmp_path / "log.1", written)] == ["first", "second"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT.*\+00:00", json.loads(written.read_text())["at"])
    for handler in request_log.log.handlers:
        handler.close()


def test_nothing_is_written_where_nobody_asked_for_it(monkeypatch):
    monkeypatch.setattr(request_log, "log", logging.getLogger("tests.nobody"))
    request_log.write_requests({})
    assert not request_log.is_written()


# ----- What the operator sets, what is counted


def test_the_operators_limits():
    assert operators_limits({}) == Limits()
    set_ = operators_limits({"HEADLIGHT_MOST_SESSIONS": "30", "HEADLIGHT_UPLOADS_A_MINUTE": "5"})
    assert (set_.sessions, set_.sessions_of_one, set_.uploads.all_in_a_minute) == (30, 30, 5)


def test_refusals_are_counted_by_where_and_why():
    before = refusals().get(("server", "upload"), 0)
    refused("server", "upload")
    refused("server", "upload")
    assert refusals()["server", "upload"] == before + 2


def test_every_family_says_its_unit_as_openmetrics_wants_it():
    from models.engine import Engine

    stats = list(engine_stats(Engine(10_000).counted(), {("page", "TextError"): 3}))
    assert all(not stat.unit or stat.family_name.endswith(f"_{stat.unit}") for stat in stats)
    said = [stat.to_metric_str() for stat in stats]
    assert 'headlight_refused_total{by="page",reason="TextError"} 3' in said
    assert any(each.endswith("headlight_forward_wait_seconds_count 0") for each in said)
