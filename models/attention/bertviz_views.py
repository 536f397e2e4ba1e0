"""BertViz's own head view and model view as one HTML document that asks nobody for anything.

BertViz (Vig 2019, A Multiscale Visualization of Attention in the Transformer Model) draws with D3 and jQuery, which it
fetches through require.js from a content delivery network, and writes its data into its script as it is, twice. Here
both libraries stand in the document, the data stands in it once with nothing in it that HTML could read, and a policy
in the document lets these scripts run and nothing else.
"""

import base64
import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from jaxtyping import Float

from models.attention.requests import TraceRequest
from models.catalog import D3, JQUERY, Pack
from models.engine import Engine
from models.errors import HeadlightError
from models.loading.packs import packs_folder, verify_files
from models.one_at_a_time import one_at_a_time

View = Literal["head", "model"]

# Measured: 7 MB, written in a second; and three seconds of drawing in Chromium on two cores.
MOST_NUMBERS = 1_000_000
MOST_LINES = 200_000
_BYTES_PER_NUMBER = 7
_DECIMALS = 4
_ROOT = "bertviz"

# D3's ten colours, which are heads or layers, and the light ones that D3 pairs them with: on a dark ground a head's
# lines, a twelfth as strong as their weight, are only seen in these.
_COLOURS = {
    "#1f77b4": "#aec7e8",
    "#ff7f0e": "#ffbb78",
    "#2ca02c": "#98df8a",
    "#d62728": "#ff9896",
    "#9467bd": "#c5b0d5",
    "#8c564b": "#c49c94",
    "#e377c2": "#f7b6d2",
    "#7f7f7f": "#c7c7c7",
    "#bcbd22": "#dbdb8d",
    "#17becf": "#9edae5",
}
# BertViz draws black on white; who shows the document in a frame may name other colours.
_STYLE = """
:root { --ground: #ffffff; --ink: #000000; --mark: #e4e4e4; }
body { background: var(--ground); color: var(--ink); margin: 0; padding: 4px; }
svg { display: block; overflow: visible; }
svg text { fill: var(--ink); }
svg[fill=white], rect[fill=white] { fill: var(--ground); }
rect[fill=lightgray], rect[fill="#F5F5F5"] { fill: var(--mark); }
""" + "".join(
    f'[data-scheme=dark] .headAttention [stroke="{dark}"] {{ stroke: {light}; }}\n'
    f'[data-scheme=dark] rect[fill="{dark}"] {{ fill: {light}; }}\n'
    for dark, light in _COLOURS.items()
)
_IN_A_FRAME = """
if (parent !== window) {
  const root = document.documentElement, body = document.body
  addEventListener("message", (event) => {
    if (event.source !== parent) return
    root.style.colorScheme = root.dataset.scheme = event.data.scheme
    for (const name of ["ground", "ink", "mark"]) root.style.setProperty(`--${name}`, event.data[name])
  })
  const tell = () => parent.postMessage({ height: body.getBoundingClientRect().height }, "*")
  // The model view is 970 pixels wide whatever there is.
  const fit = () => {
    body.style.zoom = 1
    body.style.zoom = Math.max(0.6, Math.min(1, innerWidth / root.scrollWidth))
    tell()
  }
  addEventListener("resize", fit)
  new ResizeObserver(tell).observe(body)
  // An observer waits until the frame is scrolled into view.
  fit()
}
"""


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

    def lines(self, view: View) -> int:
        """How many lines are drawn at once; the head view draws one layer."""
        return self.numbers if view == "model" else self.numbers // self.layers

    def fits(self, view: View) -> bool:
        """Whether both are within the bounds."""
        return self.numbers <= MOST_NUMBERS and self.lines(view) <= MOST_LINES


class BertVizTooLargeError(BertVizError):
    """A view that would take a browser too long: says how large it would be, why, and what would fit."""

    def __init__(self, view: View, size: BertVizSize) -> None:
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
class BertVizRequest:
    """BertViz's view of one kind of attention as a whole HTML document, the same string each time.

    layers: those that it shows; None: all of this kind.

    The weights are those of the trace, rounded to 4 decimals: what is drawn is the same, in a third of the bytes. As in
    BertViz, a row of the decoder is named by the token that the decoder is given there.
    """

    trace: TraceRequest
    kind: str
    view: View
    layers: tuple[int, ...] | None = None

    def answer(self, engine: Engine) -> str:
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
        queries = trace.target_tokens if self.kind != "encoder" and trace.target_tokens else trace.tokens
        keys = trace.tokens if self.kind == "cross" else queries
        size = BertVizSize(len(layers), heads[0], len(queries), len(keys))
        if not size.fits(self.view):
            raise BertVizTooLargeError(self.view, size)
        weights = []
        for layer in layers:
            with engine.forward(trace.loaded):
                weights.append(trace.weights(self.kind, layer))
        return bertviz_document(weights, queries, self.view, key_tokens=keys, layers=layers)


def bertviz_document(
    weights_by_layer: Sequence[Float[np.ndarray, "_ query key"]],
    tokens: Sequence[str],
    view: View,
    *,
    key_tokens: Sequence[str] | None = None,
    layers: Sequence[int] | None = None,
    as_it_comes: bool = False,
) -> str:
    """A whole HTML document in which BertViz draws these weights, without a network.

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
    return _document(view, elements, (_script(D3), _script(JQUERY), drawing, _IN_A_FRAME))


def _from_bertviz(
    weights_by_layer: Sequence[np.ndarray],
    tokens: Sequence[str],
    view: View,
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


def _document(view: View, elements: str, scripts: Sequence[str]) -> str:
    """The document; its policy names each script by its hash, so that no other runs, and lets nothing be fetched."""
    hashes = (base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts)
    allowed = " ".join(f"'sha256-{each}'" for each in hashes)
    policy = (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
        "form-action 'none'"
    )
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        f"<title>BertViz: {view} view</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n{elements}\n"
        + "".join(f"<script>{script}</script>\n" for script in scripts)
        + "</body>\n</html>\n"
    )
