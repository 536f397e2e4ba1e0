"""How far a job is that embeds."""

from dataclasses import dataclass


@dataclass(frozen=True)
class HowFar:
    """What is done, of how many: layers that have their map, or sentences that have their vector."""

    done: int
    of: int
