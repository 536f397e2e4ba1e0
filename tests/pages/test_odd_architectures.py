"""Every page with models that are unlike the rest: maps or a sentence, and never something that was not foreseen."""

import pytest

from models.attention import trace_attention
from models.loading import load_model, open_folder
from tests.models import odd_architectures
from tests.models.test_folders import tokenizer_of
from tests.pages.screen import ATTENTION
from tests.pages.test_any_architecture import Visit, html

pytestmark = pytest.mark.usefixtures("one_torch_thread")

OTHERS = ("nllb_moe", "layoutlm", "diffllama", "qwen3_next", "bert_pair", "pegasus_x", "deepseek_v32", "jamba")
VIEWS = {
    ATTENTION: ("matrix", "heads", "qk", "model"),
    "pages/tokenizers/page.py": ("",),
    "pages/embeddings/page.py": ("context", "table", "lens"),
    "pages/kv_cache/page.py": ("",),
    "pages/sampling/page.py": ("",),
}


def opened(name, folder):
    odd_architectures.build(name).save_pretrained(folder / name)
    tokenizer_of("llama" if odd_architectures.ODD[name][0] == "decoder" else "bert").save_pretrained(folder / name)
    return open_folder(str(folder / name))


@pytest.mark.parametrize("name", ["longt5", *(pytest.param(each, marks=pytest.mark.slow) for each in OTHERS)])
def test_every_page_opens_or_says_why_not(name, tmp_path):
    card = opened(name, tmp_path)
    visit = Visit(card)
    for page, views in VIEWS.items():
        for view in views:
            visit.choose(**({"view": view} if page == ATTENTION else {"show": view} if view else {})).go(page)
            assert not [each for each in visit.said if "not foreseen" in each]
            assert not visit.test.exception
            if page == ATTENTION:
                assert visit.said == []
                assert visit.shown["view"] == view


@pytest.mark.slow
def test_what_has_no_maps_is_said_beside_those_that_there_are(tmp_path):
    card = opened("longt5", tmp_path)
    visit = Visit(card).choose(view="matrix").go(ATTENTION)
    sentence = load_model(card.name).caveat("maps")
    assert "no maps of its encoder's attention" in sentence
    assert sentence in [each.value for each in visit.test.caption]
    assert visit.shown["map"].partition("-")[0] in trace_attention(load_model(card.name), "w5 w6", "w7").kinds


def test_the_card_says_what_was_checked(tmp_path):
    visit = Visit(opened("diffllama", tmp_path)).go(ATTENTION)
    visit.test.session_state["about:open"] = True
    visit.run()
    assert "2 decoder layers, largest difference" in html(visit)
    assert "Hidden token" in html(visit)
