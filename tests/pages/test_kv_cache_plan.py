"""The planner on the KV cache page: what is pasted, what a link says, and the files."""

import csv
import io
import json
import re
import zlib
from base64 import urlsafe_b64encode

import pytest

from models.engine import engine
from models.kv_cache import Cards, Load, plan
from models.kv_cache.config_file import ConfigFileRequest
from models.loading.hub import FetchedConfig
from models.loading.hub_ids import HubId
from pages.kv_cache import export
from pages.kv_cache.choices import CHOICES, CONFIG
from pages.shared.pasted_config import PASTED, PastedConfig, pasted
from tests.models.test_cache_planning import LLAMA
from tests.pages.cache_screen import ONCE, Cache

HOSTILE = "</script><img src=x onerror=alert(1)> **b** \u202e"


@pytest.fixture(scope="module")
def opened():
    """The tab, from a link; one session for all that only looks."""
    query = {"plan": PASTED, "config": str(pasted(json.dumps(LLAMA))), "rows": "100000", "context": "8192"}
    return Cache(model="smollm2", text=ONCE.text, tokens="8", tab="what-if", cards="16", **query).until_done()


def numbers(screen, key):
    return screen.test.number_input(key=key).value


def test_a_link_opens_the_same_plan(opened):
    assert "llama of this config.json with 100,000 texts of 8,192 tokens" in opened.html
    assert "Its 8 key heads do not divide over 16 cards and are replicated: 1 on each card" in opened.html
    assert numbers(opened, "texts_box") == 100_000
    assert opened.query["plan"] == PASTED
    assert json.loads(opened.test.text_area(key="config_box").value) == LLAMA
    assert not opened.problems
    assert not opened.notes


def test_what_is_changed_is_in_the_link_and_nonsense_is_one_sentence():
    screen = Cache(model="smollm2", text=ONCE.text, tokens="8", tab="what-if").until_done()
    assert "It fits: SmolLM2-135M-Instruct" in screen.html
    screen.test.number_input(key="texts_box").set_value(1_000_000)
    screen.test.number_input(key="card_gb_box").set_value(7.5)
    screen.test.number_input(key="weight_bits_box").set_value(4.85)
    screen.run()
    assert "It does not fit: SmolLM2-135M-Instruct (decoder) with 1,000,000 texts" in screen.html
    assert {"rows": "1000000", "card_gb": "7.5", "weight_bits": "4.85"}.items() <= screen.query.items()
    screen.test.selectbox(key="plan_box").set_value(PASTED)
    screen.run()
    assert not screen.problems
    for text in (HOSTILE, '{"model_type": "nonsense"}', "[" * 10_000, '{"model_type": "llama", "vocab_size": 1e300}'):
        screen.test.text_area(key="config_box").set_value(text)
        screen.run()
        assert len(screen.problems) == 1
        assert "<img" not in screen.html
        assert screen.test.text_area(key="config_box").value.strip()


@pytest.mark.parametrize(
    "config", [LLAMA, LLAMA | {"layer_types": ["full_attention", "sliding_attention"] * 40}, {"text": HOSTILE}]
)
def test_a_pasted_config_goes_through_a_link(config):
    kept = pasted(json.dumps(config | {"_name_or_path": "/home/me", "pad_token_id": None}))
    assert CONFIG.parse(str(kept)) == kept
    assert json.loads(kept.text) == config
    assert pasted(kept.readable) == kept


@pytest.mark.parametrize("text", ["", "xxx", "%%%", "é", urlsafe_b64encode(zlib.compress(b"1" * 10**7)).decode()])
def test_a_damaged_config_in_a_link_is_a_sentence(text):
    with pytest.raises(ValueError, match="paste it again"):
        CONFIG.parse(text)


@pytest.mark.slow
def test_a_long_config_says_that_the_link_is_without_it():
    noise = {f"key_{number}": hash(str(number)) % 10_000 for number in range(2_000)}
    screen = Cache(model="smollm2", text=ONCE.text, tokens="8", tab="what-if", plan=PASTED).until_done()
    screen.test.text_area(key="config_box").set_value(json.dumps(LLAMA | noise))
    screen.run()
    assert "too long for a link" in screen.html
    assert "config" not in screen.query


def test_the_files_read_back_exactly():
    planned = engine.run(ConfigFileRequest(json.dumps(LLAMA)))
    cards, load = Cards(16, 24, 0.9), Load(100, 8_192, 16, "bf16")
    found = plan(planned, cards, load)
    table, whole = export.plan_files(planned, cards, load, found)
    read = json.loads(str(whole.made))
    assert read["left_bytes_per_card"] == found.left_bytes
    assert (read["longest_text"], read["most_texts"], read["fits"]) == (found.longest, found.most_texts, True)
    assert len(read["layers"]) == 32
    rows = dict(csv.reader(io.StringIO(str(table.made))))
    assert rows["cache_bytes_per_card"] == str(found.cache_bytes)
    assert rows["key_heads_per_card"] == "1"


BEYOND = {
    "plan=nonsense": "no model to plan for",
    "config=x": "paste it again",
    "cards=0": "number of cards is not between",
    "card_gb=nan": "memory of a card is not between",
    "used=1e9": "share of the memory is not between",
    "weight_bits=-4": "bits of a weight is not between",
    "bits=7": "no number of bits",
    "context=99999999": "tokens of a text is not between",
    "curves=gpt2,gpt2": "names no known models",
}


@pytest.mark.parametrize("said", BEYOND)
def test_numbers_beyond_bounds_in_a_link_are_a_sentence(said):
    name, text = said.split("=")
    [choice] = [each for each in CHOICES if each.name == name]
    with pytest.raises(ValueError, match=BEYOND[said]):
        choice.parse(text)


def test_a_pasted_text_that_is_no_object_is_kept_as_it_is():
    assert pasted("  ") is None
    assert pasted("hello") == PastedConfig("hello")


def test_models_that_were_fetched_here_can_be_planned_for(monkeypatch):
    fetched = FetchedConfig(HubId("org/Own-8B", "main"), json.dumps(LLAMA))
    monkeypatch.setattr("models.loading.hub.fetched_configs", lambda _: (fetched,))
    query = {"model": "smollm2", "text": ONCE.text, "tokens": "8", "tab": "what-if"}
    screen = Cache(**query, plan="hub:org/Own-8B").until_done()
    assert "It fits: Own-8B (fetched here) with one text" in screen.html
    assert screen.query["plan"] == "hub:org/Own-8B@main"
    assert "Own-8B (fetched here) (org/Own-8B)" in screen.test.selectbox(key="plan_box").options
    (table,) = screen.blocks("known")
    known = "".join(each.proto.body for each in table.get("html"))
    assert "Own-8B (fetched here)" in re.sub("<[^>]*>", "", known)
    assert not screen.notes


@pytest.mark.slow
@pytest.mark.parametrize(("name", "note"), [("hub:org/other", "was not fetched on this"), ("hub:../x", "no id of a")])
def test_what_was_not_fetched_here_is_said(name, note):
    screen = Cache(model="smollm2", text=ONCE.text, tokens="8", tab="what-if", plan=name)
    said = screen.notes
    screen.until_done()
    assert any(note in each for each in (*said, *screen.notes))
    assert "plan" not in screen.query
    assert not screen.problems
