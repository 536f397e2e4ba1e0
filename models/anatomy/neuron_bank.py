"""On which sentences of a bank some neurons of a layer fire most."""

from collections.abc import Generator
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int64

from models.anatomy.mlp_weights import NeuronError, check_neuron, neurons_of
from models.anatomy.neurons import MOST_NEURONS, neuron_values
from models.engine import Engine, HowFar, Stepwise
from models.forward.inputs import InputError, model_inputs
from models.heads.sentence_bank import Bank

MOST_SENTENCES = 200
# Where a step is worth showing.
_EVERY = 5


@dataclass(frozen=True, eq=False)
class Firing:
    """What some neurons give on the sentences of a bank.

    sentences: the tokens of each that was read, as shown. places, values: for each neuron and sentence where it gives
        most, by size, and what it gives there. A first token and special ones are left out: many models rest on them,
        and neurons give there what they give nowhere else.
    left_out: sentences that the model cannot take.
    """

    neurons: tuple[int, ...]
    sentences: tuple[tuple[str, ...], ...]
    places: Int64[np.ndarray, "neuron sentence"]
    values: Float[np.ndarray, "neuron sentence"]
    left_out: int

    def most(self, neuron: int, count: int) -> tuple[int, ...]:
        """The sentences on which a neuron gives most, by size, the most first."""
        row = np.abs(self.values[self.neurons.index(neuron)])
        return tuple(int(each) for each in np.argsort(-row, kind="stable")[:count])

    def usual(self, neuron: int) -> float:
        """What it gives at most on the sentence in the middle, by size."""
        return float(np.median(np.abs(self.values[self.neurons.index(neuron)])))


@dataclass(frozen=True)
class FiringRequest(Stepwise[HowFar, Firing]):
    """What neurons give on the first sentences of a bank, at most MOST_SENTENCES; one forward each.

    kind: of the stack.
    """

    model: str
    kind: str
    layer: int
    neurons: tuple[int, ...]
    bank: Bank
    sentences: int = 100

    def computed(self, engine: Engine) -> Generator[HowFar, None, Firing]:
        """Raises what `load_model` raises; NeuronError for a neuron that is not there, or where no sentence fits."""
        if not 0 < len(self.neurons) <= MOST_NEURONS or not 0 < self.sentences <= MOST_SENTENCES:
            raise NeuronError(f"At most {MOST_NEURONS} neurons are read on {MOST_SENTENCES} sentences.")
        loaded = engine.model(self.model)
        with engine.forward(loaded):
            mlp = neurons_of(loaded, self.kind, self.layer)
        for neuron in self.neurons:
            check_neuron(mlp, neuron)
        chosen = self.bank.sentences[: self.sentences]
        read, places, values, left_out = [], [], [], 0
        yield HowFar(0, len(chosen))
        for number, sentence in enumerate(chosen, 1):
            try:
                inputs = model_inputs(loaded, sentence.text)
            except InputError:
                left_out += 1
                continue
            pieces = inputs.target_pieces if inputs.target_pieces and self.kind != "encoder" else inputs.pieces
            usable = [place for place, piece in enumerate(pieces) if place and not piece.is_special]
            if not usable:
                left_out += 1
                continue
            with engine.forward(loaded), torch.inference_mode():
                _, __, given = neuron_values(loaded, inputs, mlp)
            own = given[usable][:, list(self.neurons)]
            best = np.abs(own).argmax(axis=0)
            read.append(tuple(piece.text for piece in pieces))
            places.append(np.array(usable)[best])
            values.append(own[best, np.arange(len(self.neurons))])
            if number % _EVERY == 0:
                yield HowFar(number, len(chosen))
        if not read:
            raise NeuronError("None of these sentences fits this model; choose another model.")
        return Firing(self.neurons, tuple(read), np.stack(places, axis=1), np.stack(values, axis=1), left_out)
