"""What changes when a patch cannot be seen: does the answer hang on what is looked at?"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from models.attention.classifier_labels import label_name, probabilities
from models.engine import Engine, HowFar
from models.engine.stepwise import Stepwise
from models.forward.capture import Address, Call, Run, recording
from models.forward.interventions import HideToken
from models.forward.recorded_run import to_numpy
from models.forward.shadow_modules import shadow_of
from models.heads.rank_correlation import rank_correlation
from models.vision.answers import MOST_CLASSES, classes_of
from models.vision.errors import NoSuchPartError
from models.vision.rollout import mean_weights, rollout
from models.vision.tracing import PictureTrace, PictureTraceRequest

_ROWS = 16


@dataclass(frozen=True, eq=False)
class Hiding:
    """Each patch hidden by itself, beside where the picture's vector looks.

    shifts: 1 - the cosine of the picture's vector (the class token as the model hands it out; the mean of the patches
        that are seen in a model without one) with and without the patch. attention: of the class token on each patch in
        the last layer, the mean over heads; rollout: through all layers. Models without a class token: the mean over
        patches.
    with_attention, with_rollout: rank correlation (Spearman) of the shifts with these; NaN where all are equal.
    answer: how much the logit of the likeliest class falls, for a model with a head of classes; else None.
    """

    shifts: Float[np.ndarray, "rows columns"]
    attention: Float[np.ndarray, "rows columns"]
    rollout: Float[np.ndarray, "rows columns"]
    with_attention: float
    with_rollout: float
    answer: Float[np.ndarray, "rows columns"] | None = None


@dataclass(frozen=True)
class HidingRequest(Stepwise[HowFar, Hiding]):
    """Start it as a job: its steps say how many patches are done."""

    trace: PictureTraceRequest

    def computed(self, engine: Engine) -> Generator[HowFar, None, Hiding]:
        """Raises what `PictureTraceRequest` raises."""
        trace = engine.run(self.trace)
        patches = trace.rows * trace.columns
        with engine.forward(trace.loaded):
            before = outcomes(trace, [()])
            weights = mean_weights(trace)
        found: list[Outcomes] = []
        for start in range(0, patches, _ROWS):
            hidden = [(patch,) for patch in range(start, min(start + _ROWS, patches))]
            with engine.forward(trace.loaded):
                found.append(outcomes(trace, hidden))
            yield HowFar(hidden[-1][0] + 1, patches)
        shifts = np.concatenate([_shifts(each, before) for each in found])
        looked, rolled = _looked_at(trace, weights[-1]), _looked_at(trace, _rolled(weights, trace))
        return Hiding(
            shifts=shifts.reshape(trace.rows, trace.columns),
            attention=looked.reshape(trace.rows, trace.columns),
            rollout=rolled.reshape(trace.rows, trace.columns),
            with_attention=rank_correlation(shifts, looked),
            with_rollout=rank_correlation(shifts, rolled),
            answer=_falls(found, before, trace),
        )


@dataclass(frozen=True, eq=False)
class Outcomes:
    """What comes out of several runs. vectors: of the picture. logits: of its classes; None without a head of them."""

    vectors: Float[np.ndarray, "run width"]
    logits: Float[np.ndarray, "run class"] | None


class _Unrecorded(Run):
    """A run whose interventions are wanted and nothing else: a batch of recorded calls would be large."""

    def record(self, address: Address, call: Call) -> None:
        """Nothing is kept."""


def outcomes(trace: PictureTrace, hidden: Sequence[tuple[int, ...]]) -> Outcomes:
    """One forward with a row for each set of hidden patches, beside what the trace itself hides. Takes the device."""
    loaded, first = trace.loaded, len(trace.specials)
    rows = tuple((*trace.interventions, *(HideToken(first + patch) for patch in each)) for each in hidden)
    whole = loaded.model if classes_of(loaded) is None else loaded.classifier
    shadows = shadow_of(whole)
    states: list[Tensor] = []
    shadows[loaded.model].register_forward_hook(lambda _, __, output: states.append(output["last_hidden_state"]))
    arguments = trace.inputs.arguments(loaded, len(rows), last_only=False)
    with torch.inference_mode(), recording(_Unrecorded(interventions=rows if any(rows) else ())):
        result = shadows[whole](**arguments)
    return Outcomes(
        vectors=_picture_vectors(states[0], first, hidden),
        logits=None if whole is loaded.model else to_numpy(result["logits"]),
    )


def _picture_vectors(
    states: Float[Tensor, "run place width"], specials: int, hidden: Sequence[tuple[int, ...]]
) -> Float[np.ndarray, "run width"]:
    if specials:
        return to_numpy(states[:, 0])
    seen = torch.ones(states.shape[:2], device=states.device, dtype=states.dtype)
    for row, patches in enumerate(hidden):
        seen[row, list(patches)] = 0
    return to_numpy((states * seen[..., None]).sum(dim=1) / seen.sum(dim=1, keepdim=True))


def _shifts(found: Outcomes, before: Outcomes) -> Float[np.ndarray, " run"]:
    vectors, known = found.vectors.astype(np.float64), before.vectors[0].astype(np.float64)
    lengths = np.linalg.norm(vectors, axis=-1) * np.linalg.norm(known)
    return (1 - (vectors @ known) / np.maximum(lengths, np.finfo(np.float64).tiny)).astype(np.float32)


def _rolled(weights: Float[np.ndarray, "layers query key"], trace: PictureTrace) -> Float[np.ndarray, "asked key"]:
    """From each place that is asked for in `_looked_at` through all layers."""
    places = range(1) if trace.specials else range(trace.places)
    return np.stack([rollout(weights, place)[-1] for place in places])


def _looked_at(trace: PictureTrace, rows: Float[np.ndarray, "asked key"]) -> Float[np.ndarray, " patch"]:
    """How much the class token, or the patches on average, looks at each patch."""
    first = len(trace.specials)
    return (rows[0] if first else rows.mean(axis=0))[first:]


def _falls(
    found: Sequence[Outcomes], before: Outcomes, trace: PictureTrace
) -> Float[np.ndarray, "rows columns"] | None:
    if before.logits is None:
        return None
    likeliest = int(before.logits[0].argmax())
    logits = np.concatenate([each.logits[:, likeliest] for each in found if each.logits is not None])
    return (before.logits[0, likeliest] - logits).reshape(trace.rows, trace.columns)


@dataclass(frozen=True, eq=False)
class RegionHidden:
    """Some patches hidden together.

    shift: as in `Hiding`. classes: the likeliest of the whole picture; before, after: their probabilities; empty for a
        model without a head of classes.
    """

    shift: float
    classes: tuple[str, ...]
    before: Float[np.ndarray, " classes"]
    after: Float[np.ndarray, " classes"]


@dataclass(frozen=True)
class RegionHiddenRequest:
    """patches: counted from 0 without the tokens before them; at least one stays."""

    trace: PictureTraceRequest
    patches: tuple[int, ...]

    def answer(self, engine: Engine) -> RegionHidden:
        """Raises what `PictureTraceRequest` raises, and NoSuchPartError."""
        trace = engine.run(self.trace)
        count, asked = trace.rows * trace.columns, set(self.patches)
        if not asked or len(asked) == count or not all(0 <= each < count for each in asked):
            raise NoSuchPartError(f"Of {count} patches at least one is hidden, and at least one stays; choose others.")
        with engine.forward(trace.loaded):
            before, after = outcomes(trace, [()]), outcomes(trace, [self.patches])
        shift = float(_shifts(after, before)[0])
        if before.logits is None or after.logits is None:
            nothing = np.zeros(0, dtype=np.float32)
            return RegionHidden(shift, (), nothing, nothing)
        config = trace.loaded.classifier.config
        best = np.argsort(-before.logits[0], kind="stable")[:MOST_CLASSES]
        was = probabilities(config, before.logits[0])[best].astype(np.float32)
        now = probabilities(config, after.logits[0])[best].astype(np.float32)
        return RegionHidden(shift, tuple(label_name(config, int(each)) for each in best), was, now)


def other_regions(patches: Sequence[int], count: int, times: int) -> list[tuple[int, ...]]:
    """Sets of as many patches of `count`, drawn with one seed, none of which is in the region; fewer patches where
    there are not as many.
    """
    left = [each for each in range(count) if each not in patches]
    size = min(len(patches), len(left))
    source = np.random.default_rng(0)
    return [tuple(sorted(source.choice(left, size, replace=False).tolist())) for _ in range(times)] if size else []
