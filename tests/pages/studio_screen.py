"""What is read from the attention studio's screen: its views' numbers, what is off, what stands in sentences."""

import numpy as np

from models.attention import TraceRequest
from models.decoding import DecodingSettings, WriteRequest
from models.engine import engine
from tests.pages.screen import Screen
from tests.viz.wire import header_of, unpack

PRONOUN = "The animal didn't cross the street because it was too tired."
COUNT = "One two three four."
HOSTILE = "</script><img src=x onerror=1>"


def opened(model, text, kind, layer, head, **query):
    more = {"kind": kind} if model == "spelling_to_sound" else {}
    return Screen(model=model, text=text, layer=str(layer), head=str(head), **more, **query)


def trace_of(model, text, interventions=()):
    target = None
    if model == "spelling_to_sound":
        target = tuple(
            step.token_id for step in engine.run(WriteRequest(model, text, DecodingSettings(max_new_tokens=128)))
        )
    return TraceRequest(model, text, target, interventions)


def heads_of(screen):
    """The header and the lines [head, query, key] of the heads view."""
    shown = screen.shown
    assert shown["view"] == "heads"
    return shown, unpack(screen.component("attention_view"), (f"float{shown['bits']}", tuple(shown["shape"])))[1][0]


def products_of(screen):
    """The header and the numbers of the q·k view."""
    shown = screen.shown
    assert shown["view"] == "qk"
    keys, wide, values = len(shown["places"]), shown["dim"], shown["valueDim"]
    shapes = [(wide,), (keys, wide), (keys,), (keys,), (keys,), (keys,), (keys, values), (values,)]
    shapes += [(shown["joined"],), (shown["width"],)]
    names = ("query", "keys", "dots", "added", "scores", "weights", "values", "head_output", "concatenated", "output")
    arrays = unpack(screen.component("attention_view"), *((np.float32, each) for each in shapes))[1]
    return shown, dict(zip(names, arrays, strict=True))


def chips(screen):
    return {each.key.removeprefix("on_"): each.label for each in screen.test.button if str(each.key).startswith("on_")}


def press(screen, key):
    screen.test.button(key=key).click()
    return screen.run()


def with_more(screen):
    screen.test.session_state["more_options"] = True
    return screen.run()


def select(screen, view):
    screen.test.segmented_control(key="view_box").set_value(view)
    return screen.run()


def html(screen):
    return " ".join(each.proto.body for each in screen.test.get("html"))


def lines(screen):
    """The sentences of second rank on the whole page."""
    return html(screen).split('<p class="headlight-line">')[1:]


def pieces(label):
    """A chip's label as it is read, its signs no longer escaped."""
    return label.removeprefix("✕ ").replace("\\", "")


def other(screen):
    """The panels of the tab with another text, and the sentence above them."""
    message = screen.component("other_view")
    header = header_of(message)
    shapes = [(f"float{header['bits']}", (each["rows"], each["columns"])) for each in header["panels"]]
    said = [each for each in lines(screen) if each.startswith(("In the row", "Both ", "The texts"))]
    assert len(said) == 1
    return header, unpack(message, *shapes)[1], said[0]


def typed_other(screen, text):
    screen.test.text_area(key="other_box").set_value(text)
    return screen.run()
