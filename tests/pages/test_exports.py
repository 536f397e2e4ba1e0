"""What is taken along reads back exactly, and the code that is shown computes the same numbers."""

import csv
import io
import json
import os
import shlex
import subprocess
import sys
import urllib.parse
from functools import cache

import numpy as np
import pytest

from models.attention import HeadMapRequest, QueryKeyRequest, TracedTextRequest, TraceRequest, trace_attention
from models.engine import engine
from pages.attention.examples import EXAMPLES
from pages.attention.export import labels, map_as_csv, map_as_json, products_as_json
from pages.attention.html_file import picture_file
from pages.shared.link import Choice
from tests.pages.screen import ROOT, Screen
from tests.viz.standalone_reader import contents, kinds_of

PROGRAMS = ROOT / "docs" / "programs"
AWKWARD = "a,\"b\"\nc;\td 'e' =1+1 </script> 🍓 שלום"
REQUESTS = [
    pytest.param(("minilm", EXAMPLES[0].text, 3, 1, ""), id="a head"),
    pytest.param(("minilm", EXAMPLES[0].text, 3, None, ""), id="the mean"),
    pytest.param(("minilm", EXAMPLES[0].text, 3, 1, "sink"), id="without its sink"),
    pytest.param(("smollm2", EXAMPLES[2].text, 17, 3, ""), id="a decoder's head"),
    pytest.param(("smollm2", AWKWARD, 0, 8, ""), id="awkward tokens"),
    pytest.param(("minilm", AWKWARD, 5, 11, ""), id="awkward tokens, unknown ones too"),
    pytest.param(("spelling_to_sound", "knight", 2, 2, ""), id="cross-attention"),
    pytest.param(("spelling_to_sound", AWKWARD, 1, None, ""), id="cross-attention of awkward tokens"),
]
SOUNDS = "N AY1 T"


def kind_of(model):
    return {"minilm": "encoder", "smollm2": "decoder", "spelling_to_sound": "cross"}[model]


def target_of(model):
    return SOUNDS if model == "spelling_to_sound" else None


@cache
def traced(model, text):
    """A forward outside of the engine's cache."""
    return trace_attention(engine.model(model), text, target_of(model))


@pytest.fixture
def asked(request):
    """The request, what is known of its text, and the weights that must come out."""
    model, text, layer, head, left_out = request.param
    asked = HeadMapRequest(TraceRequest(model, text, target_of(model)), kind_of(model), layer, head, left_out)
    trace = traced(model, text)
    weights = trace.weights(kind_of(model), layer, head)
    if left_out:
        weights = engine.run(asked).weights
    weights = weights.mean(axis=0) if head is None else weights
    # What cannot be seen is no weight of 0.
    seen = np.where(engine.run(asked).visible, weights, np.float32(np.nan))
    assert np.isnan(seen).any() == (kind_of(model) == "decoder")
    return asked, engine.run(TracedTextRequest(asked.trace)), seen


@pytest.mark.parametrize("asked", REQUESTS, indirect=True)
def test_csv_reads_back_exactly(asked):
    request, text, weights = asked
    queries, keys = labels(request, text)
    assert keys == traced(request.trace.model, request.trace.text).tokens
    assert queries == (("N", "AY1", "T", "</s>") if request.kind == "cross" else keys)
    lines = list(csv.reader(io.StringIO(map_as_csv(request, text), newline="")))
    assert lines[0][1:] == [f"{place} {key}" for place, key in enumerate(keys)], "the same token may come twice"
    assert [line[0] for line in lines[1:]] == [f"{place} {query}" for place, query in enumerate(queries)]
    read = np.array([[each or "nan" for each in line[1:]] for line in lines[1:]], dtype=np.float32)
    assert read.shape == weights.shape
    np.testing.assert_array_equal(read, weights)


@pytest.mark.parametrize("asked", REQUESTS, indirect=True)
def test_json_reads_back_exactly(asked):
    request, text, weights = asked
    read = json.loads(map_as_json(request, text, request.trace.text), parse_constant=pytest.fail)
    np.testing.assert_array_equal(np.array(read["weights"], dtype=np.float32), weights)
    assert (read["queries"], read["keys"]) == tuple(map(list, labels(request, text)))
    assert (read["model"], read["text"]) == (request.trace.model, request.trace.text)
    assert (read["kind"], read["layer"]) == (request.kind, request.layer)
    assert read["head"] == ("mean" if request.head is None else request.head)
    assert read["left_out"] == request.left_out


def test_the_link_to_copy_is_the_address():
    screen = Screen(layer="2", head="7", token="3", text="Ä 🍓 & b=c?#%").open_tab("Take it with you")
    (link,) = screen.test.code
    query = dict(urllib.parse.parse_qsl(link.value.partition("?")[2], strict_parsing=True))
    # Who opens it wants the picture, not the tab that it was taken from.
    assert query | {"tab": "take-it-with-you"} == screen.query
    again = Screen(**query)
    screen.open_tab("What am I looking at?")
    assert again.view == screen.view
    assert again.query | {"tab": "what-am-i-looking-at"} == screen.query
    assert not again.notes


def test_taking_one_file_does_not_take_the_other_away():
    """Where a download reruns the page, the files behind its buttons are made anew and a second click finds none."""
    buttons = Screen(layer="2", head="7").open_tab("Take it with you").test.get("download_button")
    assert [each.label for each in buttons] == ["HTML", "CSV", "JSON", "NumPy (.npz)", "safetensors"]
    assert all(each.proto.ignore_rerun for each in buttons)


# ----- The code that is shown

LONG = "a short sentence of words, " * 50


def command_of(screen):
    """The command that the page shows, as arguments."""
    screen.open_tab("Show the code")
    command, source = screen.test.code
    python, program, *arguments = shlex.split(command.value)
    assert python == "python"
    assert source.value.strip() == (PROGRAMS / program).read_text().strip()
    return arguments, program


# Several runs in one process, because each process imports torch first.
SEVERAL = (
    "import json, runpy, sys\nfor sys.argv in json.loads(sys.argv[1]): runpy.run_path(sys.argv[0], run_name='__main__')"
)


def printed_by(runs, folder):
    """What the programs print, started as by a person, from the project's folder and with nothing of it to import."""
    copies = []
    for program, arguments in runs:
        copy = folder / program
        copy.write_text((PROGRAMS / program).read_text())
        copies.append([str(copy), *arguments])
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    run = subprocess.run(
        [sys.executable, "-P", "-c", SEVERAL, json.dumps(copies)],
        cwd=ROOT,
        env=environment | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout.splitlines()


def runs_of(model):
    """The text, the program and its arguments: as the page shows them, and others."""
    example = next(each for each in EXAMPLES if each.model == model)
    arguments, program = command_of(Screen().open_example(example.label))
    yield example.text, program, arguments
    if model == "minilm":
        yield LONG, program, [arguments[0], LONG, "4", "mean", "200"]
    if model == "spelling_to_sound":
        yield example.text, program, [*arguments[:2], SOUNDS, "encoder", "3", "mean", "1"]
        yield example.text, program, [*arguments[:2], SOUNDS, "decoder", "0", "1", "2"]


@pytest.mark.slow
def test_the_programs_print_the_numbers_of_the_trace(tmp_path):
    runs = [(model, *run) for model in ("minilm", "smollm2", "spelling_to_sound") for run in runs_of(model)]
    lines = iter(printed_by([(program, arguments) for _, _, program, arguments in runs], tmp_path))
    last = {}
    for model, text, _, (_, given, *target_and_kind, layer, head, token) in runs:
        assert given == text
        target, kind = target_and_kind or (None, kind_of(model))
        weights = trace_attention(engine.model(model), text, target).weights(kind, int(layer))
        row = (weights.mean(axis=0) if head == "mean" else weights[int(head)])[int(token)]
        assert f"layer {layer}, head {head}" in next(lines)
        printed = [float(next(lines).split(" ", 1)[0]) for _ in row]
        # Six digits are printed; transformers' own attention and ours differ by less than the last of them.
        np.testing.assert_allclose(printed, row, rtol=0, atol=1.5e-6)
        last[model] = row
    assert not list(lines)
    for row in last.values():
        assert len(row) >= 300 or max(row) > 0.4, "numbers that are all small would agree with nearly anything"


def test_a_command_for_a_text_with_quotes_can_be_pasted():
    text = 'it\'s "so" $HOME `ls` \\ !x'
    arguments, _ = command_of(Screen(text=text, head="mean"))
    assert arguments[1] == text
    assert arguments[3] == "mean"


def test_the_code_of_a_rescaled_map_says_what_it_shows():
    screen = Screen(sink="out").open_tab("Show the code")
    assert any("sink" in each.value for each in screen.test.caption)


def test_tokens_named_in_an_export_are_those_on_the_screen():
    screen = Screen(text=AWKWARD)
    tokens = engine.run(TracedTextRequest(TraceRequest("minilm", AWKWARD))).tokens
    assert screen.shown["queries"] == list(tokens)


def test_the_numbers_of_a_product_read_back_exactly():
    asked = HeadMapRequest(TraceRequest("smollm2", EXAMPLES[2].text), "decoder", 17, 3)
    text = engine.run(TracedTextRequest(asked.trace))
    read = json.loads(products_as_json(asked, text, 5))
    found = engine.run(QueryKeyRequest(asked.trace, "decoder", 17, 3, 5))
    for name in ("query", "keys", "dots", "weights", "values", "head_output", "concatenated", "output"):
        np.testing.assert_array_equal(np.array(read[name], dtype=np.float32), getattr(found, name))
    assert (read["query_token"], read["key_tokens"]) == (text.tokens[5], list(text.tokens))
    assert read["scores"][6:] == [None] * (len(text.tokens) - 6), "what comes later cannot be seen"
    assert None not in read["scores"][:6]


@pytest.mark.parametrize(
    ("model", "text", "target", "kind", "layer", "head"),
    [
        ("minilm", EXAMPLES[0].text, None, "encoder", 3, 1),
        ("spelling_to_sound", "knight", SOUNDS, "cross", 2, 2),
    ],
)
def test_the_picture_as_a_file_has_every_head_of_every_layer(monkeypatch, model, text, target, kind, layer, head):
    asked = HeadMapRequest(TraceRequest(model, text, target), kind, layer, head)
    known = engine.run(TracedTextRequest(asked.trace))
    chosen = {"view": "heads", "pin": 2, "sink": "in", "zoom": "", "by": "weight", "heads": f"{head}", "model": model}
    monkeypatch.setattr(Choice, "value", property(lambda choice: chosen.get(choice.name, choice.default)))
    (download,), notes = picture_file(asked, known, 3, text)
    assert notes == []
    monkeypatch.setattr(Choice, "value", property(lambda choice: pytest.fail(f"{choice.name} is asked for")))
    assert callable(download.made)
    html = download.made()
    assert isinstance(html, str)
    header, _ = contents(html)
    assert [each["kind"] for each in header["kinds"]] == list(known.kinds)
    opening = header["opening"]
    assert {name: opening[name] for name in ("view", "kind", "layer", "head", "pinned")} == {
        "view": "heads",
        "kind": kind,
        "layer": layer,
        "head": head,
        "pinned": 2,
    }
    about = header["kinds"][known.kinds.index(kind)]
    assert (about["selected"], tuple(about["layers"])) == (3, known.layers_of(kind))
    trace = traced(model, text)
    exact = np.concatenate([trace.weights(kind, each) for each in known.layers_of(kind)])
    np.testing.assert_allclose(np.nan_to_num(kinds_of(html)[kind]), exact, rtol=0, atol=5e-4 + 1e-6)


def test_a_picture_that_is_too_large_for_a_file_is_of_one_layer_or_said(monkeypatch):
    screen = Screen(text=EXAMPLES[0].text, layer=3, head=1)
    monkeypatch.setattr("pages.attention.html_file.MOST_NUMBERS", 6_000)
    screen.open_tab("Take it with you")
    (said,) = [each.value for each in screen.test.caption if "as a file" in each.value]
    assert said == (
        "All layers have 18,432 numbers, and a picture as a file holds at most 6,000: the HTML file has layer 3 alone."
    )
    monkeypatch.setattr("pages.attention.html_file.MOST_NUMBERS", 1_000)
    screen.open_tab("Take it with you")
    (said,) = [each.value for each in screen.test.caption if "as a file" in each.value]
    assert said.endswith("holds at most 1,000; take a shorter text.")
