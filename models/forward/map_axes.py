"""Which tokens are the rows and which the columns of a map."""

from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

Kind = Literal["encoder", "decoder", "cross"]
KINDS: tuple[Kind, ...] = ("encoder", "decoder", "cross")

Item = TypeVar("Item")


@dataclass(frozen=True)
class Axes(Generic[Item]):
    """One item for each row (query) and for each column (key) of the maps of one kind.

    rows_are_target, columns_are_target: whether these are tokens of a seq2seq model's target; else of the text.
    """

    rows: tuple[Item, ...]
    columns: tuple[Item, ...]
    rows_are_target: bool
    columns_are_target: bool


def are_target(kind: str, *, is_seq2seq: bool) -> tuple[bool, bool]:
    """Whether the rows and the columns of the maps of this kind are tokens of a seq2seq model's target.

    A model without one reads the text itself with its decoder.
    """
    return is_seq2seq and kind != "encoder", is_seq2seq and kind == "decoder"


def map_size(kind: str, source: int, target: int) -> tuple[int, int]:
    """How many rows and columns a map of this kind has. target: 0 unless the model is seq2seq."""
    rows, columns = are_target(kind, is_seq2seq=target > 0)
    return target if rows else source, target if columns else source


def axes(kind: str, source: tuple[Item, ...], target: tuple[Item, ...]) -> Axes[Item]:
    """The axes of the maps of this kind ("encoder", "decoder" or "cross").

    source: one item for each token of the text. target: for each token of the decoder's input; empty unless the model
        is seq2seq.
    """
    rows_are_target, columns_are_target = are_target(kind, is_seq2seq=bool(target))
    return Axes(
        rows=target if rows_are_target else source,
        columns=target if columns_are_target else source,
        rows_are_target=rows_are_target,
        columns_are_target=columns_are_target,
    )
