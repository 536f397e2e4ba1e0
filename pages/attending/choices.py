"""What can be chosen on the attention page, and what this model makes of it."""

from typing import TYPE_CHECKING, Any

from models.catalog import MODELS
from pages.shared import thread
from pages.shared.examples import ATTENTION, AttentionExample
from pages.shared.link import Choice, note, one_of, whole_number

if TYPE_CHECKING:
    from models.attention import TracedText

MEAN = "mean"
ALL = "all"
KINDS = {"encoder": "Encoder", "decoder": "Decoder", "cross": "Cross"}
WAYS = {"greedy": "Greedy", "beams": "Best of 4 beams", "typed": "Typed"}
LENGTHS = (8, 16, 32, 64)
VIEWS = {"head": "One head", "grid": "All heads", "steps": "As it writes"}


def _number_or(word: str, what: str) -> Any:
    return lambda text: word if text == word else whole_number(what)(text)


def _length(text: str) -> int:
    length = whole_number("length")(text)
    if not 1 <= length <= LENGTHS[-1]:
        raise ValueError(f"The link's length is not between 1 and {LENGTHS[-1]} tokens; 16 are written.")
    return length


LAYER: Choice[int | str | None] = Choice("layer", None, _number_or(ALL, "layer"))
HEAD: Choice[int | str | None] = Choice("head", None, _number_or(MEAN, "head"))
VIEW: Choice[str] = Choice("view", "head", one_of("view", tuple(VIEWS)))
SINK: Choice[str] = Choice("sink", "in", one_of("way to treat the sink", ("in", "out")))
KIND: Choice[str | None] = Choice("kind", None, one_of("kind of attention", tuple(KINDS)))
STEP: Choice[int] = Choice("step", 0, whole_number("step"))
WAY: Choice[str] = Choice("output", "greedy", one_of("way to get the output", tuple(WAYS)))
TARGET: Choice[str] = Choice("target", "", thread.readable)
LENGTH: Choice[int] = Choice("length", 16, _length)

_ALWAYS = (*thread.THREAD, LAYER, HEAD, VIEW, SINK)
EVERY = (*_ALWAYS, KIND, STEP, WAY, TARGET, LENGTH)


def in_the_link() -> tuple[Choice[Any], ...]:
    """The choices that mean something for what is shown now."""
    if family() == "seq2seq":
        return (*_ALWAYS, KIND, STEP, WAY, *([TARGET] if WAY.value == "typed" else []))
    return (*_ALWAYS, STEP, LENGTH) if is_writing() else _ALWAYS


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
    VIEW.choose("head")
    SINK.choose("in")


def views() -> list[str]:
    """What this model can be shown as: a decoder also while it writes."""
    return [view for view in VIEWS if view != "steps" or family() == "decoder"]


def chosen_view() -> None:
    """A view that this model does not have gives way to one head; the model was changed with another one in view."""
    if VIEW.value not in views():
        VIEW.choose("head")


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
