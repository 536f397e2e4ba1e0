"""What every head does with the sentences of a bank."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from models.attention.trace import AttentionTrace
from models.heads.role_sums import RoleSums, stacked_weights
from models.heads.roles import is_delimiter
from models.heads.sentence_bank import Sentence
from models.heads.word_weights import grammar_pairs, most_looked_at, pieces_in_words, visible_words, word_weights
from models.tokenization import Piece

# Offsets of a key from its query, in tokens, at which the mean weight is kept.
OFFSETS = np.arange(-12, 13)
FEWEST_CASES = 30
MOST_RELATIONS = 48
_MOST_APART = 10


@dataclass(frozen=True, eq=False)
class Habits:
    """Where heads look over the bank, whatever stands there: mean weights.

    by_offset: at each of `OFFSETS` where there is a key that is neither the first token nor a delimiter. on_first: on
    the first token. on_delimiters: on all delimiters of a sentence together. NaN where there is none.
    """

    by_offset: Float[np.ndarray, "*head offset"]
    on_first: Float[np.ndarray, "*head"]
    on_delimiters: Float[np.ndarray, "*head"]


class OnSentences:
    """Sums over sentences, one after the other: `add` each, then ask for what was `measured` and for `habits`."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._sums: list[np.ndarray] = []
        self._cases: list[np.ndarray] = []
        self._chance: list[np.ndarray] = []
        self._hits: list[np.ndarray] = []
        self._pairs: list[tuple[int, int, int, int, str]] = []
        self.without_words = 0
        self.unknown = self.tokens = 0

    @property
    def count(self) -> int:
        """How many sentences were added."""
        return len(self._sums)

    def add(self, trace: AttentionTrace, sentence: Sentence) -> None:
        """Count one sentence in."""
        pieces = trace.pieces
        self.tokens += sum(not each.is_special for each in pieces)
        self.unknown += sum(each.is_unknown for each in pieces)
        weights = stacked_weights(trace, self._kind)
        by_layer = [trace.visible(self._kind, layer) for layer in trace.layers(self._kind)]
        visible = np.any(by_layer, axis=0)
        masks = _habit_masks(pieces) & visible
        heads, size = len(weights), visible.size
        self._sums.append(weights.reshape(heads, size) @ masks.reshape(len(masks), size).T.astype(np.float32))
        self._cases.append(masks.any(axis=2).sum(axis=1))
        counts = np.maximum(visible.sum(axis=1), 1)
        self._chance.append((masks[-1].sum(axis=1) / counts).sum())
        if sentence.heads:
            self._add_grammar(weights, visible, sentence, pieces)

    def _add_grammar(
        self,
        weights: Float[np.ndarray, "head token token"],
        visible: Bool[np.ndarray, "token token"],
        sentence: Sentence,
        pieces: tuple[Piece, ...],
    ) -> None:
        inside = pieces_in_words(sentence.spans, pieces)
        if inside is None:
            self.without_words += 1
            return
        can_see = visible_words(visible, inside)
        pairs = [each for each in grammar_pairs(sentence) if can_see[each[0], each[1]]]
        if not pairs:
            return
        places = most_looked_at(word_weights(weights, inside))
        self._hits.append(places[:, [start for start, _, _ in pairs]] == [end for _, end, _ in pairs])
        last = len(sentence.words) - 1
        self._pairs += [(self.count - 1, start, end, last, role) for start, end, role in pairs]

    def habits(self) -> Habits:
        """Mean weights over all sentences."""
        sums, cases = np.sum(self._sums, axis=0), np.sum(self._cases, axis=0)
        means = np.divide(sums, cases, out=np.full(sums.shape, np.nan, dtype=np.float32), where=cases > 0)
        count = len(OFFSETS)
        return Habits(means[:, :count], means[:, count], means[:, count + 1])

    def measured(self) -> list[RoleSums]:
        """The delimiters and each relation that has enough cases, those with most cases first."""
        cases = np.array(self._cases, dtype=np.float64)[:, -1]
        found = []
        if cases.sum():
            sums = np.array([each[:, -1] for each in self._sums])
            chance = np.full(sums.shape[1], sum(self._chance) / cases.sum(), dtype=np.float32)
            found.append(RoleSums("delimiter", sums, cases, chance))
        if not self._pairs:
            return found
        hits = np.concatenate(self._hits, axis=1)
        samples, starts, ends, lasts = (np.array([each[place] for each in self._pairs]) for place in range(4))
        names, of_role, counts = np.unique([each[4] for each in self._pairs], return_inverse=True, return_counts=True)
        for role in sorted(range(len(names)), key=lambda each: (-counts[each], names[each]))[:MOST_RELATIONS]:
            if counts[role] < FEWEST_CASES:
                break
            chosen = of_role == role
            place, share = _best_place(starts[chosen], ends[chosen], lasts[chosen])
            sums = np.zeros((self.count, len(hits)), dtype=np.float32)
            np.add.at(sums, samples[chosen], hits[:, chosen].T)
            cases = np.bincount(samples[chosen], minlength=self.count).astype(np.float64)
            baselines = np.full(len(hits), share, dtype=np.float32)
            found.append(RoleSums(str(names[role]), sums, cases, baselines, is_hits=True, best_place=place))
        return found


def _habit_masks(pieces: tuple[Piece, ...]) -> Bool[np.ndarray, "habit token token"]:
    """For each of `OFFSETS`, for the first token and for the delimiters, the keys that are meant; of queries that are
    no special tokens.
    """
    count = len(pieces)
    places = np.arange(count)
    apart = places[None] - places[:, None]
    is_query = np.array([not piece.is_special for piece in pieces])[:, None]
    delimiters = is_delimiter(pieces)
    is_plain = ~delimiters & (places > 0)
    by_offset = (apart[None] == OFFSETS[:, None, None]) & is_plain
    first = np.broadcast_to((places == 0) & (places[:, None] > 0), (count, count))
    ends = np.broadcast_to(delimiters, (count, count))
    return np.concatenate([by_offset, first[None], ends[None]]) & is_query


def _best_place(
    starts: Int[np.ndarray, " pair"], ends: Int[np.ndarray, " pair"], lasts: Int[np.ndarray, " pair"]
) -> tuple[str, float]:
    """The fixed place that is right most often, in words, and how often: an offset, the first word or the last."""
    apart = ends - starts
    offsets = {each: float((apart == each).mean()) for each in range(-_MOST_APART, _MOST_APART + 1) if each}
    best = max(offsets, key=lambda each: offsets[each])
    found = _place(best), offsets[best]
    ends_of_sentence = (("the first word", float((ends == 0).mean())), ("the last word", float((ends == lasts).mean())))
    for name, share in ends_of_sentence:
        if share > found[1]:
            found = f"{name} (of the offsets, {_place(best)}: {100 * offsets[best]:.1f}\u00a0%)", share
    return found


def _place(offset: int) -> str:
    if abs(offset) == 1:
        return "the word before" if offset < 0 else "the next word"
    return f"the word {abs(offset)} places {'before' if offset < 0 else 'after'}"
