"""The anatomy page as AppTest plays it."""

import csv
import io
import json

import pytest
import streamlit as st

from models.anatomy import PlanRequest
from models.catalog import ARCHITECTURES
from models.engine import engine
from pages.anatomy import export
from pages.anatomy.examples import EXAMPLES
from pages.shared import thread
from pages.shared.pasted_config import PASTED, pasted
from tests.pages.screen import PageScreen
from tests.viz.wire import header_of

FRANCE = "The capital of France is"
LLAMA = {
    "model_type": "llama",
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "hidden_size": 64,
    "intermediate_size": 128,
    "vocab_size": 1_000,
    "dtype": "bfloat16",
}
HOSTILE = '{"model_type": "<img src=x onerror=alert(1)>"}'


class Anatomy(PageScreen):
    PAGE = "pages/anatomy/page.py"
    PICTURE = "block_diagram"

    def __init__(self, **query):
        # The last tab computes nothing.
        super().__init__(**({"tab": "show-the-code"} | query))

    @property
    def names(self):
        """The names of the boxes, row by row."""
        return [[box[0] for box in row["boxes"]] for row in self.shown["rows"]]

    @property
    def parameters(self):
        """Of the boxes of the first row."""
        return sum(box[4] for box in self.shown["rows"][0]["boxes"])


@pytest.fixture(scope="module")
def plan():
    return engine.run(PlanRequest("smollm2", FRANCE))


def test_it_opens_with_the_layers_of_its_example(plan):
    screen = Anatomy()
    assert screen.problems == []
    assert (screen.query["model"], screen.query["text"]) == ("smollm2", FRANCE)
    assert screen.names[0] == ["embed_tokens", "rotary_emb", "layer.0-29", "norm", "lm_head"]
    assert {"input_layernorm", "self_attn", "sum", "post_attention_layernorm", "mlp", "sum-2"} <= set(screen.names[1])
    assert screen.parameters == plan.parameters == screen.shown["totals"][0] == 134_515_008
    assert "5×576" in screen.shown["shapes"]
    assert len(screen.component("block_diagram")) < 40_000


def test_a_part_opens_and_its_link_opens_the_same():
    screen = Anatomy(model="smollm2", text=FRANCE).tell("block_diagram", "box", "layer.0-29/mlp")
    assert screen.query["part"] == "layer.0-29/mlp"
    assert screen.names[2][-1] == "down_proj"
    assert "W_down" in screen.inspector
    again = Anatomy(**screen.query)
    assert again.names == screen.names
    assert again.shown["selected"] == screen.shown["selected"] == [1, screen.names[1].index("mlp")]


def test_a_matrix_is_shown_with_its_weights_and_the_lines_that_compute_it(smollm2_weight):
    screen = Anatomy(model="smollm2", text=FRANCE, plan_layers="all", part="layer.7/self_attn/k_proj")
    assert screen.problems == []
    assert f"{smollm2_weight.shape[0]} × {smollm2_weight.shape[1]}" in screen.inspector
    assert f"Norm {smollm2_weight.norm():.3g}" in screen.inspector
    assert "root mean square" in screen.inspector
    assert any("F.linear" in each.value for each in screen.test.code)


@pytest.fixture(scope="module")
def smollm2_weight():
    return engine.model("smollm2").model.get_submodule("model.layers.7.self_attn.k_proj").weight.detach()


def test_each_layer_by_itself_fits_into_a_message():
    screen = Anatomy(model="smollm2", text=FRANCE, plan_layers="all")
    assert len([each for each in screen.names[0] if each.startswith("layer.")]) == 30
    assert len(screen.component("block_diagram")) < 40_000


def test_a_published_model_is_drawn_without_its_weights():
    screen = Anatomy(model="smollm2", text=FRANCE, plan_of="llama-3-70b", part="layer.0-79/self_attn/q_proj")
    assert screen.problems == []
    assert screen.parameters == ARCHITECTURES["llama-3-70b"].parameters
    assert screen.test.get("vega_lite_chart") == []


def test_a_pasted_config_is_drawn_or_refused_in_a_sentence():
    screen = Anatomy(model="smollm2", text=FRANCE, plan_of=PASTED)
    assert not screen.problems
    for config in (HOSTILE, "{", json.dumps(LLAMA | {"num_attention_heads": 7})):
        screen.test.text_area(key="plan_config_box").set_value(config)
        screen.run()
        assert len(screen.problems) == 1
        assert "<img" not in screen.html
    screen.test.text_area(key="plan_config_box").set_value(json.dumps(LLAMA))
    screen.run()
    assert not screen.problems
    opened = Anatomy(**screen.query)
    assert opened.names[0] == screen.names[0] == ["embed_tokens", "rotary_emb", "layer.0-1", "norm", "lm_head"]
    assert str(pasted(json.dumps(LLAMA))) == opened.query["plan_config"]


@pytest.mark.parametrize("text", ["", "<b>&</b> " * 9])
def test_any_text_is_shown_or_refused_in_a_sentence(text):
    screen = Anatomy(text=text, model="minilm")
    assert len(screen.problems) == (0 if text else 1)
    assert "<b>&</b>" not in screen.html


@pytest.mark.parametrize("part", ["nothing", "layer.0-5/nothing/at/all", "<b>"])
def test_a_part_that_is_not_there_is_said(part):
    assert len(Anatomy(text="A short text", model="minilm", part=part).notes) == 1


def test_the_files_hold_every_part(plan):
    rows = list(csv.DictReader(io.StringIO(export.as_csv(export.plan_rows(plan)))))
    outer = [each for each in rows if "/" not in each["part"]]
    assert sum(int(each["parameters"]) for each in outer) == plan.parameters
    assert sum(int(each["operations"]) for each in outer) == plan.operations
    read = json.loads(export.plan_as_json(plan))
    assert len(read["every"]["boxes"]) == len(plan.every.boxes)


@pytest.mark.parametrize("model", ["minilm", "spelling_to_sound"])
def test_the_program_gives_the_same_numbers(model, monkeypatch, capsys):
    screen = Anatomy(text="knight", model=model).open_tab("Show the code")
    lines = screen.output_of_the_code("anatomy", monkeypatch, capsys)
    theirs = {name: tuple(map(int, numbers)) for name, *numbers in (line.split("\t") for line in lines)}
    plan = engine.run(PlanRequest(model, "knight"))
    assert theirs["model"] == (plan.parameters, plan.bytes, plan.operations)
    for box in plan.every.boxes:
        if box.kind == "layer":
            assert theirs[box.path] == (box.parameters, box.bytes, box.operations)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_published_models_stand_below_each_other():
    from models.anatomy.history import StationRequest
    from models.anatomy.history_models import STATIONS

    # Made before the page asks: AppTest waits two minutes for one run, and on a busy machine all of them take longer.
    for place in range(len(STATIONS)):
        engine.run(StationRequest(place))
    screen = Anatomy(model="minilm", text="knight", tab="how-has-the-block-changed")
    assert screen.problems == []
    header = header_of(screen.component("history_diagram"))
    assert len(header["rows"]) == len(STATIONS)
    assert any(box[-1] == "new" for row in header["rows"] for box in row["boxes"])
    assert "128 KiB, and 512 KiB with a key and a value for each head" in screen.html
    assert "if the keys and values of its heads were kept: 71" in screen.html


def test_the_figure_of_an_example_is_that_of_its_plan():
    looks = {each.chosen[thread.MODEL]: each.look for each in EXAMPLES if len(each.chosen) == 2}
    assert "More than half" in looks["minilm"]
    plan = engine.run(PlanRequest("minilm", "A short text"))
    assert 0.5 < plan.every.box("word_embeddings").parameters / plan.parameters < 0.6


def test_the_controls_beside_the_plan_do_not_wait_for_a_tab(monkeypatch):
    # The plan is known, so that it is drawn before them.
    assert Anatomy().test.selectbox(key="plan_of_box")
    monkeypatch.setattr("pages.anatomy.tabs.below", lambda _: st.stop())
    assert Anatomy().test.selectbox(key="plan_of_box")
