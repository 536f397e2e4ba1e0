"""/health: ready only when the default model answers."""

import asyncio
import json
import threading
import time

import pytest

from benchmarks.own_loop import run_beside
from models.catalog import DEFAULT_MODEL
from models.engine import engine
from models.errors import HeadlightError
from pages.shared import health
from pages.shared.health import Health, Ready, ask_default_model


def told(answer):
    return answer.status_code, json.loads(answer.body)


def asked(checked, times=1):
    async def ask():
        return [told(await checked(None)) for _ in range(times)]

    return run_beside(ask())


def test_who_asks_soon_again_is_told_the_same():
    calls = []

    def ask():
        calls.append(1)
        return Ready(seconds=0.02)

    answers = asked(Health(ask), 5)
    assert answers == [(200, {"status": "ready", "model": DEFAULT_MODEL, "seconds": 0.02})] * 5
    assert len(calls) == 1


def test_what_is_missing_is_asked_anew_each_time():
    found = iter([Ready("No model."), Ready("No model."), Ready()])
    assert [status for status, _ in asked(Health(lambda: next(found)), 4)] == [503, 503, 200, 200]


def test_all_who_ask_at_once_wait_for_one_answer():
    calls = []

    def ask():
        calls.append(1)
        time.sleep(0.2)
        return Ready()

    async def all_at_once():
        checked = Health(ask)
        return await asyncio.gather(*(checked(None) for _ in range(20)))

    assert {answer.status_code for answer in run_beside(all_at_once())} == {200}
    assert len(calls) == 1


def test_a_model_that_does_not_answer_in_time_is_not_ready():
    let_go = threading.Event()

    def ask():
        let_go.wait(60)
        return Ready()

    async def late():
        checked = Health(ask, patience=0.1)
        answer = told(await checked(None))
        let_go.set()
        return answer

    status, said = run_beside(late())
    assert status == 503
    assert "has not answered" in said["missing"]


def test_a_model_that_is_not_loaded_is_not_loaded_for_it(monkeypatch):
    monkeypatch.setattr(engine, "has_model", lambda name: False)
    monkeypatch.setattr(engine, "run", pytest.fail)
    assert ask_default_model() == Ready("The default model is not loaded yet.")


def test_the_default_model_is_asked_each_time():
    engine.model(DEFAULT_MODEL)
    before = engine.counted().forwards
    assert ask_default_model().missing == ""
    assert ask_default_model().missing == ""
    assert engine.counted().forwards == before + 2


def test_what_the_model_cannot_do_is_said(monkeypatch):
    engine.model(DEFAULT_MODEL)

    def refuse(request):
        raise HeadlightError("There is not enough memory.")

    monkeypatch.setattr(health.engine, "run", refuse)
    assert asked(Health()) == [(503, {"status": "not ready", "missing": "There is not enough memory."})]


def test_a_model_without_numbers_does_not_answer():
    import torch

    from models.engine import Engine
    from models.model_facts.answering import AnsweringRequest, NoAnswerError

    loaded = engine.model(DEFAULT_MODEL)
    own = Engine(10_000)
    own._models.get(DEFAULT_MODEL, lambda: loaded)
    hook = loaded.model.register_forward_hook(
        lambda module, given, output: {"last_hidden_state": torch.full((1, 1, 4), float("nan"))}
    )
    try:
        with pytest.raises(NoAnswerError):
            own.run(AnsweringRequest(DEFAULT_MODEL, -1))
    finally:
        hook.remove()
