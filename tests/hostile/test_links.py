"""Whatever a link says: a page that works, with a sentence, and no path of the server's disk."""

from pathlib import Path

import pytest

from tests.hostile.class_server import ROOT

MODELS = [
    "",
    " ",
    "zebra",
    "minilm ",
    "MINILM",
    "wrapped",
    "spelling_to_sound@400",
    "own:1",
    "own:../../etc/passwd",
    "hub:",
    "hub:../..",
    "hub:org/../../x",
    "hub:org/name@../../x",
    "hub:org/name@\0",
    "hub:" + "a/" * 400,
    "folder:",
    "folder:.",
    "folder:~root",
    "folder:~",
    "folder:/",
    "folder:/etc/passwd",
    "folder:\0",
    "folder:/x\0y",
    "folder:/\ud800",
    "folder:/dev/zero",
    "folder:/proc/self/fd/0",
    "folder:" + "/x" * 3_000,
    "folder:folder:/x",
    "\0",
    "\x1b[31mred",
    "\u202eminilm",
    "é" * 2_000,
    "__class__",
    "{0.__class__}",
    "%s%n",
    "minilm&model=smollm2",
    "x" * 1_000_000,
]
# One of each kind, since each takes several runs of a page: nothing, a name, a shelf, a hub, a folder, characters.
KINDS = (
    "",
    "zebra",
    "own:../../etc/passwd",
    "hub:org/../../x",
    "folder:/etc/passwd",
    "folder:/\ud800",
    "\0",
    "minilm&model=smollm2",
    "x" * 1_000_000,
)


@pytest.mark.parametrize(
    "name",
    [pytest.param(each, marks=[] if each in KINDS else pytest.mark.slow) for each in MODELS],
    ids=lambda each: ascii(each[:24]),
)
def test_a_forged_model_leaves_a_page_that_works(visitor, name):
    import urllib.parse

    query = "model=" + urllib.parse.quote(name.encode("utf-8", "surrogatepass"))
    seen = visitor().open("attention", query)
    assert seen.errors == []
    assert "attention_view" in seen.components
    assert len(seen.notes) <= 1
    assert all(len(each) < 500 for each in seen.notes)
    seen.press("About this model")
    assert seen.errors == []
    seen.put("text_box", string_value="A dog")
    seen.press("Look")
    assert "attention_view" in seen.components
    assert "model=minilm" in seen.query


@pytest.mark.parametrize(
    "names", [KINDS[:5], pytest.param(MODELS[:20], marks=pytest.mark.slow)], ids=["one of each kind", "many"]
)
def test_no_sentence_has_a_path_of_the_disk(class_server, visitor, names):
    seen = visitor()
    for name in names:
        for page in ("attention", "embeddings"):
            seen.open(page, model=name)
            said = [*seen.errors, *seen.notes]
            assert not any(str(ROOT) in each or str(Path.home()) in each for each in said)
    assert class_server.traces() == []


FORGED = [
    {"string_value": "zebra"},
    {"string_value": "y" * 200},
    {"string_value": "\0![i](http://evil.example/)"},
    {"string_array_value": {"data": ["zebra", "zebra"]}},
    {"int_value": -(2**62)},
    {"double_value": float("nan")},
    {"double_array_value": {"data": [1e308, -1e308]}},
    {"bool_value": True},
    {"json_value": "[[[["},
    {"bytes_value": b"\xff"},
]


# Each is sent in the name of every widget; of texts, lists, numbers and what is no value one in each run.
@pytest.mark.quick(2)
@pytest.mark.parametrize(
    "value",
    [pytest.param(each, marks=[] if place in (2, 3, 5, 8) else pytest.mark.slow) for place, each in enumerate(FORGED)],
    ids=lambda each: f"{next(iter(each))}-{str(next(iter(each.values())))[:8]}",
)
def test_a_forged_choice_leaves_a_page_that_works(visitor, value):
    """Whatever is sent in the name of a widget: when nothing is sent any more, the page is as good as before; of a
    value that no widget of its kind has, the session that sent it breaks, and a reload mends it.
    """
    seen = visitor().open("attention")
    for _, _, widget in list(seen._widgets()):
        seen.widgets = {widget.id: value}
        seen.ask().settle()
        seen.widgets = {}
    if "string_value" not in value:
        seen = visitor()
    # The text is one of the choices; a person can mend it.
    seen.open("attention", text="A cat.")
    assert seen.errors == []
    assert "attention_view" in seen.components
