"""What a page has to know of a vision model before it shows a picture."""

from dataclasses import dataclass

from models.engine import Engine
from models.pictures import MOST_PATCHES
from models.vision.answers import classes_of, compares_texts
from models.vision.tracing import sight_in

_SIDES = (336, 448, 518)


@dataclass(frozen=True)
class VisionFacts:
    """side: of the processor's crop in pixels; trained: of the pictures it was trained with. patch: side of a patch.

    specials: the tokens before the patches, "CLS" and "R0", ...; layers, heads: with maps.
    sides: which shorter sides can be asked for (whole numbers of patches), the processor's own first; one alone where
        positions cannot be interpolated. takes_whole: whether pictures that are no squares can be taken whole.
    has_classes, has_texts: whether it has a head of classes, or a text tower.
    says: what the check at load found, sentences.
    """

    side: int
    trained: int
    patch: int
    specials: tuple[str, ...]
    layers: int
    heads: int
    sides: tuple[int, ...]
    takes_whole: bool
    has_classes: bool
    has_texts: bool
    says: tuple[str, ...]


@dataclass(frozen=True)
class VisionFactsRequest:
    """Of a model by its name."""

    model: str

    def answer(self, engine: Engine) -> VisionFacts:
        """Raises what `load_model` raises, and NoSuchPartError for a model that reads texts."""
        loaded = engine.model(self.model)
        sight = sight_in(loaded)
        side, most = sight.processing.side, int(MOST_PATCHES**0.5)
        others = {sight.patch * round(each / sight.patch) for each in _SIDES}
        larger = sorted(each for each in others if side < each <= sight.patch * most) if sight.takes_others else []
        says = [each.sentence for each in loaded.findings if each.sentence]
        if not sight.processing.is_own:
            says.append(
                "Its files do not say how pictures are made ready for it: resized to a square, colours -1 to 1."
            )
        return VisionFacts(
            side=side,
            trained=sight.trained,
            patch=sight.patch,
            specials=sight.specials,
            layers=loaded.card.layers,
            heads=loaded.card.heads,
            sides=(side, *larger),
            takes_whole=sight.takes_others,
            has_classes=classes_of(loaded) is not None,
            has_texts=compares_texts(loaded),
            says=tuple(says),
        )
