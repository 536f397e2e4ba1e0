"""Many texts, the same luck, and draws over the theory, as a person meets them in their tabs."""

import csv
import io
import json
import time
from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from models.decoding import BatchRequest, CommonNumbersRequest, DecodingSettings, DrawsRequest, decode
from models.engine import engine
from pages.sampling.batch import rest
from pages.sampling.draws import chance_words, draws_words
from pages.sampling.export import texts_as_csv, texts_as_json
from pages.sampling.same_seed import divergence_words

pytestmark = pytest.mark.usefixtures("one_torch_thread")

SETTINGS = DecodingSettings(20, temperature=1.0, top_p=0.9, seed=2)
OTHERS = {"Wild": DecodingSettings(20, temperature=1.8, min_p=0.05, seed=2)}
TEXT = "Once upon a time"


def tab_script(name, model, text, settings, presets, written):
    """Runs as a script of its own, so that everything is imported in it."""
    import streamlit as st

    from pages.sampling.batch import batch_tab
    from pages.sampling.draws import draws_tab
    from pages.sampling.same_seed import same_seed_tab
    from pages.shared.messages import in_place

    with in_place():
        if name == "draws":
            draws_tab(model, text, settings, st.empty(), written)
        else:
            {"batch": batch_tab, "same seed": same_seed_tab}[name](model, text, settings, presets)


def opened(name, model="smollm2", settings=SETTINGS, text=TEXT):
    test = AppTest.from_function(tab_script, default_timeout=120, args=(name, model, text, settings, OTHERS, ())).run()
    return checked(test)


def checked(test):
    assert not test.exception
    assert not test.error
    return test


def finished(test):
    """Fragments do not run by themselves here: look again and again, as a job that nobody looks at stops."""
    until = time.monotonic() + 120
    while engine.jobs_running and time.monotonic() < until:
        time.sleep(0.3)
        test = checked(test.run())
    return checked(test.run())


def html_of(test):
    return "".join(each.proto.body for each in test.get("html"))


@pytest.mark.slow
def test_many_texts_are_written_when_they_are_asked_for():
    test = opened("batch")
    assert any("Nothing written yet" in each.value for each in test.caption)
    test.select_slider(key="many_texts").set_value(4)
    test.select_slider(key="many_tokens").set_value(20)
    test.button(key="many_start").click()
    test = finished(test.run())
    made = html_of(test)
    assert made.count('class="card"') == 2 * 4
    assert "distinct-2" in made
    assert "seed 5" in made
    test.button(key="many_sweep_start").click()
    test = finished(test.run())
    assert len(test.get("vega_lite_chart")) == 1
    test.radio(key="many_measure").set_value("1 − Self-BLEU")
    assert len(checked(test.run()).get("vega_lite_chart")) == 1
    # Another choice is not answered with what was written for this one.
    test.select_slider(key="many_texts").set_value(8)
    test = checked(test.run())
    assert any("Nothing written yet" in each.value for each in test.caption)
    assert 'class="card"' not in html_of(test)


@pytest.mark.slow
def test_the_same_luck_and_where_it_parts():
    test = finished(opened("same seed"))
    made = html_of(test)
    assert made.count("they part here") == 2
    assert "there the luck is" in made
    test.selectbox(key="luck_other").set_value("another temperature")
    test = finished(test.run())
    test.slider(key="luck_temperature").set_value(1.0)
    test = checked(test.run())
    assert any("settings above themselves" in each.value for each in test.caption)


def test_draws_over_the_theory():
    test = opened("draws", settings=replace(SETTINGS, temperature=1.5, top_p=1))
    assert "of 100 such trials" in html_of(test)
    assert len(test.get("vega_lite_chart")) == 1
    greedy = opened("draws", settings=replace(SETTINGS, temperature=0))
    assert "Greedy: nothing is drawn" in html_of(greedy)
    assert not greedy.get("vega_lite_chart")
    sure = opened("draws")
    assert "nothing to chance" in html_of(sure)
    assert not sure.get("vega_lite_chart")


def test_an_encoder_is_told_in_a_sentence():
    test = AppTest.from_function(
        tab_script, default_timeout=120, args=("draws", "minilm", TEXT, SETTINGS, OTHERS, ())
    ).run()
    assert not test.exception
    [said] = [each.value for each in test.error]
    assert "Choose a decoder" in said


def test_files_have_all_that_gives_a_text_again():
    asked = (replace(SETTINGS, max_new_tokens=6), replace(OTHERS["Wild"], max_new_tokens=6))
    request = BatchRequest("smollm2", TEXT, asked, 2)
    found = engine.run(request)
    rows = list(csv.DictReader(io.StringIO(texts_as_csv(["as above", "Wild"], found))))
    assert [(row["setting"], row["seed"]) for row in rows] == [
        ("as above", "2"),
        ("as above", "3"),
        ("Wild", "2"),
        ("Wild", "3"),
    ]
    knobs = json.loads(rows[-1]["settings"])
    again = DecodingSettings(
        **{name: tuple(value) if isinstance(value, list) else value for name, value in knobs.items()}
    )
    assert "".join(step.text for step in decode(engine.model("smollm2"), TEXT, again)) == rows[-1]["text"]
    told = json.loads(texts_as_json(request, ["as above", "Wild"], found))
    assert told["text"] == TEXT
    assert [each["name"] for each in told["settings"]] == ["as above", "Wild"]
    assert told["settings"][1]["texts"][1]["text"] == rows[-1]["text"]
    assert told["settings"][0]["figures"]["count"] == 2


@pytest.mark.slow
def test_words_for_what_happens_seldom():
    same = engine.run(CommonNumbersRequest("smollm2", TEXT, (SETTINGS, replace(SETTINGS, top_h=1))))
    assert "The same 20 tokens" in divergence_words(["a", "b"], (SETTINGS, SETTINGS), same)[0]
    pair = (SETTINGS, replace(SETTINGS, max_new_tokens=5))
    short = engine.run(CommonNumbersRequest("smollm2", TEXT, pair))
    assert "up to token 5, where one of them ends" in divergence_words(["a", "b"], pair, short)[0]
    alone = engine.run(DrawsRequest("smollm2", TEXT, (), replace(SETTINGS, top_k=1)))
    assert "nothing to chance" in draws_words(alone)[0]
    assert rest(None) is None
    assert rest(0.25) == 0.75


@pytest.mark.parametrize(
    ("p_value", "words"),
    [(0.34, "in 34 of 100"), (0.012, "in 1 of 100"), (0.004, "in 4 of 1,000"), (1e-9, "in fewer than 1 of 1,000")],
)
def test_a_p_value_in_plain_words(p_value, words):
    assert words in chance_words(p_value)
