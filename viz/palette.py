"""One palette for every picture, light and dark, safe for colour-blind eyes.

Lightness is amount, the accent is selection, hue is the identity of pieces; nothing else has a colour. The amount
ramps keep one hue and change
lightness evenly, so that they also read in grey; the accents differ from them in hue and meet WCAG AA on the ground.
"""

from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Palette:
    """Colours of one theme, as #rrggbb.

    amount: from nothing to the most, evenly spaced; interpolated linearly.
    accent: what is selected.
    ground, ink, quiet: background, text, and text of second rank (4.5:1 on the ground at least).
    hatch: lines over what cannot be seen by a query (the future, beyond a window).
    identity: grounds on which equal pieces of a text are the same; text in `ink` can be read on each.
    """

    amount: tuple[str, ...]
    accent: str
    ground: str
    ink: str
    quiet: str
    hatch: str
    identity: tuple[str, ...]


LIGHT = Palette(
    amount=("#f6f8fc", "#cddcf2", "#95b8e2", "#5a8cc8", "#2d5f9e", "#123564"),
    accent="#b8400a",
    ground="#ffffff",
    ink="#1a2130",
    quiet="#5b6475",
    hatch="#cfd5e0",
    identity=(
        *("#ffd3c4", "#ffe0a3", "#e5eda6", "#c2ecbc", "#aeeadd", "#bce2ff"),
        *("#cbd4ff", "#e3cffd", "#ffcbec", "#efd9c1", "#d0e0d4", "#dadce8"),
    ),
)
DARK = Palette(
    amount=("#171c26", "#223a5e", "#2f5f97", "#4f8fcd", "#93c0ee", "#eaf4ff"),
    accent="#ffb35c",
    ground="#11151d",
    ink="#e8ecf4",
    quiet="#a3adbf",
    hatch="#333b49",
    identity=(
        *("#6e3526", "#665018", "#4e5a1b", "#2a5c33", "#1c5a51", "#1f5174"),
        *("#36407f", "#53357a", "#6e305f", "#5c4633", "#3d5247", "#494c61"),
    ),
)


def for_browser() -> dict[str, dict[str, object]]:
    """Both themes as JSON takes them; the component picks the one that is shown."""
    return {"light": asdict(LIGHT), "dark": asdict(DARK)}
