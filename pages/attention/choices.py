"""What can be chosen on the attention page."""

from typing import Any

from pages.attention.switched_off import CHANGED
from pages.shared import thread
from pages.shared.link import Choice, NumberPair, is_whole, number_pair, number_within, one_of, whole_number

HEAD_OFF = "What if this head were off?"
MEAN = "mean"
ALL = "all"
KINDS = {"encoder": "Encoder", "decoder": "Decoder", "cross": "Cross"}
WAYS = {"greedy": "Greedy", "beams": "Best of 4 beams", "typed": "Typed"}
LENGTHS = (8, 16, 32, 64)
VIEWS = {"matrix": "Matrix", "heads": "Heads", "model": "Model", "qk": "q·k", "steps": "As it writes"}
# What links from before named them.
_EARLIER_NAMES = {"head": "matrix", "grid": "model"}
LEFT_OUT = {"in": "", "special": "special", "first": "first", "out": "sink"}
BERTVIZ_VIEWS = {"head": "Head view", "model": "Model view"}
SENTENCES = {"all": "All", "aa": "A → A", "ab": "A → B", "ba": "B → A", "bb": "B → B"}


def _number_or(word: str, what: str) -> Any:
    return lambda text: word if text == word else whole_number(what)(text)


def _length(text: str) -> int:
    length = whole_number("length")(text)
    if not 1 <= length <= LENGTHS[-1]:
        raise ValueError(f"The link's length is not between 1 and {LENGTHS[-1]} tokens; 16 are written.")
    return length


def _view(text: str) -> str:
    return one_of("view", tuple(VIEWS))(_EARLIER_NAMES.get(text, text))


def _heads(text: str) -> str:
    numbers = [whole_number("heads")(each) for each in text.split(",") if each]
    return ",".join(map(str, sorted(set(numbers))))


def _zoom(text: str) -> str:
    """Of a part in view: from and to below, in hundredths of a token, of queries and keys."""
    q0, q1, k0, k1, *more = *(int(each) if is_whole(each) else -1 for each in text.split("-")), -1, -1, -1, -1
    if not (0 <= q0 < q1 and 0 <= k0 < k1 and len(more) == 4):
        raise ValueError("The link's zoom is not a part of the map; all of it is shown.")
    return text


def _held(text: str) -> NumberPair:
    sentence = "The link's held token is not 0 or 1, for its side, and a number, as in 1-4; none is held."
    held = number_pair(sentence)(text)
    if held[0] > 1:
        raise ValueError(sentence)
    return held


_least = number_within("The link's smallest weight is not a number from 0 to 1; all weights are drawn.", 0, 1)
LAYER: Choice[int | str | None] = Choice("layer", None, _number_or(ALL, "layer"), is_always=True)
HEAD: Choice[int | str | None] = Choice("head", None, _number_or(MEAN, "head"), is_always=True)
VIEW: Choice[str] = Choice("view", "matrix", _view, is_always=True)
SINK: Choice[str] = Choice("sink", "in", one_of("way to treat the sink", tuple(LEFT_OUT)), is_always=True)
KIND: Choice[str | None] = Choice("kind", None, one_of("kind of attention", tuple(KINDS)), is_always=True)
STEP: Choice[int] = Choice("step", 0, whole_number("step"), thread.OWNERS, is_always=True)
WAY: Choice[str] = Choice("output", "greedy", one_of("way to get the output", tuple(WAYS)), is_always=True)
TARGET: Choice[str] = Choice("target", "", thread.readable, is_always=True)
LENGTH: Choice[int] = Choice("length", 16, _length, is_always=True)
HEADS: Choice[str] = Choice("heads", "", _heads)
LEAST: Choice[float] = Choice("least", 0.0, _least)
SCALE: Choice[str] = Choice("scale", "linear", one_of("scale", ("linear", "log")))
BY: Choice[str] = Choice("by", "weight", one_of("measure of a link", ("weight", "value")))
SENTENCE: Choice[str] = Choice("sentences", "all", one_of("pair of sentences", tuple(SENTENCES)))
POOLED: Choice[str] = Choice("pooled", "max", one_of("way to pool", ("max", "mean")))
PIN: Choice[int | None] = Choice("pin", None, whole_number("pinned token"))
# In the heads view: the side, queries or keys, and which token of it.
HELD: Choice[NumberPair | None] = Choice("held", None, _held, (*thread.OWNERS, KIND))
ZOOM: Choice[str] = Choice("zoom", "", _zoom, (*thread.OWNERS, KIND))
OTHER: Choice[str] = Choice("other", "", thread.readable)
BERTVIZ_VIEW: Choice[str] = Choice("bertviz", "head", one_of("view of BertViz", tuple(BERTVIZ_VIEWS)))
BERTVIZ_LAYERS: Choice[str] = Choice("bertviz_layers", "all", one_of("choice of BertViz's layers", ("all", "one")))
# How far the training was whose state is shown; None for the first of them.
TRAINED: Choice[int | None] = Choice("trained", None, whole_number("number of training steps"), (thread.MODEL,))

OPTIONS = (LEAST, SCALE, BY, SENTENCE, POOLED)
CHOICES: tuple[Choice[Any], ...] = (
    *(LAYER, HEAD, VIEW, SINK, KIND, STEP, WAY, TARGET, LENGTH),
    *(HEADS, *OPTIONS, PIN, HELD, ZOOM, OTHER, CHANGED),
    *(BERTVIZ_VIEW, BERTVIZ_LAYERS, TRAINED),
)


def left_out() -> Any:
    """What is taken out of the rows, as the requests name it."""
    return LEFT_OUT[SINK.value]


def head_name(layer: int | None, head: int | None) -> str:
    """As people write it: L3 H1, the mean over a layer's heads, or the mean over all."""
    if layer is None:
        return "the mean of all layers"
    return f"L{layer} mean" if head is None else f"L{layer} H{head}"


def map_name(kind: str, layer: int | None, head: int | None) -> str:
    """As programs read it: cross-2-1, decoder-4-mean, encoder-all-mean."""
    return f"{kind}-{ALL if layer is None else layer}-{MEAN if head is None else head}"
