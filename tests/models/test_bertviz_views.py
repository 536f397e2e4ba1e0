"""BertViz's document: its numbers are the trace's, its data cannot be read as HTML, and it fetches nothing."""

import base64
import hashlib
import json
from html.parser import HTMLParser

import numpy as np
import pytest

from models.attention import (
    BertVizError,
    BertVizRequest,
    BertVizSize,
    BertVizTooLargeError,
    NoSuchMapError,
    TraceRequest,
    bertviz_drawing,
)
from models.attention.bertviz_views import MOST_LINES, MOST_NUMBERS
from models.catalog import D3, JQUERY
from models.engine import Engine
from models.loading import PackError
from models.loading.packs import packs_folder
from tests.models import architectures
from viz.bertviz_document import bertviz_document

HOSTILE = [
    "</script><img src=x onerror=alert(1)>",
    "<!--",
    "<script>",
    "]]>&lt;&amp;",
    "\u2028\u2029",
    "\"'`",
    "\\",
    "\\u003c/script>",
    "PYTHON_PARAMS",
    '"root_div_id": "x"',
    "const params = 1; // HACK",
    "\ud800",
]
# BertViz reads its own script without closing it.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed file .*bertviz.*:ResourceWarning")
LINKS = {"src", "href", "srcset", "data", "action", "poster", "xlink:href"}


class Reader(HTMLParser):
    """The elements of a document as a browser finds them, and what stands in its scripts."""

    def __init__(self, document):
        super().__init__(convert_charrefs=True)
        self.tags, self.scripts, self.attributes, self.inside = [], [], [], False
        self.feed(document)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        self.inside = tag == "script"
        if self.inside:
            self.scripts.append("")

    def handle_endtag(self, tag):
        self.inside = False

    def handle_data(self, data):
        if self.inside:
            self.scripts[-1] += data


def data_of(document):
    """What BertViz's script draws; it stands there once."""
    drawing = Reader(document).scripts[2]
    assert drawing.count("const params = ") >= 1
    data, end = json.JSONDecoder().raw_decode(drawing.partition("const params = ")[2])
    assert document.count('"attention":') == 1
    assert drawing.partition("const params = ")[2][end:].startswith(";\n")
    return data


def as_document(drawing):
    return bertviz_document(drawing.view, drawing.elements, drawing.scripts)


def document_of(*given, **more):
    return as_document(bertviz_drawing(*given, **more))


def some_weights(layers=2, heads=3, queries=4, keys=None):
    logits = np.random.default_rng(0).normal(size=(layers, heads, queries, keys or queries))
    shares = np.exp(logits)
    return list((shares / shares.sum(axis=-1, keepdims=True)).astype(np.float32))


@pytest.fixture(scope="module")
def engine():
    return Engine()


@pytest.mark.parametrize("view", ["head", "model"])
def test_nothing_in_it_leaves_the_document(view):
    document = document_of(some_weights(), list("abcd"), view)
    found = Reader(document)
    assert not [each for each in found.attributes if each[0] in LINKS]
    assert {"link", "img", "iframe", "object", "base"}.isdisjoint(found.tags)
    assert found.tags.count("script") == 4
    assert "cdnjs" not in document
    assert "@import" not in document
    assert "url(" not in document.partition("</style>")[0]


@pytest.mark.parametrize("view", ["head", "model"])
def test_the_policy_lets_these_scripts_run_and_nothing_else(view):
    document = document_of(some_weights(), list("abcd"), view)
    found = Reader(document)
    policy = dict(each.strip().split(" ", 1) for each in dict(found.attributes)["content"].split(";"))
    assert document.index("Content-Security-Policy") < document.index("<title>")
    hashes = [base64.b64encode(hashlib.sha256(each.encode()).digest()).decode() for each in found.scripts]
    assert policy["script-src"].split() == [f"'sha256-{each}'" for each in hashes]
    assert policy["default-src"] == policy["base-uri"] == policy["form-action"] == "'none'"
    assert policy["img-src"] == "data:"


@pytest.mark.parametrize("as_it_comes", [False, True])
@pytest.mark.parametrize("view", ["head", "model"])
def test_hostile_tokens_stay_text(view, as_it_comes):
    plain = Reader(document_of(some_weights(queries=12), ["x"] * 12, view, as_it_comes=as_it_comes))
    document = document_of(some_weights(queries=12), HOSTILE, view, as_it_comes=as_it_comes)
    found = Reader(document)
    assert (found.tags, len(found.scripts)) == (plain.tags, len(plain.scripts))
    drawing = found.scripts[2]
    line = drawing.partition("const params = ")[2].partition("\n")[0]
    assert line.isascii()
    assert not set("<>&") & set(line)
    read = json.JSONDecoder().raw_decode(line)[0]["attention"][0]
    assert read["left_text"] == read["right_text"] == HOSTILE
    assert "<img" not in document
    assert "onerror=alert(1)>" not in document


@pytest.mark.parametrize("kind", ["cross", "self"])
@pytest.mark.parametrize("view", ["head", "model"])
def test_the_numbers_are_the_weights_to_four_decimals(view, kind):
    keys = list("uvwxy") if kind == "cross" else None
    weights = some_weights(keys=5 if kind == "cross" else None)
    data = data_of(document_of(weights, list("abcd"), view, key_tokens=keys, layers=(3, 7)))
    (group,) = data["attention"]
    np.testing.assert_array_equal(group["attn"], np.round(np.array(weights, dtype=np.float64), 4))
    assert (group["left_text"], group["right_text"]) == (list("abcd"), keys or list("abcd"))
    assert data["include_layers"] == [3, 7]


def test_for_comparison_it_is_left_as_it_comes():
    weights = some_weights()
    document = document_of(weights, list("abcd"), "head", as_it_comes=True)
    assert document.count('"attention":') == 2
    line = Reader(document).scripts[2].partition("const params = ")[2]
    read = json.JSONDecoder().raw_decode(line)[0]["attention"][0]["attn"]
    np.testing.assert_array_equal(np.array(read, dtype=np.float32), np.array(weights))
    assert len(document) > len(document_of(weights, list("abcd"), "head"))


def test_the_same_request_is_the_same_drawing(engine):
    asked = BertVizRequest(TraceRequest("minilm", "A bird in the hand."), "encoder", "head")
    first = engine.run(asked)
    assert engine.run(asked) is first
    assert asked.answer(engine) == first, "BertViz numbers each of its drawings anew"
    assert asked in engine.answers


@pytest.mark.quick(4)
@pytest.mark.parametrize("view", ["head", "model"])
@pytest.mark.parametrize(
    ("model", "text", "target", "kind"),
    [
        ("minilm", "A bird in the hand.", None, "encoder"),
        ("smollm2", "A bird in the hand.", None, "decoder"),
        ("spelling_to_sound", "knight", "N AY1 T", "encoder"),
        ("spelling_to_sound", "knight", "N AY1 T", "decoder"),
        ("spelling_to_sound", "knight", "N AY1 T", "cross"),
    ],
)
def test_each_kind_of_each_model(engine, model, text, target, kind, view):
    trace = engine.run(TraceRequest(model, text, target))
    data = data_of(as_document(engine.run(BertVizRequest(TraceRequest(model, text, target), kind, view))))
    (group,) = data["attention"]
    exact = [np.round(trace.weights(kind, layer).astype(np.float64), 4) for layer in trace.layers(kind)]
    np.testing.assert_array_equal(group["attn"], exact)
    own = trace.tokens if kind == "encoder" or not target else trace.target_tokens
    assert group["left_text"] == list(own)
    assert group["right_text"] == list(trace.tokens if kind == "cross" else own)
    assert data["include_layers"] == list(trace.layers(kind))


def test_one_layer_keeps_its_number(engine):
    trace = TraceRequest("minilm", "A bird in the hand.")
    data = data_of(as_document(engine.run(BertVizRequest(trace, "encoder", "head", (3,)))))
    assert data["include_layers"] == [3]
    np.testing.assert_array_equal(
        data["attention"][0]["attn"], [np.round(engine.run(trace).weights("encoder", 3).astype(np.float64), 4)]
    )


@pytest.mark.parametrize("name", ["t5", "bart"])
@pytest.mark.parametrize("kind", ["encoder", "decoder", "cross"])
def test_halves_of_different_depth(engine, name, kind):
    """BertViz takes the layers of its first group for all: it is called once for each kind."""
    trace = architectures.trace(name)
    depths = {each: len(trace.layers(each)) for each in trace.kinds}
    assert depths["encoder"] != depths["decoder"]
    engine.answers.get(TraceRequest(name, (1,)), lambda: trace)
    data = data_of(as_document(engine.run(BertVizRequest(TraceRequest(name, (1,)), kind, "model"))))
    assert len(data["attention"][0]["attn"]) == len(data["include_layers"]) == depths[kind]


@pytest.mark.parametrize(
    ("view", "size", "fits"),
    [
        ("head", BertVizSize(6, 12, 117, 117), True),
        ("head", BertVizSize(6, 12, 118, 118), False),
        ("head", BertVizSize(1, 12, 129, 129), True),
        ("head", BertVizSize(1, 12, 130, 130), False),
        ("head", BertVizSize(30, 9, 60, 60), True),
        ("model", BertVizSize(6, 12, 52, 52), True),
        ("model", BertVizSize(6, 12, 53, 53), False),
        ("model", BertVizSize(30, 9, 27, 27), True),
        ("model", BertVizSize(3, 4, 20, 900), False),
    ],
)
def test_the_bounds(view, size, fits):
    assert size.fits(view) == fits
    if fits:
        return
    said = str(BertVizTooLargeError(view, size))
    assert f"{view} view of {size.queries} " in said
    assert f"{size.lines(view):,} lines" in said
    assert "as text" in said
    if size.queries == size.keys:
        most = int(said.partition("at most ")[2].partition(" ")[0])
        largest = BertVizSize(size.layers, size.heads, most, most)
        assert largest.fits(view)
        assert not BertVizSize(size.layers, size.heads, most + 1, most + 1).fits(view)


def test_what_is_too_large_is_said_before_it_is_made(engine):
    with pytest.raises(
        BertVizTooLargeError, match=r"model view of 102 tokens and 6 layers of 12 heads .* 749,088 lines"
    ):
        engine.run(BertVizRequest(TraceRequest("minilm", "one " * 100), "encoder", "model"))


def test_the_largest_documents_are_within_eight_megabytes():
    queries = int((MOST_NUMBERS / 72) ** 0.5)
    document = document_of(some_weights(6, 12, queries), ["token"] * queries, "head")
    assert 5e6 < len(document) < 8e6
    assert MOST_LINES <= MOST_NUMBERS


def test_what_is_not_there_is_said(engine):
    trace = TraceRequest("minilm", "A bird in the hand.")
    with pytest.raises(NoSuchMapError, match="no such attention"):
        engine.run(BertVizRequest(trace, "cross", "head"))
    with pytest.raises(NoSuchMapError, match="no map of layer 9"):
        engine.run(BertVizRequest(trace, "encoder", "head", (9,)))


def test_layers_with_different_numbers_of_heads(engine):
    class Trace:
        tokens = target_tokens = ()
        nbytes = 1

        def layers(self, kind):
            return (0, 1)

        def heads(self, kind, layer):
            return 4 + layer

    engine.answers.get(TraceRequest("pruned", "x"), Trace)
    with pytest.raises(BertVizError, match="4 to 5"):
        engine.run(BertVizRequest(TraceRequest("pruned", "x"), "encoder", "head"))


@pytest.mark.parametrize("pack", [D3, JQUERY], ids=lambda pack: pack.distribution)
@pytest.mark.parametrize("damage", ["missing", "damaged"])
def test_a_script_that_is_not_the_one_that_was_published_is_refused(pack, damage, tmp_path, monkeypatch):
    real = packs_folder().resolve()
    monkeypatch.setenv("HEADLIGHT_HOME", str(tmp_path))
    for each in (D3, JQUERY):
        path = packs_folder() / each.files[0].path
        path.parent.mkdir(parents=True)
        path.write_bytes((real / each.files[0].path).read_bytes())
    document_of(some_weights(), list("abcd"), "head")
    changed = packs_folder() / pack.files[0].path
    if damage == "missing":
        changed.unlink()
    else:
        changed.write_bytes(changed.read_bytes() + b"\n")
    with pytest.raises(PackError, match=damage):
        document_of(some_weights(), list("abcd"), "head")
