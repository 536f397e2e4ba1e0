"""The sentences in which a role of a head is most and least true."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float

from models.attention.trace import NoSuchMapError
from models.engine import Engine, HowFar, Stepwise
from models.heads.bank_maps import BankMapsRequest, CasesError, TokenMaps
from models.heads.roles import Role, is_delimiter, role_of
from models.heads.roles_on_random_tokens import OFFSETS, role_masks
from models.heads.sentence_bank import Bank
from models.heads.word_weights import grammar_pairs, pieces_in_words, visible_words, word_weights

SHOWN = 3
# Roles that only repeated tokens show.
_OF_REPEATS = ("same", "duplicate", "induction")


@dataclass(frozen=True, eq=False)
class Case:
    """One sentence (or sequence of random tokens) and what the head does in it.

    text: goes to the studio as it is; "" for random tokens. words: of the sentence, for a role of grammar; for other
        roles its tokens, special ones among them.
    arcs: of the role: (from, to) as indices of words, the word that looks and the one that the role says it looks at;
        empty where there are no such pairs ("broad").
    heads, relations: the grammar of the whole sentence, as in `Sentence`; empty for other roles.
    weights: of this head from word to word; of grammar sums over key pieces and means over query pieces, special tokens
        left out, so that rows add up to less than 1. score: how true the role is here, 0 to 1: of grammar the mean
        share that goes to the right word of what goes to other words, else the mean weight.
    """

    text: str
    words: tuple[str, ...]
    arcs: tuple[tuple[int, int], ...]
    heads: tuple[int, ...]
    relations: tuple[str, ...]
    weights: Float[np.ndarray, "word key"]
    score: float


@dataclass(frozen=True)
class Cases:
    """most: where the role is truest, best first. least: where it is least true, worst first. of: of how many."""

    most: tuple[Case, ...]
    least: tuple[Case, ...]
    of: int


@dataclass(frozen=True)
class CasesRequest(Stepwise[HowFar, Cases]):
    """The cases of one role (its key) of one head. The maps of the bank's first sentences are made once, with progress,
    for all heads and roles.
    """

    model: str
    kind: str
    layer: int
    head: int
    role: str
    bank: Bank
    seed: int = 0
    count: int = SHOWN

    def computed(self, engine: Engine) -> Generator[HowFar, None, Cases]:
        """Raises what `BankMapsRequest` raises, NoSuchMapError, and CasesError for a role without cases here."""
        request = BankMapsRequest(self.model, self.kind, self.bank, self.seed)
        yield from request.steps(engine)
        whole = engine.run(request)
        if not (0 <= self.layer < len(whole.heads) and 0 <= self.head < whole.heads[self.layer]):
            raise NoSuchMapError(f"There is no head {self.head} in layer {self.layer} of this kind.")
        place = sum(whole.heads[: self.layer]) + self.head
        role = role_of(self.role)
        maps = _telling(role, whole.maps)
        key = _best_offset(maps, place) if role.key == "offset" else role.key
        found = [(case, each) for each in maps if (case := _case(key, role, each, place)) is not None]
        if not found:
            raise CasesError(f"“{role.name}” has no cases in these sentences; choose another role.")
        found.sort(key=lambda pair: -pair[0].score)
        shown = min(self.count, -(-len(found) // 2))
        most, least = found[:shown], found[max(shown, len(found) - self.count) :]
        best, worst = (
            sorted((self._exact(engine, request, key, role, each) for _, each in some), key=lambda case: case.score)
            for some in (most, least)
        )
        return Cases(tuple(reversed(best)), tuple(worst), len(found))

    def _exact(self, engine: Engine, request: BankMapsRequest, key: str, role: Role, maps: TokenMaps) -> Case:
        """A case that is shown, with the numbers that other pages have: the bank's are kept in two bytes each."""
        loaded = engine.model(self.model)
        with engine.forward(loaded):
            trace = request.traced(loaded, maps.read)
            weights = trace.weights(self.kind, self.layer, self.head)
        case = _case(key, role, replace(maps, weights=weights[None]), 0)
        assert case is not None
        return case


def _telling(role: Role, maps: Sequence[TokenMaps]) -> list[TokenMaps]:
    """Those in which this role can be seen: sentences where there are any, but repeats for what is about repeats."""
    sentences = [each for each in maps if each.sentence is not None]
    if role.group == "grammar":
        return sentences
    repeats = [each for each in maps if each.sequence is not None]
    return repeats if role.key in _OF_REPEATS or not sentences else sentences


def _case(key: str, role: Role, maps: TokenMaps, place: int) -> Case | None:
    weights = maps.weights[place].astype(np.float32)
    if role.group == "grammar":
        return _of_grammar(key, maps, weights)
    text = "" if maps.sentence is None else maps.sentence.text
    words = tuple(piece.text for piece in maps.pieces)
    if key == "broad":
        return Case(text, words, (), (), (), weights, _breadth(weights, maps.visible))
    mask = _mask(key, maps)
    if mask is None or not mask.any():
        return None
    arcs = tuple((int(start), int(end)) for start, end in np.argwhere(mask))
    return Case(text, words, arcs, (), (), weights, _mean_weight(weights, mask))


def _of_grammar(key: str, maps: TokenMaps, weights: Float[np.ndarray, "token key"]) -> Case | None:
    sentence = maps.sentence
    inside = None if sentence is None else pieces_in_words(sentence.spans, maps.pieces)
    if sentence is None or inside is None or not sentence.heads:
        return None
    can_see = visible_words(maps.visible, inside)
    arcs = tuple((start, end) for start, end, each in grammar_pairs(sentence) if each == key and can_see[start, end])
    if not arcs:
        return None
    words = word_weights(weights[None], inside)[0]
    others = np.maximum(words.sum(axis=1) - words.diagonal(), 1e-9)
    score = float(np.clip(np.mean([words[start, end] / others[start] for start, end in arcs]), 0, 1))
    return Case(sentence.text, sentence.words, arcs, sentence.heads, sentence.relations, words, score)


def _mask(key: str, maps: TokenMaps) -> Bool[np.ndarray, "token key"] | None:
    """Where the role says that each token looks; None for one that has no such places ("copying")."""
    rows, columns = maps.visible.shape
    if key == "delimiter":
        is_query = np.array([not piece.is_special for piece in maps.pieces])[:, None]
        return is_delimiter(maps.pieces)[None] & is_query & maps.visible
    if maps.sequence is not None:
        first, ids = maps.first, maps.sequence.tokens
    else:
        inner = [place for place, piece in enumerate(maps.pieces) if not piece.is_special]
        first, ids = inner[0], tuple(piece.id for piece in maps.pieces[inner[0] : inner[-1] + 1])
    mask = role_masks(ids, first, rows, columns).get(key)
    return None if mask is None else mask & maps.visible


def _best_offset(maps: Sequence[TokenMaps], place: int) -> str:
    """The mask of the offset at which this head looks most."""

    def total(key: str) -> float:
        masks = [(each, _mask(key, each)) for each in maps]
        return sum(_mean_weight(each.weights[place], mask) for each, mask in masks if mask is not None and mask.any())

    return max((f"offset {each}" for each in OFFSETS), key=total)


def _mean_weight(weights: Float[np.ndarray, "token key"], mask: Bool[np.ndarray, "token key"]) -> float:
    """Over the tokens that have a place to look at."""
    return min(float((weights.astype(np.float32) * mask).sum() / mask.any(axis=1).sum()), 1.0)


def _breadth(weights: Float[np.ndarray, "token key"], visible: Bool[np.ndarray, "token key"]) -> float:
    """The mean entropy of the rows, as a part of what even weights have."""
    counts = visible.sum(axis=1)
    rows = weights[counts > 1]
    if not len(rows):
        return 0.0
    entropy = -(rows * np.log(np.maximum(rows, np.float32(1e-12)))).sum(axis=1)
    return float(np.clip((entropy / np.log(counts[counts > 1])).mean(), 0, 1))
