"""Attention as transformers returns it, and as BertViz's `head_view` and `model_view` take it, as a file."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from jaxtyping import Float

from models.errors import HeadlightError
from viz.components.attention_view import Frame
from viz.standalone.document import AttentionFile, KindMaps, Opening, attention_file
from viz.standalone.size_limit import check_weight_count

VIEWS = ("matrix", "heads", "model")
_FUTURE = "the future, which a decoder cannot see"
_LABELS = {"encoder": "Encoder", "decoder": "Decoder", "cross": "Cross"}
_SLACK = 1e-3


class GivenAttentionError(HeadlightError):
    """What was given is no attention of these tokens."""


def attention_html(
    attention: Iterable[Any] | None = None,
    tokens: Sequence[str] | None = None,
    sentence_b_start: int | None = None,
    prettify_tokens: bool = True,
    *,
    layer: int | None = None,
    heads: Sequence[int] | None = None,
    encoder_attention: Iterable[Any] | None = None,
    decoder_attention: Iterable[Any] | None = None,
    cross_attention: Iterable[Any] | None = None,
    encoder_tokens: Sequence[str] | None = None,
    decoder_tokens: Sequence[str] | None = None,
    include_layers: Sequence[int] | None = None,
    view: str | None = None,
    selected: int | None = None,
    title: str | None = None,
) -> AttentionFile:
    """All maps as one HTML file that opens by double click and shows itself in a notebook.

    The arguments are those of BertViz's `head_view`, so that a call of it or of `model_view` becomes one of this.

    attention: an array for each layer, [1, heads, queries, keys] or without the 1, of torch, numpy or whatever else
        numpy reads; `outputs.attentions` of transformers. tokens: as many as there are queries. encoder_attention,
        decoder_attention, cross_attention, encoder_tokens, decoder_tokens: instead of these, for a model of both.
    sentence_b_start: the first token of the second of two sentences. prettify_tokens: whether `Ġ` and `▁` are shown as
        the spaces that they stand for, and `</w>` is left out.
    layer, heads: what is shown first; without them, a head that looks at more than the ends and what is beside it.
    include_layers: the layers that go into the file, all unless named.
    view: "matrix", "heads" (lines) or "model" (thumbnails) first. selected: the query that is looked at first, without
        it one that is sure of what it looks at.

    Raises:
        GivenAttentionError: shapes, numbers or tokens do not fit together.
        TooManyNumbersError: the maps are too many for one file.

    Source: bertviz 1.4 (Vig 2019), `bertviz.head_view`, for what the arguments mean.
    """
    if view is not None and view not in VIEWS:
        raise GivenAttentionError(f"expected one of the views {', '.join(VIEWS)}, and found another one.")
    shown = (
        _tokens(tokens, prettify_tokens),
        _tokens(encoder_tokens, prettify_tokens),
        _tokens(decoder_tokens, prettify_tokens),
    )
    own, encoder, decoder = shown
    given = [
        ("encoder", encoder_attention, encoder, encoder, "encoder_tokens"),
        ("decoder", decoder_attention, decoder, decoder, "decoder_tokens"),
        ("cross", cross_attention, decoder, encoder, "encoder_tokens and decoder_tokens"),
    ]
    if attention is not None:
        if any(each is not None for _, each, *_ in given):
            raise GivenAttentionError(
                "expected either attention or the attention of an encoder and a decoder, and found both."
            )
        given = [("attention", attention, own, own, "tokens")]
    kinds = []
    for kind, layers, queries, keys, names in given:
        if layers is None:
            continue
        if queries is None or keys is None:
            raise GivenAttentionError(f"expected {names} beside the attention, and found none.")
        kinds.append(_kind(kind, layers, queries, keys, include_layers, sentence_b_start))
    if not kinds:
        raise GivenAttentionError(
            "expected attention, or encoder_attention, decoder_attention or cross_attention, and found none."
        )
    *others, first = kinds
    opening = _opening(first, layer, heads, view)
    count = len(first.frame.queries)
    if selected is not None and not 0 <= selected < count:
        raise GivenAttentionError(f"expected a selected query from 0 to {count - 1}, and found another one.")
    looked_at = _telling_query(first, opening) if selected is None else selected
    first = replace(first, frame=replace(first.frame, selected=looked_at))
    joint = "" if any(" " in each for each in first.frame.queries) else " "
    return attention_file(title or f"Attention: {joint.join(first.frame.queries)}", "", [*others, first], opening)


def _tokens(tokens: Sequence[str] | None, is_prettified: bool) -> tuple[str, ...] | None:
    if tokens is None:
        return None
    if isinstance(tokens, str):
        raise GivenAttentionError("expected a list of tokens, and found one text.")
    # Half of a pair of surrogates is no text, and no file could hold it.
    found = (str(each).encode("utf-8", "replace").decode() for each in tokens)
    if not is_prettified:
        return tuple(found)
    return tuple(each.replace("Ġ", " ").replace("▁", " ").replace("</w>", "") for each in found)


def _kind(
    kind: str,
    layers: Iterable[Any],
    queries: tuple[str, ...],
    keys: tuple[str, ...],
    included: Sequence[int] | None,
    second: int | None,
) -> KindMaps:
    every = list(layers)
    if not every:
        raise GivenAttentionError(
            "expected an array for each layer, and found none; load the model with attn_implementation='eager' and "
            "call it with output_attentions=True."
        )
    numbers = tuple(range(len(every)) if included is None else included)
    if not numbers or not all(0 <= each < len(every) for each in numbers):
        raise GivenAttentionError(f"expected layers from 0 to {len(every) - 1} to include, and found another one.")
    check_weight_count(sum(int(np.prod(np.shape(every[each]))) for each in numbers if every[each] is not None))
    weights = [_weights(every[each], each, len(queries), len(keys)) for each in numbers]
    is_self = kind != "cross"
    if second is not None and not (is_self and 0 < second < len(queries)):
        raise GivenAttentionError(
            f"expected the second sentence to begin within the {len(queries)} tokens of a text, after the first one."
        )
    is_causal = is_self and _is_causal(weights)
    if is_causal:
        future = np.triu(np.ones((len(queries), len(keys)), dtype=bool), 1)
        weights = [np.where(future, np.float32(np.nan), each) for each in weights]
    frame = Frame(
        name="",
        map="",
        kind=kind,
        layer=None,
        head=None,
        queries=queries,
        keys=None if is_self else keys,
        selected=0,
        special=(),
        unknown=(),
        unseen_means=_FUTURE if is_causal else "what it may not see",
        caption="",
        heads=max(len(each) for each in weights),
        model="attention",
    )
    return KindMaps(frame, _LABELS.get(kind, "Attention"), numbers, tuple(weights), second=second)


def _weights(given: Any, layer: int, queries: int, keys: int) -> Float[np.ndarray, "heads query key"]:
    """The weights of one layer as numpy has them."""
    if given is None:
        raise GivenAttentionError(
            f"expected attention of layer {layer}, and found None; load the model with attn_implementation='eager' and "
            "call it with output_attentions=True."
        )
    # A tensor of torch that has a gradient, lies on a GPU or is in bfloat16 is none that numpy reads.
    for step in ("detach", "float", "cpu"):
        change = getattr(given, step, None)
        given = change() if callable(change) else given
    try:
        found = np.asarray(given, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise GivenAttentionError(f"expected numbers as attention of layer {layer}, and found none.") from error
    if found.ndim == 4 and found.shape[0] != 1:
        raise GivenAttentionError(
            f"expected the attention of one text, and found that of {found.shape[0]} in layer {layer}; take one of "
            "them: [each[:1] for each in attention]."
        )
    found = found[0] if found.ndim == 4 else found
    if found.ndim != 3 or not len(found) or found.shape[1:] != (queries, keys):
        shape = " × ".join(map(str, np.shape(given)))
        raise GivenAttentionError(
            f"expected the attention of layer {layer} as 1 × heads × {queries} × {keys}, a row and a column for each "
            f"token, and found {shape or 'a number'}."
        )
    known = found[~np.isnan(found)]
    if known.size and not (known.min() >= -_SLACK and known.max() <= 1 + _SLACK):
        raise GivenAttentionError(
            f"expected weights from 0 to 1, as they are after the softmax, and found others in layer {layer}."
        )
    return found


def _is_causal(weights: Sequence[Float[np.ndarray, "_ query key"]]) -> bool:
    """Whether no query looks at a later key: exactly 0 everywhere."""
    return weights[0].shape[1] > 1 and not any(np.triu(each, 1).any() for each in weights)


def _opening(kind: KindMaps, layer: int | None, heads: Sequence[int] | None, view: str | None) -> Opening:
    chosen, head = _telling(kind) if layer is None else (layer, 0)
    if chosen not in kind.layers:
        raise GivenAttentionError(f"expected one of the layers {kind.layers[0]} to {kind.layers[-1]} to show first.")
    count = len(kind.weights[kind.layers.index(chosen)])
    beside = tuple(heads or ())
    if not all(0 <= each < count for each in beside):
        raise GivenAttentionError(f"expected heads from 0 to {count - 1} to show first, and found another one.")
    return Opening(
        view or ("heads" if len(beside) > 1 else "matrix"), kind.frame.kind, chosen, (*beside, head)[0], beside
    )


def _telling(kind: KindMaps) -> tuple[int, int]:
    """The head whose queries look most surely at something else than what nearly every map shows; see `_inner`."""
    best = (-1.0, kind.layers[0], 0)
    for number, weights in zip(kind.layers, kind.weights, strict=True):
        scores = _inner(kind, weights).max(axis=2).mean(axis=1)
        head = int(scores.argmax())
        best = max(best, (float(scores[head]), number, head), key=lambda each: each[0])
    return best[1], best[2]


def _telling_query(kind: KindMaps, opening: Opening) -> int:
    """The query that is most sure, in the map that is shown first."""
    weights = kind.weights[kind.layers.index(kind.layers[0] if opening.layer is None else opening.layer)]
    return int(_inner(kind, weights)[opening.head or 0].max(axis=1).argmax())


def _inner(kind: KindMaps, weights: Float[np.ndarray, "heads query key"]) -> Float[np.ndarray, "heads query key"]:
    """The weights without what most maps show: to the first and the last key, to a query's own and its neighbours."""
    shown = np.nan_to_num(weights)
    if kind.frame.keys is None and shown.shape[1] > 3:
        far = np.abs(np.subtract.outer(np.arange(shown.shape[1]), np.arange(shown.shape[2]))) > 1
        far[:, [0, -1]] = far[[0, -1]] = False
        shown = shown * far
    return shown
