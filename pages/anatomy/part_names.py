"""What a part that adds to the residual stream is called, and how a link names it."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from models.anatomy.direct_path import Source

_EMBEDDINGS = {
    "token": "token embedding",
    "position": "position embedding",
    "type": "segment embedding",
    "rest": "what else is there before layer 0",
}
_BIASES = {
    "projection": "bias of the output projection",
    "norm": "bias of its norms",
    "final norm": "bias of the final norm",
    "map": "bias of the embeddings' map",
    "embedding norm": "bias of the embeddings' norm",
    "head": "bias of the head",
    "after the head": "bias after the head",
}


def part_name(source: "Source") -> str:
    """As people write it: L23 H4, L29 MLP, position embedding."""
    if source.of == "embedding":
        return _EMBEDDINGS[source.name]
    layer = f"L{source.layer}"
    if source.of == "head":
        return f"{'cross ' if source.kind == 'cross' else ''}{layer} H{source.head}"
    if source.of == "bias":
        return f"{layer} {_BIASES[source.name]}" if source.layer >= 0 else _BIASES[source.name]
    if source.of == "mlp":
        return f"{layer} MLP"
    return f"{layer} other part{f' {source.number}' if source.number else ''}"


def part_key(source: "Source") -> str:
    """As a link names it, where it can be switched off: decoder.23.4, decoder.29.mlp; else a word of its own."""
    if source.of == "head":
        return f"{source.kind}.{source.layer}.{source.head}"
    if source.of == "mlp":
        return f"{source.kind}.{source.layer}.mlp"
    return f"{source.of} {source.name} {source.layer} {source.number}"
