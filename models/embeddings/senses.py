"""One word in several sentences: in which layers its senses part."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int64

from models.embeddings.chance import Chance, dealt_out
from models.embeddings.occurrences import word_tokens
from models.embeddings.similarity import anisotropy, cosines
from models.embeddings.token_vectors import Embedding, EmbedRequest
from models.engine import Engine
from models.errors import HeadlightError

MOST_SENTENCES = 200


class SensesError(HeadlightError):
    """Sentences that do not hold the word, or labels with which there is nothing to compare."""


@dataclass(frozen=True, eq=False)
class Separation:
    """How well labels part a set of vectors.

    within, between: the mean cosine of two different vectors of the same sense, and of two senses.
    nearest: for each vector the one with the largest cosine; of equal ones (in float32) the smaller index.
    shared: how many vectors have only their own sense among their nearest; several may be equally near.
    tied: of how many others that cannot be said, since both their own sense and another one are equally near.
    chance: of `shared`.
    """

    cosines: Float[np.ndarray, "sentence sentence"]
    within: float
    between: float
    nearest: Int64[np.ndarray, " sentence"]
    shared: int
    tied: int
    chance: Chance

    @property
    def gap(self) -> float:
        """How much more alike two of the same sense are than two of different senses."""
        return self.within - self.between


@dataclass(frozen=True, eq=False)
class Senses:
    """One word in several sentences, layer by layer.

    layers: from before the first layer on. anisotropy: for each of them, the mean cosine of any two tokens of these
        sentences, special ones left out: what two vectors have in common anyway.
    best_by_chance: in what part of such ways some layer has as many that share a sense as the best one has.
    static: the word's row of the embedding table. average: the mean of the rows of all tokens of the sentence, special
        ones left out: what the words around it say without any layer.
    tokens: where the word stands in each sentence. pieces: of each sentence, as shown.
    """

    layers: tuple[Separation, ...]
    anisotropy: tuple[float, ...]
    best_by_chance: float
    static: Separation
    average: Separation
    tokens: tuple[tuple[int, ...], ...]
    pieces: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class SensesRequest:
    """The word where it first stands in each sentence, as a whole word in whatever case; several tokens are averaged.

    senses: a label for each sentence.
    """

    model: str
    sentences: tuple[str, ...]
    word: str
    senses: tuple[str, ...]

    def answer(self, engine: Engine) -> Senses:
        """Raises what `EmbedRequest` raises, and SensesError, which says which sentence lacks the word."""
        self._check()
        found = [engine.run(EmbedRequest(self.model, sentence)) for sentence in self.sentences]
        tokens = self._tokens(found)
        words = [each.hidden_states[:, list(places)].mean(axis=1) for each, places in zip(found, tokens, strict=True)]
        static = [each.static[list(places)].mean(axis=0) for each, places in zip(found, tokens, strict=True)]
        plain = [~np.array(each.is_special, dtype=bool) for each in found]
        average = [each.static[kept].mean(axis=0) for each, kept in zip(found, plain, strict=True)]
        every = [each.hidden_states[:, kept] for each, kept in zip(found, plain, strict=True)]
        layers = tuple(separation(layer, self.senses) for layer in np.stack(words, axis=1))
        return Senses(
            layers=layers,
            best_by_chance=_best_by_chance(layers, self.senses),
            anisotropy=tuple(anisotropy(layer) for layer in np.concatenate(every, axis=1)),
            static=separation(np.stack(static), self.senses),
            average=separation(np.stack(average), self.senses),
            tokens=tokens,
            pieces=tuple(each.pieces for each in found),
        )

    def _check(self) -> None:
        if len(self.sentences) > MOST_SENTENCES:
            raise SensesError(
                f"At most {MOST_SENTENCES} sentences are compared, and these are {len(self.sentences):,}; take fewer."
            )
        if len(self.senses) != len(self.sentences):
            raise SensesError(
                f"Each sentence needs the name of its sense: there are {len(self.sentences)} sentences and "
                f"{len(self.senses)} names."
            )
        if not self.word.strip():
            raise SensesError("There is no word yet: type the one to follow.")
        _check_senses(self.senses)

    def _tokens(self, found: Sequence[Embedding]) -> tuple[tuple[int, ...], ...]:
        places = [word_tokens(text, each.spans, self.word) for text, each in zip(self.sentences, found, strict=True)]
        missing = [str(number) for number, each in enumerate(places, start=1) if not each]
        if missing:
            which = f"Sentence {missing[0]} does" if len(missing) == 1 else f"Sentences {', '.join(missing)} do"
            raise SensesError(f"{which} not hold the word; write it in as a whole word, or choose another one.")
        return tuple(each[0] for each in places)


def separation(vectors: Float[np.ndarray, "sentence width"], senses: Sequence[str]) -> Separation:
    """Compare the cosines of vectors with the same label and with different ones.

    Raises SensesError unless there are two labels or more, each on two vectors or more.
    """
    _check_senses(senses)
    matrix = cosines(vectors)
    same = np.array([[one == other for other in senses] for one in senses])
    pairs = np.triu(np.ones_like(same), k=1)
    wide = matrix.astype(np.float64)
    nearest = _nearest(matrix)
    labels, is_exact = dealt_out(tuple(senses))
    by_chance = _shared(nearest, labels)
    shared = int(_shared(nearest, labels[:1])[0])
    has_same, has_other = ((nearest & each).any(axis=1) for each in (same, ~same))
    return Separation(
        cosines=matrix,
        within=float(wide[pairs & same].mean()),
        between=float(wide[pairs & ~same].mean()),
        nearest=nearest.argmax(axis=1).astype(np.int64),
        shared=shared,
        tied=int((has_same & has_other).sum()),
        chance=Chance(float(by_chance.mean()), float((by_chance >= shared).mean()), len(labels), is_exact),
    )


def _nearest(matrix: Float[np.ndarray, "sentence sentence"]) -> Bool[np.ndarray, "sentence sentence"]:
    """Which vectors are nearest to each, itself left out: more than one where their cosines are equal."""
    others = matrix.copy()
    np.fill_diagonal(others, -np.inf)
    return others == others.max(axis=1, keepdims=True)


def _best_by_chance(layers: Sequence[Separation], senses: Sequence[str]) -> float:
    labels, _ = dealt_out(tuple(senses))
    best = np.max([_shared(_nearest(each.cosines), labels) for each in layers], axis=0)
    return float((best >= max(each.shared for each in layers)).mean())


def _shared(
    nearest: Bool[np.ndarray, "sentence sentence"], labels: Int64[np.ndarray, "way sentence"]
) -> Int64[np.ndarray, " way"]:
    """How many vectors have only their own label among their nearest."""
    own = [(labels[:, near] == labels[:, [place]]).all(axis=1) for place, near in enumerate(nearest)]
    return np.sum(own, axis=0)


def _check_senses(senses: Sequence[str]) -> None:
    counts = Counter(senses).values()
    if len(counts) < 2 or min(counts) < 2:
        raise SensesError("It takes two senses or more, and two sentences or more for each of them.")
