"""The model that this project trained: its files, what it reads and writes, and what its heads listen to."""

import json
import re
import subprocess
import sys
import time
from functools import cache

import numpy as np
import pytest
import torch
from transformers import AutoModelForSeq2SeqLM

from models.attention import AbsencesRequest, TraceRequest, trace_attention
from models.catalog import EARLIER, MODELS, model_card
from models.decoding import DecodingSettings, beam_search, decode, decode_batch
from models.engine import Engine
from models.loading import PackError, load_model
from models.loading.packs import model_folder, prepared_folder

NAME = "spelling_to_sound"
CARD = MODELS[NAME]
# The head whose largest weight runs along the word; the page opens on it.
LAYER, HEAD = 2, 1
FOLDER = prepared_folder(CARD).parent


@pytest.fixture(scope="module")
def loaded():
    return load_model(NAME)


@cache
def held_out_words():
    from training.pronunciations import read_dictionary, split

    words = [each.spelling for each in split(read_dictionary()).held_out if each.spelling.isalpha()]
    return [words[place] for place in np.random.default_rng(0).permutation(len(words))[:400]]


def said(loaded, text):
    return [step.piece.text for step in decode(loaded, text, DecodingSettings(max_new_tokens=64))][:-1]


def test_the_card_tells_what_the_files_hold(loaded):
    config = json.loads((FOLDER / "final" / "config.json").read_text())
    assert (CARD.layers, CARD.decoder_layers) == (config["num_layers"], config["num_decoder_layers"])
    assert (CARD.heads, CARD.width) == (config["num_heads"], config["d_model"])
    assert len(loaded.tokenizer) == CARD.vocabulary == config["vocab_size"]
    assert CARD.parameters == loaded.model.num_parameters()
    assert loaded.positions == CARD.positions
    assert config["dtype"] == "float16"


def test_the_weights_are_small():
    size = {each.parent.name: each.stat().st_size for each in FOLDER.glob("*/model.safetensors")}
    assert size.pop("final") < 8_000_000
    assert sum(size.values()) < 16_000_000
    assert {f"step-{card.steps}" for card in EARLIER[NAME]} == set(size)
    assert not list(FOLDER.rglob("*.bin"))
    assert not list(FOLDER.rglob("*.pt"))


def test_it_loads_within_a_second():
    load_model(NAME)
    began = time.perf_counter()
    load_model(NAME)
    assert time.perf_counter() - began < 1


def test_missing_weights_are_said(monkeypatch, tmp_path):
    monkeypatch.setattr("models.loading.packs._BUNDLED", tmp_path)
    with pytest.raises(PackError, match="come with Headlight, and are missing"):
        model_folder(CARD)


def test_earlier_states_load_and_are_not_on_the_shelf():
    for card in EARLIER[NAME]:
        assert card.name not in MODELS
        assert model_card(card.name) is card
        assert load_model(card.name).card.steps == card.steps


@pytest.mark.parametrize(
    ("word", "sounds"),
    [("knight", "N AY T"), ("thought", "TH AO T"), ("psalm", "S AA M"), ("Knight", "N AY T"), ("DÉBT", "D EH T")],
)
def test_it_says_these(loaded, word, sounds):
    assert [each.rstrip("012") for each in said(loaded, word)] == sounds.split()


@pytest.mark.parametrize("phrase", ["silent night", "red car", "blue sky", "bad dog runs"])
def test_it_says_a_phrase_word_by_word(loaded, phrase):
    together = " ".join(said(loaded, phrase)).split(" | ")
    assert len(together) == len(phrase.split())
    assert together[-1].split() == said(loaded, phrase.split()[-1])


@pytest.mark.slow
def test_greedy_is_what_generate_writes(loaded):
    model = AutoModelForSeq2SeqLM.from_pretrained(prepared_folder(CARD), dtype=torch.float32)
    words = [*held_out_words()[:60], "the silent knight", "o'neill's"]
    for word in words:
        ids = torch.tensor([loaded.tokenizer(word)["input_ids"]])
        expected = model.generate(ids, do_sample=False, num_beams=1, max_new_tokens=64)[0, 1:].tolist()
        assert [step.token_id for step in decode(loaded, word, DecodingSettings(max_new_tokens=64))] == expected, word
    rows = zip(*decode_batch(loaded, words, DecodingSettings(max_new_tokens=64)), strict=True)
    for word, row in zip(words, rows, strict=True):
        assert [step.piece.text for step in row if step][:-1] == said(loaded, word), word


@pytest.mark.parametrize("count", [5, pytest.param(20, marks=pytest.mark.slow)])
def test_beams_are_at_least_as_likely_as_greedy(loaded, count):
    for word in held_out_words()[:count]:
        greedy = sum(np.log(step.probability) for step in decode(loaded, word, DecodingSettings(max_new_tokens=64)))
        found = beam_search(loaded, word, beams=4, max_new_tokens=64, length_penalty=0.0)
        assert found.beams[0].log_probability >= greedy - 1e-4


def test_what_it_cannot_read_is_unknown_and_stands_where_it_stood(loaded):
    trace = trace_attention(loaded, "3 ягé", "N ZZ")
    assert trace.tokens == ("<unk>", "␣", "<unk>", "<unk>", "e", "</s>")
    assert [piece.is_unknown for piece in trace.pieces] == [True, False, True, True, False, False]
    assert [piece.span for piece in trace.pieces][:5] == [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5)]
    assert trace.target_tokens == ("<pad>", "N", "<unk>")


def alignment(loaded, word):
    """The cross weights of the rows that write sounds, [sound, letter and end token]."""
    ids = tuple(step.token_id for step in decode(loaded, word, DecodingSettings(max_new_tokens=64)))
    start = loaded.model.config.decoder_start_token_id
    return trace_attention(loaded, word, (start, *ids[:-1])).weights("cross", LAYER, HEAD)[:-1]


@pytest.mark.slow
def test_one_head_runs_along_the_word(loaded):
    never_back = [bool((np.diff(alignment(loaded, word).argmax(axis=-1)) >= 0).all()) for word in held_out_words()[::4]]
    assert np.mean(never_back) >= 0.8


@pytest.mark.parametrize(("word", "silent"), [("knight", "kgh"), ("thought", "ugh"), ("psalm", "pl")])
def test_silent_letters_are_listened_to_less(loaded, word, silent):
    weights = alignment(loaded, word).mean(axis=0)
    share = sum(weights[word.index(letter)] for letter in silent)
    # As the model's card states it; an even share would be 50, 43 and 40 %.
    assert share == pytest.approx({"knight": 0.0, "thought": 0.33, "psalm": 0.0}[word], abs=0.02)
    assert share < len(silent) / len(word)


@pytest.mark.slow
def test_the_card_states_the_errors_that_are_measured():
    program = [sys.executable, "-m", "training.spelling_to_sound", "--evaluate"]
    run = subprocess.run(program, cwd=FOLDER.parents[2], capture_output=True, text=True, check=True)
    lines = [line for line in run.stdout.splitlines() if line.startswith("Held-out")]
    assert len(lines) == 2
    card = (FOLDER / "README.md").read_text()
    assert all(line in card for line in lines)
    ((word, phoneme),) = re.findall(r"word errors ([\d.]+)%.*phoneme errors ([\d.]+)%", lines[0])
    assert float(word) <= 35
    assert float(phoneme) <= 10


def test_without_a_letter_the_output_is_less_likely_or_stays(loaded):
    engine = Engine()
    engine._models.get(NAME, lambda: loaded)
    ids = tuple(step.token_id for step in decode(loaded, "knight", DecodingSettings(max_new_tokens=64)))
    whole, *without = engine.run(AbsencesRequest(TraceRequest(NAME, "knight", ids)))
    assert len(without) == len("knight") + 1
    assert whole.first_changed is None
    steps = list(decode(loaded, "knight", DecodingSettings(max_new_tokens=64)))
    assert whole.probability == pytest.approx(np.prod([step.probability for step in steps]), rel=1e-3)
    # Without its i there is no AY in it.
    assert without[2].probability < 0.5 * whole.probability
    assert without[2].first_changed is not None
