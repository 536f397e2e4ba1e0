"""What is kept of known architectures is what their classes keep."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from models.catalog import ARCHITECTURES
from models.kv_cache import cache_shape, kept_shapes, known_config
from models.kv_cache.kept_shapes import kept_shape


@pytest.mark.quick(3)
@pytest.mark.parametrize("name", ["deepseek-v3", *(each for each in ARCHITECTURES if each != "deepseek-v3")])
def test_a_kept_shape_is_the_one_that_is_seen(name):
    assert kept_shape(ARCHITECTURES[name]) == cache_shape(known_config(ARCHITECTURES[name]))


def test_other_figures_and_another_library_are_seen_anew(monkeypatch):
    known = ARCHITECTURES["gpt2"]
    assert kept_shape(known) is not None
    assert kept_shape(replace(known, figures={**known.figures, "n_layer": 13})) is None
    monkeypatch.setattr(kept_shapes, "transformers", SimpleNamespace(__version__="0.0"))
    assert kept_shape(known) is None
