"""Ready-made settings of the knobs, and what each shows."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Preset:
    """Knobs that go together, and what they show."""

    label: str
    look: str
    values: dict[str, float]


PRESETS = (
    Preset(
        "Focused",
        "T = 0.5 sharpens the odds and a narrow nucleus keeps a handful: the text is safe, and much the same "
        "each time.",
        {"temperature": 0.5, "top_p": 0.8},
    ),
    Preset("Balanced", "The model's own odds, without the tail.", {"temperature": 1.0, "top_p": 0.9}),
    Preset(
        "Wild",
        "T = 1.5 flattens the odds, but min-p holds: nothing with less than a twentieth of the likeliest one's "
        "probability may come.",
        {"temperature": 1.5, "min_p": 0.05, "top_p": 1.0},
    ),
    Preset(
        "Broken",
        "T = 2 with nothing cut: each of the tens of thousands in the tail is unlikely, but together they win most "
        "draws.",
        {"temperature": 2.0, "top_p": 1.0},
    ),
)
