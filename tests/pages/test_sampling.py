"""The sampling page: what it opens on, what a knob does, what is written, and what can be had again from a link."""

import json
import re
import time

import numpy as np
import pytest
import torch

from models.decoding import BranchPoint, DecodingSettings, WriteRequest, decode, sampling_stages
from models.engine import engine
from pages.sampling.choices import Branch
from pages.sampling.examples import EXAMPLES
from pages.sampling.export import other_branches, text_as_json
from pages.sampling.knobs import FIRST
from pages.sampling.written_text import Continuation
from tests.pages.sampling_screen import PARIS, Sampling
from tests.viz.wire import header_of

pytestmark = pytest.mark.usefixtures("one_torch_thread")

HERE = {"model": "smollm2", "text": PARIS}
SHORT = {**HERE, "max_new_tokens": "6"}
WRITTEN = {**HERE, "written": "max_new_tokens=6&temperature=1.0&top_p=0.9&seed=5"}


def settings(**more):
    """What the page opens with, and more."""
    return DecodingSettings(**{"temperature": 1.0, "top_p": 0.9, "seed": 5} | more)


def own_steps(model="smollm2", text=PARIS, **more):
    return list(decode(engine.model(model), text, settings(**more)))


def texts_of(steps):
    return [step.text for step in steps]


def own_stages(text=PARIS, **more):
    """The stages in the order of the page's ranks, from a plain forward."""
    loaded = engine.model("smollm2")
    ids = loaded.tokenizer(text)["input_ids"]
    with torch.inference_mode():
        logits = loaded.model(input_ids=torch.tensor([ids])).logits[0, -1].float()
    order = torch.sort(logits, descending=True, stable=True).indices
    return {
        stage.name: stage.probabilities[order].numpy()
        for stage in sampling_stages(loaded, logits, ids, settings(**more))
    }


def assert_curves_are(screen, expected):
    names, ranks, curves = screen.curves()
    assert names == list(expected)
    assert ranks[-1] == 49_151
    np.testing.assert_allclose(curves, np.stack(list(expected.values()))[:, ranks], rtol=1e-4, atol=1e-12)
    assert screen.survivors == {name: int((shares > 0).sum()) for name, shares in expected.items()}


# ----- What it opens on, and what knobs do


def test_it_opens_on_paris():
    screen = Sampling()
    assert (screen.typed, screen.query) == (PARIS, HERE)
    assert screen.survivors == {"raw": 49_152, "top-p": 10, "renormalised": 10}
    piece, shares = next(iter(screen.top.items()))
    assert piece == "␣Paris"
    assert shares[0] == pytest.approx(0.77, abs=0.01)
    assert shares[-1] > shares[0]
    assert screen.written is None
    assert EXAMPLES[0].look in [each.value for block in screen.blocks("inspector") for each in block.markdown]
    assert not screen.said


@pytest.mark.parametrize(
    ("knobs", "left", "within"),
    [
        ({}, 10, 0),
        ({"temperature": 2.0}, 13_307, 5),
        ({"temperature": 2.0, "top_p": 1.0, "min_p": 0.05}, 21, 0),
        ({"temperature": 1.4, "typical_p": 0.5, "repetition_penalty": 1.3, "top_k": 300}, None, 0),
    ],
    ids=["as it opens", "T 2", "T 2 and min-p", "four more"],
)
def test_the_curves_are_those_of_the_models_own_logits(knobs, left, within):
    screen = Sampling(**HERE, **{name: str(value) for name, value in knobs.items()})
    assert_curves_are(screen, own_stages(**knobs))
    assert left is None or abs(screen.left - left) <= within
    assert not screen.said


def test_a_slider_moves_the_picture_and_the_link():
    screen = Sampling(**HERE).slide("temperature", 2.0)
    assert screen.left == pytest.approx(13_307, abs=5)
    assert screen.query == {**HERE, "temperature": "2.0"}
    assert Sampling(**screen.query).shown == screen.shown


def test_a_link_with_knobs_alone_keeps_them():
    screen = Sampling(temperature="2.0")
    assert screen.typed == PARIS
    assert screen.left == pytest.approx(13_307, abs=5)


def test_a_link_that_names_no_text_writes_after_the_first_example():
    screen = Sampling(written=WRITTEN["written"], at="2").until_done()
    assert screen.typed == PARIS
    assert screen.text == texts_of(own_steps(max_new_tokens=6))
    assert screen.query == {**WRITTEN, "at": "2"}


def test_a_preset_sets_all_knobs_and_reset_takes_them_back():
    screen = Sampling(**HERE, top_k="7", off="top-k", order="top-p,temperature").press("preset_Wild")
    assert screen.query == {**HERE, "temperature": "1.5", "top_p": "1.0", "min_p": "0.05"}
    assert_curves_are(screen, own_stages(temperature=1.5, top_p=1.0, min_p=0.05))
    screen.press("reset_knobs")
    assert screen.query == HERE
    assert screen.left == 10


def test_a_stage_that_is_switched_off_keeps_its_chip_until_its_slider_moves():
    screen = Sampling(**HERE, off="top-p")
    chips = {each["name"]: each for each in screen.shown["stages"]}
    assert (chips["top-p"]["isOn"], chips["top-p"]["row"], chips["top-p"]["value"]) == (False, None, "0.9")
    assert screen.left == 49_152
    screen.slide("top_p", 0.8)
    assert screen.query == {**HERE, "top_p": "0.8"}
    assert_curves_are(screen, own_stages(top_p=0.8))


def test_the_scores_are_sent_when_somebody_is_near_a_knob_and_once():
    screen = Sampling(**HERE, temperature="1.5", repetition_penalty="1.3")
    nothing = header_of(screen.component("step_scores"))
    assert nothing == {"name": "next_token", "of": screen.shown["live"]["of"], "count": 0}
    screen.tell("step_scores", "wanted", "another step")
    assert header_of(screen.component("step_scores")) == nothing
    screen.tell("step_scores", "wanted", nothing["of"])
    data = screen.component("step_scores")
    assert header_of(data)["count"] == 49_152
    assert len(data) < 100_000
    screen.slide("temperature", 0.5)
    assert header_of(screen.component("step_scores")) == nothing, "the same step: the browser has its scores"
    screen = Sampling(**HERE, repetition_penalty="1.4")
    assert header_of(screen.component("step_scores"))["of"] != nothing["of"]


def test_a_picture_waits_for_the_server_where_a_stage_that_reads_the_text_comes_late():
    screen = Sampling(**HERE, temperature="2", repetition_penalty="1.3", order="temperature,repetition penalty")
    assert screen.shown["live"] is None
    assert screen.component("step_scores") is None
    assert "followed once it is let go" in screen.shown["caption"]
    screen = Sampling(**HERE, temperature="2", repetition_penalty="1.3", order="top-p,temperature")
    assert screen.shown["live"]["order"] == ["top-p", "temperature"]


def test_another_order_is_computed_and_said():
    knobs = {"temperature": 2.0, "top_k": 500}
    order = ("top-p", "top-k", "temperature")
    screen = Sampling(**HERE, temperature="2", top_k="500", order=",".join(order))
    assert not screen.shown["isLibraryOrder"]
    assert_curves_are(screen, own_stages(**knobs, order=order))
    assert screen.left == 10
    same = Sampling(**HERE, temperature="2", order="temperature,top-p")
    assert same.shown["isLibraryOrder"]
    assert same.left > 13_000


def test_a_typed_word_is_followed_through_the_stages_of_each_text():
    screen = Sampling(**HERE)
    screen.test.text_input(key="who_box").set_value("green")
    (green,) = engine.model("smollm2").tokenizer(" green")["input_ids"]
    assert screen.run().query["pick"] == str(green)
    assert "“␣green” cannot come: top-p cut it." in screen.inspector
    for text in ("The capital of England is", PARIS):
        screen.look(text)
        assert screen.shown["selected"] == green
        assert not screen.said
    screen.test.text_input(key="who_box").set_value("\u200b")
    screen.run()
    screen.test.sidebar.selectbox(key="model_box").set_value("spelling_to_sound")
    assert not any("not foreseen" in each for each in screen.run().said)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda each: each.label)
def test_every_example_opens(example):
    screen = Sampling(model="minilm", text="x", seed="77").open_example(example.label)
    assert (screen.typed, screen.query["model"]) == (example.text, example.model)
    assert screen.query.keys() - {"model", "text"} <= {field for field, _ in example.knobs}
    assert screen.has_picture
    assert not screen.said


# ----- What is written


def test_what_is_written_is_what_the_loop_gives_and_a_link_gives_it_again():
    query = {"seed": "8", "top_k": "40", "stop": "never\nto come", "bad_words": "the", "order": "top-p,temperature"}
    screen = Sampling(**SHORT, **query).press("write").until_done()
    the = [tuple(engine.model("smollm2").tokenizer(word)["input_ids"]) for word in ("the", " the")]
    steps = own_steps(
        max_new_tokens=6,
        seed=8,
        top_k=40,
        stop=("never", "to come"),
        bad_words=tuple(the),
        order=("top-p", "temperature"),
    )
    assert screen.text == texts_of(steps)
    assert [each[2] for each in screen.written["tokens"]] == pytest.approx([each.probability for each in steps], 1e-3)
    assert [each[4] for each in screen.written["tokens"]] == [each.rank for each in steps]
    assert not screen.said
    again = Sampling(**screen.query).until_done()
    assert again.text == screen.text
    assert again.query == screen.query
    assert "Written with other knobs" not in again.html
    assert "Written with other knobs" in again.slide("temperature", 0.5).html
    assert again.text == screen.text


def test_other_luck_is_the_next_seed():
    screen = Sampling(**SHORT).press("other_luck").until_done()
    assert screen.query["seed"] == "6"
    assert screen.text == texts_of(own_steps(max_new_tokens=6, seed=6))


def test_a_branch_goes_on_from_another_token_and_both_stay():
    drawn = own_steps(max_new_tokens=6)
    other = next(each for each in range(300, 400) if each != drawn[3].token_id)
    screen = Sampling(**WRITTEN, at="3", pick=str(other)).until_done()
    assert screen.shown["selected"] == other
    assert screen.shown["drawn"] == drawn[3].token_id
    screen.press("go_on").until_done()
    request = WriteRequest("smollm2", PARIS, settings(max_new_tokens=6), (BranchPoint(3, other),))
    expected = request.answer(engine)
    assert screen.text == texts_of(expected)
    assert screen.text[:3] == texts_of(drawn[:3])
    assert screen.query["branch"] == f"3.{other}"
    assert [line[1:] for line in screen.written["branches"]] == [
        [1, "".join(texts_of(drawn)), 0],
        [4, "".join(texts_of(expected[4:])), 1],
    ]
    assert screen.written["current"] == 1
    again = Sampling(**screen.query).until_done()
    assert (again.text, again.query) == (screen.text, screen.query)
    assert again.shown["drawn"] == other


@pytest.mark.slow
def test_a_text_goes_on_after_its_last_token_with_the_same_luck():
    screen = Sampling(**WRITTEN, at="6").until_done()
    drawn = own_steps(max_new_tokens=38)
    assert screen.text == texts_of(drawn[:6])
    screen.press("write_on").until_done()
    assert screen.text == texts_of(drawn)
    assert screen.query["at"] == "6"
    assert screen.shown["drawn"] == drawn[6].token_id


@pytest.mark.slow
def test_a_run_that_was_stopped_is_written_anew():
    screen = Sampling(**HERE, max_new_tokens="30")
    screen.press("write").press("text_stop").until_done()
    assert len(screen.text) < 30
    screen.press("write").until_done()
    assert screen.text == texts_of(own_steps(max_new_tokens=30))


def test_a_least_length_above_the_length_takes_it_along():
    screen = Sampling(**SHORT)
    screen.test.session_state["more_knobs"] = True
    screen.run().slide("min_new_tokens", 20)
    assert (screen.query["min_new_tokens"], screen.query["max_new_tokens"]) == ("20", "20")
    assert not screen.said


def test_branches_that_a_link_brought_have_their_pieces_and_are_in_the_file():
    drawn = own_steps(max_new_tokens=6)
    at_three, at_four = (
        next(each for each in range(first, first + 100) if each != drawn[step].token_id)
        for first, step in ((300, 3), (500, 4))
    )
    screen = Sampling(**WRITTEN, branches=f"3.{at_three},4.{at_four}").until_done()
    loaded = engine.model("smollm2")
    assert [line[0] for line in screen.written["branches"]] == [
        "",
        *(piece.text for piece in loaded.pieces([at_three, at_four])),
    ]
    request = WriteRequest("smollm2", PARIS, settings(max_new_tokens=6))
    branches = [Branch(), Branch([(3, at_three)]), Branch([(4, at_four)]), Branch([(99, 1)])]
    others = other_branches(Continuation(request, engine.run(request), is_done=True), branches)
    assert [[turned.token for turned in each.request.branch] for each in others] == [[at_three], [at_four]]
    for each in others:
        assert texts_of(each.steps) == texts_of(each.request.answer(engine))


def test_a_file_has_all_that_gives_the_text_again():
    knobs = {"max_new_tokens": 6, "bad_words": ((260,), (5, 6)), "stop": ("\n\n\n",), "order": ("top-p", "temperature")}
    request = WriteRequest("smollm2", PARIS, settings(**knobs), (BranchPoint(1, 345), BranchPoint(4, 500)))
    steps = engine.run(request)
    parents = [Continuation(each, engine.run(each), is_done=True) for each in (request.parent, request.parent.parent)]
    read = json.loads(text_as_json(Continuation(request, steps, is_done=True), parents))
    said = read["settings"]
    said |= {name: tuple(said[name]) for name in ("stop", "order", "logit_bias")}
    said["bad_words"] = tuple(map(tuple, said["bad_words"]))
    branch = tuple(BranchPoint(each["step"], each["token"]) for each in read["branch"])
    again = WriteRequest(read["model"], read["prompt"], DecodingSettings(**said), branch)
    assert again == request
    found = again.answer(engine)
    assert [each["id"] for each in read["tokens"]] == [step.token_id for step in found]
    assert [each["entropy_nats"] for each in read["tokens"]] == pytest.approx([step.entropy for step in found])
    assert read["text"] == "".join(texts_of(found))
    assert [len(each["branch"]) for each in read["branches"]] == [1, 0]


def test_two_people_with_different_seeds_each_get_their_own_text():
    people = [Sampling(**SHORT, seed=str(seed)) for seed in (1, 2)]
    for screen in people:
        screen.press("write")
    for _ in range(3):
        for screen in people:
            screen.run()
    first, second = (screen.until_done().text for screen in people)
    assert first == texts_of(own_steps(max_new_tokens=6, seed=1))
    assert second == texts_of(own_steps(max_new_tokens=6, seed=2))
    assert first != second


def test_what_is_stopped_stays_as_far_as_it_is_written():
    screen = Sampling(**HERE, max_new_tokens="200").press("write")
    while not screen.text:
        time.sleep(0.05)
        screen.run()
    count = len(screen.press("text_stop").until_done().text)
    assert "Stopped." in screen.written["says"]
    assert 0 < count < 200
    assert len(screen.run().text) == count
    assert screen.press("preset_Wild").text


def test_a_seq2seq_model_has_the_same_knobs_and_writes():
    screen = Sampling(model="spelling_to_sound", text="knight", temperature="1.5", top_p="1", more_knobs="x")
    screen.press("write").until_done()
    assert screen.text == texts_of(own_steps("spelling_to_sound", "knight", temperature=1.5, top_p=1.0))
    assert screen.written["before"] == ""
    assert "It drew its end token." in screen.written["says"]
    assert list(screen.sliders) == [knob.stage for knob in FIRST]
    assert Sampling(**HERE).sliders.keys() == screen.sliders.keys()


@pytest.mark.parametrize("changed", ["text", "model"])
def test_what_was_written_does_not_go_along_to_another_text_or_model(changed):
    screen = Sampling(**WRITTEN, branch="2.345", at="2").until_done()
    assert screen.text
    if changed == "model":
        screen.test.sidebar.selectbox(key="model_box").set_value("spelling_to_sound")
    else:
        # As another page of the thread leaves it.
        screen.test.session_state["choice:text"] = "Once upon a time"
    screen.run()
    assert screen.written is None
    assert screen.query.keys() == {"model", "text"}
    assert not screen.said


# ----- The code that is shown


@pytest.mark.parametrize(
    ("model", "text", "knobs"),
    [
        ("smollm2", "It's 5 o'clock in", {"temperature": "1.7", "top_p": "0.95", "top_k": "2000", "min_p": "0.002"}),
        ("spelling_to_sound", "knight", {"temperature": "1.5", "typical_p": "0.9", "top_p": "1"}),
    ],
    ids=["decoder", "seq2seq"],
)
def test_the_code_that_is_shown_gives_the_same_numbers(model, text, knobs, monkeypatch, capsys):
    screen = Sampling(model=model, text=text, **knobs).open_tab("Show the code")
    lines = screen.output_of_the_code("sampling", monkeypatch, capsys)
    stages = [each for each in screen.shown["stages"] if each["row"] is not None]
    likeliest = list(screen.top.values())[:5]
    assert len(stages) == len(knobs) + 2 - ("1" in knobs.values())
    for row, (line, stage) in enumerate(zip(lines, stages, strict=True)):
        left, entropy = re.search(r"(\d+) left +([\d.]+) nats", line).groups()
        assert int(left) == stage["survivors"]
        assert float(entropy) == pytest.approx(stage["entropy"], abs=1e-4)
        shares = [float(each) for each in re.findall(r" (\d\.\d{6})(?:  |$)", line)]
        assert shares == pytest.approx([each[row] for each in likeliest], abs=2e-6)


def test_what_is_turned_out_of_sight_is_said():
    assert "Turned under “More”: Typical p." in Sampling(**HERE, typical_p="0.5").html
