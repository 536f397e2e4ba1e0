"""One palette for every picture, light and dark, safe for colour-blind eyes.

Lightness is amount, the accent is what is selected or spoken of, the diverging ramp is difference, hue is the identity
of pieces, of chosen heads and of what a head does. HTML that Python writes does not know the theme: amounts and marks
in it have `PAGE_BLUE`. A document of another library keeps its colours; nothing else has one. The amount ramps keep one
hue and change lightness evenly, so that they also read in grey; the accents differ from them in hue and meet WCAG AA on
the ground.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

Colours = tuple[str, ...]


@dataclass(frozen=True)
class Palette:
    """Colours of one theme, as #rrggbb.

    amount: from nothing to the most, evenly spaced; interpolated linearly.
    accent: what is selected.
    ground, ink, quiet: background, text, and text of second rank (4.5:1 on the ground at least).
    hatch: lines over what cannot be seen by a query (the future, beyond a window).
    identity: grounds on which equal pieces of a text are the same; text in `ink` can be read on each.
    difference: from the most that is missing, over nothing in the middle, to the most that is new: purple and green,
        which eyes without red or green cones also tell apart (as PRGn of colorbrewer2.org).
    heads: one for each chosen head, in the order of their numbers; 3:1 on the ground at least.
    roles: one for each kind of role that a head may have; 3:1 on the ground at least, and told apart by eyes that lack
        red, green or blue cones.
    """

    amount: Colours
    identity: Colours
    difference: Colours
    heads: Colours
    roles: Colours
    accent: str
    ground: str
    ink: str
    quiet: str
    hatch: str


_MOST_HEADS = 32
_GOLDEN_ANGLE = 137.508


def _head_colours(lightness: tuple[float, ...], chroma: float) -> Colours:
    """Colours of `_MOST_HEADS` heads: hues a golden angle apart, so that neighbours differ most, and lightness in turn.

    The hues of the accent are left to the selection.

    Source: the OKLCH colour space (Ottosson 2020, "A perceptual color space for image processing").
    """
    return tuple(
        _oklch(
            lightness[number % len(lightness)], chroma, math.radians(85 + (165 + _GOLDEN_ANGLE * number) % 360 * 0.8)
        )
        for number in range(_MOST_HEADS)
    )


def _oklch(lightness: float, chroma: float, hue: float) -> str:
    a, b = chroma * math.cos(hue), chroma * math.sin(hue)
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    middle = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    linear = (
        4.0767416621 * long - 3.3077115913 * middle + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * middle - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * middle + 1.7076147010 * short,
    )
    clipped = [min(1.0, max(0.0, each)) for each in linear]
    shown = [12.92 * each if each <= 0.0031308 else 1.055 * each ** (1 / 2.4) - 0.055 for each in clipped]
    return "#" + "".join(f"{round(255 * each):02x}" for each in shown)


_COLOURS: dict[str, tuple[Any, Any]] = {
    # light, dark
    "amount": (
        ("#f6f8fc", "#cddcf2", "#95b8e2", "#5a8cc8", "#2d5f9e", "#123564"),
        ("#171c26", "#223a5e", "#2f5f97", "#4f8fcd", "#93c0ee", "#eaf4ff"),
    ),
    "difference": (
        ("#5a1a6e", "#9a6fae", "#d9c6e2", "#f6f8fc", "#b9dfb4", "#4f9f5c", "#0f5a2b"),
        ("#e5b9f5", "#a46fba", "#533a66", "#171c26", "#22503a", "#4fa368", "#b5efbd"),
    ),
    "roles": (
        ("#6688ff", "#ac849d", "#00695a", "#803cb0", "#e16d00", "#003465", "#541900"),
        ("#4562d6", "#9a8f76", "#0ad4ad", "#b68fff", "#f98b00", "#9ff0ff", "#bb316c"),
    ),
    "identity": (
        (
            *("#ffd3c4", "#ffe0a3", "#e5eda6", "#c2ecbc", "#aeeadd", "#bce2ff"),
            *("#cbd4ff", "#e3cffd", "#ffcbec", "#efd9c1", "#d0e0d4", "#dadce8"),
        ),
        (
            *("#6e3526", "#665018", "#4e5a1b", "#2a5c33", "#1c5a51", "#1f5174"),
            *("#36407f", "#53357a", "#6e305f", "#5c4633", "#3d5247", "#494c61"),
        ),
    ),
    "heads": (_head_colours((0.55, 0.42, 0.62), 0.16), _head_colours((0.76, 0.87, 0.66), 0.14)),
    "accent": ("#b8400a", "#ffb35c"),
    "ground": ("#ffffff", "#11151d"),
    "ink": ("#1a2130", "#e8ecf4"),
    "quiet": ("#5b6475", "#a3adbf"),
    "hatch": ("#cfd5e0", "#333b49"),
}
LIGHT, DARK = (Palette(**{name: both[theme] for name, both in _COLOURS.items()}) for theme in (0, 1))

# It can be told from the ground of either theme, 3:1 at least.
PAGE_BLUE = "#4a86c6"


def between(ramp: Sequence[str], amount: float) -> str:
    """The colour at this part, 0 to 1, of a ramp of evenly spaced colours."""
    place = min(max(amount, 0.0), 1.0) * (len(ramp) - 1)
    low = min(int(place), len(ramp) - 2)
    pairs = ((int(ramp[low][at : at + 2], 16), int(ramp[low + 1][at : at + 2], 16)) for at in (1, 3, 5))
    return "#" + "".join(f"{round(one + (other - one) * (place - low)):02x}" for one, other in pairs)


def readable_on(colour: str) -> str:
    """Black or white, whichever can be read on this colour (WCAG contrast), as text_on_colour.js has it."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (each / 12.92 if each <= 0.03928 else ((each + 0.055) / 1.055) ** 2.4 for each in parts)
    return "black" if 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 else "white"


_OF_EVERY_PICTURE = ("amount", "accent", "ground", "ink", "quiet", "hatch", "identity")


def for_browser(*more: str) -> dict[str, dict[str, object]]:
    """Both themes as JSON takes them, with the colours that every picture needs and those that this one names
    ("difference", "heads", "roles"); the component picks the theme that is shown.
    """
    names = (*_OF_EVERY_PICTURE, *more)
    return {
        theme: {name: colours for name, colours in asdict(palette).items() if name in names}
        for theme, palette in (("light", LIGHT), ("dark", DARK))
    }
