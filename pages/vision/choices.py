"""What can be chosen on the vision page, and what is ready-made."""

from collections.abc import Callable
from typing import Any

from models.pictures import EXAMPLES as PICTURES
from pages.shared import thread
from pages.shared.examples import ReadyMade
from pages.shared.link import Choice, is_whole, one_of, whole_number

OWN = "own"
MOST_HELD = 4
MOST_HIDDEN = 400

VIEWS = {"picture": "One layer", "every": "All heads"}
WAYS = {"lit": "Lit", "map": "Map", "outlines": "Outlines"}
CUTS = {"crop": "Cropped", "whole": "Whole"}


class Places(tuple[int, ...]):
    """Tokens of a picture, written in a link as 0-135."""

    __slots__ = ()

    def __str__(self) -> str:
        return "-".join(map(str, self))


def places_in_link(most: int) -> Callable[[str], Places]:
    """A parser of so many places at the most; raises ValueError with the sentence that a person reads."""

    def parse(text: str) -> Places:
        places = text.split("-") if text else []
        if not all(is_whole(each, 6) for each in places) or len(places) > most:
            raise ValueError("The link names no patches that are here; the default is shown.")
        return Places(map(int, places))

    return parse


PHOTO: Choice[str] = Choice("photo", "flower", one_of("picture", (*PICTURES, OWN)))
SIDE: Choice[int | None] = Choice("photo_side", None, whole_number("side", 14, 4_000), (thread.MODEL,))
CUT: Choice[str] = Choice("photo_cut", "crop", one_of("way to cut", tuple(CUTS)))
_OF_PICTURE = (thread.MODEL, PHOTO, SIDE, CUT)
SEEN_AS: Choice[str] = Choice("looks_view", "picture", one_of("view", tuple(VIEWS)))
WAY: Choice[str] = Choice("lit_as", "lit", one_of("way to draw", tuple(WAYS)))
SEE_LAYER: Choice[int | None] = Choice("see_layer", None, whole_number("layer"), (thread.MODEL,))
SEE_HEAD: Choice[int] = Choice("see_head", 0, whole_number("head"), (thread.MODEL,))
# Tokens that look; the last one is the chosen one.
LOOKS_FROM: Choice[Places] = Choice("looks_from", Places((0,)), places_in_link(MOST_HELD), _OF_PICTURE)

# Of the tabs. Layers after which vectors are taken: 0 is what goes into the first one.
FEATURE_LAYER: Choice[int | None] = Choice("feature_layer", None, whole_number("layer"), (thread.MODEL,))
LIKE_LAYER: Choice[int | None] = Choice("like_layer", None, whole_number("layer"), (thread.MODEL,))
LIKE_PATCH: Choice[int | None] = Choice("like_patch", None, whole_number("patch"), _OF_PICTURE)
PLACED_PATCH: Choice[int | None] = Choice("placed_patch", None, whole_number("patch"), _OF_PICTURE)
LENGTH_LAYER: Choice[int | None] = Choice("lengths_after", None, whole_number("layer"), (thread.MODEL,))
HIDDEN_PATCHES: Choice[Places] = Choice("patches_hidden", Places(()), places_in_link(MOST_HIDDEN), _OF_PICTURE)
FITTING: Choice[str] = Choice("fitting_texts", "a flower\na temple\na dog", thread.readable)

CHOICES: tuple[Choice[Any], ...] = (
    *(PHOTO, SIDE, CUT, SEEN_AS, WAY, SEE_LAYER, SEE_HEAD, LOOKS_FROM),
    *(FEATURE_LAYER, LIKE_LAYER, LIKE_PATCH, PLACED_PATCH, LENGTH_LAYER, HIDDEN_PATCHES, FITTING),
)

_FLOWER = {thread.MODEL: "dinov2", PHOTO: "flower", LOOKS_FROM: Places((0,))}
EXAMPLES = (
    ReadyMade(
        "flower",
        _FLOWER | {SEE_LAYER: 8, SEE_HEAD: 4},
        "This head of the class token lights the flower up: half of its weight on patches lies on 45 of 256. Press a "
        "patch: where do heads look from there?",
    ),
    ReadyMade(
        "background",
        _FLOWER | {SEE_LAYER: 11, SEE_HEAD: 3},
        "The same token, another head: of the last layer, this is the one that looks past the flower.",
    ),
    ReadyMade(
        "pagoda",
        {thread.MODEL: "dinov2", PHOTO: "china", SEE_LAYER: 11, SEE_HEAD: 0, LOOKS_FROM: Places((0,)), WAY: "outlines"},
        "Each line is a head of the last layer: round the fewest patches with 60 % of its weight. Which ones keep to "
        "the pagoda?",
    ),
    ReadyMade(
        "alike",
        _FLOWER | {SEE_LAYER: 8, SEE_HEAD: 4, thread.TAB: "which-parts-are-alike"},
        "Below, patches of two pictures in colours: what has one colour is alike to the model.",
    ),
    ReadyMade(
        "hidden",
        _FLOWER | {SEE_LAYER: 11, SEE_HEAD: 0, thread.TAB: "does-it-hang-on-what-it-looks-at"},
        "Below, each patch is hidden once: does the picture's vector turn where the class token looks?",
    ),
)
