"""What does each token look at? One head as a strip and a map, or the lines between an output and its source; all
heads as thumbnails one click away.
"""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from models.catalog import MODELS
from pages.attention import output, pictures, switched_off, writing_steps
from pages.attention.choices import (
    ALL,
    BY,
    CHOICES,
    HEAD,
    KIND,
    KINDS,
    LAYER,
    LENGTH,
    LENGTHS,
    MEAN,
    OTHER,
    POOLED,
    SINK,
    TARGET,
    VIEW,
    VIEWS,
    left_out,
)
from pages.attention.examples import EXAMPLES
from pages.attention.inspector import inspect, inspect_changes, inspect_step
from pages.attention.more_options import more
from pages.attention.other_text import with_another_end
from pages.attention.selection import (
    chosen_head,
    chosen_kind,
    chosen_step,
    chosen_view,
    draw_one_head,
    family,
    forget_layer,
    is_writing,
    keep_pin,
    pictured,
    said,
    views,
)
from pages.attention.tabs import OTHER_TEXT, below
from pages.shared import projector, thread
from pages.shared.asking_engine import ask, let_it_leave
from pages.shared.bound_widgets import bound, pick, toggle
from pages.shared.loading import loading
from pages.shared.messages import problem, show_notes
from pages.shared.page import Page, columns, inspector_in, show, tab_name
from pages.shared.plain_text import plain
from viz.components.attention_view import attention_view_library

if TYPE_CHECKING:
    from models.attention import HeadMapRequest, HeadPicture, TracedText, TraceRequest

# Room for three maps side by side: before, after and their difference.
COLUMNS = (2.2, 6.8, 2.8)


def which(traced: "TracedText", kind: str, layer: int | None, head: int | None) -> None:
    """The controls on the left: which kind, which layer, which head."""
    names = {each: VIEWS[each] for each in views()}
    pick(VIEW, "Show", names, label_visibility="collapsed")
    if is_writing():
        bound(st.select_slider, LENGTH, "New tokens", sorted({*LENGTHS, LENGTH.value}))
    if len(traced.kinds) > 1:
        names = {each: KINDS[each] for each in traced.kinds}
        pick(KIND, "Attention", names, also=forget_layer)
    if traced.without_maps:
        st.caption(traced.without_maps)
    bound(st.select_slider, LAYER, "Layer", [*traced.layers_of(kind), ALL])
    heads = [MEAN, *range(0 if layer is None else traced.heads_of(kind, layer))]
    bound(st.segmented_control, HEAD, "Head", heads, required=True, wrap=True, also=draw_one_head)
    toggle(
        SINK,
        "Without sink",
        "out",
        about="Heads that find nothing to look for rest on the first position and on special tokens. "
        "This takes those columns out and rescales what is left.",
    )
    if family() == "seq2seq":
        output.output_controls("".join(each.adds for each in traced.written))
    more(traced, kind, layer, head)


def say_what_was_not_read(traced: "TracedText") -> None:
    """Characters that the tokenizer has no piece for, and what it changed before it cut the text."""
    text = thread.TEXT.value
    lost = [text[start:end] for unknown, (start, end) in zip(traced.is_unknown, traced.spans, strict=True) if unknown]
    covered = {place for start, end in traced.spans for place in range(start, end)}
    dropped = [each for place, each in enumerate(text) if covered and place not in covered and not each.isspace()]
    reads = MODELS[thread.MODEL.value].reads
    if lost or (reads and dropped):
        listed = plain(", ".join(f"“{each}”" for each in dict.fromkeys([*lost, *dropped]) if each))
        st.caption(
            f"This model cannot read {listed}"
            + (f": it reads {reads}" if reads else "")
            + (". They are unknown tokens." if len({*lost, *dropped}) > 1 else ". It is an unknown token.")
        )
    unread = [each.text for each in traced.written if each.is_unknown]
    if unread:
        known = {each.text for each in traced.written}
        words = plain(", ".join(f"“{each}”" for each in TARGET.value.split() if each not in known)) or "something"
        st.caption(f"In the typed output this model cannot write {words}: unknown to it.")
    card = MODELS[thread.MODEL.value]
    if card.weak_at_phrases and len(text.split()) > 1:
        st.caption(card.weak_at_phrases)
    if reads and traced.read_as.strip() != text.strip():
        st.caption(f"Read as “{plain(traced.read_as)}”.")


def explore(status: DeltaGenerator) -> None:
    """Everything that changes with layer, head and token, and nothing else."""
    chosen_view()
    with loading(thread.MODEL.value, status):
        from models.attention import TracedTextRequest, TraceRequest

        plain = TraceRequest(thread.MODEL.value, thread.TEXT.value)
        trace = _seq2seq_trace(status) if family() == "seq2seq" else plain
        traced = None if trace is None else ask(TracedTextRequest(trace), status)
    if traced is None or trace is None:
        show_notes()
    elif is_writing():
        explore_writing(traced, status)
    else:
        output.JOB.leave()
        explore_map(trace, traced, status)


def _seq2seq_trace(status: DeltaGenerator) -> "TraceRequest | None":
    """The trace of the source with its output; where the output cannot be had, the sentence and the way to mend it."""
    from models.attention import TraceRequest
    from models.errors import HeadlightError

    try:
        target = output.seq2seq_target(status)
        trace = TraceRequest(thread.MODEL.value, thread.TEXT.value, target)
        ask(trace, status)
    except HeadlightError as error:
        problem(str(error))
        left, _ = st.columns([COLUMNS[0], sum(COLUMNS[1:])])
        with left:
            output.output_controls("")
        return None
    return trace


def explore_map(base: "TraceRequest", traced: "TracedText", status: DeltaGenerator) -> None:
    """One head, several or all of them, of a text and, for a seq2seq model, of its output."""
    from models.attention import ChangesRequest, HeadMapRequest, HeadPictureRequest, TracedTextRequest

    kind = chosen_kind(traced)
    layer, head = chosen_head(traced, kind)
    is_output = traced.axes(kind).rows_are_target
    if is_output:
        selected = chosen_step(len(traced.written))
    else:
        meant = [each.token for each in EXAMPLES if (each.model, each.text) == (base.model, base.text)]
        selected = thread.current_token(traced.tokens, traced.is_special, traced.spans, meant)
    keep_pin(traced, kind, selected)
    switched_off.keep_heads(thread.TEXT.value)
    trace = replace(base, interventions=switched_off.interventions(base, traced, status))
    show_notes()
    before = HeadMapRequest(base, kind, layer, head, left_out(), BY.value == "value")
    after = replace(before, trace=trace)
    is_wide = VIEW.value == "qk"
    compared = _compared_first()
    left, centre, right = columns(COLUMNS)
    with centre:
        # Made before anything is computed, so that what is sent next is the picture, at once.
        place = st.container() if kind == "cross" and VIEW.value == "matrix" else st.container(key="map")
        # Below the picture, which stays where it is when something is switched off.
        what_is_off = switched_off.row()
    picture = ask(HeadPictureRequest(after, selected, how="max" if POOLED.value == "max" else "mean"), status)
    with place:
        if VIEW.value == "model":
            pictures.show_model(traced, trace, kind, layer, head, status)
        elif VIEW.value == "heads":
            pictures.show_heads(traced, after, selected, status)
        elif VIEW.value == "qk":
            pictures.show_products(traced, after, selected, status)
        elif kind == "cross":
            _cross(traced, before, after, picture, selected, right, status)
        else:
            pictures.show_matrix(traced, before, after, picture, selected, status)
    let_it_leave()
    with centre:
        say_what_was_not_read(traced)
    # After the picture, which people wait for.
    with what_is_off:
        switched_off.show(traced)
    with left:
        which(traced, kind, layer, head)
    with inspector_in(right):
        # Beside q·k, which says the same itself, there is no room for it (page.css); on a narrow screen the row is said
        # below every view, so that what stands there stays in place.
        with st.container(key="below_products") if is_wide else nullcontext():
            plain = replace(after, by_value=False)
            shown = picture if plain == after else ask(HeadPictureRequest(plain, selected), status)
            read = traced if trace == base else ask(TracedTextRequest(trace), status)
            # What comes next stands below, before and after.
            inspect(
                read if trace == base else replace(read, next_tokens=(), labels=(), score=None),
                shown,
                plain,
                selected,
            )
        if trace != base:
            with st.container(key="changes_of_products") if is_wide else nullcontext():
                inspect_changes(ask(ChangesRequest(base, trace), status), traced, selected)
    with compared:
        below(before, after, traced, selected, thread.TEXT.value)


def _compares_alone() -> bool:
    """Whether, on a projector, two texts are compared."""
    return projector.is_on() and thread.TAB.value == tab_name(OTHER_TEXT)


def _compared_first() -> AbstractContextManager[object]:
    """Where the tabs stand: below the picture, but for a comparison on a projector, which is what is shown then."""
    return st.container() if _compares_alone() else nullcontext()


def _pictured() -> tuple[str, ...]:
    if not _compares_alone():
        return pictured()
    return *pictured(), f"compared with: {OTHER.value or with_another_end(thread.TEXT.value)}"


def _cross(
    traced: "TracedText",
    before: "HeadMapRequest",
    after: "HeadMapRequest",
    picture: "HeadPicture",
    selected: int,
    right: DeltaGenerator,
    status: DeltaGenerator,
) -> None:
    """The lines between source and output, and the map beside them where there is room."""
    from models.attention import StepRowsRequest

    if before == after:
        with st.container(key="steps"):
            writing_steps.cross_steps(traced, ask(StepRowsRequest(after), status), after, selected)
    is_beside = before == after and len(traced.tokens) <= writing_steps.LONGEST_BESIDE and not projector.is_on()
    with right if is_beside else st.container(), st.container(key="map"):
        pictures.show_matrix(traced, before, after, picture, selected, status)


def explore_writing(prompt: "TracedText", status: DeltaGenerator) -> None:
    """A decoder's own writing: what each step looked at, and the text as it grew."""
    from models.attention import HeadMapRequest, StepRowsRequest, TracedTextRequest, TraceRequest

    kind = chosen_kind(prompt)
    layer, head = chosen_head(prompt, kind)
    compared = _compared_first()
    left, centre, right = columns(COLUMNS)
    with left:
        which(prompt, kind, layer, head)
    with centre:
        if switched_off.items():
            with switched_off.row():
                switched_off.show(prompt)
            st.caption("While it writes everything is on; what you switched off is seen in the other views.")
        steps = output.steps_of_writing()
    if steps is None:
        show_notes()
        return
    written = output.written_after(steps)
    step = chosen_step(len(steps))
    show_notes()
    # One forward over all of it: during cached decoding a sliding layer's rows are cut short.
    trace = TraceRequest(thread.MODEL.value, (*prompt.ids, *(each.token_id for each in steps[:-1])))
    traced = ask(TracedTextRequest(trace), status)
    map_request = HeadMapRequest(trace, kind, layer, head, left_out())
    rows = ask(StepRowsRequest(map_request, first=len(prompt.ids) - 1), status)
    with centre, st.container(key="steps"):
        writing_steps.decoder_steps(traced, rows, map_request, written, step)
    with inspector_in(right):
        inspect_step(traced, rows.weights[step], map_request, written, step)
    whole = thread.TEXT.value + "".join(each.adds for each in written)
    with compared:
        below(map_request, map_request, traced, len(prompt.ids) - 1 + step, whole)


PAGE = Page(
    "attention",
    explore,
    CHOICES,
    EXAMPLES,
    opens_itself=True,
    said=said,
    library=attention_view_library,
    pictured=_pictured,
)
show(PAGE)
