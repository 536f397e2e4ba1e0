"""A tokenizer by itself, from the hub."""

import pytest

from models.loading.hub_tokenizers import FetchedTokenizer, FetchTokenizerRequest
from models.tokenization import LARGEST_TOKENIZER_FILE, keep_own, new_own_name, open_tokenizer_file
from tests.models.hub_fetching import MODEL, NAME, engine, files, hub, wait_for
from tests.models.hub_server import Faults

__all__ = ["engine", "files", "hub"]


def fetched(engine, name=NAME):
    return wait_for(engine, engine.start(FetchTokenizerRequest(name)))


def test_it_is_fetched_alone_and_cuts_as_the_model_does(hub, engine, files, tmp_path):
    found = fetched(engine).steps[-1]
    assert found == FetchedTokenizer("tokenizer.json", files["tokenizer.json"])
    assert [path for _, path, _ in hub.requests if "/resolve/" in path] == [
        f"/{MODEL}/resolve/{hub.requests[-1][1].split('/')[4]}/tokenizer.json"
    ]
    opened = open_tokenizer_file(found.data)
    name = new_own_name()
    keep_own(engine, name, opened.tokenizer_json, "Tiny", opened.format)
    assert engine.tokenizer(name).tokenize("w11 w23").ids == (11, 23)
    assert not (tmp_path / "home" / "hub").exists()


def test_the_file_that_says_most_is_taken(hub, engine, files):
    hub.models[MODEL] = {"vocab.txt": b"[UNK]\na\nb", "spiece.model": b"x", "other.txt": b""}
    assert fetched(engine).steps[-1].file == "spiece.model"
    hub.models[MODEL] = {"vocab.txt": b"[UNK]\na\nb"}
    assert fetched(engine).steps[-1].data == b"[UNK]\na\nb"


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda hub: hub.models.update({MODEL: {"model.safetensors": b"x"}}), "no tokenizer"),
        (lambda hub: hub.models.clear(), "no such model"),
        (lambda hub: setattr(hub, "faults", Faults(status=403)), "gated"),
        (
            lambda hub: hub.models.update({MODEL: {"tokenizer.json": b"x" * (LARGEST_TOKENIZER_FILE + 1)}}),
            "at most 40 MB",
        ),
    ],
)
def test_what_goes_wrong_is_one_sentence(hub, engine, spoil, sentence):
    spoil(hub)
    assert sentence in fetched(engine).error


def test_the_operator_closes_it_as_well(hub, engine, monkeypatch, tmp_path):
    monkeypatch.setenv("HEADLIGHT_MODELS", "shelf")
    assert "only the models of the shelf" in fetched(engine).error
    monkeypatch.setenv("HEADLIGHT_OFFLINE", "1")
    assert "closed" in fetched(engine, "gpt2").error
    assert hub.requests == []
