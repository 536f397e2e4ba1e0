"""Questions about what an MLP does with one token."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from models.anatomy.neurons import Neurons, NeuronsRequest
from models.attention.trace import TraceRequest
from models.engine import Engine
from models.lessons.question_base import Question, trace_of, written_by_itself
from models.lessons.readings import Readings, Unit, readings

_STRONGEST = 10


@dataclass(frozen=True)
class _OfNeurons(Question):
    """The neurons of one layer's MLP for the last token of the text."""

    layer: int = 0

    def neurons(self, engine: Engine) -> tuple[Neurons, int]:
        """They, and the width of the residual stream. Raises NeuronError, and what a trace raises."""
        trace = trace_of(engine, self.model, self.text)
        request = TraceRequest(self.model, self.text, written_by_itself(engine, self.model, self.text))
        found = engine.run(NeuronsRequest(request, trace.kinds[0], self.layer, len(trace.tokens) - 1))
        return found, int(trace.loaded.model.config.get_text_config().hidden_size)


@dataclass(frozen=True)
class NeuronCounts(_OfNeurons):
    """How many neurons a layer's MLP has, how many of them give nearly nothing here, and how wide the stream is."""

    unit: ClassVar[Unit] = "count"

    def answer(self, engine: Engine) -> Readings:
        """Raises what `neurons` raises."""
        found, width = self.neurons(engine)
        return readings(self.unit, ["neurons", "near zero", "width"], [len(found.given), found.near_zero, width])


@dataclass(frozen=True)
class NeuronShares(_OfNeurons):
    """Which part of the neurons gives nearly nothing, and which part of all that is written the ten strongest write.

    Written is |activation| times the length of the neuron's vector; "even" is what ten of equal ones would write. Geva
    et al. 2021 (arXiv 2012.14913).
    """

    def answer(self, engine: Engine) -> Readings:
        """Raises what `neurons` raises."""
        found, _ = self.neurons(engine)
        strength, count = found.strength, len(found.given)
        ten = float(np.sort(strength)[-_STRONGEST:].sum() / strength.sum())
        labels = ["near zero", "strongest ten", "even"]
        return readings(self.unit, labels, [found.near_zero / count, ten, min(1.0, _STRONGEST / count)])
