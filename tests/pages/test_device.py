"""The sidebar says which device computes, what models take of it, and why one lies elsewhere."""

from dataclasses import replace

import pytest
import torch

from models.engine import engine
from tests.pages.screen import HOME, Screen


def caption(screen):
    return next(each.value for each in screen.test.sidebar.caption if each.value.startswith("Computes on"))


@pytest.fixture
def elsewhere(one_torch_thread):
    """MiniLM as if there had been no room for it on a GPU."""
    loaded = engine.model("minilm")
    entry = engine._models._entries["minilm"]
    entry.loaded = replace(loaded, note="The GPU has no room.")
    yield
    entry.loaded = loaded


def test_the_device_the_memory_and_the_bound(one_torch_thread):
    engine.model("minilm")
    said = caption(Screen(HOME, model="minilm"))
    use = engine.memory()
    assert use.models >= 90_000_000
    assert said.startswith("Computes on: CPU, ")
    assert said.endswith(f" MiB; {use.most / 2**30:.3g} GiB of its {use.has / 2**30:.3g} GiB are for them.")


def test_why_a_model_is_elsewhere(elsewhere):
    assert caption(Screen(HOME, model="minilm")).endswith(" The GPU has no room.")
    assert not caption(Screen(HOME, model="smollm2")).endswith("no room.")


def test_a_wish_that_cannot_be_met_is_one_sentence(one_torch_thread, monkeypatch):
    monkeypatch.setenv("HEADLIGHT_DEVICE", "cuda:9")
    screen = Screen(HOME)
    assert [each.value for each in screen.test.sidebar.error] == [
        "HEADLIGHT_DEVICE asks for cuda:9, which this machine does not have; unset it or use HEADLIGHT_DEVICE=cpu."
    ]


@pytest.mark.slow
@pytest.mark.parametrize(
    "error", [torch.OutOfMemoryError("CUDA out of memory."), RuntimeError("CUDA error: unspecified launch failure")]
)
def test_a_device_that_fails_is_one_sentence_and_the_next_text_works(one_torch_thread, monkeypatch, error):
    engine.model("minilm")
    screen = Screen(model="minilm")
    monkeypatch.setattr(engine._models, "failed", frozenset())
    broken = [error]

    def breaks(*_):
        if broken:
            raise broken.pop()

    # On a GPU it would be a kernel somewhere in the model; here the first layer stands for it.
    hook = engine.model("minilm").model.get_submodule("encoder.layer.0").register_forward_pre_hook(breaks)
    try:
        screen.look("A text that is too much for it.")
        (said,) = [each.value for each in screen.test.error]
        assert ("not enough memory" in said) or ("failed while it computed" in said)
        screen.look("A shorter text.")
        assert [each.value for each in screen.test.error] == []
        assert screen.has_picture
    finally:
        hook.remove()
