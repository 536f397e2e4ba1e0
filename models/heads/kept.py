"""The atlas that is there without computing it."""

from dataclasses import dataclass

from models.engine import Engine
from models.heads.atlas import Atlas
from models.heads.requests import AtlasRequest


@dataclass(frozen=True)
class KeptAtlasRequest:
    """An atlas as it came with this project, or as it was kept when it was computed; None where it is neither."""

    request: AtlasRequest

    def answer(self, engine: Engine) -> Atlas | None:
        """Nothing is computed, and no model loaded."""
        return engine.answers.peek(self.request)
