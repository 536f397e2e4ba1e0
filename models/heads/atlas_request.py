"""The question for an atlas."""

from collections.abc import Generator
from dataclasses import dataclass

from models.engine import Engine, HowFar, Stepwise
from models.heads.atlas import Atlas
from models.heads.atlas_files import AtlasSource, bundled_atlas, keep, kept_atlas
from models.heads.atlas_measurement import Measurement
from models.heads.sentence_bank import Bank


@dataclass(frozen=True)
class AtlasRequest(Stepwise[HowFar, Atlas]):
    """The atlas of one model and kind ("encoder", "decoder", "cross"): bundled, kept on disk, or measured now.

    A job yields `HowFar` (forwards done, of how many); where it is there already, nothing.
    """

    model: str
    kind: str
    bank: Bank
    seed: int = 0

    def computed(self, engine: Engine) -> Generator[HowFar, None, Atlas]:
        """Raises what `Measurement` raises."""
        origin = AtlasSource(self.kind, self.bank, self.seed)
        if (atlas := bundled_atlas(self.model, origin)) is not None:
            return atlas
        card = engine.model(self.model).card
        if (atlas := kept_atlas(card, origin)) is not None:
            return atlas
        atlas = yield from Measurement(self.model, self.kind, self.bank, self.seed).computed(engine)
        keep(card, origin, atlas)
        return atlas
