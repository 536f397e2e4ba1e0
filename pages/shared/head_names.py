"""The names that heads have earned, wherever a head is spoken of: from an atlas that is there, and none is measured."""

from typing import TYPE_CHECKING

from models.engine import engine

if TYPE_CHECKING:
    from models.heads import Atlas, Name


def atlas_of(model: str, kind: str) -> "Atlas | None":
    """The atlas of this model and kind over the ready-made bank, bundled or kept; None where there is none."""
    from models.heads import AtlasRequest, bundled_bank
    from models.heads.atlas_at_hand import atlas_at_hand

    return atlas_at_hand(engine, AtlasRequest(model, kind, bundled_bank()))


def names_of_head(model: str, kind: str, layer: int, head: int) -> "tuple[Name, ...]":
    """The names of one head, the strongest first; none where nothing is known."""
    found = atlas_of(model, kind)
    if found is None or layer >= len(found.heads) or head >= found.heads[layer]:
        return ()
    return found.names(layer, head)


def head_names(model: str, kind: str) -> dict[str, str]:
    """The strongest name of each head that has one, by "layer-head"."""
    found = atlas_of(model, kind)
    if found is None:
        return {}
    named = {
        f"{layer}-{head}": found.names(layer, head) for layer, count in enumerate(found.heads) for head in range(count)
    }
    return {place: names[0].text for place, names in named.items() if names}
