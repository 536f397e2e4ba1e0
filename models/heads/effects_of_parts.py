"""The effects of heads, MLPs and whole layers on one number, to stand in one picture."""

from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass

from models.attention.trace import TraceRequest
from models.engine import Engine, Stepwise
from models.heads.effects import Effects, EffectsRequest
from models.heads.measured_quantity import Quantity
from models.heads.parts_of_model import Part
from models.heads.switched_off_values import ZERO, Off


@dataclass(frozen=True, eq=False)
class EffectsOfParts:
    """The effects of each sort of part, as far as they are computed.

    of_part: by the sort, in the order that was asked for; the first step has them all, with nothing computed.
    """

    of_part: Mapping[Part, Effects]

    @property
    def done(self) -> int:
        """How many parts are computed, of all sorts."""
        return sum(each.done for each in self.of_part.values())

    @property
    def of(self) -> int:
        """How many there are."""
        return sum(each.of for each in self.of_part.values())


@dataclass(frozen=True)
class EffectsOfPartsRequest(Stepwise[EffectsOfParts, EffectsOfParts]):
    """`EffectsRequest` for each of these sorts of parts, one after the other; each answer is kept by itself as well."""

    trace: TraceRequest
    quantity: Quantity
    parts: tuple[Part, ...]
    off: Off = ZERO

    def of(self, part: Part) -> EffectsRequest:
        """The question for one sort."""
        return EffectsRequest(self.trace, self.quantity, part, self.off)

    def computed(self, engine: Engine) -> Generator[EffectsOfParts, None, EffectsOfParts]:
        """Raises what `EffectsRequest` raises."""
        found: dict[Part, Effects] = {}
        for part in self.parts:
            found[part] = next(iter(self.of(part).steps(engine)))
        yield EffectsOfParts(dict(found))
        for part in self.parts:
            for step in self.of(part).steps(engine):
                found[part] = step
                yield EffectsOfParts(dict(found))
        return EffectsOfParts(found)

    def steps_of(self, answer: EffectsOfParts) -> Iterable[EffectsOfParts]:
        """The whole at once."""
        return (answer,)
