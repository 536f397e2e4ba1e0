"""What each browser component may be sent: messages of one token, of none, of many, and with lengths that differ."""

import base64
from importlib import import_module

import numpy as np

from viz.components.scaffold.bundling import COMPONENTS

MANY = 300


def drawn_components():
    """The names of those that draw: whose script mounts a view."""
    scripts = sorted(COMPONENTS.glob("*/index.js"))
    return [each.parent.name for each in scripts if "export default mount(" in each.read_text()]


def samples(name):
    """By name: the message to the component, its states (by the name of its picture), and the parts of its feed."""
    return {
        label: {
            "data": base64.b64encode(data).decode(),
            "states": states,
            "feed": [base64.b64encode(each).decode() for each in feed],
        }
        for label, data, states, feed in globals()[f"_{name}"]()
    }


def skeleton_of(name):
    """The HTML that it draws into."""
    from viz.components.scaffold import skeleton

    return skeleton(name, getattr(import_module(f"viz.components.{name}"), "_PARTS", ""))


def _weights(rows, columns):
    return np.full((rows, columns), 1 / max(columns, 1), dtype=np.float32)


def _attention_view():
    from tests.viz.test_attention_view import FRAME, frame, products_of
    from viz.components.attention_view import Heads, Matrix, Model, Panel, Products, packed, state_of

    def sample(label, shown, view):
        data, of = packed(shown, view)
        return label, data, {"attention_view": {"of": of, **state_of(shown, view)}}, []

    def matrix(rows, columns, **more):
        panel = Panel("L3 H1", _weights(rows, columns), 1.0, (rows, columns))
        return Matrix((panel,), _weights(1, columns)[0], **more)

    def labelled(title, count):
        names = tuple(f"{title}{place}" for place in range(count))
        return Panel(title, _weights(count, count), 1.0, (count, count), labels=(names, names))

    for count in (3, 1, 40, 0):
        shown = frame(count, selected=0, special=(), can_switch=True)
        yield sample(f"matrix of {count}", shown, matrix(count, count))
        if count:
            yield sample(f"heads of {count}", shown, Heads(np.stack([_weights(count, count)] * 2), (0, 1)))
            ones = np.ones((count, 4), dtype=np.float32)
            yield sample(f"qk of {count}", shown, Products(tuple(range(count)), products_of(ones)))
    thumbnails = np.full((2, 2, 3, 3), 2000, dtype=np.uint16)
    yield sample("model", frame(3), Model(thumbnails, (0, 1)))
    two = (labelled("this", 3), labelled("other", 5))
    for longest, others in ((5, two), (5, two[::-1]), (3, two)):
        view = Matrix(others, others[0].cells[0], has_strip=False)
        yield sample(f"two texts over {longest}, {others[0].title} first", frame(longest, selected=-1), view)
    apart = Panel("difference", np.zeros((0, 0), np.float32), 0.0, (0, 0), is_difference=True, labels=two[1].labels)
    view = Matrix((*two, apart), two[0].cells[0], has_strip=False)
    yield sample("two texts that begin otherwise", frame(5, selected=-1), view)
    yield sample("a source and an output", frame(2, keys=tuple("abcde"), kind="cross", selected=1), matrix(2, 5))
    row = _weights(1, 7)[0]
    yield sample("a row of another length", FRAME, Matrix((Panel("a", _weights(1, 1), 1.0, (2, 2)),), row))


def _block_diagram():
    from tests.viz.test_block_diagram import layer, row
    from viz.components.block_diagram import BlockDiagram, packed

    def sample(label, rows, selected=None):
        return label, packed(BlockDiagram(rows, (10**9, 2 * 10**9, 10**9), selected, "caption")), {}, []

    yield sample("a layer opened", [row(5, opened=1), layer()], (1, 1))
    yield sample("one box", [row(1)], (0, 0))
    yield sample("many", [row(MANY)])
    yield sample("rows by themselves", [layer(), layer(mark="new")])
    yield sample("nothing in a row", [row(0)])
    yield sample("none", [])


def _cache_growth():
    from tests.viz.test_kv_cache import picture, step
    from viz.components.cache_feed import packed as packed_steps
    from viz.components.cache_growth import packed

    runs = {
        "many": ([step(0, positions=2), *map(step, range(1, 40))], {"selected": None}),
        "one": ([step(0, positions=2)], {}),
        "none": ([], {}),
        "fewer columns than the prompt": ([step(0)], {"selected": 9}),
        "a source": ([step(0, positions=2, source=4), step(1)], {"source": tuple("abcd"), "pinned": (0, 1)}),
    }
    for label, (steps, more) in runs.items():
        feed = [packed_steps(label, steps, 0, is_done=True)] if steps else []
        yield label, packed(picture(run=label, **more)), {}, feed


def _framed_document():
    from viz.components.scaffold import pack_picture

    says = "<script>parent.postMessage({height: 90}, '*')</script>"
    for label, text in (("short", "short"), ("empty", ""), ("long", "long " * 9000)):
        data = np.frombuffer((text + says).encode(), dtype=np.uint8)
        yield label, pack_picture({"title": label, "size": len(data)}, (data,)), {}, []


def _head_atlas():
    from tests.viz.test_head_atlas import effects, roles
    from viz.components.head_atlas import packed

    sizes = {"six layers": (12,) * 6, "thirty": (9,) * 30, "2,000 heads": (32,) * 64, "one head": (1,), "none": ()}
    sizes |= {"heads that differ": (4, 0, 2, 8), "no attention at all": (0, 0)}
    for label, heads in sizes.items():
        yield label, packed(roles(heads)), {}, []
        yield f"{label}, effects", packed(effects(heads)), {}, []
    yield "tokens for heads", packed(effects((3, 3), rows=("a", "of a long name" * 9, "</b>"))), {}, []
    yield "one role of a head that is selected", packed(roles((3, 3), only=1, selected=(1, 2))), {}, []
    yield "no roles", packed(roles((3, 3), count=0)), {}, []
    yield "selected beyond", packed(roles((3, 3), selected=(9, 9))), {}, []


def _knob_sliders():
    from viz.components.knob_sliders import KnobSlider
    from viz.components.scaffold import pack_picture

    knobs = [vars(KnobSlider(name, name, "says", 1.0, 1.0, 0.0, 2.0, 0.05, 2)) for name in ("one", "other")]
    for label, some in (("two", knobs), ("one", knobs[:1]), ("none", [])):
        yield label, pack_picture({"picture": "next_token", "sliders": some, "heard": 0}), {}, []


def _vector_map():
    from tests.viz.test_embeddings import vector_map
    from viz.components.vector_map import packed, state_of

    for points in (7, 1, MANY, 0):
        for axes in (2, 3):
            places = np.random.default_rng(points).random((3, points, axes)).astype(np.float32)
            shown = vector_map(places, point=0 if points else None, near=[points - 1] if points > 1 else [])
            data, of = packed(shown)
            yield f"{points} points on {axes} axes", data, {"vector_map": {"of": of, **state_of(shown)}}, []


def _lens_grid():
    from viz.components.lens_grid import LensGrid, packed

    for count in (3, 1, MANY, 0):
        pieces = [[f"p{place}" for place in range(count)]] * 2
        tokens = [f"t{place}" for place in range(count)]
        selected = (1, count - 1) if count else None
        grid = LensGrid(tokens, 0, ["input", "L1"], pieces, _weights(2, count), selected, "caption")
        yield f"{count} tokens", packed(grid), {}, []


def _figure_grid():
    from tests.viz.test_figure_grid import figures
    from viz.components.figure_grid import packed

    for count in (3, 1, MANY, 0):
        yield f"{count} rows", packed(figures(count, selected=count - 1 if count else None)), {}, []
        yield f"{count} rows without groups", packed(figures(count, groups=(), measures=())), {}, []


def _next_token():
    from tests.viz.test_next_token import picture
    from viz.components.next_token import packed

    yield "some", packed(picture()), {}, []
    yield "nothing selected", packed(picture(selected=None, drawn=None)), {}, []
    yield "one token", packed(picture(top=picture().top[:1], selected=None)), {}, []
    yield "none", packed(picture(top=(), selected=None, drawn=None)), {}, []
    shown = picture()
    yield "one stage", packed(picture(stages=shown.stages[:1], curves=shown.curves[:1])), {}, []


def _sentence_arcs():
    from tests.viz.test_sentence_arcs import across, sentence
    from viz.components.sentence_arcs import packed

    for count in (9, 1, MANY, 0):
        yield f"{count} words", packed(sentence(count)), {}, []
        yield f"{count} words without grammar", packed(sentence(count, has_grammar=False)), {}, []
    for rows, columns in ((3, 5), (5, 1), (2, MANY)):
        yield f"{rows} words that look at {columns} others", packed(across(rows, columns)), {}, []


def _token_columns():
    from models.tokenization.pieces import Look
    from models.tokenization.text_window import Column, Comparison
    from viz.components.token_columns import ColumnHead, ColumnsPicture, packed

    def column(text, size):
        data = text.encode()
        cuts = np.array([(at, min(at + size, len(data))) for at in range(0, len(data), size)], np.int32).reshape(-1, 2)
        looks = tuple(Look(text[a:b], data[a:b], is_special=False, is_unknown=False, token=text[a:b]) for a, b in cuts)
        numbers = tuple(range(len(cuts)))
        return Column(numbers, looks, numbers, np.array(numbers, dtype=np.uint16), cuts[:, 0], cuts[:, 1])

    for label, text in (("some", "a short text"), ("one token", "a"), ("none", ""), ("many", "abcdefgh" * MANY)):
        stretches = np.array([[0, min(3, len(text))]] if text else [], dtype=np.int32).reshape(-1, 2)
        columns = (column(text, 3), column(text, 2))
        comparison = Comparison(0, len(text), text, columns, stretches, (), len(stretches))
        heads = tuple(ColumnHead(name, name, len(text), "") for name in ("one", "two"))
        yield label, packed(ColumnsPicture(comparison, heads, (0, 1) if text else None, "caption")), {}, []


def _written_steps():
    from tests.viz.test_written_steps import picture
    from viz.components.written_steps import packed

    yield "some", packed(picture()), {}, []
    yield "one", packed(picture(keys=("a",), outputs=("b",), texts=("b",))), {}, []
    many = tuple(f"k{place}" for place in range(MANY))
    yield "many", packed(picture(keys=many)), {}, []
    few = tuple("abcd")
    own = {"keys": few, "outputs": few[2:], "texts": few[2:], "written_from": 2}
    yield "the text itself", packed(picture(**own)), {}, []


def _written_text():
    from viz.components.written_text import BranchLine, WrittenText, WrittenToken, packed

    for count in (2, 1, MANY, 0):
        tokens = [WrittenToken(f" t{place}", f"␣t{place}", 0.5, 0.25, place) for place in range(count)]
        branches = [BranchLine("", 0, "a", 0), BranchLine("b", 1, "c", 1)] if count else []
        shown = WrittenText("before", tokens, 0, True, True, "rank", 1000, "says", branches, 0)
        yield f"{count} tokens", packed(shown), {}, []


def _lesson_list():
    from viz.components.scaffold import pack_picture

    def lessons(count):
        words = {"theme": "Reading", "minutes": 5, "aim": "You can read.", "cures": "“No.”", "sources": ["A paper"]}
        return [{"name": f"l{place}", "title": f"Lesson {place}", "steps": 5, **words} for place in range(count)]

    for count in (3, 1, 40, 0):
        yield f"{count} lessons", pack_picture({"lessons": lessons(count)}), {}, []


def _lesson_rail():
    from viz.components.lesson_rail import Rail, RailResult, packed

    plain = {"lesson": "l", "title": "A lesson", "step": 2, "count": 5, "say": "One thing."}
    options = ("a", "b", "</script>")
    results = {
        "choose": RailResult(0, "You chose “a”.", False, (1.0, 0.5, 0.0), ("1", "2", "0"), (1,)),
        "number": RailResult(3, "Close.", True, ends=(0.3, 0.4)),
        "order": RailResult((2, 1, 0), "One of three.", False, (1.0, 0.5, 0.0), ("1", "2", "0"), (0, 1, 2)),
        "draw": RailResult((0.1, 0.2, 0.3), "Off.", False, (1.0, 0.5, 0.0), ("1", "2", "0")),
    }
    yield "says one thing", packed(Rail(**plain)), {}, []
    for kind, result in results.items():
        asked = {"kind": kind, "prompt": "Which?", "options": () if kind == "number" else options, "most": 10}
        yield f"asks to {kind}", packed(Rail(**plain, **asked, is_open=False, is_covered=True)), {}, []
        yield f"answers {kind}", packed(Rail(**plain, **asked, result=result, after="So it is.")), {}, []
    yield "a problem", packed(Rail(**plain, kind="choose", problem="No such word.", is_open=False, is_own=True)), {}, []


def _room_bar():
    from viz.components.room_bar import RoomBar
    from viz.components.scaffold import fields_of, pack_picture

    plain = {"code": "KTF-MXH-3RD", "room": "KTFMXH3RD", "is_known": True}
    bars = {
        "a follower": RoomBar(**plain, is_teacher=False, member="m", place="Attention"),
        "who explores": RoomBar(**plain, is_teacher=False, is_following=False, place="</script>"),
        "frozen, and the teacher is away": RoomBar(**plain, is_teacher=False, is_frozen=True, has_teacher=False),
        "a teacher": RoomBar(**plain, is_teacher=True, here=28, following=25, may_ask=True),
        "a teacher who asks": RoomBar(**plain, is_teacher=True, is_asked=True, is_together=False, problem="No."),
        "the wall": RoomBar(**plain, is_teacher=False, is_wall=True),
    }
    for label, shown in bars.items():
        yield label, pack_picture(fields_of(shown)), {}, []


def _room_question():
    from viz.components.room_question import GuessBar, RoomQuestion, packed

    step = {"title": "A lesson", "step": 2, "count": 5, "say": "One thing.", "covers": True}
    rows = (
        GuessBar("a", 1.0, "12", 0.5, "40 %", is_right=True),
        GuessBar("</script>", 0.0, "0", 1.0, "80 %", is_own=True),
    )
    bins = (GuessBar("0 to 1", 1.0, "3", is_right=True, is_own=True), GuessBar("1 to 2", 0.0, "0"))
    yield "a step", packed(RoomQuestion(0, **step)), {}, []
    for kind in ("choose", "number", "order", "draw"):
        asked = {"kind": kind, "prompt": "Which?", "options": () if kind == "number" else ("a", "b", "c"), "most": 10}
        yield f"asks to {kind}", packed(RoomQuestion(1, **step, **asked, may_guess=True, is_covered=True)), {}, []
    for label, shown in (("options", rows), ("tenths", bins), ("nobody answered", ())):
        said = {"rows": shown, "says": "Yes.", "class_says": "12 of 12.", "after": "So it is."}
        yield f"reveals {label}", packed(RoomQuestion(1, **step, prompt="Which?", answered=12, of=12, **said)), {}, []
