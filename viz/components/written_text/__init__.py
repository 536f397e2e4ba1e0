"""A text as it was written, token by token, coloured by how likely each was, and the branches that turn off from it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from viz.components.scaffold import component, fields_of, number, pack_picture

SHADES = ("probability", "rank", "surprisal")
_PARTS = """\
<div class="text" dir="auto" role="listbox" aria-label="The text, token by token"></div>
<div class="foot">
  <span class="shades" role="radiogroup" aria-label="Colour"></span><span class="scale" aria-hidden="true"></span>
  <span class="says"></span>
</div>
<div class="tree" role="tree" aria-label="Branches"></div>
"""
_mount = component("written_text", _PARTS)


@dataclass(frozen=True)
class WrittenToken:
    """One token: the text it adds, how the token is shown, its probability by the model and what it was drawn from,
    its rank (0 the likeliest); is_turned: whether it was chosen by hand.
    """

    text: str
    piece: str
    probability: float
    drawn_probability: float
    rank: int
    is_turned: bool = False


@dataclass(frozen=True)
class BranchLine:
    """A branch in the tree: the token with which it turns off, at which token of the text (from 1), its text from it.

    depth: how many branches lie above it; the text as it was drawn has none, and no piece.
    """

    piece: str
    at: int
    text: str
    depth: int


@dataclass(frozen=True)
class WrittenText:
    """The content of the picture.

    before: what stands before the first token. tokens: those that were written. selected: the place whose next-token
        distribution is shown; as many as there are tokens: what would come next.
    goes_on: whether something could come after the last one. is_done: whether no more tokens are on their way.
    shade: what a token's colour is, one of SHADES. vocabulary: how many tokens there are, for the scale of ranks.
    says: a line below. branches: the tree, walked from top to bottom; current: which of them is shown.
    asked: how often somebody has asked for a text; where that has grown, it is brought into sight.
    """

    before: str
    tokens: Sequence[WrittenToken]
    selected: int
    goes_on: bool
    is_done: bool
    shade: str
    vocabulary: int
    says: str
    branches: Sequence[BranchLine] = ()
    current: int = 0
    asked: int = 0

    def __post_init__(self) -> None:
        if self.shade not in SHADES:
            raise ValueError(f"expected a shade of {', '.join(SHADES)}, found {self.shade}")


def written_text(
    written: WrittenText,
    *,
    key: str,
    on_token: Callable[[int], None],
    on_branch: Callable[[int], None],
    on_shade: Callable[[str], None],
) -> None:
    """Show the picture.

    `on_token(place)` is called for a selected token, `on_branch(line)` for a branch of the tree, `on_shade(shade)` for
    another meaning of the colour.
    """
    told = {"token": (number, on_token), "branch": (number, on_branch), "shade": (_shade, on_shade)}
    _mount(key=key, data=packed(written), told=told)


def _shade(value: object) -> str | None:
    return str(value) if value in SHADES else None


def packed(written: WrittenText) -> bytes:
    """The message to the browser."""
    header = fields_of(written) | {
        "tokens": [
            [
                token.text,
                token.piece,
                float(f"{token.probability:.6g}"),
                float(f"{token.drawn_probability:.6g}"),
                token.rank,
                int(token.is_turned),
            ]
            for token in written.tokens
        ],
        "shades": SHADES,
        "branches": [[each.piece, each.at, each.text, each.depth] for each in written.branches],
    }
    return pack_picture(header)
