"""The training script: a short run learns, and an interrupted one goes on on the same curve."""

import csv
from dataclasses import replace
from typing import Any

import pytest
import torch
from transformers import AutoTokenizer, T5ForConditionalGeneration

from training import spelling_to_sound
from training.pronunciations import read_dictionary, split
from training.recipe import Recipe, export
from training.spelling_to_sound import evaluate, learning_rate, say, train

SMALL = Recipe(
    steps=14,
    planned=12,
    polish_from=10,
    tokens=600,
    warm_up=2,
    width=32,
    feed_forward=48,
    encoder_layers=2,
    decoder_layers=2,
    bfloat16=False,
    snapshots=(0, 4),
)


@pytest.fixture(scope="module")
def data():
    whole = split(read_dictionary())
    return replace(whole, train=whole.train[5_000:5_400], validation=whole.validation[:20], held_out=())


@pytest.fixture(autouse=True)
def _log_often(monkeypatch):
    monkeypatch.setattr(spelling_to_sound, "_LOGGED_EVERY", 2)


def curve(folder):
    with (folder / "loss.csv").open() as file:
        return [(int(row["step"]), float(row["loss"]), row["learning_rate"]) for row in csv.DictReader(file)]


@pytest.mark.slow
def test_an_interrupted_run_goes_on_on_the_same_curve(data, tmp_path, monkeypatch):
    whole = train(SMALL, data, tmp_path / "whole", every=4)

    step, count = spelling_to_sound._step, 0

    def break_down(*arguments):
        nonlocal count
        count += 1
        if count > 7:
            raise KeyboardInterrupt
        return step(*arguments)

    monkeypatch.setattr(spelling_to_sound, "_step", break_down)
    with pytest.raises(KeyboardInterrupt):
        train(SMALL, data, tmp_path / "broken", every=4)
    monkeypatch.setattr(spelling_to_sound, "_step", step)
    assert curve(tmp_path / "broken")[-1][0] == 6, "logged beyond the checkpoint of step 4"
    train(SMALL, data, tmp_path / "broken", until=9, every=4)
    resumed = train(SMALL, data, tmp_path / "broken", every=4)

    assert [each[0] for each in curve(tmp_path / "whole")] == [2, 4, 6, 8, 10, 12, 14]
    for one, other in zip(curve(tmp_path / "whole"), curve(tmp_path / "broken"), strict=True):
        assert one[1] == pytest.approx(other[1], abs=1e-4)
        assert (one[0], one[2]) == (other[0], other[2])
    for one, other in zip(whole.parameters(), resumed.parameters(), strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=0)


def test_a_run_learns_and_leaves_the_global_state_alone(data, tmp_path):
    before = torch.random.get_rng_state()
    train(replace(SMALL, steps=80, planned=80, polish_from=80, snapshots=()), data, tmp_path, every=1_000)
    assert torch.equal(torch.random.get_rng_state(), before)
    losses = [loss for _, loss, _ in curve(tmp_path)]
    assert losses[-1] < 0.75 * losses[0]


def test_what_is_exported_says_what_was_trained(data, tmp_path):
    model = train(replace(SMALL, steps=4, planned=4, polish_from=4, snapshots=(0, 4)), data, tmp_path, every=4)
    export(model, tmp_path / "final")
    again = T5ForConditionalGeneration.from_pretrained(tmp_path / "final", dtype=torch.float32)
    assert (
        next(iter(T5ForConditionalGeneration.from_pretrained(tmp_path / "final").parameters())).dtype == torch.float16
    )
    for (name, one), other in zip(model.named_parameters(), again.parameters(), strict=True):
        torch.testing.assert_close(one, other, atol=2e-3, rtol=2e-3, msg=name)
    tokenizer: Any = AutoTokenizer.from_pretrained(tmp_path / "final")
    assert tokenizer("ab")["input_ids"] == [8, 9, 1]
    assert (tmp_path / "step-0" / "model.safetensors").is_file()
    assert (tmp_path / "step-4" / "target_tokenizer.json").is_file()


@pytest.mark.slow
def test_what_is_said_is_in_the_order_of_the_question(data, tmp_path):
    model = train(replace(SMALL, steps=2), data, tmp_path)
    spellings = [each.spelling for each in data.train[:40]]
    together = say(model, spellings, rows=7)
    assert together == [say(model, [spelling])[0] for spelling in spellings]
    assert evaluate(model, data.train[:40]).count == 40


def test_the_learning_rate_rises_stays_and_falls_twice():
    recipe = Recipe(steps=140, planned=100, polish_from=90, polish_rate=0.5, warm_up=10, decay=0.5, learning_rate=1.0)
    rates = [learning_rate(recipe, step) for step in (0, 9, 30, 50, 75, 89, 90, 115, 140)]
    assert rates == pytest.approx([0.1, 1, 1, 1, 0.5, 0.22, 0.5, 0.25, 0])
