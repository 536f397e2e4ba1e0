"""The same tokens on a map of every layer, turned so that only the tokens move."""

from collections.abc import Generator, Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from models.embeddings.occurrences import word_tokens
from models.embeddings.projections import (
    Dimensions,
    MapError,
    Method,
    Trust,
    aligned_layers,
    check_point_count,
    is_one_point,
    project,
)
from models.embeddings.token_vectors import Embedding, EmbedRequest
from models.engine import Engine, HowFar, Stepwise
from models.forward.inputs import InputError
from models.tokenization import Tokenization, encode

MOST_SENTENCES = 1_000
# UMAP and t-SNE take some seconds for 2,000 points: so many for each of seven layers, fewer where there are more.
_MOST_SLOW_POINTS = 14_000
_MOST_BYTES = 512 * 1024**2


@dataclass(frozen=True)
class MappedToken:
    """What a point stands for: a token, or a word as the mean of its tokens.

    sentence: which of the request's. tokens: where in it. piece: as shown, the pieces of a word one after another.
    """

    sentence: int
    tokens: tuple[int, ...]
    piece: str
    is_special: bool


@dataclass(frozen=True, eq=False)
class VectorMaps:
    """One map for each layer, each turned onto the one before.

    points: layer 0 is before the first layer. explained: per layer; for PCA the share of the variance along each axis
        before it was turned (their sum is that of the picture), else empty.
    trust: per layer; None for two points. is_one_point: per layer, whether all its vectors are equal (as where a model
        puts no position into its input): its points are all 0.
    spread: per layer, how far its vectors lie from their mean, beside how long they are (of both the root of the mean
        square): the scale of a map that is brought to the size of the others.
    """

    points: Float[np.ndarray, "layer point axis"]
    labels: tuple[MappedToken, ...]
    explained: tuple[tuple[float, ...], ...]
    trust: tuple[Trust | None, ...]
    is_one_point: tuple[bool, ...]
    spread: tuple[float, ...]


@dataclass(frozen=True)
class VectorMapsRequest(Stepwise[HowFar, VectorMaps]):
    """Maps of all layers for the tokens of some sentences: with `Engine.run`, or as a job.

    word: only where this stands, as a whole word in whatever case; None for all tokens.
    same_size: scale each layer to the same size, since vectors grow from layer to layer.
    with_special: special tokens too, where `word` is None.
    """

    model: str
    sentences: tuple[str, ...]
    word: str | None = None
    method: Method = "pca"
    dimensions: Dimensions = 2
    seed: int = 0
    same_size: bool = False
    with_special: bool = False

    def computed(self, engine: Engine) -> Generator[HowFar, None, VectorMaps]:
        """HowFar after each layer.

        Raises what `EmbedRequest` raises, and MapError for too few or too many points, or a word that is nowhere.
        """
        labels = self._labels(engine)
        check_point_count(len(labels), self.method)
        states = self._states(engine, labels)
        maps, explained, trust, flat = [], [], [], []
        yield HowFar(0, len(states))
        for done, layer in enumerate(states, start=1):
            flat.append(is_one_point(layer))
            if flat[-1]:
                maps.append(np.zeros((len(labels), self.dimensions), dtype=np.float32))
                explained.append(())
                trust.append(None)
            else:
                projection = project(layer, self.method, self.dimensions, self.seed)
                maps.append(projection.points)
                explained.append(projection.explained)
                trust.append(projection.trust)
            yield HowFar(done, len(states))
        if all(flat):
            raise MapError("All these vectors are equal in every layer: there is nothing to map.")
        points = aligned_layers(np.stack(maps), self.same_size)
        return VectorMaps(points, labels, tuple(explained), tuple(trust), tuple(flat), tuple(map(_spread, states)))

    def _labels(self, engine: Engine) -> tuple[MappedToken, ...]:
        """What the points are, before anything is computed."""
        if len(self.sentences) > MOST_SENTENCES:
            raise MapError(
                f"At most {MOST_SENTENCES:,} sentences go on one map, and these are {len(self.sentences):,}; "
                "take a part of them."
            )
        tokenizer = engine.model(self.model).tokenizer
        if tokenizer is None:
            raise InputError("This model came without a tokenizer: it cannot read sentences.")
        cut = {place: encode(tokenizer, text) for place, text in enumerate(self.sentences) if text.strip()}
        found = tuple(label for place, each in cut.items() for label in self._labels_of(place, each))
        if self.word is not None and not found:
            raise MapError("The word stands in none of these sentences as a whole word; choose another one.")
        return found

    def _labels_of(self, place: int, cut: Tokenization) -> Iterator[MappedToken]:
        if self.word is None:
            for token, piece in enumerate(cut.pieces):
                if self.with_special or not piece.is_special:
                    yield MappedToken(place, (token,), piece.text, piece.is_special)
            return
        for tokens in word_tokens(cut.text, [piece.span for piece in cut.pieces], self.word):
            yield MappedToken(place, tokens, "".join(cut.pieces[token].text for token in tokens), is_special=False)

    def _states(self, engine: Engine, labels: tuple[MappedToken, ...]) -> Float[np.ndarray, "layer point width"]:
        """The vector of each point in each layer. Raises MapError for more than there is room or time for."""
        states: Float[np.ndarray, "layer point width"] | None = None
        found: Embedding | None = None
        sentence = -1
        for point, label in enumerate(labels):
            if found is None or label.sentence != sentence:
                sentence = label.sentence
                found = engine.run(EmbedRequest(self.model, self.sentences[sentence]))
            hidden = found.hidden_states
            if states is None:
                self._check_room(len(labels), hidden.shape[0], hidden.shape[2])
                states = np.empty((hidden.shape[0], len(labels), hidden.shape[2]), dtype=np.float32)
            states[:, point] = hidden[:, list(label.tokens)].mean(axis=1)
        assert states is not None
        return states

    def _check_room(self, count: int, layers: int, width: int) -> None:
        room = _MOST_BYTES // (4 * layers * width) if self.method == "pca" else _MOST_SLOW_POINTS // layers
        if count > room:
            raise MapError(
                f"With the {layers} layers of this model at most {room:,} points are mapped this way, and these are "
                f"{count:,}; take fewer sentences."
            )


def _spread(vectors: Float[np.ndarray, "vector width"]) -> float:
    wide = vectors.astype(np.float64)
    length = float(np.square(wide).sum(axis=1).mean())
    return (float(np.square(wide - wide.mean(axis=0)).sum(axis=1).mean()) / length) ** 0.5 if length else 0.0
