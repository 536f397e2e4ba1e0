"""Which tokens are the rows and which the columns of a map."""

from dataclasses import dataclass
from typing import Generic, TypeVar

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


def axes(kind: str, source: tuple[Item, ...], target: tuple[Item, ...]) -> Axes[Item]:
    """The axes of the maps of this kind ("encoder", "decoder" or "cross").

    source: one item for each token of the text. target: for each token of the decoder's input; empty unless the model
        is seq2seq: the decoder then reads the text itself.
    """
    rows_are_target = bool(target) and kind != "encoder"
    columns_are_target = bool(target) and kind == "decoder"
    return Axes(
        rows=target if rows_are_target else source,
        columns=target if columns_are_target else source,
        rows_are_target=rows_are_target,
        columns_are_target=columns_are_target,
    )
