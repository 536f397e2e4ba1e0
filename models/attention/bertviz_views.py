"""BertViz's own head view and model view: the elements and scripts that draw them, without a network.

BertViz (Vig 2019, A Multiscale Visualization of Attention in the Transformer Model) draws with D3 and jQuery, which it
fetches through require.js from a content delivery network, and writes its data into its script as it is, twice. Here
both libraries are among the scripts, and the data stands in them once, with nothing in it that HTML could read.
`viz.bertviz_document` makes a document of them.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from jaxtyping import Float

from models.attention.trace import TraceRequest
from models.catalog import D3, JQUERY, Pack
from models.engine import Engine
from models.errors import HeadlightError
from models.loading.packs import packs_folder, verify_files
from models.one_at_a_time import one_at_a_time

BertVizView = Literal["head", "model"]

# Measured: 7 MB, written in a second; and three seconds of drawing in Chromium on two cores.
MOST_NUMBERS = 1_000_000
MOST_LINES = 200_000
_BYTES_PER_NUMBER = 7
_DECIMALS = 4
_ROOT = "bertviz"


class BertVizError(HeadlightError):
    """A trace that BertViz cannot draw."""


@dataclass(frozen=True)
class BertVizSize:
    """How much BertViz is to draw, and whether a browser stays usable with it."""

    layers: int
    heads: int
    queries: int
    keys: int

    @property
    def numbers(self) -> int:
        """How many weights stand in the document."""
        return self.layers * self.heads * self.queries * self.keys

    def lines(self, view: BertVizView) -> int:
        """How many lines are drawn at once; the head view draws one layer."""
        return self.numbers if view == "model" else self.numbers // self.layers

    def fits(self, view: BertVizView) -> bool:
        """Whether both are within the bounds."""
        return self.numbers <= MOST_NUMBERS and self.lines(view) <= MOST_LINES


class BertVizTooLargeError(BertVizError):
    """A view that would take a browser too long: says how large it would be, why, and what would fit."""

    def __init__(self, view: BertVizView, size: BertVizSize) -> None:
        is_square = size.queries == size.keys
        tokens = f"{size.queries:,} tokens" if is_square else f"{size.queries:,} × {size.keys:,} tokens"
        shrink = min(MOST_NUMBERS / size.numbers, MOST_LINES / size.lines(view))
        most = math.isqrt(int(size.queries * size.keys * shrink))
        layers = "1 layer" if size.layers == 1 else f"{size.layers} layers"
        take = f"text of at most {most:,} tokens" if is_square else "shorter text"
        super().__init__(
            f"BertViz's {view} view of {tokens} and {layers} of {size.heads} heads would be a document of "
            f"{math.ceil(size.numbers * _BYTES_PER_NUMBER / 1e6):,} MB that draws {size.lines(view):,} lines at once: "
            "BertViz sends every weight of every layer as text and draws each line as an element of its own, and a "
            f"browser stands still over it. Take a {take}."
        )
        self.size = size


@dataclass(frozen=True)
class BertVizDrawing:
    """A view as HTML and JavaScript.

    elements: HTML into which is drawn. scripts: D3, jQuery, and what draws, in this order.
    """

    view: BertVizView
    elements: str
    scripts: tuple[str, str, str]


@dataclass(frozen=True)
class BertVizRequest:
    """BertViz's view of one kind of attention, the same strings each time.

    layers: those that it shows; None: all of this kind.

    The weights are those of the trace, rounded to 4 decimals: what is drawn is the same, in a third of the bytes. As in
    BertViz, a row of the decoder is named by the token that the decoder is given there.
    """

    trace: TraceRequest
    kind: str
    view: BertVizView
    layers: tuple[int, ...] | None = None

    def answer(self, engine: Engine) -> BertVizDrawing:
        """Raises what `TraceRequest` raises, NoSuchMapError, BertVizTooLargeError, BertVizError where the layers have
        different numbers of heads, PackError where a script is missing or damaged.
        """
        trace = engine.run(self.trace)
        # Of a kind that is not there, its first layer is asked for, and refused.
        layers = self.layers or trace.layers(self.kind) or (0,)
        heads = [trace.heads(self.kind, layer) for layer in layers]
        if len(set(heads)) > 1:
            raise BertVizError(
                f"BertViz draws layers that have the same number of heads, and here they have {min(heads)} to "
                f"{max(heads)}. Choose one layer."
            )
        axes = trace.axes(self.kind)
        queries, keys = ([piece.text for piece in pieces] for pieces in (axes.rows, axes.columns))
        size = BertVizSize(len(layers), heads[0], len(queries), len(keys))
        if not size.fits(self.view):
            raise BertVizTooLargeError(self.view, size)
        weights = []
        for layer in layers:
            with engine.forward(trace.loaded):
                weights.append(trace.weights(self.kind, layer))
        return bertviz_drawing(weights, queries, self.view, key_tokens=keys, layers=layers)


def bertviz_drawing(
    weights_by_layer: Sequence[Float[np.ndarray, "_ query key"]],
    tokens: Sequence[str],
    view: BertVizView,
    *,
    key_tokens: Sequence[str] | None = None,
    layers: Sequence[int] | None = None,
    as_it_comes: bool = False,
) -> BertVizDrawing:
    """What BertViz draws these weights with, without a network.

    weights_by_layer: for each layer [heads, query, key]. tokens: of the queries. key_tokens: of the keys, where they
        are others. layers: the layers' numbers, from 0 on where they are not given.
    as_it_comes: BertViz's own numbers and JSON, in full and twice, as it gives them out; only the libraries are put in
        and what HTML could read is escaped. For comparisons.

    Raises PackError where a script is missing or damaged. Knows no bound: see `BertVizSize`.
    """
    elements, script = _from_bertviz(weights_by_layer, tokens, view, key_tokens, as_it_comes=as_it_comes)
    opening, _, script = script.partition("requirejs(['jquery', 'd3'],")
    before, _, rest = script.partition("const params = ")
    parameters, end = json.JSONDecoder().raw_decode(rest)
    if as_it_comes:
        after = rest.replace(rest[:end], _unseen_by_html(rest[:end]))
    else:
        elements = elements.replace(parameters["root_div_id"], _ROOT)
        parameters["root_div_id"] = _ROOT
        parameters["include_layers"] = list(layers or range(len(weights_by_layer)))
        data = json.dumps(parameters, separators=(",", ":"))
        # The data stands once more in a comment on the same line: in BertViz it names the place for it.
        after = f"{_unseen_by_html(data)};\n" + rest[end:].partition("\n")[2]
    header = opening.partition("require.config")[0]
    drawing = f"{header}const requirejs = (draw) => draw(jQuery, d3);\nrequirejs({before}const params = {after}"
    return BertVizDrawing(view, elements, (_script(D3), _script(JQUERY), drawing))


def _from_bertviz(
    weights_by_layer: Sequence[np.ndarray],
    tokens: Sequence[str],
    view: BertVizView,
    key_tokens: Sequence[str] | None,
    *,
    as_it_comes: bool,
) -> tuple[str, str]:
    """The elements and the script that BertViz hands out, without the script that it would fetch first."""
    # Brings IPython along, which nobody else needs.
    with one_at_a_time():
        import torch
        from bertviz import head_view, model_view

    layers = [
        torch.from_numpy(weights if as_it_comes else np.round(weights.astype(np.float64), _DECIMALS)).unsqueeze(0)
        for weights in weights_by_layer
    ]
    tokens = list(tokens)
    keys = tokens if key_tokens is None else list(key_tokens)
    arguments: dict[str, Any] = {"attention": layers, "tokens": tokens}
    if keys != tokens:
        arguments = {"cross_attention": layers, "decoder_tokens": tokens, "encoder_tokens": keys}
    arguments |= {"html_action": "return", "prettify_tokens": as_it_comes}
    drawn = head_view(**arguments) if view == "head" else model_view(**arguments, display_mode="light")
    html = str(drawn.data)
    elements, _, script = html.partition("</script>")[2].partition('<script type="text/javascript">')
    return elements.strip(), script.rpartition("</script>")[0]


def _unseen_by_html(data: str) -> str:
    """JSON as json.dumps writes it, in ASCII, without a character that ends a script or begins a tag or a comment."""
    return data.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _script(pack: Pack) -> str:
    verify_files(pack)
    return (packs_folder() / pack.files[0].path).read_text(encoding="utf-8")
