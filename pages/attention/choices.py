"""What can be chosen on the attention page, and what this model makes of it."""

from typing import TYPE_CHECKING, Any

from models.catalog import MODELS
from pages.attention.changed import CHANGED
from pages.shared import thread
from pages.shared.examples import ATTENTION, AttentionExample
from pages.shared.link import Choice, note, one_of, whole_number

if TYPE_CHECKING:
    from models.attention import TracedText

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


def _least(text: str) -> float:
    try:
        least = float(text)
    except ValueError:
        least = -1.0
    if not 0 <= least <= 1:
        raise ValueError("The link's smallest weight is not a number from 0 to 1; all weights are drawn.")
    return least


LAYER: Choice[int | str | None] = Choice("layer", None, _number_or(ALL, "layer"))
HEAD: Choice[int | str | None] = Choice("head", None, _number_or(MEAN, "head"))
VIEW: Choice[str] = Choice("view", "matrix", _view)
SINK: Choice[str] = Choice("sink", "in", one_of("way to treat the sink", tuple(LEFT_OUT)))
HEADS: Choice[str] = Choice("heads", "", _heads)
LEAST: Choice[float] = Choice("least", 0.0, _least)
SCALE: Choice[str] = Choice("scale", "linear", one_of("scale", ("linear", "log")))
BY: Choice[str] = Choice("by", "weight", one_of("measure of a link", ("weight", "value")))
SENTENCE: Choice[str] = Choice("sentences", "all", one_of("pair of sentences", tuple(SENTENCES)))
POOLED: Choice[str] = Choice("pooled", "max", one_of("way to pool", ("max", "mean")))
PROJECTOR: Choice[str] = Choice("projector", "off", one_of("projector mode", ("off", "on")))
OTHER: Choice[str] = Choice("other", "", thread.readable)
OPTIONS = (LEAST, SCALE, BY, SENTENCE, POOLED)
KIND: Choice[str | None] = Choice("kind", None, one_of("kind of attention", tuple(KINDS)))
STEP: Choice[int] = Choice("step", 0, whole_number("step"))
WAY: Choice[str] = Choice("output", "greedy", one_of("way to get the output", tuple(WAYS)))
TARGET: Choice[str] = Choice("target", "", thread.readable)
LENGTH: Choice[int] = Choice("length", 16, _length)

_ALWAYS = (*thread.THREAD, LAYER, HEAD, VIEW, SINK)
# In the link only where they were changed: most never are.
_SELDOM = (HEADS, *OPTIONS, PROJECTOR, OTHER, CHANGED)
EVERY = (*_ALWAYS, KIND, STEP, WAY, TARGET, LENGTH, *_SELDOM)


def in_the_link() -> tuple[Choice[Any], ...]:
    """The choices that mean something for what is shown now."""
    seldom = tuple(each for each in _SELDOM if each.value != each.default)
    if family() == "seq2seq":
        return (*_ALWAYS, KIND, STEP, WAY, *([TARGET] if WAY.value == "typed" else []), *seldom)
    return (*_ALWAYS, STEP, LENGTH, *seldom) if is_writing() else (*_ALWAYS, *seldom)


def family() -> str:
    """Of the chosen model."""
    return MODELS[thread.MODEL.value].family


def is_writing() -> bool:
    """Whether a decoder's own writing is shown step by step."""
    return VIEW.value == "steps" and family() == "decoder"


def open_example(example: AttentionExample) -> None:
    """Show an example as it was meant: its model, its text, its head, its token."""
    thread.choose_model(example.model)
    thread.choose_text(example.text)
    thread.TOKEN.choose(example.token)
    KIND.choose(example.kind)
    STEP.choose(example.step)
    WAY.choose("greedy")
    LAYER.choose(example.layer)
    HEAD.choose(example.head)
    VIEW.choose("matrix")
    SINK.choose("in")
    for each in (HEADS, *OPTIONS, CHANGED, OTHER):
        each.forget()


def forget_for_text() -> None:
    """What belonged to the text that was there before."""
    STEP.choose(0)
    OTHER.forget()


def views() -> list[str]:
    """What this model can be shown as: a decoder also while it writes."""
    return [view for view in VIEWS if view != "steps" or family() == "decoder"]


def chosen_view() -> None:
    """A view that this model does not have gives way to the matrix; the model was changed with another one in view."""
    if VIEW.value not in views():
        VIEW.choose("matrix")


def chosen_kind(traced: "TracedText") -> str:
    """The kind of attention to show: cross-attention where there is any, unless another is chosen."""
    kind = KIND.value
    if kind is not None and kind not in traced.kinds:
        if family() == "seq2seq":
            note(f"This model has no {KINDS[kind].lower()} attention; another kind is shown.")
        kind = None
    kind = kind or traced.kinds[-1]
    KIND.choose(kind if family() == "seq2seq" else None)
    return kind


def chosen_head(traced: "TracedText", kind: str) -> tuple[int | None, int | None]:
    """The layer (None: all) and head (None: the mean) to show; what this model does not have is said and replaced."""
    opening = next((each for each in ATTENTION if each.model == thread.MODEL.value), None)
    if opening is not None and (opening.kind or kind) != kind:
        opening = None
    layers = traced.layers_of(kind)
    layer = LAYER.value
    if layer == ALL:
        HEAD.choose(MEAN)
        return None, None
    if layer is not None and layer not in layers:
        note(f"There is no layer {layer}: this model has maps of layers {layers[0]} to {layers[-1]}; another is shown.")
        layer = None
    if layer is None:
        layer = opening.layer if opening and opening.layer in layers else layers[len(layers) // 2]
    head, heads = HEAD.value, traced.heads_of(kind, int(layer))
    if isinstance(head, int) and head >= heads:
        note(f"There is no head {head}: layer {layer} has heads 0 to {heads - 1}; another is shown.")
        head = None
    if head is None:
        head = opening.head if opening and opening.head < heads else 0
    LAYER.choose(layer)
    HEAD.choose(head)
    return int(layer), None if head == MEAN else int(head)


def choose_head(head: str | int | None) -> None:
    """Look at this head. Where one other alone was drawn as lines, this one is now."""
    HEAD.choose(head)
    if HEADS.value and "," not in HEADS.value:
        HEADS.choose("")


def shown_heads(heads: int, head: int | None) -> tuple[int, ...]:
    """The heads whose lines are drawn: those that were chosen, else the one that is looked at, else all."""
    chosen = tuple(number for each in HEADS.value.split(",") if each and (number := int(each)) < heads)
    return chosen or (tuple(range(heads)) if head is None else (head,))


def left_out() -> Any:
    """What is taken out of the rows, as the requests name it."""
    return LEFT_OUT[SINK.value]


def is_projected() -> bool:
    """Large letters, controls away."""
    return PROJECTOR.value == "on"


def chosen_step(steps: int) -> int:
    """The step to show, of `steps`; one beyond the output is said and not taken."""
    step = STEP.value
    if step >= steps:
        note(f"There is no step {step}: this output has steps 0 to {steps - 1}; the last one is shown.")
        step = steps - 1
    STEP.choose(step)
    return step


def head_name(layer: int | None, head: int | None) -> str:
    """As people write it: L3 H1, the mean over a layer's heads, or the mean over all."""
    if layer is None:
        return "the mean of all layers"
    return f"L{layer} mean" if head is None else f"L{layer} H{head}"


def map_name(kind: str, layer: int | None, head: int | None) -> str:
    """As programs read it: cross-2-1, decoder-4-mean, encoder-all-mean."""
    return f"{kind}-{ALL if layer is None else layer}-{MEAN if head is None else head}"
