"""What parts say, a token's way up and neurons, on the anatomy page as AppTest plays it."""

import pytest

from models.anatomy.contributions import ContributionsRequest
from models.attention import TraceRequest
from models.engine import engine
from models.heads.measured_quantity import Quantity
from pages.anatomy.choices import NEURONS, SAYS
from pages.anatomy.part_names import part_name
from pages.shared.page import tab_name
from tests.pages.screen import PageScreen

UP = "One token on its way up"
CAPITAL = "The capital of France is"


class Anatomy(PageScreen):
    PAGE = "pages/anatomy/page.py"

    def __init__(self, tab=SAYS, **query):
        super().__init__(**{"model": "smollm2", "text": CAPITAL, "tab": tab_name(tab)} | query)


def test_paris_is_a_sum_of_parts_and_falls_without_the_largest():
    screen = Anatomy().open_example("Paris")
    assert screen.problems == []
    assert "L29 MLP adds most: +6.976" in screen.html
    assert "has 77.3\u00a0% as it is, and 10.0\u00a0% without L29 MLP" in screen.html
    assert "43.9\u00a0% in the middle; 4 of 15 change it at least as much" in screen.html
    assert screen.query["said_off"] == "decoder.29.mlp"
    assert any("adds most to" in each.value for each in screen.test.markdown)
    # Another part, as a press on its bar would have it.
    screen.test.selectbox(key="said_off_box").set_value("decoder.23.4")
    screen.run()
    assert "without L23 H4" in screen.html
    assert screen.query["said_off"] == "decoder.23.4"


def test_what_a_link_says_is_opened_again():
    query = {"said_token": "London", "said_less": "Paris", "said_order": "layers", "token": "3"}
    screen = Anatomy(**query)
    assert screen.problems == []
    assert {name: screen.query[name] for name in query} == query
    ids = engine.run(TraceRequest("smollm2", CAPITAL)).inputs.ids[:4]
    wanted = ContributionsRequest(TraceRequest("smollm2", ids), Quantity("difference", "London", "Paris"))
    assert wanted in engine.answers


SEQ2SEQ = [pytest.param("spelling_to_sound", each, marks=pytest.mark.slow) for each in (UP, NEURONS)]


@pytest.mark.parametrize(
    ("model", "tab"), [("spelling_to_sound", SAYS), *(("minilm", each) for each in (SAYS, UP, NEURONS)), *SEQ2SEQ]
)
def test_every_kind_of_model_has_an_answer(model, tab):
    screen = Anatomy(tab, model=model, text="knight")
    assert screen.problems == []
    if tab == SAYS:
        assert "A sum of parts: with" in screen.html
    elif tab == UP:
        assert "goes from length" in screen.html
    else:
        assert "The strongest neurons here" in screen.html
        # An encoder that ends with vectors names no tokens, and says so.
        assert ("no head over its vocabulary" in screen.html) == (model == "minilm")


def test_the_way_up_opens_at_the_layer_of_the_plan():
    screen = Anatomy(UP, part="layer.11/mlp", plan_layers="all")
    assert screen.problems == []
    assert "In layer 11" in screen.html
    assert "an RMSNorm" in screen.html


def test_a_neuron_is_turned_and_what_is_not_there_is_said():
    screen = Anatomy(NEURONS, mlp_layer="24", neuron="963", neuron_times="10.0")
    assert screen.problems == []
    assert "with neuron 963 × 10" in screen.html
    assert "Western" in screen.html
    screen = Anatomy(NEURONS, mlp_layer="24", neuron="99999", neuron_times="3")
    assert screen.problems == []
    assert len(screen.notes) == 2
    assert any("There is no neuron 99,999 in layer 24" in each for each in screen.notes)
    assert len(Anatomy(NEURONS, mlp_layer="77").notes) == 1


def test_a_part_or_a_token_that_is_not_there_is_said():
    assert any("no part decoder.99.mlp" in each for each in Anatomy(said_off="decoder.99.mlp").notes)
    assert len(Anatomy(said_off="<script>").notes) == 1
    screen = Anatomy(said_token="\u200b")
    assert len(screen.problems) <= 1
    hostile = Anatomy(text="<b>&</b> </script> 'x\\")
    assert hostile.problems == []
    assert "<b>&</b>" not in hostile.html


def test_the_program_adds_up_the_same(monkeypatch, capsys):
    lines = Anatomy(said_token="Paris").output_of_the_code("contributions", monkeypatch, capsys)
    theirs = {name: float(value) for name, value in (line.split("\t") for line in lines)}
    assert theirs["sum"] == pytest.approx(theirs["logit"], rel=1e-5)
    found = engine.run(ContributionsRequest(TraceRequest("smollm2", CAPITAL), Quantity("next token", "Paris")))
    assert len(theirs) == len(found.sources) + 2
    ours = {part_name(each): float(value) for each, value in zip(found.sources, found.values, strict=True)}
    assert {name: theirs[name] for name in ours} == pytest.approx(ours, abs=1e-3)
