"""“About this model”: computed when it is opened, right for the chosen model, and open until it is closed."""

import re

import pytest
import transformers

from models.engine import engine
from models.loading import wrap_model
from models.model_facts import ModelFactsRequest, model_facts
from pages.shared.model_card import sections_of
from tests.models import architectures
from tests.models.config_settings import LINEAR, WIDE_GROUPED
from tests.pages.screen import HOME, Screen

pytestmark = pytest.mark.usefixtures("one_torch_thread")


def seen(source):
    """The texts of a piece of HTML, one after the other."""
    return " ".join(re.sub(r"<[^>]*>", " ", source).split())


def cards(screen):
    return [
        seen(each.proto.body)
        for each in screen.test.get("html")
        if each.proto.body.startswith('<div class="headlight-about"')
    ]


def press(screen):
    screen.test.button(key="about_model").click()
    return screen.run()


def test_nothing_is_computed_before_it_is_opened():
    screen = Screen(HOME, model="spelling_to_sound")
    assert cards(screen) == []
    assert ModelFactsRequest("spelling_to_sound") not in engine.answers
    press(screen)
    assert ModelFactsRequest("spelling_to_sound") in engine.answers


@pytest.mark.parametrize(
    ("model", "says"),
    [
        (
            "minilm",
            [
                "6 layers",
                "Heads 12",
                "LayerNorm, after each sum post-norm",
                "full: every token all layers",
                "22,713,216 parameters",
                "[CLS] 101 cls",
                "none: it gives vectors",
            ],
        ),
        (
            "smollm2",
            [
                "30 layers",
                "Heads 9, 3 for keys and values 3 query heads share one",
                "MLP 1,536 wide",
                "RMSNorm, before each part pre-norm",
                "theta 100,000, no scaling",
                "the input table again (tied)",
                "{% for message in messages %}",
                "eos token id 2",
            ],
        ),
        ("spelling_to_sound", ["4 layers of the encoder", "3 layers of the decoder", "the whole source", "256 tokens"]),
    ],
)
def test_the_card_is_that_of_the_chosen_model(model, says):
    screen = press(Screen(HOME, model=model))
    (card,) = cards(screen)
    for words in says:
        assert words in card


def test_it_stays_open_when_the_page_runs_again():
    screen = press(Screen(HOME, model="minilm"))
    assert len(cards(screen.run())) == 1
    screen.test.session_state["about:open"] = False
    assert cards(screen.run()) == []


def test_what_goes_wrong_is_one_sentence(monkeypatch):
    screen = Screen(HOME, model="minilm")

    def refuse(self, engine):
        raise MemoryError

    monkeypatch.setattr(ModelFactsRequest, "answer", refuse)
    engine.answers._kept.clear()
    press(screen)
    # A picture on Home may ask for the same.
    assert {each.value for each in screen.test.error} == {
        "There is not enough memory on the device that computes for this; take a shorter text, or a smaller model."
    }


def test_layers_without_maps_and_experts_are_said():
    config = transformers.Qwen3NextConfig(**WIDE_GROUPED | LINEAR)
    model = transformers.Qwen3NextForCausalLM._from_config(config).eval()
    facts = model_facts(wrap_model(model, None, "decoder"))
    card = seen(" ".join(f"{title} {source}" for title, source in sections_of(facts)))
    assert "Maps of layers 3 the others mix tokens without attention weights" in card
    assert "Experts 4, 16 wide 2 of them for each token" in card
    assert "MLP and experts" in card


@pytest.mark.parametrize("name", architectures.NAMES)
def test_every_architecture_has_a_card(name):
    sections = dict(sections_of(model_facts(architectures.loaded(name))))
    assert "Order" in sections
    assert all("None" not in seen(source) for source in sections.values())
