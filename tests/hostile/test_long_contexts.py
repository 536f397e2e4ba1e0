"""Models that take long texts: one that there is no memory for is refused before it takes it, and so is its file."""

from types import SimpleNamespace

import pytest
import torch

from models.attention import InputError, TraceRequest
from models.engine import Engine
from models.forward.map_axes import Axes
from models.loading import load_model, model_memory, open_folder
from pages.attention import export
from pages.shared import local_or_public
from tests.hostile.folders import change, tiny


@pytest.fixture
def engine():
    made = Engine()
    yield made
    made.close()


def longest(name):
    from models.forward.inputs import most_tokens

    return most_tokens(load_model(name))


@pytest.mark.parametrize("architecture", ["t5", "llama"])
def test_a_text_that_there_is_no_memory_for_is_refused(tmp_path, monkeypatch, engine, architecture):
    """A T5 of 4 heads takes 8 GB for 12,000 tokens: the system ends a server that asks for more than there is."""
    folder = tiny(architecture, tmp_path)
    if architecture == "llama":
        change(folder, max_position_embeddings=1_000_000)
    name = open_folder(str(folder), anywhere=True).name
    monkeypatch.setattr(model_memory, "device_memory", lambda _: 50_000_000)
    target = "w5" if architecture == "t5" else None
    with pytest.raises(InputError, match="this machine has memory for"):
        engine.run(TraceRequest(name, "w5 " * 2_000, target))
    assert engine.run(TraceRequest(name, "w5 " * 100, target))


def test_what_it_takes_is_counted_generously():
    """As many as SmolLM2 has positions for fit where there are 8 GB."""
    has = model_memory.device_memory(torch.device("cpu"))
    assert longest("smollm2") > 8_192 * min(1, has / 8e9)


@pytest.mark.parametrize("is_local", [True, False])
def test_a_map_of_millions_of_numbers_is_no_file_where_many_share_a_server(monkeypatch, is_local):
    monkeypatch.setattr(local_or_public, "is_local", lambda: is_local)
    request = SimpleNamespace(kind="encoder", layer=0, head=0, trace=SimpleNamespace(model="minilm"))
    for count, is_offered in ((1_000, True), (2_100, is_local)):
        tokens = ("a",) * count
        traced = SimpleNamespace(
            row_names=lambda _, tokens=tokens: tokens, axes=lambda _, tokens=tokens: Axes(tokens, tokens, False, False)
        )
        files, notes = export.files_of(request, traced, "a")
        assert (bool(files), bool(notes)) == (is_offered, not is_offered)
