"""What carries a difference from one text to another: parts of one run put into the other.

Activation patching (Vig et al. 2020, arXiv 2004.12265; Meng et al. 2022, arXiv 2202.05262).
"""

from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float

from models.attention.trace import TraceRequest
from models.engine import Engine, Stepwise
from models.forward.interventions import ReplaceOutput, Vectors
from models.forward.recorded_run import to_numpy
from models.heads.changed_runs import Change, ChangedRuns, Patch, given_by, stream_of
from models.heads.effects import EffectMap, backwards, maps_of
from models.heads.measured_quantity import MeasuredQuantity, Quantity, reading
from models.heads.parts_of_model import EffectsError, Part, Place, places_of
from models.heads.token_alignment import Alignment, aligned_tokens

Carrier = Literal["stream", "heads", "mlps"]

MOST_RUNS = 8_192
_PARTS: dict[Carrier, Part] = {"stream": "layers", "heads": "heads", "mlps": "mlps"}
# A part, and of the stream the place in the text that is put into.
_Cell = tuple[Place, int]
# Of the quantity's unit: what the two texts must differ by, to be divided by.
_SMALLEST_DIFFERENCE = 1e-4


@dataclass(frozen=True, eq=False)
class StreamMap:
    """How much comes over with the residual stream, at each place after each layer.

    kind: the stack. layers: the number of each row. places: of the columns, in the text that is put into: those that
        have a partner.
    shares: NaN where it is not computed yet.
    """

    kind: str
    layers: tuple[int, ...]
    places: tuple[int, ...]
    shares: Float[np.ndarray, "layer place"]


@dataclass(frozen=True, eq=False)
class Transfer:
    """How much of the difference between two texts comes over with each part, as a share: 0 nothing, 1 all of it.

    measured: the quantity, as the text that is taken from has it. taken, into: its value there, and in the text that is
        put into; a share is (with the part put in - into) / (taken - into).
    tokens, into_tokens: of the two texts; of a seq2seq model the sources. target_tokens: what its decoder is given, the
        same in both runs. alignment: of the texts; the first of each pair is in the text that is taken from.
    stream: for `carrier` "stream"; maps: for heads and MLPs, with shares where `EffectMap` has effects.
    """

    measured: MeasuredQuantity
    taken: float
    into: float
    tokens: tuple[str, ...]
    into_tokens: tuple[str, ...]
    target_tokens: tuple[str, ...]
    alignment: Alignment
    stream: tuple[StreamMap, ...]
    maps: tuple[EffectMap, ...]
    done: int
    of: int

    def tokens_in(self, kind: str) -> tuple[str, ...]:
        """The tokens that a stack reads in the run that is put into, of which `StreamMap.places` are some."""
        return self.target_tokens if self.target_tokens and kind != "encoder" else self.into_tokens


@dataclass(frozen=True)
class TransferRequest(Stepwise[Transfer, Transfer]):
    """Activations of one text put into the run of another, part by part.

    taken: the text from which they are taken; of it the quantity is measured (its likeliest token, where none is
        typed; of a vector the cosine with the vector in this text). into: the text that they are put into; of a seq2seq
        model with the same output.
    carrier: the residual stream at each place after each layer, each head's output at all places that have a partner,
        or each MLP's.
    """

    taken: TraceRequest
    into: TraceRequest
    quantity: Quantity
    carrier: Carrier = "stream"

    def computed(self, engine: Engine) -> Generator[Transfer, None, Transfer]:
        """Raises what `EffectsRequest` raises; EffectsError for two models, for texts that do not differ in the
        quantity, and for too many runs.
        """
        if self.taken.model != self.into.model:
            raise EffectsError(
                "What is taken from one model cannot be put into another; take one model for both texts."
            )
        source = ChangedRuns(engine, self.taken, self.quantity)
        what = source.measured
        request = replace(self.into, target=self.taken.target)
        into = engine.run(request)
        alignment = aligned_tokens(source.trace.inputs.ids, into.inputs.ids)
        at = self._read_at(what, alignment)
        runs = ChangedRuns(engine, request, (what, reading(what, source.trace, at)))
        before = float(runs.values([()])[0])
        if abs(what.value - before) < _SMALLEST_DIFFERENCE:
            raise EffectsError(
                "The two texts do not differ in what is measured, so that nothing can come over; take other texts, or "
                "another quantity."
            )
        changes = self._changes(engine, source, runs, alignment)
        if len(changes) > MOST_RUNS:
            raise EffectsError(
                f"This takes {len(changes):,} runs, and at most {MOST_RUNS:,} are made; take shorter texts, or heads "
                "or MLPs instead of the stream."
            )
        found: dict[_Cell, float] = {}
        so_far = Transfer(
            measured=what,
            taken=what.value,
            into=before,
            tokens=source.trace.tokens,
            into_tokens=into.tokens,
            target_tokens=into.target_tokens,
            alignment=alignment,
            stream=(),
            maps=(),
            done=0,
            of=len(changes),
        )
        so_far = self._with(so_far, changes, found)
        yield so_far
        places = backwards(into, tuple(dict.fromkeys(place for place, _ in changes)))
        number = {place: each for each, place in enumerate(places)}
        order = sorted(changes, key=lambda cell: (number[cell[0]], -cell[1]))
        for some, is_shown in runs.batches(order):
            values = runs.values([(changes[cell],) for cell in some])
            found |= dict(zip(some, ((values - before) / (what.value - before)).tolist(), strict=True))
            if is_shown:
                so_far = self._with(so_far, changes, found)
                yield so_far
        return so_far

    def steps_of(self, answer: Transfer) -> Iterable[Transfer]:
        """The whole at once."""
        return (answer,)

    def _read_at(self, what: MeasuredQuantity, alignment: Alignment) -> int | None:
        """Where the vector or the mask that is measured stands in the other text."""
        if what.quantity.of not in ("vector", "masked token"):
            return None
        at = dict(alignment.pairs).get(what.position)
        if at is None:
            raise EffectsError(
                f"Token {what.position}, which is measured, has no partner in the other text; choose another, or texts "
                "that are more alike."
            )
        return at

    def _changes(
        self, engine: Engine, source: ChangedRuns, runs: ChangedRuns, alignment: Alignment
    ) -> dict[_Cell, Change]:
        """What is put in for each cell of the answer."""
        loaded, inputs = source.loaded, source.trace.inputs
        with engine.forward(loaded):
            places = places_of(runs.trace, _PARTS[self.carrier])
        with engine.forward(loaded), torch.inference_mode():
            if self.carrier == "stream":
                taken = {address: to_numpy(each)[:, None] for address, each in stream_of(loaded, inputs).items()}
            else:
                given = given_by(loaded, inputs, _PARTS[self.carrier])
                taken = {address: to_numpy(each) for address, each in given.items()}
        # What a decoder beside an encoder gives, it gives at the steps of the output, which is the same.
        steps = tuple((place, place) for place in range(len(inputs.target_ids)))
        found: dict[_Cell, Change] = {}
        for place in places:
            pairs = steps if steps and place.kind != "encoder" else alignment.pairs
            vectors = taken[place.kind, place.layer][:, place.head]
            if self.carrier == "stream":
                for one, other in pairs:
                    row = Vectors(vectors[[one]])
                    found[place, other] = Patch("stream", place.kind, place.layer, row, (other,))
                continue
            rows = Vectors(vectors[[one for one, _ in pairs]])
            where = tuple(other for _, other in pairs)
            found[place, 0] = (
                ReplaceOutput(place.kind, place.layer, place.head, rows, where)
                if self.carrier == "heads"
                else Patch("mlp", place.kind, place.layer, rows, where)
            )
        return found

    def _with(self, so_far: Transfer, cells: Iterable[_Cell], found: Mapping[_Cell, float]) -> Transfer:
        if self.carrier != "stream":
            maps = maps_of(tuple(place for place, _ in cells), {place: share for (place, _), share in found.items()})
            return replace(so_far, maps=maps, done=len(found))
        stream = []
        for kind in dict.fromkeys(place.kind for place, _ in cells):
            own = [(place.layer, column) for place, column in cells if place.kind == kind]
            layers, columns = (tuple(dict.fromkeys(each)) for each in zip(*own, strict=True))
            shares = np.array(
                [[found.get((Place(kind, layer), column), np.nan) for column in columns] for layer in layers]
            )
            stream.append(StreamMap(kind, layers, columns, shares))
        return replace(so_far, stream=tuple(stream), done=len(found))
