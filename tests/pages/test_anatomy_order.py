"""The tabs of the anatomy page about places, parts that are off, families and the three experiments."""

import pytest

from tests.in_each_run import only
from tests.pages.screen import PageScreen, read

ORDER, OFF = "How does it know the order?", "What if a part is off?"
FAMILIES, WHY = "Three families, one sentence", "Why √d, softmax, heads?"
TABS = {
    ORDER: "how-does-it-know-the-order",
    OFF: "what-if-a-part-is-off",
    FAMILIES: "three-families-one-sentence",
    WHY: "why-d-softmax-heads",
}


class Anatomy(PageScreen):
    PAGE = "pages/anatomy/page.py"

    @property
    def told(self):
        """All that is said on it."""
        return read(" ".join(each.proto.body for each in self.test.main.get("html")))


def _opened(tab, **query):
    return Anatomy(tab=TABS[tab], **query)


@pytest.mark.quick(2)
@pytest.mark.parametrize("tab", TABS)
@pytest.mark.parametrize("model", only(["spelling_to_sound"], ["minilm", "smollm2", "spelling_to_sound"]))
def test_every_tab_opens_for_every_kind_of_model(tab, model):
    screen = _opened(tab, model=model, text="a knight")
    assert screen.problems == []
    assert screen.query["tab"] == TABS[tab]


@pytest.mark.parametrize("tab", only([WHY], TABS))
def test_one_token_is_shown_or_refused_in_a_sentence(tab):
    screen = _opened(tab, model="smollm2", text="a")
    assert len(screen.problems) == (1 if tab == WHY else 0)


@pytest.mark.slow
def test_the_example_of_places_says_what_is_there():
    screen = Anatomy().open_example("order")
    assert "turned by an angle" in screen.told
    assert "“␣John” has 55.3\N{NO-BREAK SPACE}% as it is, and 0.604\N{NO-BREAK SPACE}% with these places" in screen.told
    assert "in L16 H0 is" in screen.told
    assert screen.query["att_layer"] == "16"


def test_an_example_changes_one_word_in_three_families():
    screen = Anatomy().open_example("families")
    assert "encoder 8 of 8; decoder 5 of 6" in screen.told


@pytest.mark.slow
def test_a_link_names_the_parts_that_are_off():
    screen = _opened(
        OFF, model="smollm2", text="The capital of France is", off_sort="norms", parts_off="decoder.3.0,decoder.30.0"
    )
    assert screen.problems == screen.notes == []
    assert "without 2 norms" in screen.told
    screen = _opened(OFF, model="minilm", text="A text", off_sort="residuals", parts_off="all")
    assert "Without 12 residual connections" in screen.told


@pytest.mark.quick(1)
@pytest.mark.parametrize("parts", ["decoder.99.0", "nonsense", "all,all"])
def test_parts_that_are_not_there_are_said(parts):
    screen = _opened(OFF, model="smollm2", text="A short text", parts_off=parts)
    assert len(screen.notes) == 1
    assert screen.problems == []


def test_lengths_at_depth_are_said():
    screen = _opened(OFF, model="minilm", text="A short text", off_view="depth")
    assert screen.problems == []
    assert "Without norms (13 off): activations go from" in screen.told


@pytest.mark.slow
def test_a_head_or_a_token_that_is_not_there_is_said():
    query = {"att_layer": "99", "att_head": "99", "att_key": "99"}
    assert len(_opened(ORDER, model="smollm2", text="A short text", **query).notes) == 3


def test_text_is_data():
    screen = _opened(FAMILIES, model="minilm", text="<b>&</b>", edited_text="<i>&</i>")
    assert "<b>&" not in screen.told
    assert screen.problems == []
