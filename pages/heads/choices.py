"""What can be chosen on the heads page."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pages.shared import thread
from pages.shared.link import Choice, NumberPair, is_whole, number_pair, one_of, whole_number

if TYPE_CHECKING:
    from models.heads import Place

KINDS = {"encoder": "Encoder", "decoder": "Decoder", "cross": "Cross"}
SHOWN = {"roles": "Roles", "effects": "Effects", "transfer": "Transfer"}
QUANTITIES = {
    "next token": "the next token",
    "difference": "one token against another",
    "output": "the whole output",
    "vector": "a token's vector",
    "masked token": "the hidden word",
}
WAYS_OFF = {"zero": "Nothing", "mean": "Mean", "other text": "Other text"}
PARTS = {"heads": "Heads", "mlps": "MLPs", "layers": "Layers"}
SWITCHED_OFF = {"all": "All", **PARTS}
CARRIERS = {"stream": "Residual stream", "heads": "Heads", "mlps": "MLPs"}
RANKINGS = {"exact": "Exact", "estimate": "Estimate"}
SIDES = {"both": "Largest", "helping": "Helping", "hindering": "Hindering"}
BANKS = {"bundled": "Ready-made", "own": "My own"}
MOST_PAIRS = 6


class TokenPairs(tuple[NumberPair, ...]):
    """Pairs of tokens, written in a link as 10-1,7-2."""

    __slots__ = ()

    def __str__(self) -> str:
        return ",".join(map(str, self))


def _pairs(text: str) -> TokenPairs:
    read = number_pair("The link's pairs are no pairs of tokens, as in 10-1; none are asked for.")
    found = TokenPairs(read(each) for each in text.split(",") if each)
    if len(found) > MOST_PAIRS:
        raise ValueError(f"The link asks for more than {MOST_PAIRS} pairs of tokens; none are asked for.")
    return found


def _matching(what: str, pattern: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(f"The link names no {what} that is here; the default is shown.")
        return text

    return parse


def _case(text: str) -> str:
    side, dash, place = text.partition("-")
    if side not in ("most", "least") or not dash or not is_whole(place):
        raise ValueError("The link names no case that is here; the page's own text is shown.")
    return text


_role = _matching("role", r"[\w>:.-]{1,60}")
_OF_MODEL = (thread.MODEL,)
OF_KIND: Choice[str | None] = Choice("of_kind", None, one_of("kind of attention", tuple(KINDS)), _OF_MODEL)
SHOW: Choice[str] = Choice("heads_by", "roles", one_of("picture", tuple(SHOWN)))
_cell = number_pair("The link's head is not a layer and a head, as in 10-1; another is shown.")
OF_HEAD: Choice[NumberPair | None] = Choice("of_head", None, _cell, (thread.MODEL, OF_KIND))
ONLY: Choice[str] = Choice("only_role", "", _role, (thread.MODEL, OF_KIND))
OF_ROLE: Choice[str] = Choice("of_role", "", _role, (thread.MODEL, OF_KIND, OF_HEAD))
CASE: Choice[str] = Choice("case", "", _case, (thread.MODEL, OF_KIND, OF_HEAD, OF_ROLE))

BANK: Choice[str] = Choice("bank", "bundled", one_of("bank of sentences", tuple(BANKS)))
SENTENCES: Choice[str] = Choice("bank_text", "", thread.readable)

PAIRS: Choice[TokenPairs] = Choice("pairs", TokenPairs(), _pairs, thread.OWNERS)
UNWANTED: Choice[TokenPairs] = Choice("not_pairs", TokenPairs(), _pairs, thread.OWNERS)

QUANTITY: Choice[str | None] = Choice("quantity", None, one_of("quantity", tuple(QUANTITIES)), _OF_MODEL)
WORD: Choice[str] = Choice("of_token", "", thread.readable, thread.OWNERS)
OTHER_WORD: Choice[str] = Choice("less_token", "", thread.readable, thread.OWNERS)
AT_TOKEN: Choice[int | None] = Choice("at_token", None, whole_number("token of the quantity"), thread.OWNERS)
OFF: Choice[str] = Choice("off_is", "zero", one_of("way to switch off", tuple(WAYS_OFF)))
OFF_TEXT: Choice[str] = Choice("off_text", "", thread.readable, (thread.TEXT,))
PART: Choice[str] = Choice("off_part", "all", one_of("part", tuple(SWITCHED_OFF)))
# What of the layer of `OF_HEAD` is spoken of, in a map that has more than heads.
OF_PART: Choice[str] = Choice("of_part", "heads", one_of("part of a layer", tuple(PARTS)), (thread.MODEL, OF_KIND))
BESIDE: Choice[str] = Choice("beside_chance", "off", one_of("comparison", ("off", "on")))

RANKED_BY: Choice[str] = Choice("ranked_by", "exact", one_of("ranking", tuple(RANKINGS)))
SIDED: Choice[str] = Choice("ranked_side", "both", one_of("side", tuple(SIDES)))
INTO: Choice[str] = Choice("into_text", "", thread.readable, (thread.TEXT,))
CARRIER: Choice[str] = Choice("carrier", "stream", one_of("carrier", tuple(CARRIERS)))
_stream_cell = number_pair("The link's cell is not a layer and a token, as in 10-1; another is shown.")
# Layer, and the place of a token in the text that is put into; of an MLP 0.
OF_CELL: Choice[NumberPair | None] = Choice("of_cell", None, _stream_cell, (*thread.OWNERS, INTO, CARRIER))

OTHER_MODEL: Choice[str] = Choice("match_model", "", thread.named_in_link)
# Layer and head of the other model.
MATCHED: Choice[NumberPair | None] = Choice("match_head", None, _cell, (thread.MODEL, OF_KIND, OF_HEAD, OTHER_MODEL))

CHOICES: tuple[Choice[Any], ...] = (
    *(OF_KIND, SHOW, OF_HEAD, ONLY, OF_ROLE, CASE, BANK, SENTENCES, PAIRS, UNWANTED),
    *(QUANTITY, WORD, OTHER_WORD, AT_TOKEN, OFF, OFF_TEXT, PART, OF_PART, BESIDE),
    *(RANKED_BY, SIDED, INTO, CARRIER, OF_CELL, OTHER_MODEL, MATCHED),
)


def head_name(layer: int, head: int) -> str:
    """As people write it: L3 H1."""
    return f"L{layer} H{head}"


def place_name(place: "Place", part: str = "heads", *, with_kind: bool = False) -> str:
    """A head, an MLP or a layer as people write it: L3 H1, L3 MLP, layer L3; with_kind: "cross L3 H1"."""
    names = {"mlps": f"L{place.layer} MLP", "layers": f"layer L{place.layer}"}
    name = names.get(part, head_name(place.layer, place.head))
    return f"{place.kind} {name}" if with_kind else name
