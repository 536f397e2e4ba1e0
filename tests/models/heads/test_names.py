"""Heads that do one thing have its name and no other; heads that do nothing have none."""

from dataclasses import replace

import numpy as np
import pytest

from models.heads import bundled_bank
from tests.models.heads.built_heads import NAMES, OFFSET, built_model
from tests.models.heads.measuring import measured, names
from tests.models.heads.random_models import random_model

SEEDS = 40


@pytest.fixture(scope="module")
def built():
    return measured(built_model(), "decoder", bundled_bank())


def test_built_heads_have_their_names_and_no_other(built):
    assert names(built) == NAMES


@pytest.mark.parametrize(
    ("layer", "head", "role", "score"),
    [(0, 0, "previous", 1), (0, 1, "same", 1), (0, 2, "first", 1), (0, 3, "broad", 1), (1, 0, "induction", 1)],
)
def test_built_heads_have_the_scores_that_they_were_built_for(built, layer, head, role, score):
    assert built.role(role).scores[layer, head] == pytest.approx(score, abs=0.02)


def test_the_offset_is_told(built):
    assert built.role("offset").detail[1, 1] == OFFSET
    assert built.names(1, 1)[0].text == "3 tokens back"


def test_a_head_that_carries_nothing_copies_by_chance(built):
    np.testing.assert_allclose(built.role("copying").scores[0, 1:], 0.5)


def some_of_the_bank(count):
    bank = bundled_bank()
    return replace(bank, rows="\n\n".join(bank.rows.split("\n\n")[:count]))


def random_names(seed, minilm, smollm2, sentences):
    family, like = ("encoder", minilm) if seed % 2 else ("decoder", smollm2)
    spread = (0.02, 0.1, 0.2, 0.4)[seed // 2 % 4]
    loaded = random_model(family, seed, like.tokenizer, like.vocabulary, spread)
    return set().union(*names(measured(loaded, family, some_of_the_bank(sentences))).values())


@pytest.mark.parametrize("seed", [2, pytest.param(5, marks=pytest.mark.slow)])
def test_random_heads_have_no_names(seed, minilm, smollm2):
    assert random_names(seed, minilm, smollm2, 40) == set()


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_of_many_random_models_hardly_one_has_a_name(minilm, smollm2):
    named = [seed for seed in range(SEEDS) if random_names(seed, minilm, smollm2, 150)]
    assert len(named) <= 0.05 * SEEDS
