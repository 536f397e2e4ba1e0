"""What every card says."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Card:
    """name: as in links. title: as people read it. licence, source: of the weights or the data."""

    name: str
    title: str
    licence: str
    source: str
