"""Where those who keep the rooms do not answer: the log says so once, and the pages live on."""

import logging

import pytest

from models.errors import HeadlightError
from pages.shared import room_watch
from pages.shared.room_watch import Watch


@pytest.fixture
def watch(monkeypatch):
    monkeypatch.setattr(room_watch, "_AWAY_SECONDS", 0)
    return Watch()


def test_a_store_that_is_away_is_said_once_and_when_it_is_back(watch, monkeypatch, caplog):
    answers = iter([HeadlightError("Nobody is there."), HeadlightError("Nobody is there."), True, True])

    def look(seats):
        answer = next(answers)
        if isinstance(answer, HeadlightError):
            raise answer
        return answer

    monkeypatch.setattr(watch, "_look", look)
    with caplog.at_level(logging.INFO, "pages"):
        assert [watch._look_if_there(()) for _ in range(4)] == [False, False, True, True]
    assert caplog.messages == ["The rooms cannot be looked at: Nobody is there.", "The rooms can be looked at again"]
    assert "Traceback" not in caplog.text


def test_what_nobody_foresaw_has_its_trace_and_the_watch_goes_on(watch, monkeypatch, caplog):
    monkeypatch.setattr(watch, "_look", lambda seats: 1 / 0)
    assert watch._look_if_there(()) is False
    assert "ZeroDivisionError" in caplog.text
