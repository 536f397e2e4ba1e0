"""What does each token look at? One head as a strip and a map, all heads as thumbnails one click away."""

from contextlib import nullcontext
from typing import TYPE_CHECKING

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from models.catalog import MODELS
from models.engine import engine
from pages.shared import door, export, programs, thread
from pages.shared.asking import ask, working
from pages.shared.examples import ATTENTION, AttentionExample
from pages.shared.link import Choice, mirror, note, one_of, receive, whole_number
from pages.shared.messages import in_place, show_notes
from pages.shared.text import question_and_text
from viz.components.attention_map import MapPicture, attention_map
from viz.components.head_grid import head_grid
from viz.inspector import Share, heading, line, sentence, shares

if TYPE_CHECKING:
    from models.attention import HeadMapRequest, HeadPicture, TracedText, TraceRequest

MEAN = "mean"
VIEWS = {"head": "One head", "grid": "All heads"}


def _head(text: str) -> int | str:
    return MEAN if text == MEAN else whole_number("head")(text)


LAYER: Choice[int | None] = Choice("layer", None, whole_number("layer"))
HEAD: Choice[int | str | None] = Choice("head", None, _head)
VIEW: Choice[str] = Choice("view", "head", one_of("view", tuple(VIEWS)))
SINK: Choice[str] = Choice("sink", "in", one_of("way to treat the sink", ("in", "out")))
CHOICES = (*thread.THREAD, LAYER, HEAD, VIEW, SINK)

LINES = {
    "map": "Where it looks, not why.",
    "next": "What the model would write next, from all of its heads and layers together.",
}


def open_example(example: AttentionExample) -> None:
    """Show an example as it was meant: its model, its text, its head, its token."""
    thread.choose_model(example.model)
    thread.choose_text(example.text)
    thread.TOKEN.choose(example.token)
    LAYER.choose(example.layer)
    HEAD.choose(example.head)
    VIEW.choose("head")
    SINK.choose("in")


def chosen_head(traced: "TracedText", kind: str) -> tuple[int, int | None]:
    """The layer and head to show (None: the mean); what this model does not have is said and replaced."""
    opening = next((each for each in ATTENTION if each.model == thread.MODEL.value), None)
    layers = traced.layers_of(kind)
    layer = LAYER.value
    if layer is not None and layer not in layers:
        note(f"There is no layer {layer}: this model has maps of layers {layers[0]} to {layers[-1]}; another is shown.")
        layer = None
    if layer is None:
        layer = opening.layer if opening and opening.layer in layers else layers[len(layers) // 2]
    head, heads = HEAD.value, traced.heads_of(kind, layer)
    if isinstance(head, int) and head >= heads:
        note(f"There is no head {head}: layer {layer} has heads 0 to {heads - 1}; another is shown.")
        head = None
    if head is None:
        head = opening.head if opening and opening.head < heads else 0
    LAYER.choose(layer)
    HEAD.choose(head)
    return layer, None if head == MEAN else int(head)


def which(traced: "TracedText", kind: str, layer: int, head: int | None) -> None:
    """The controls on the left: which layer, which head."""
    layers = traced.layers_of(kind)
    st.session_state["layer_box"] = layer
    st.select_slider("Layer", layers, key="layer_box", on_change=lambda: LAYER.choose(st.session_state["layer_box"]))
    st.session_state["head_box"] = MEAN if head is None else head
    st.segmented_control(
        "Head",
        [MEAN, *range(traced.heads_of(kind, layer))],
        key="head_box",
        required=True,
        wrap=True,
        on_change=lambda: HEAD.choose(st.session_state["head_box"]),
    )
    st.session_state["sink_box"] = SINK.value == "out"
    st.toggle(
        "Without sink",
        key="sink_box",
        on_change=lambda: SINK.choose("out" if st.session_state["sink_box"] else "in"),
        help="Heads that find nothing to look for rest on the first position and on special tokens. "
        "This takes those columns out and rescales what is left.",
    )


def head_name(layer: int, head: int | None) -> str:
    """As people write it: L3 H1, or the mean over a layer's heads."""
    return f"L{layer} mean" if head is None else f"L{layer} H{head}"


def show_map(traced: "TracedText", picture: "HeadPicture", layer: int, head: int | None, token: int, kind: str) -> None:
    """The main picture."""
    card = MODELS[thread.MODEL.value]
    caption = f"{card.title}, {head_name(layer, head)}: rows are queries (who looks), columns are keys (looked at)."
    if head is None:
        caption += f" Mean over the {traced.heads_of(kind, layer)} heads of the layer."
    if SINK.value == "out":
        caption += f" The sink is taken out: in the selected row you see {picture.seen:.0%} of the weight, rescaled."
    attention_map(
        MapPicture(
            name=head_name(layer, head),
            map=f"{kind}-{layer}-{MEAN if head is None else head}",
            queries=traced.tokens,
            keys=None,
            cells=picture.cells,
            row=picture.row,
            selected=token,
            most=picture.most,
            special=tuple(place for place, is_special in enumerate(traced.is_special) if is_special),
            unknown=tuple(place for place, is_unknown in enumerate(traced.is_unknown) if is_unknown),
            unseen_means="the future, which a decoder cannot see",
            caption=caption,
        ),
        key="attention_map",
        on_token=lambda place: thread.choose_token(place, traced.spans),
    )


def show_grid(trace: "TraceRequest", kind: str, layer: int, head: int | None, status: DeltaGenerator) -> None:
    """All heads of all layers as thumbnails; one of them opened becomes the main picture."""
    from models.attention import HeadGridRequest

    def opened(new_layer: int, new_head: int) -> None:
        LAYER.choose(new_layer)
        HEAD.choose(new_head)
        VIEW.choose("head")

    without_sink = SINK.value == "out"
    with working("Computing the maps of all heads; for a long text this takes a while…", status):
        grid = ask(HeadGridRequest(trace, kind, without_sink), status)
    rows, columns = grid.thumbnails.shape[2:]
    caption = f"{MODELS[thread.MODEL.value].title}: lightness goes with the square root of the weight, from 0 to 1."
    if (rows, columns) != grid.tokens:
        caption += f" Each thumbnail is pooled from {grid.tokens[0]} to {rows} tokens a side (largest weight)."
    if without_sink:
        caption += " The sink is taken out and the rows are rescaled."
    head_grid(
        grid.thumbnails,
        layers=grid.layers,
        name=f"{kind}-grid",
        chosen=(layer, head),
        caption=caption,
        key="head_grid",
        on_head=opened,
    )


def inspect(traced: "TracedText", picture: "HeadPicture", layer: int, head: int | None, token: int) -> None:
    """The inspector on the right: what the selected token looks at, and where the model would go on."""
    shown = (thread.MODEL.value, thread.TEXT.value, layer, head, token)
    for each in ATTENTION:
        if shown == (each.model, each.text, each.layer, each.head, each.token):
            st.markdown(each.look)
    row = picture.row
    best = sorted((place for place in range(len(row)) if row[place] >= 0), key=lambda place: -row[place])[:5]
    lines = [Share(traced.tokens[place], float(row[place])) for place in best]
    name = head_name(layer, head)
    parts = [sentence(traced.tokens[token], name, lines[0], rescaled=SINK.value == "out"), shares(lines)]
    parts.append(line(LINES["map"]))
    if traced.next_tokens:
        candidates = shares([Share(each.text, each.probability) for each in traced.next_tokens])
        parts += [heading("Next token"), candidates, line(LINES["next"])]
    st.html("".join(parts))


@st.fragment
def explore() -> None:
    """Everything that changes with layer, head and token, and nothing else."""
    status = st.empty()
    title = MODELS[thread.MODEL.value].title
    first = not engine.has_model(thread.MODEL.value)
    with in_place():
        with working(f"Loading {title}, once for everybody…", status) if first else nullcontext():
            # torch comes with these, and is not waited for before the first paint.
            from models.attention import HeadMapRequest, HeadPictureRequest, TracedTextRequest, TraceRequest

            trace = TraceRequest(thread.MODEL.value, thread.TEXT.value)
            traced = ask(TracedTextRequest(trace), status)
        kind = traced.kinds[0]
        layer, head = chosen_head(traced, kind)
        token = thread.current_token(traced.tokens, traced.is_special, traced.spans)
        show_notes()
        map_request = HeadMapRequest(trace, kind, layer, head, SINK.value == "out")
        left, centre, right = st.columns([2.3, 6.4, 3], gap="medium")
        # The picture first: it is what people wait for.
        picture = ask(HeadPictureRequest(map_request, token), status)
        with centre:
            if VIEW.value == "grid":
                with st.container(key="grid"):
                    show_grid(trace, kind, layer, head, status)
            else:
                with st.container(key="map"):
                    show_map(traced, picture, layer, head, token, kind)
        with left:
            st.session_state["view_box"] = VIEW.value
            st.segmented_control(
                "Show",
                list(VIEWS),
                format_func=lambda view: VIEWS[view],
                key="view_box",
                required=True,
                wrap=True,
                on_change=lambda: VIEW.choose(st.session_state["view_box"]),
                label_visibility="collapsed",
            )
            which(traced, kind, layer, head)
        with right, st.container(key="inspector"):
            inspect(traced, picture, layer, head, token)
        below(map_request, traced, token)
    mirror(CHOICES)


def below(request: "HeadMapRequest", traced: "TracedText", token: int) -> None:
    """Further tools; only the open one is computed."""
    name = head_name(request.layer, request.head)
    explain, take, code = st.tabs(
        ["What am I looking at?", "Take it with you", "Show the code"], key="below", on_change="rerun"
    )
    if explain.open:
        with explain:
            st.markdown(EXPLANATION)
    if take.open:
        with take:
            export.share_and_download(request, traced.tokens, name, CHOICES)
    if code.open:
        with code:
            programs.show_attention(request, token)


EXPLANATION = """
A head compares the **query** of one token with the **key** of every token it may see:
`weight = softmax(query · key / √head_dim)`. The weights of a row add up to 1 and say how much of each token's
**value** goes into the row's token. The strip shows one row, over the sentence; the map shows all rows. A darker cell
(a lighter one on a dark screen) is a larger weight, linear from 0 to the largest of this head.

- A **decoder** writes from left to right, so a token cannot see the ones after it: the hatched half.
  An **encoder** sees everything.
- Many heads rest on the first token or on a special one when they find nothing: a *sink*. Look without it to see
  the rest.
- A head's pattern says where it looks, not what it does with what it finds there.
"""

door.enter()
receive(CHOICES)
question_and_text(
    "What does each token look at?",
    [(each.label, each.look, lambda each=each: open_example(each)) for each in ATTENTION],
)
explore()
