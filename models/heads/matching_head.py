"""Which head of another model looks as a head does: by how alike their maps between words are over the same sentences.

Models cut words into tokens each in its own way, so maps are compared word by word (`word_weights`).
"""

from collections.abc import Generator
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from jaxtyping import Bool, Float

from models.attention.trace import trace_attention
from models.engine import Engine, HowFar, Stepwise
from models.errors import HeadlightError
from models.forward.inputs import InputError
from models.heads.role_sums import heads_of_layers, stacked_weights
from models.heads.roles import CONFIDENCE
from models.heads.sentence_bank import Bank, Sentence
from models.heads.word_weights import pieces_in_words, visible_words, word_weights
from models.loaded import LoadedModel
from models.tokenization import TextError

MOST_SENTENCES = 80
# Of each model: what is summed grows with the product of both.
MOST_HEADS = 1_000
MOST_WORDS, MOST_CHARACTERS = 24, 400
FEWEST_PAIRS = 4
# Heads of models with random weights are as alike as this.
LEAST_LIKENESS = 0.1
# What is left of a map that is no more than rounding.
_NOTHING = 1e-5
_FEWEST_CELLS = 3


class MatchError(HeadlightError):
    """Two models or sentences of which no heads can be compared."""


@dataclass(frozen=True)
class Side:
    """One model, and the kind of its attention ("encoder", "decoder") of which the heads are compared."""

    model: str
    kind: str


@dataclass(frozen=True)
class Match:
    """One head of the other model beside the one that is asked for.

    likeness: the mean correlation of their maps, low and high the ends of its interval. chance: what the best head of
        the other model reaches on another sentence of as many words, where only places can agree.
    is_mutual: whether of all heads of the first model it is this one that is most like it.
    """

    layer: int
    head: int
    likeness: float
    low: float
    high: float
    chance: float
    is_mutual: bool

    @property
    def is_earned(self) -> bool:
        """Whether they agree on words, and not only on places."""
        return self.low > max(self.chance, LEAST_LIKENESS)


@dataclass(frozen=True, eq=False)
class Matches:
    """How alike each head of one model and each of the other are.

    heads, other_heads: (layer, head) of each row and column. deviations: the standard error of each likeness. chances,
    other_chances: as in `Match`, of the heads of each model. sentences: how many both could read.
    """

    heads: tuple[tuple[int, int], ...]
    other_heads: tuple[tuple[int, int], ...]
    likeness: Float[np.ndarray, "head other"]
    deviations: Float[np.ndarray, "head other"]
    chances: Float[np.ndarray, " head"]
    other_chances: Float[np.ndarray, " other"]
    sentences: int

    @property
    def reach(self) -> float:
        """So many standard errors to each side that the intervals of all heads together hold with `CONFIDENCE`."""
        return NormalDist().inv_cdf(1 - (1 - CONFIDENCE) / (2 * len(self.heads)))

    @property
    def turned(self) -> "Matches":
        """The heads of the other model beside those of this one."""
        return Matches(
            *(self.other_heads, self.heads, self.likeness.T, self.deviations.T),
            *(self.other_chances, self.chances, self.sentences),
        )

    def of(self, layer: int, head: int, count: int = 1) -> tuple[Match, ...]:
        """The heads of the other model that are most like this one, the closest first. Raises MatchError."""
        if (layer, head) not in self.heads:
            raise MatchError(f"There is no head {head} in layer {layer} of this model; choose another one.")
        row = self.heads.index((layer, head))
        found = []
        for column in np.argsort(-self.likeness[row], kind="stable")[:count]:
            likeness, reach = float(self.likeness[row, column]), self.reach * float(self.deviations[row, column])
            found.append(
                Match(
                    *self.other_heads[column],
                    likeness,
                    max(-1.0, likeness - reach),
                    min(1.0, likeness + reach),
                    float(self.chances[row]),
                    bool(self.likeness[:, column].argmax() == row),
                )
            )
        return tuple(found)


@dataclass(frozen=True)
class _WordMaps:
    """Of one sentence: of all heads, of a head that spreads its weight evenly over tokens, and where any may look."""

    weights: Float[np.ndarray, "head word word"]
    even: Float[np.ndarray, "1 word word"]
    visible: Bool[np.ndarray, "word word"]


@dataclass(frozen=True)
class MatchRequest(Stepwise[HowFar, Matches]):
    """Every head of the one side beside every head of the other, over sentences of a bank that are
    drawn with the seed. A job yields `HowFar` (sentences read by both, of how many).
    """

    one: Side
    other: Side
    bank: Bank
    seed: int = 0

    @property
    def turned(self) -> "MatchRequest":
        """The same question from the other side, of which the answer is the same."""
        return MatchRequest(self.other, self.one, self.bank, self.seed)

    def computed(self, engine: Engine) -> Generator[HowFar, None, Matches]:
        """Likeness is the correlation of two maps over all pairs of different words that both may look at, once the
        means of rows and columns are taken out, and the map of a head that looks everywhere evenly: neither a word at
        which everything looks nor a word of many tokens makes two heads alike. Raises what `load_model` raises, and
        MatchError.
        """
        turned = engine.answers.peek(self.turned)
        if turned is not None:
            return turned.turned
        sides = [(engine.model(each.model), each.kind) for each in (self.one, self.other)]
        for loaded, kind in sides:
            check_reads(loaded, kind)
        pairs = sentence_pairs(self.bank, self.seed)
        heads: list[tuple[tuple[int, int], ...]] = [(), ()]
        sums = np.zeros(0)
        count = 0
        for done, pair in enumerate(pairs, 1):
            try:
                maps = [
                    [self._maps(engine, *side, each, heads, place) for each in pair] for place, side in enumerate(sides)
                ]
            except (InputError, TextError):
                maps = []
            if maps and all(each is not None for side in maps for each in side):
                same, apart = _likenesses(*([each for each in side if each is not None] for side in maps))
                if not count:
                    sums = np.zeros((3, *same.shape))
                sums += (same, same**2, apart)
                count += 1
            yield HowFar(2 * done, 2 * len(pairs))
        if count < FEWEST_PAIRS:
            raise MatchError(
                f"Only {2 * count} of these sentences can be read word by word by both models, and {2 * FEWEST_PAIRS} "
                "are needed; take other sentences, or another model."
            )
        same, squares, apart = (sums / count).astype(np.float32)
        deviations = np.sqrt(np.maximum(squares - same**2, 0) / (count - 1))
        return Matches(
            *(heads[0], heads[1], same, deviations),
            *(apart.max(axis=1), apart.max(axis=0), 2 * count),
        )

    def _maps(
        self,
        engine: Engine,
        loaded: LoadedModel,
        kind: str,
        sentence: Sentence,
        heads: list[tuple[tuple[int, int], ...]],
        place: int,
    ) -> _WordMaps | None:
        with engine.forward(loaded):
            trace = trace_attention(loaded, sentence.text)
            if not heads[place]:
                heads[place] = tuple(
                    (layer, head)
                    for layer, count in zip(trace.layers(kind), heads_of_layers(trace, kind), strict=True)
                    for head in range(count)
                )
                if len(heads[place]) > MOST_HEADS:
                    raise MatchError(
                        f"{loaded.card.title} has {len(heads[place]):,} heads, and at most {MOST_HEADS:,} are compared."
                    )
            weights = stacked_weights(trace, kind)
            visible = np.any([trace.visible(kind, layer) for layer in trace.layers(kind)], axis=0)
        inside = pieces_in_words(sentence.spans, trace.pieces)
        if inside is None:
            return None
        even = (visible / np.maximum(visible.sum(axis=1, keepdims=True), 1)).astype(np.float32)
        words, evenly = word_weights(weights, inside), word_weights(even[None], inside)
        return _WordMaps(words, evenly, visible_words(visible, inside))


def check_reads(loaded: LoadedModel, kind: str) -> None:
    """Raises MatchError for a kind of attention that does not read a text."""
    reads = "encoder" if loaded.is_seq2seq else loaded.card.family
    if kind != reads or loaded.tokenizer is None:
        raise MatchError(
            f"Heads are compared where they read a text, and the {kind} attention of {loaded.card.title} does not; "
            f"choose its {reads} attention or another model."
        )


def sentence_pairs(bank: Bank, seed: int) -> list[tuple[Sentence, Sentence]]:
    """Sentences of as many words, two and two, as far as there are any; else of nearly as many."""
    some = [each for each in bank.sentences if len(each.words) <= MOST_WORDS and len(each.text) <= MOST_CHARACTERS]
    drawn = np.random.default_rng(seed).permutation(len(some))[:MOST_SENTENCES]
    ordered = sorted((some[place] for place in drawn), key=lambda each: len(each.words))
    return list(zip(ordered[::2], ordered[1::2], strict=False))


def _likenesses(
    one: list[_WordMaps], other: list[_WordMaps]
) -> tuple[Float[np.ndarray, "head other"], Float[np.ndarray, "head other"]]:
    """Of two sentences: the mean correlation on the same one, and on one beside the other one."""
    words = min(len(each.visible) for each in (*one, *other))
    mask = ~np.eye(words, dtype=bool)
    for each in (*one, *other):
        mask &= each.visible[:words, :words]
    if mask.sum() < _FEWEST_CELLS:
        nothing = np.zeros((len(one[0].weights), len(other[0].weights)), dtype=np.float32)
        return nothing, nothing
    base = _rows_and_columns(mask)
    first, second = ([_centred(each, mask, base) for each in side] for side in (one, other))
    same = (first[0] @ second[0].T + first[1] @ second[1].T) / 2
    return same, (first[0] @ second[1].T + first[1] @ second[0].T) / 2


def _rows_and_columns(mask: Bool[np.ndarray, "word word"]) -> Float[np.ndarray, "cell direction"]:
    """An orthonormal base of all maps that are a sum of something for each row and something for each column."""
    places = np.arange(len(mask))
    rows, columns = (each[:, None] == places for each in np.nonzero(mask))
    found, sizes, _ = np.linalg.svd(np.concatenate([rows, columns], axis=1).astype(np.float64), full_matrices=False)
    return found[:, sizes > sizes[0] * _NOTHING].astype(np.float32)


def _centred(
    maps: _WordMaps, mask: Bool[np.ndarray, "word word"], base: Float[np.ndarray, "cell direction"]
) -> Float[np.ndarray, "head cell"]:
    """What is left of each map without the base and without the even one, of length 1; 0 where nothing is left."""
    words = len(mask)
    cells, even = (each[:, :words, :words][:, mask] for each in (maps.weights, maps.even))
    even = _of_length_one(even - (even @ base) @ base.T)
    left = cells - (cells @ base) @ base.T
    return _of_length_one(left - (left @ even.T) * even)


def _of_length_one(cells: Float[np.ndarray, "head cell"]) -> Float[np.ndarray, "head cell"]:
    lengths = np.linalg.norm(cells, axis=1, keepdims=True)
    return np.where(lengths > _NOTHING, cells / np.maximum(lengths, _NOTHING), np.float32(0))
