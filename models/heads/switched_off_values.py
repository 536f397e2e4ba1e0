"""What a part gives when it is off: nothing, its mean over a bank of sentences, or its value in another text."""

from collections import Counter
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float

from models.attention.trace import TraceRequest
from models.engine import Engine, HowFar, Stepwise
from models.errors import HeadlightError
from models.forward.inputs import model_inputs
from models.forward.interventions import ReplaceOutput, Vectors, ZeroHead
from models.forward.recorded_run import to_numpy
from models.heads.changed_runs import MOST_TOKENS, Change, ChangedRuns, Patch, given_by
from models.heads.parts_of_model import Part, Place
from models.heads.token_alignment import aligned_tokens

OffTo = Literal["zero", "mean", "other text"]

MOST_SENTENCES = 400


class OffError(HeadlightError):
    """A way to switch off for which something is missing."""


@dataclass(frozen=True)
class Off:
    """How parts are switched off.

    to: "zero"; "mean": over the tokens of the sentences in `bank`, the first one of each apart; "other text": what the
        part gives in `other`, token by token, counted from both ends where the lengths differ
        (`models.heads.token_alignment`).
    bank: sentences, at most MOST_SENTENCES. other: a text. Both may be token ids as well. Of a seq2seq model they are
        sources, and the output is that of the text itself.
    """

    to: OffTo = "zero"
    bank: tuple[str | tuple[int, ...], ...] = ()
    other: str | tuple[int, ...] = ""


ZERO = Off()


@dataclass(frozen=True, eq=False)
class PartMeans:
    """The mean of what each part gives over a bank, by kind and layer: at the first token, and at all others.

    Many models rest on the first token, where an MLP gives forty times as much as elsewhere: a mean over both would be
    like neither.
    """

    vectors: dict[tuple[str, int], Float[np.ndarray, "2 part width"]]

    def at(self, address: tuple[str, int], positions: int) -> Float[np.ndarray, "position part width"]:
        """The means at so many positions."""
        first, others = self.vectors[address]
        return np.concatenate([first[None], np.broadcast_to(others, (positions - 1, *others.shape))])


@dataclass(frozen=True)
class PartMeansRequest(Stepwise[HowFar, PartMeans]):
    """The means of all parts of one sort over a bank; one forward for each sentence, after which a job says how far it
    is.

    target: of a seq2seq model, the ids that its decoder is given for every sentence.
    """

    model: str
    part: Part
    bank: tuple[str | tuple[int, ...], ...]
    target: tuple[int, ...] = ()

    def computed(self, engine: Engine) -> Generator[HowFar, None, PartMeans]:
        """Raises what `load_model` and `model_inputs` raise; OffError for a bank that is empty or too large, or with
        sentences that are too long.
        """
        if not 0 < len(self.bank) <= MOST_SENTENCES:
            raise OffError(
                f"A mean is taken over 1 to {MOST_SENTENCES} sentences, and there are {len(self.bank):,}; choose "
                "another bank, or that a part gives nothing."
            )
        loaded = engine.model(self.model)
        sums: dict[tuple[str, int], torch.Tensor] = {}
        counts = Counter[tuple[str, int]]()
        for done, sentence in enumerate(self.bank, 1):
            inputs = model_inputs(loaded, sentence, self.target or None)
            if len(inputs.ids) > MOST_TOKENS:
                raise OffError(f"A sentence of the bank has {len(inputs.ids):,} tokens; {MOST_TOKENS} are the most.")
            with engine.forward(loaded), torch.inference_mode():
                for address, given in given_by(loaded, inputs, self.part).items():
                    total = torch.stack([given[0].double(), given[1:].double().sum(0)])
                    sums[address] = sums[address] + total if address in sums else total
                    counts[address] += len(given) - 1
            yield HowFar(done, len(self.bank))
        means = {}
        for address, (first, others) in sums.items():
            first = first / len(self.bank)
            # Of sentences of one token there are no others.
            means[address] = torch.stack([first, others / counts[address] if counts[address] else first])
        return PartMeans({address: to_numpy(each) for address, each in means.items()})


@dataclass(frozen=True, eq=False)
class OffValues:
    """What each part gives when it is off.

    change: what switches a part off in a row of a batch.
    target: by kind and layer, what its parts are set to, at each of `places`; None for zero.
    places: where; None for everywhere. note: what has to be said of it.
    """

    change: Callable[[Place], Change]
    target: dict[tuple[str, int], Float[np.ndarray, "place part width"]] | None
    places: dict[tuple[str, int], tuple[int, ...]] | None
    note: str = ""


def means_request(engine: Engine, trace: TraceRequest, part: Part, off: Off) -> PartMeansRequest:
    """The means that `off_values` asks for where `off` is "mean". Raises what `TraceRequest` raises."""
    return PartMeansRequest(trace.model, part, off.bank, engine.run(trace).inputs.target_ids)


def off_values(engine: Engine, runs: ChangedRuns, part: Part, off: Off) -> OffValues:
    """What switches the parts of a text off.

    Raises OffError, and what the forwards over the bank or the other text raise.
    """
    if off.to == "zero":
        return OffValues(lambda place: _zeroed(part, place), None, None)
    if off.to == "mean":
        means = engine.run(means_request(engine, runs.request, part, off))
        given = runs.trace.inputs
        target = {
            address: means.at(address, len(given.ids if address[0] == "encoder" else given.target_ids or given.ids))
            for address in means.vectors
        }
        return OffValues(lambda place: _put(part, place, target, None), target, None)
    loaded, own = runs.loaded, runs.trace.inputs
    if not off.other or (isinstance(off.other, str) and not off.other.strip()):
        raise OffError(
            "There is no other text yet from which values could be taken; type one, or choose that it gives nothing."
        )
    inputs = model_inputs(loaded, off.other, own.target_ids or None)
    if len(inputs.ids) > MOST_TOKENS:
        raise OffError(f"The other text has {len(inputs.ids):,} tokens; {MOST_TOKENS} are the most.")
    with engine.forward(loaded), torch.inference_mode():
        given = {address: to_numpy(each) for address, each in given_by(loaded, inputs, part).items()}
    sources = aligned_tokens(own.ids, inputs.ids)
    every = tuple((place, place) for place in range(len(own.target_ids)))
    pairs = {address: every if own.target_ids and address[0] != "encoder" else sources.pairs for address in given}
    target = {address: each[[other for _, other in pairs[address]]] for address, each in given.items()}
    places = {address: tuple(one for one, _ in each) for address, each in pairs.items()}
    return OffValues(lambda place: _put(part, place, target, places), target, places, sources.note)


def _zeroed(part: Part, place: Place) -> Change:
    if part == "heads":
        return ZeroHead(place.kind, place.layer, place.head)
    return Patch("mlp" if part == "mlps" else "added", place.kind, place.layer, None)


def _put(
    part: Part,
    place: Place,
    target: dict[tuple[str, int], Float[np.ndarray, "place part width"]],
    places: dict[tuple[str, int], tuple[int, ...]] | None,
) -> Change:
    address = (place.kind, place.layer)
    vectors = Vectors(np.ascontiguousarray(target[address][:, place.head]))
    where = None if places is None else places[address]
    if part == "heads":
        return ReplaceOutput(place.kind, place.layer, place.head, vectors, where)
    return Patch("mlp" if part == "mlps" else "added", place.kind, place.layer, vectors, where)
