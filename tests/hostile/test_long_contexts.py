"""Models that take texts of any length: one that there is no memory for is refused before it takes it."""

import pytest
import torch

from models.attention import InputError, TraceRequest
from models.engine import Engine
from models.loading import load_model, open_folder, placing
from tests.hostile.folders import change, tiny


@pytest.fixture
def engine():
    made = Engine()
    yield made
    made.close()


def longest(name):
    from models.attention.longest_text import most_tokens

    return most_tokens(load_model(name))


@pytest.mark.parametrize("architecture", ["t5", "llama"])
def test_a_text_that_there_is_no_memory_for_is_refused(tmp_path, monkeypatch, engine, architecture):
    """A T5 of 4 heads takes 8 GB for 12,000 tokens: the system ends a server that asks for more than there is."""
    folder = tiny(architecture, tmp_path)
    if architecture == "llama":
        change(folder, max_position_embeddings=1_000_000)
    name = open_folder(str(folder), anywhere=True).name
    monkeypatch.setattr(placing, "device_memory", lambda _: 50_000_000)
    target = "w5" if architecture == "t5" else None
    with pytest.raises(InputError, match="this machine has memory for"):
        engine.run(TraceRequest(name, "w5 " * 2_000, target))
    assert engine.run(TraceRequest(name, "w5 " * 100, target))


def test_what_it_takes_is_counted_generously():
    """As many as SmolLM2 has positions for fit where there are 8 GB."""
    has = placing.device_memory(torch.device("cpu"))
    assert longest("smollm2") > 8_192 * min(1, has / 8e9)
