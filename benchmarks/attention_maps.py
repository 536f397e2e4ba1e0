"""What a layer's maps cost when somebody looks: beside the forward that they were recorded in."""

from benchmarks.capture import MODEL_NAMES
from benchmarks.measuring import Limit, Row, compared, duration, interleaved, seconds_of
from benchmarks.passages import passage_ids
from models.attention import trace_attention
from models.loading import load_model

_TOKENS = 512
_LIMIT = Limit(0.10, "ratio", "under 0.10")


def measure(pairs: int) -> list[Row]:
    """Every head of a middle layer, both models."""
    rows = []
    for name in MODEL_NAMES:
        loaded = load_model(name)
        ids = passage_ids(loaded, _TOKENS)
        trace = trace_attention(loaded, ids)
        kind = trace.kinds[0]
        layer = trace.layers(kind)[len(trace.layers(kind)) // 2]
        measured = interleaved(
            lambda trace=trace, kind=kind, layer=layer: seconds_of(lambda: trace.weights(kind, layer)),
            lambda loaded=loaded, ids=ids: seconds_of(lambda: trace_attention(loaded, ids)),
            pairs,
        )
        what = f"all maps of layer {layer}, {name}, {_TOKENS} tokens (beside: that text's forward)"
        rows.append(compared(what, measured, duration, _LIMIT))
    return rows
