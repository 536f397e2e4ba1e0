"""What a page has to know of a vision model before it shows a picture."""

from dataclasses import dataclass

from models.engine import Engine


@dataclass(frozen=True)
class VisionFacts:
    """side: of the processor's crop in pixels; trained: of the pictures it was trained with. patch: side of a patch.

    specials: the tokens before the patches, "CLS" and "R0", ...; layers, heads: with maps.
    sides: which shorter sides can be asked for (whole numbers of patches), the processor's own first; one alone where
        positions cannot be interpolated. takes_whole: whether pictures that are no squares can be taken whole.
    has_positions: whether rows are added for places. has_classes, has_texts: whether it has a head of classes, or a
        text tower.
    says: what the check at load found, a sentence for the card.
    """

    side: int
    trained: int
    patch: int
    specials: tuple[str, ...]
    layers: int
    heads: int
    sides: tuple[int, ...]
    takes_whole: bool
    has_positions: bool
    has_classes: bool
    has_texts: bool
    says: str


@dataclass(frozen=True)
class VisionFactsRequest:
    """Of a model by its name."""

    model: str

    def answer(self, engine: Engine) -> VisionFacts:
        """Raises what `load_model` raises, and NoSuchPartError for a model that reads texts."""
        raise NotImplementedError
