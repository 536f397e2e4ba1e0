"""What can be changed in a run, each in one row of a batch, and how it acts inside the attention function."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import sha256
from typing import TypeVar

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from models.errors import HeadlightError
from models.forward.map_axes import are_target


class InterventionError(HeadlightError):
    """An intervention that names a layer, head or position which this run does not have."""


@dataclass(frozen=True)
class ZeroHead:
    """Set one head's output to 0, before the heads are joined by the output projection.

    kind: "encoder", "decoder" or "cross"; layer and head count from 0.
    """

    kind: str
    layer: int
    head: int


@dataclass(frozen=True)
class HideToken:
    """No query may look at this token, in any layer: the same as 0 in the model's `attention_mask` for it.

    position: the token's place, from 0, special tokens counted.
    in_target: the place is in the target of a seq2seq model instead of its source.
    """

    position: int
    in_target: bool = False


@dataclass(frozen=True)
class CutLink:
    """One query may not look at one key, in one head, or in every head of the layer if `head` is None."""

    kind: str
    layer: int
    query: int
    key: int
    head: int | None = None


@dataclass(frozen=True)
class ReplacePattern:
    """Give one head this pattern instead of its own: its output becomes pattern · value.

    pattern: a tuple of rows, [query][key]; each row is used as it is, also if it does not add up to 1.
    """

    kind: str
    layer: int
    head: int
    pattern: tuple[tuple[float, ...], ...]


@dataclass(frozen=True, eq=False)
class Vectors:
    """Numbers that an intervention puts somewhere, never written into; two are equal where they hold the same."""

    numbers: Float[np.ndarray, "place width"]

    @cached_property
    def digest(self) -> str:
        """What tells it from others: SHA-256 of shape, type and numbers."""
        told = f"{self.numbers.shape} {self.numbers.dtype} ".encode()
        return sha256(told + np.ascontiguousarray(self.numbers).tobytes()).hexdigest()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Vectors) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)


@dataclass(frozen=True)
class ReplaceOutput:
    """Give one head this output instead of its own, before the heads are joined by the output projection.

    vectors: as wide as the head's values; one for each of `places`, or one for all of them.
    places: the queries whose output it becomes; None for all.
    """

    kind: str
    layer: int
    head: int
    vectors: Vectors
    places: tuple[int, ...] | None = None


Intervention = ZeroHead | HideToken | CutLink | ReplacePattern | ReplaceOutput
Rows = tuple[tuple[Intervention, ...], ...]
_Wanted = TypeVar("_Wanted", ZeroHead, HideToken, CutLink, ReplacePattern, ReplaceOutput)
_OfLayer = TypeVar("_OfLayer", ZeroHead, CutLink, ReplacePattern, ReplaceOutput)


def _each(rows: Rows, wanted: type[_Wanted]) -> Iterator[tuple[int, _Wanted]]:
    for row, interventions in enumerate(rows):
        for intervention in interventions:
            if isinstance(intervention, wanted):
                yield row, intervention


def _at(rows: Rows, wanted: type[_OfLayer], kind: str, layer: int) -> list[tuple[int, _OfLayer]]:
    return [(row, each) for row, each in _each(rows, wanted) if (each.kind, each.layer) == (kind, layer)]


def _check(what: str, number: int, limit: int) -> None:
    if not 0 <= number < limit:
        raise InterventionError(f"There is no {what} {number} here: the numbers go from 0 to {limit - 1}.")


def hidden_keys(rows: Rows, kind: str, layer: int, query: Tensor, key: Tensor, *, is_seq2seq: bool) -> Tensor | None:
    """What `rows` hide from the queries of this call.

    Returns bool [batch, heads or 1, queries or 1, keys], true where a key is hidden, or None if nothing is.

    Raises InterventionError for a position or head that the call does not have.
    """
    _, keys_are_target = are_target(kind, is_seq2seq=is_seq2seq)
    tokens = [(row, each) for row, each in _each(rows, HideToken) if each.in_target == keys_are_target]
    links = _at(rows, CutLink, kind, layer)
    if not tokens and not links:
        return None
    batch, heads, queries, _ = query.shape
    keys = key.shape[2]
    shape = (batch, heads, queries, keys) if links else (batch, 1, 1, keys)
    hidden = torch.zeros(shape, dtype=torch.bool, device=query.device)
    for row, token in tokens:
        _check("token", token.position, keys)
        hidden[row, :, :, token.position] = True
    for row, link in links:
        _check("query", link.query, queries)
        _check("key", link.key, keys)
        if link.head is not None:
            _check("head", link.head, heads)
        hidden[row, slice(None) if link.head is None else link.head, link.query, link.key] = True
    return hidden


def zeroed_heads(rows: Rows, kind: str, layer: int, output: Tensor) -> Tensor:
    """The output [batch, query, heads, head_dim] with the heads of `ZeroHead` set to 0.

    Raises InterventionError for a head that the layer does not have.
    """
    zeros = _at(rows, ZeroHead, kind, layer)
    if zeros:
        output = output.clone()
    for row, each in zeros:
        _check("head", each.head, output.shape[2])
        output[row, :, each.head] = 0
    return output


def replaced_output(rows: Rows, kind: str, layer: int, output: Tensor, value: Tensor) -> Tensor:
    """The output [batch, query, heads, head_dim] with pattern · value in the heads of `ReplacePattern`, and what is
    given in those of `ReplaceOutput`.

    value: [batch, key_value_heads, key, head_dim]

    Raises InterventionError for a head or a place that the layer does not have, a pattern or vectors of another shape.
    """
    patterns, outputs = _at(rows, ReplacePattern, kind, layer), _at(rows, ReplaceOutput, kind, layer)
    if patterns or outputs:
        output = output.clone()
    for row, each in patterns:
        _, queries, heads, _ = output.shape
        _check("head", each.head, heads)
        shape = (queries, value.shape[2])
        if len(each.pattern) != queries or any(len(line) != shape[1] for line in each.pattern):
            raise InterventionError(f"The pattern must have {shape[0]} rows (queries) of {shape[1]} weights (keys).")
        pattern = torch.tensor(each.pattern, dtype=value.dtype, device=value.device)
        output[row, :, each.head] = pattern @ value[row, each.head * value.shape[1] // heads]
    for row, each in outputs:
        _check("head", each.head, output.shape[2])
        put_into(output[row, :, each.head], each.vectors, each.places)
    return output


def at_query(change: Intervention, query: int) -> Intervention | None:
    """What a change of a head's output is where this query is all there is; None where it does nothing there."""
    if isinstance(change, ReplacePattern):
        return replace(change, pattern=change.pattern[query : query + 1])
    if not isinstance(change, ReplaceOutput):
        return change
    places, numbers = change.places, change.vectors.numbers
    if places is not None and query not in places:
        return None
    row = 0 if len(numbers) == 1 else query if places is None else places.index(query)
    return replace(change, vectors=Vectors(numbers[row : row + 1]), places=None)


def put_into(there: Float[Tensor, "position width"], vectors: Vectors, places: tuple[int, ...] | None) -> None:
    """Write vectors at some places of a tensor, or at all of them; one vector stands for as many as there are places.

    Raises InterventionError for a place that is not there, or vectors of another shape.
    """
    for place in places or ():
        _check("token", place, len(there))
    count = len(there) if places is None else len(places)
    numbers = vectors.numbers
    if numbers.shape[0] not in (1, count) or numbers.shape[1] != there.shape[1]:
        raise InterventionError(
            f"What is put in must be {count} vectors, or one, of {there.shape[1]} numbers each, and is "
            f"{numbers.shape[0]} of {numbers.shape[1]}."
        )
    given = torch.from_numpy(numbers).to(there.device, there.dtype)
    if places is None:
        there[:] = given
    else:
        there[list(places)] = given.expand(count, -1)
