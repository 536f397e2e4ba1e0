"""The atlas that is there without measuring it."""

from models.catalog import model_card
from models.engine import Engine
from models.heads.atlas import Atlas
from models.heads.atlas_files import AtlasSource, bundled_atlas, kept_atlas
from models.heads.atlas_request import AtlasRequest


def atlas_at_hand(engine: Engine, request: AtlasRequest) -> Atlas | None:
    """An atlas that came with this project, was measured here before, or is remembered; None where it is none of them.

    Nothing is measured for it, and no model is loaded. Raises what `model_card` raises.
    """
    if request in engine.answers:
        return engine.run(request)
    origin = AtlasSource(request.kind, request.bank, request.seed)
    found = bundled_atlas(request.model, origin) or kept_atlas(model_card(request.model), origin)
    return None if found is None else engine.answers.get(request, lambda: found)
