"""Where the effects of heads, MLPs and layers stand in one picture: a column for each layer, the heads on top."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float32

from pages.heads.choices import OF_HEAD, OF_PART
from pages.heads.text_and_kind import Subject, stack_of

if TYPE_CHECKING:
    from models.heads import EffectMap, Effects, Part

_NAMES = {"mlps": "MLP", "layers": "layer"}


class EffectsGrid:
    """The rows and columns of a picture of these sorts of parts, of the kind of attention that is spoken of.

    layers: the number of each column. heads: how many rows of heads each has, or as many as there are other parts,
    where no heads are shown. below: the rows below heads; rows: the rows where there are no heads; each by its name.
    """

    def __init__(self, about: Subject, parts: "tuple[Part, ...]", given: "Sequence[Mapping[Part, Effects]]") -> None:
        """given: the effects that are shown, which tell the layers that there are."""
        self._kind = about.kind
        self._others = tuple(part for part in parts if part != "heads")
        is_with_heads = "heads" in parts
        attending = set(about.traced.layers_of(about.kind)) if is_with_heads else set()
        maps = [self.of_kind(each) for found in given for each in found.values()]
        self.layers = tuple(sorted(attending.union(*(each.layers for each in maps if each is not None))))
        names = tuple(_NAMES[part] for part in self._others)
        self.below, self.rows = (names, ()) if is_with_heads else ((), names)
        self.heads = tuple(
            about.traced.heads_of(about.kind, each) if each in attending else len(self.rows) for each in self.layers
        )
        self._most = max(self.heads, default=0) if is_with_heads else 0

    @property
    def height(self) -> int:
        """How many rows there are."""
        return self._most + len(self._others)

    def part_at(self, row: int) -> "tuple[Part, int]":
        """What stands in a row: the sort of part, and of heads which."""
        return ("heads", row) if row < self._most else (self._others[row - self._most], 0)

    def of_kind(self, found: "Effects") -> "EffectMap | None":
        """The map that is shown of a sort: that of the kind of attention, or of the stack in which it is."""
        wanted = self._kind if found.part == "heads" else stack_of(self._kind)
        return next((each for each in found.maps if each.kind == wanted), None)

    def values(self, given: "Sequence[Mapping[Part, Effects]]") -> Float32[np.ndarray, "map layer part"]:
        """The effects of each map; NaN where there is none, or none yet."""
        values = np.full((len(given), len(self.layers), self.height), np.nan, dtype=np.float32)
        for number, found in enumerate(given):
            for part, effects in found.items():
                if (own := self.of_kind(effects)) is None:
                    continue
                row = 0 if part == "heads" else self._most + self._others.index(part)
                for layer, line in zip(own.layers, own.effects, strict=True):
                    values[number, self.layers.index(layer), row : row + len(line)] = line
        return values

    @property
    def selected(self) -> tuple[int, int] | None:
        """The cell of the part that is spoken of."""
        chosen, part = OF_HEAD.value, OF_PART.value
        if chosen is None or chosen[0] not in self.layers:
            return None
        place = self.layers.index(chosen[0])
        if part in self._others:
            return place, self._most + self._others.index(part)
        has_heads = not self.rows and chosen[1] < self.heads[place]
        return (place, chosen[1]) if has_heads else None
