"""What this model and this text make of what was chosen on the attention page."""

from typing import TYPE_CHECKING, Any, NamedTuple

import streamlit as st

from models.catalog import MODELS
from pages.attention.choices import (
    ALL,
    CHOICES,
    HEAD,
    HEADS,
    KIND,
    KINDS,
    LAYER,
    LENGTH,
    MEAN,
    PIN,
    STEP,
    TARGET,
    VIEW,
    VIEWS,
    WAY,
    head_name,
)
from pages.attention.examples import EXAMPLES
from pages.shared import thread
from pages.shared.link import Choice, note

if TYPE_CHECKING:
    from models.attention import TracedText

_PINNED = "attending:pinned"


class _Word(NamedTuple):
    """What a token is of the text, and at which character it begins; of an output, or a special token, its name."""

    text: str
    start: int | None


class _Pinned(NamedTuple):
    """A pin and the words that it is of: of a model, a text and a kind."""

    of: tuple[str, str, str]
    pin: int
    query: _Word
    key: _Word


def said() -> tuple[Choice[Any], ...]:
    """The choices that mean something for what is shown now."""
    if family() == "seq2seq":
        nothing = {LENGTH} if WAY.value == "typed" else {LENGTH, TARGET}
    else:
        nothing = {KIND, WAY, TARGET} if is_writing() else {KIND, WAY, TARGET, STEP, LENGTH}
    return tuple(each for each in CHOICES if each not in nothing)


def pictured() -> tuple[str, ...]:
    """What is shown now, in words: the view, the kind of attention, layer and head."""
    kind = KIND.value or family()
    layer, head = (each if isinstance(each, int) else None for each in (LAYER.value, HEAD.value))
    return VIEWS[VIEW.value], f"{KINDS.get(kind, kind)} attention", head_name(layer, head)


def family() -> str:
    """Of the chosen model."""
    return MODELS[thread.MODEL.value].family


def is_writing() -> bool:
    """Whether a decoder's own writing is shown step by step."""
    return VIEW.value == "steps" and family() == "decoder"


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
    opening = next((each for each in EXAMPLES if each.model == thread.MODEL.value), None)
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
    """Look at this head."""
    HEAD.choose(head)
    draw_one_head()


def draw_one_head() -> None:
    """Where one other head alone was drawn as lines, the one that is looked at is now."""
    if HEADS.value and "," not in HEADS.value:
        HEADS.forget()


def forget_layer() -> None:
    """Each kind has layers of its own: the opening ones are shown, unless all are."""
    if LAYER.value != ALL:
        LAYER.forget()
        HEAD.forget()


def shown_heads(heads: int, head: int | None) -> tuple[int, ...]:
    """The heads whose lines are drawn: those that were chosen, else the one that is looked at, else all."""
    chosen = tuple(number for each in HEADS.value.split(",") if each and (number := int(each)) < heads)
    return chosen or (tuple(range(heads)) if head is None else (head,))


def keep_pin(traced: "TracedText", kind: str, selected: int) -> None:
    """The pinned key: with another model or text the same word at the same place, or the only one; else none, and why.

    It is pinned beside a word that looks at it, so it goes with that as well.
    """
    pin, axes = PIN.value, traced.axes(kind)
    before: _Pinned | None = st.session_state.pop(_PINNED, None)
    if pin is None:
        return
    now = (thread.MODEL.value, thread.TEXT.value, kind)
    keys = _words(traced, axes.columns, axes.columns_are_target)
    queries = _words(traced, axes.rows, axes.rows_are_target)
    query = queries[selected]
    if before is not None and before.pin == pin and before.of != now:
        same = [place for place, word in enumerate(keys) if word.text == before.key.text]
        here = [place for place in same if keys[place].start == before.key.start]
        found = here or same
        pin = found[0] if len(found) == 1 and query.text == before.query.text else None
        if pin is None:
            why = _why_unpinned(before, {word.text for word in queries}, len(same))
            note(f"“{before.query.text} → {before.key.text}” was pinned; {why}, so nothing is pinned.")
    elif pin >= len(keys):
        note(f"The link pins token {pin}; there are tokens 0 to {len(keys) - 1}, so none is pinned.")
        pin = None
    PIN.choose(pin)
    if pin is not None:
        st.session_state[_PINNED] = _Pinned(now, pin, query, keys[pin])


def _why_unpinned(before: _Pinned, queries: set[str], keys: int) -> str:
    """What is missing of it: its words, or, of a key that is there so many times, which one is meant."""
    missing = [
        word.text for word, is_here in ((before.query, before.query.text in queries), (before.key, keys)) if not is_here
    ]
    if missing:
        named = " and ".join(f"“{each}”" for each in dict.fromkeys(missing))
        return f"{named} {'are' if len(set(missing)) > 1 else 'is'} not here"
    if keys > 1:
        return f"“{before.key.text}” is here {keys} times"
    return f"another token than “{before.query.text}” is selected now"


def _words(traced: "TracedText", names: tuple[str, ...], are_target: bool) -> list[_Word]:
    """Of rows or columns."""
    if are_target:
        return [_Word(each, None) for each in names]
    text = thread.TEXT.value
    pieces = [text[start:end] for start, end in traced.spans]
    return [
        _Word(piece.strip() or name, start + len(piece) - len(piece.lstrip()) if piece.strip() else None)
        for name, piece, (start, _) in zip(names, pieces, traced.spans, strict=True)
    ]


def chosen_step(steps: int) -> int:
    """The step to show, of `steps`; one beyond the output is said and not taken."""
    step = STEP.value
    if step >= steps:
        note(f"There is no step {step}: this output has steps 0 to {steps - 1}; the last one is shown.")
        step = steps - 1
    STEP.choose(step)
    return step
