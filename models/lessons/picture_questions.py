"""Questions about pictures: what a picture is cut into, where heads look on it, and what of that matters."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from models.engine import Engine
from models.lessons.question_base import Question, named
from models.lessons.readings import QuestionError, Readings, Unit, readings
from models.vision import (
    CutPicture,
    CutPictureRequest,
    DistancesRequest,
    LayerWeightsRequest,
    LikenessRequest,
    PictureTraceRequest,
    RegionHiddenRequest,
)

_HALF = 0.5
_DRAWS = 8


@dataclass(frozen=True)
class _OfPicture(Question):
    """picture: the name of an example."""

    picture: str = "flower"
    reads_text: ClassVar[bool] = False

    @property
    def trace(self) -> PictureTraceRequest:
        return PictureTraceRequest(self.model, f"example:{self.picture}")

    def cut(self, engine: Engine) -> CutPicture:
        """Raises PictureError, and what `load_model` raises."""
        return engine.run(CutPictureRequest(self.trace))


@dataclass(frozen=True)
class PictureTokens(_OfPicture):
    """Into how many patches and tokens a picture is cut, and how many numbers each is before and after."""

    unit: ClassVar[Unit] = "count"

    def answer(self, engine: Engine) -> Readings:
        """Raises what `cut` raises."""
        cut = self.cut(engine)
        patches = cut.rows * cut.columns
        labels = ["tokens", "patches", "numbers in a patch", "width"]
        return readings(self.unit, labels, [cut.places, patches, 3 * cut.patch**2, cut.width])


@dataclass(frozen=True)
class PatchesForHalf(_OfPicture):
    """Which part of all patches holds half of the weight that the first token has on patches, in each of these heads.

    heads: "10-0" is head 0 of layer 10. names: of them, in the order of the heads.
    """

    heads: tuple[str, ...] = ()
    names: tuple[str, ...] = ()

    def answer(self, engine: Engine) -> Readings:
        """Raises what `cut` raises, and QuestionError."""
        cut = self.cut(engine)
        parts = []
        for layer, head in (_numbers(each) for each in self.heads):
            row = engine.run(LayerWeightsRequest(self.trace, layer, head, 0))[0, 0, len(cut.specials) :]
            held = np.sort(row)[::-1].cumsum()
            parts.append((int(np.searchsorted(held, _HALF * held[-1])) + 1) / len(row))
        return readings(self.unit, named(self.names, self.heads), parts)


@dataclass(frozen=True)
class PatchLikeness(_OfPicture):
    """How alike the vectors of patches are to that of one patch, after the last layer.

    of: the patch. at: the others, "135" of the same picture, "china:40" of another example. names: of those.
    """

    of: int = 0
    at: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    unit: ClassVar[Unit] = "cosine"

    def answer(self, engine: Engine) -> Readings:
        """Raises what `cut` raises, and QuestionError."""
        last = len(self.cut(engine).layers)
        found = []
        for each in self.at:
            picture, _, patch = each.rpartition(":")
            other = PictureTraceRequest(self.model, f"example:{picture}") if picture else None
            cosines = engine.run(LikenessRequest(self.trace, last, self.of, other))[0].ravel()
            if not patch.isdecimal() or int(patch) >= len(cosines):
                raise QuestionError("The step names a patch that is not there.")
            found.append(float(cosines[int(patch)]))
        return readings(self.unit, named(self.names, self.at), found)


@dataclass(frozen=True)
class HeadDistances(_OfPicture):
    """How far the nearest and the furthest head of some layers look, beside a head that looks everywhere alike (1).

    layers: their numbers, "0" and "11".
    """

    layers: tuple[str, ...] = ()

    def answer(self, engine: Engine) -> Readings:
        """Raises what `DistancesRequest` raises, and QuestionError."""
        found = engine.run(DistancesRequest(self.trace))
        labels, values = [], []
        for each in self.layers:
            if not each.isdecimal() or int(each) not in found.layers:
                raise QuestionError("The step names a layer that is not there.")
            means = found.means[found.layers.index(int(each))] / found.even
            labels += [f"nearest of layer {each}", f"furthest of layer {each}"]
            values += [float(means.min()), float(means.max())]
        return readings(self.unit, labels, values)


@dataclass(frozen=True)
class PatchesHidden(_OfPicture):
    """How far the picture's vector turns (1 - cosine) without the patches that a head looks at most, and without as
    many others, the middle one of several draws.

    head: "10-0" is head 0 of layer 10. count: of patches.
    """

    head: str = ""
    count: int = 1
    unit: ClassVar[Unit] = "score"

    def answer(self, engine: Engine) -> Readings:
        """Raises what `RegionHiddenRequest` raises, and QuestionError."""
        cut = self.cut(engine)
        layer, head = _numbers(self.head)
        row = engine.run(LayerWeightsRequest(self.trace, layer, head, 0))[0, 0, len(cut.specials) :]
        if not 0 < 2 * self.count <= len(row):
            raise QuestionError("As many patches cannot be hidden, and as many others.")
        order = np.argsort(-row, kind="stable")
        most, others = order[: self.count], order[self.count :]
        source = np.random.default_rng(0)
        drawn = [source.choice(others, self.count, replace=False) for _ in range(_DRAWS)]
        shifts = [
            engine.run(RegionHiddenRequest(self.trace, tuple(sorted(each.tolist())))).shift for each in (most, *drawn)
        ]
        return readings(self.unit, ["looked at most", "others"], [shifts[0], float(np.median(shifts[1:]))])


def _numbers(name: str) -> tuple[int, int]:
    layer, dash, head = name.partition("-")
    if not (dash and layer.isdecimal() and head.isdecimal()):
        raise QuestionError("The step names a head that is not there.")
    return int(layer), int(head)
