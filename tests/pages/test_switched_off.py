"""What is switched off in the attention studio, and on again; and the same head on another text."""

import numpy as np
import pytest

from models.attention import (
    ChangesRequest,
    CutLink,
    HeadMapRequest,
    HideToken,
    LayerMapsRequest,
    MapDifferenceRequest,
    PatternRequest,
    TraceRequest,
    ZeroHead,
)
from models.engine import engine
from pages.attention.switched_off import MOST
from pages.attention.tabs import OTHER_TEXT
from tests.pages.screen import Screen
from tests.pages.studio_screen import (
    COUNT,
    HOSTILE,
    PRONOUN,
    chips,
    heads_of,
    html,
    lines,
    opened,
    other,
    pieces,
    press,
    products_of,
    select,
    trace_of,
    typed_other,
)
from viz.number_format import part_text, points_text

OSLO = "Dr. Zorblax lives in Oslo. Yesterday I met Dr. Z"

pytestmark = pytest.mark.usefixtures("one_torch_thread")


# ----- Switched off, and on again

OFF = [
    ("head:encoder-3-1", "head L3 H1", ZeroHead("encoder", 3, 1), 0),
    ("token:2", "token “animal”", HideToken(2), 1),
    ("link:encoder-3-1-10-2", "link it → animal in L3 H1", CutLink("encoder", 3, 10, 2, 1), 1),
    ("pattern:encoder-3-1-previous", "pattern of L3 H1: the token before", None, 1),
]


@pytest.mark.quick(2)
@pytest.mark.parametrize(("item", "label", "change", "acts_on_map"), OFF)
def test_what_is_off_stands_on_a_chip_and_changes_map_and_model(item, label, change, acts_on_map):
    screen = Screen(model="minilm", text=PRONOUN, token="10", layer="3", head="1", changed=item)
    base = TraceRequest("minilm", PRONOUN)
    change = change or engine.run(PatternRequest(base, "encoder", 3, 1, "previous"))
    after = TraceRequest("minilm", PRONOUN, None, (change,))
    assert {key: pieces(each) for key, each in chips(screen).items()} == {item: label}
    found = engine.run(
        MapDifferenceRequest(HeadMapRequest(base, "encoder", 3, 1), HeadMapRequest(after, "encoder", 3, 1))
    )
    shown = screen.shown
    assert [each["title"] for each in shown["panels"]] == ["before", "after", "after − before"]
    assert [each["isDifference"] for each in shown["panels"]] == [False, False, True]
    assert shown["main"] == 1
    for cells, expected in zip(screen.cells, (found.before, found.after, found.difference), strict=True):
        np.testing.assert_allclose(cells, expected, atol=5e-4)
    assert (found.largest > 0.01) == bool(acts_on_map)
    said = f"Largest difference: {points_text(found.largest)}." if found.largest else "No difference at all"
    assert said in shown["caption"]
    kept = engine.run(ChangesRequest(base, after)).kept
    assert part_text(kept[10]) in screen.inspector
    assert min(kept) < 0.9999
    assert part_text(min(kept)) in screen.inspector
    assert "cosine" in screen.inspector
    assert screen.query["changed"] == item
    assert not screen.problems
    assert not screen.notes
    press(screen, f"on_{item}")
    assert not chips(screen)
    assert len(screen.shown["panels"]) == 1
    assert "changed" not in screen.query
    assert "cosine" not in screen.inspector


def test_a_decoders_next_token_before_and_after():
    four = ["head:decoder-17-3", "head:decoder-17-4", "head:decoder-17-5", "head:decoder-18-6"]
    screen = Screen(model="smollm2", text=OSLO, layer="17", head="3", changed=",".join(four))
    off = tuple(ZeroHead("decoder", *map(int, each.split("-")[1:])) for each in four)
    base = TraceRequest("smollm2", OSLO)
    found = engine.run(ChangesRequest(base, TraceRequest("smollm2", OSLO, None, off)))
    first = found.next_tokens[0]
    assert first.text == "or"
    assert "<bdi>or</bdi></td>" in screen.inspector
    # Below what the head looks at.
    changes = screen.inspector.split("headlight-changes")[1]
    row = changes.split("<bdi>or</bdi></td>")[1].split("</tr>")[0]
    assert [part_text(first.before) in row, part_text(first.after) in row] == [True, True]
    assert first.after < 0.05 < 0.6 < first.before
    assert [pieces(each) for each in chips(screen).values()] == [
        f"head L{a} H{b}" for a, b in [(17, 3), (17, 4), (17, 5), (18, 6)]
    ]
    assert screen.shown["offHeads"] == ["17-3", "17-4", "17-5", "18-6"]
    # The other views show the changed run too.
    select(screen, "heads")
    trace = TraceRequest("smollm2", OSLO, None, off)
    size = len(engine.run(base).tokens)
    expected = engine.run(LayerMapsRequest(HeadMapRequest(trace, "decoder", 17, None), (0, size), (0, size)))
    np.testing.assert_allclose(heads_of(screen)[1], expected, atol=5e-4)
    select(screen, "qk")
    shown, drawn = products_of(screen)
    assert not drawn["head_output"].any()
    assert "switched off" in shown["caption"]
    press(screen, "all_on")
    assert not chips(screen)
    assert products_of(screen)[1]["head_output"].any()
    assert "changed" not in screen.query
    assert not screen.problems


@pytest.mark.quick(2)
@pytest.mark.parametrize(
    ("kind", "item", "label", "change"),
    [
        ("cross", "token:2", "token “i”", HideToken(2)),
        ("decoder", "target:1", "token “N”", HideToken(1, in_target=True)),
        ("cross", "head:cross-2-1", "head L2 H1 (cross)", ZeroHead("cross", 2, 1)),
        ("cross", "link:cross-2-1-1-2", "link N → i in L2 H1 (cross)", CutLink("cross", 2, 1, 2, 1)),
        ("decoder", "link:decoder-2-1-1-0", "link N → <pad> in L2 H1 (decoder)", CutLink("decoder", 2, 1, 0, 1)),
    ],
)
def test_a_seq2seq_model_with_something_off(kind, item, label, change):
    screen = opened("spelling_to_sound", "knight", kind, 2, 1, changed=item)
    assert [pieces(each) for each in chips(screen).values()] == [label]
    base, after = trace_of("spelling_to_sound", "knight"), trace_of("spelling_to_sound", "knight", (change,))
    found = engine.run(ChangesRequest(base, after))
    for each in found.steps:
        assert part_text(each.before) in screen.inspector
        assert part_text(each.after) in screen.inspector
    assert "The same output, token by token" in screen.inspector
    expected = engine.run(HeadMapRequest(after, kind, 2, 1))
    np.testing.assert_allclose(screen.cells[1], np.where(expected.visible, expected.weights, np.nan), atol=5e-4)
    assert screen.shown["map"] == f"{kind}-2-1"
    assert screen.component("written_steps") is None, "lines of one run would say nothing of the other"
    assert not screen.problems
    press(screen, f"on_{item}")
    assert (screen.component("written_steps") is not None) == (kind == "cross")


def test_another_text_keeps_heads_and_another_model_keeps_nothing():
    first = "head:encoder-2-3,token:4,link:encoder-3-1-2-1,pattern:encoder-0-0-even"
    screen = Screen(text=PRONOUN, layer="3", head="1", changed=first)
    assert len(chips(screen)) == 4
    opened_first = screen.query
    screen.look("Another text of some words.")
    assert list(chips(screen)) == ["head:encoder-2-3"]
    assert screen.query["changed"] == "head:encoder-2-3"
    # Back to the first address: what was off there is off again.
    screen.test.query_params.clear()
    for name, value in opened_first.items():
        screen.test.query_params[name] = value
    screen.run()
    assert list(chips(screen)) == first.split(",")
    screen.test.sidebar.selectbox(key="model_box").set_value("smollm2")
    screen.run()
    assert not chips(screen)
    assert "changed" not in screen.query
    assert not screen.problems
    assert not screen.notes


@pytest.mark.quick(5)
@pytest.mark.parametrize(
    ("changed", "kept"),
    [
        ("nonsense", []),
        ("head:encoder-3-1;head", []),
        ("head:encoder-٣-1", []),
        ("token:-1", []),
        ("token:999", []),
        ("head:decoder-3-1", []),
        ("head:encoder-99-1", []),
        ("link:encoder-3-1-99-1", []),
        ("target:1", []),
        (HOSTILE, []),
        ("head:encoder-3-1," + HOSTILE, ["head:encoder-3-1"]),
        ("pattern:encoder-3-1-sideways", []),
        (",".join(f"head:encoder-{layer}-{head}" for layer in range(6) for head in range(12)), MOST),
        ("head:encoder-1-1," * 5000, ["head:encoder-1-1"]),
    ],
    ids=lambda each: str(each)[:24],
)
def test_a_link_with_what_is_not_there_is_said_and_the_page_lives(changed, kept):
    screen = Screen(text=PRONOUN, layer="3", head="1", changed=changed)
    assert screen.has_picture
    assert not screen.problems
    assert len(screen.notes) == (0 if changed.endswith(",") else 1)
    assert HOSTILE not in " ".join(screen.notes)
    assert len(chips(screen)) == kept if kept == MOST else list(chips(screen)) == kept
    assert screen.query.get("changed", "").split(",") == (list(chips(screen)) or [""])


def test_one_head_is_named_once_and_has_one_pattern():
    said = "head:encoder-03-01,head:encoder-3-1,pattern:encoder-2-2-even,pattern:encoder-2-2-first"
    assert list(chips(Screen(changed=said))) == ["head:encoder-3-1", "pattern:encoder-2-2-first"]


@pytest.mark.parametrize(
    ("query", "views"),
    [
        ({"model": "smollm2", "text": COUNT, "token": "0", "changed": "token:0"}, ("matrix", "heads", "qk", "model")),
        ({"model": "spelling_to_sound", "text": "a", "changed": "token:0,token:1"}, ("matrix", "qk")),
    ],
    ids=["a decoder's first token", "a whole source"],
)
def test_a_row_that_sees_nothing_is_said_to_be_blank(query, views):
    screen = Screen(**query)
    for view in views:
        select(screen, view)
        assert not screen.problems
        if view != "qk":
            assert "This row is blank: everything that it may look at is switched off." in screen.inspector
    assert screen.shown["view"] == views[-1]


def test_a_pattern_goes_over_what_is_left_to_see():
    screen = Screen(text=PRONOUN, layer="3", head="1", changed="pattern:encoder-3-1-even,token:5")
    size = len(engine.run(TraceRequest("minilm", PRONOUN)).tokens)
    after = screen.cells[1].astype(np.float64)
    assert np.isnan(after[:, 5]).all()
    np.testing.assert_allclose(np.delete(after, 5, axis=1), 1 / (size - 1), atol=5e-4)


@pytest.mark.quick(1)
@pytest.mark.parametrize("model", ["minilm", "smollm2", "spelling_to_sound"])
def test_text_is_data_everywhere(model):
    text = f"&amp; {HOSTILE}"
    tokens = engine.run(trace_of(model, text)).tokens
    kind = {"minilm": "encoder", "smollm2": "decoder", "spelling_to_sound": "cross"}[model]
    everything = [f"token:{place}" for place in range(min(10, len(tokens) - 1))]
    screen = Screen(model=model, text=text, changed=",".join([*everything, f"link:{kind}-1-1-1-0"]))
    labels = list(chips(screen).values())
    assert len(labels) == len(everything) + 1
    assert [pieces(each) for each in labels[:-1]] == [f"token “{token}”" for token in tokens[: len(everything)]]
    for label in labels:
        for place, character in enumerate(label):
            assert character not in "<>`*_[]$:&~" or label[place - 1] == "\\", label
    screen.open_tab(OTHER_TEXT)
    for view in ("heads", "qk", "model"):
        select(screen, view)
        assert not screen.problems
    for page in (html(screen), screen.inspector):
        assert "<img" not in page
        assert "<script" not in page
    assert tokens[0] in screen.shown["queries"] or tokens[0] in screen.shown["keys"]


# ----- Another text


@pytest.mark.parametrize(("model", "layer", "head"), [("minilm", 3, 1), ("smollm2", 17, 3)])
def test_another_text_beside_this_one(model, layer, head):
    screen = Screen(model=model, text=PRONOUN, layer=str(layer), head=str(head)).open_tab(OTHER_TEXT)
    assert screen.test.text_area(key="other_box").value == PRONOUN.replace("tired", "wide")
    kind = "encoder" if model == "minilm" else "decoder"
    header, cells, said = other(screen)
    texts = (PRONOUN, PRONOUN.replace("tired", "wide"))
    found = engine.run(
        MapDifferenceRequest(*(HeadMapRequest(TraceRequest(model, text), kind, layer, head) for text in texts))
    )
    assert [each["title"] for each in header["panels"]] == ["this text", "the other text", "the other − this"]
    for drawn, expected in zip(cells, (found.before, found.after, found.difference), strict=True):
        np.testing.assert_allclose(drawn, expected, atol=5e-4)
    assert "wide" in header["panels"][1]["queries"][found.common]
    if model == "smollm2":
        assert "exactly nothing changes" in said
    else:
        assert f"weights change by up to {points_text(found.largest_before)}" in said
    # More tokens than before; of what both begin with, nothing changes in a decoder.
    typed_other(screen, PRONOUN.replace("tired", "unbelievably wide and long"))
    header, cells, said = other(screen)
    assert screen.query["other"] == PRONOUN.replace("tired", "unbelievably wide and long")
    # What both begin and end with stands for each other, and what is new has no partner.
    count, longer = len(header["panels"][0]["queries"]), len(header["panels"][1]["queries"])
    assert header["panels"][2]["size"] == [count] * 2
    assert header["panels"][2]["queries"][-1] == header["panels"][0]["queries"][-1]
    assert f"The texts have {count} and {longer} tokens" in header["caption"]
    assert f"{longer - count} of the longer one have no partner" in header["caption"]
    assert ("nothing changes" in said or "no more than rounding" in said) == (model == "smollm2")
    assert ("purple" in header["caption"]) == bool(header["panels"][2]["most"])
    # The same text, and one that begins otherwise.
    typed_other(screen, PRONOUN)
    header, _, said = other(screen)
    assert "Both texts are the same to this model" in said
    assert f"press “{screen.test.button(key='other_apply').label}”" in said
    assert "purple" not in header["caption"]
    if model == "smollm2":
        typed_other(screen, f"{PRONOUN.split()[0]} old animal")
        assert "so no later word reaches it." in other(screen)[2]
    if model == "smollm2":
        typed_other(screen, "Every animal, as we know, did cross.")
        assert "differ from their first token on" in other(screen)[2]
    typed_other(screen, "  ")
    assert ["no text" in each for each in screen.problems] == [True]
    assert screen.has_picture, "the picture above stays"
    typed_other(screen, f"{PRONOUN[:-1]} {HOSTILE}")
    assert not screen.problems
    assert "<img" not in html(screen)


@pytest.mark.parametrize("kind", ["encoder", "decoder", "cross"])
def test_another_source_beside_this_one(kind):
    screen = opened("spelling_to_sound", "x", kind, 2, 1, other="ox").open_tab(OTHER_TEXT)
    said = [each for each in lines(screen) if each.startswith(("In the row", "Both ", "The texts"))]
    assert len(said) == 1
    assert "Both maps are of the same output" in said[0] if kind == "decoder" else "first token" in said[0]
    assert not screen.problems
    typed_other(screen, "xi")
    header, _, said = other(screen)
    assert header["panels"][2]["size"] == {"encoder": [2, 2], "decoder": [4, 4], "cross": [4, 2]}[kind]
    assert said.startswith("In the row of the first token, “x”," if kind == "encoder" else "Both maps are of the same")
    if kind != "decoder":
        assert "have 1 and 2 tokens" in header["caption"] or "have 2 and 3 tokens" in header["caption"]
    assert not screen.problems
