"""Maps of vectors: projections to two or three axes, how far they can be trusted, and layers laid over each other."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Literal

import numpy as np
from jaxtyping import Float, Int64

from models.embeddings.largest_values import best_first
from models.embeddings.similarity import cosines
from models.engine import Gate
from models.errors import HeadlightError
from models.one_at_a_time import alone, one_at_a_time

Method = Literal["pca", "umap", "t-sne"]
Dimensions = Literal[2, 3]

MOST_POINTS = {"pca": 20_000, "umap": 2_000, "t-sne": 2_000}
NEIGHBOURS = 5
MOST_MEASURED = 1_000
_FEWEST = {"pca": 2, "umap": 4, "t-sne": 4}
_TITLE = {"pca": "PCA", "umap": "UMAP", "t-sne": "t-SNE"}

# Two projections at once take the process down: numba's threads abort it (umap #665).
_LOCK = Gate()


class MapError(HeadlightError):
    """Vectors of which no map can be drawn."""


@dataclass(frozen=True)
class Trust:
    """How far the neighbours on a map are those of the vectors, by cosine there and by distance on the map.

    preserved: the mean share of a point's nearest on the map that are among its nearest vectors.
    neighbours: how many nearest are looked at. measured: on how many points, drawn at random where it is not all.
    """

    preserved: float
    neighbours: int
    measured: int


@dataclass(frozen=True, eq=False)
class Projection:
    """A map of vectors.

    explained: for PCA, the share of the variance along each axis; else empty.
    trust: None for two points, which have no neighbours to lose.
    """

    points: Float[np.ndarray, "point axis"]
    explained: tuple[float, ...]
    trust: Trust | None


def project(
    vectors: Float[np.ndarray, "point width"], method: Method, dimensions: Dimensions = 2, seed: int = 0
) -> Projection:
    """A map of the vectors, the same each time for the same vectors and seed. One is made at a time in a process.

    "pca": by the singular value decomposition of the centred vectors; of each axis the largest loading is positive.
    "umap", "t-sne": of umap-learn and scikit-learn, cosine distances, starting from PCA; at most 15 neighbours, and a
        perplexity of at most 30 and a third of the other points. Distances between groups mean little on these.

    Raises MapError for too few or too many points, vectors that are all equal, and numbers that are not finite.
    """
    check_point_count(len(vectors), method)
    if not np.isfinite(vectors).all():
        raise MapError("Some of these vectors are not finite numbers, so that they have no place on a map.")
    if is_one_point(vectors):
        raise MapError("All these vectors are equal: they are one point, and there is nothing to map.")
    with _LOCK.lock():
        points, explained = (
            _pca(vectors, dimensions) if method == "pca" else (_SLOW[method](vectors, dimensions, seed), ())
        )
        return Projection(points, explained, _trust(vectors, points, seed))


def check_point_count(count: int, method: Method) -> None:
    """Raise MapError for too few points to map by this method, or too many."""
    if count < 2:
        raise MapError("One point makes no map; add a sentence or more words.")
    if count < _FEWEST[method]:
        raise MapError(
            f"{_TITLE[method]} needs {_FEWEST[method]} points and there are {count}; choose PCA or add some."
        )
    if count > MOST_POINTS[method]:
        instead = "take fewer" if method == "pca" or count > MOST_POINTS["pca"] else "take fewer, or choose PCA"
        raise MapError(
            f"{_TITLE[method]} takes at most {MOST_POINTS[method]:,} points and these are {count:,}; {instead}."
        )


def is_one_point(vectors: Float[np.ndarray, "point width"]) -> bool:
    """Whether the vectors differ by no more than rounding."""
    wide = vectors.astype(np.float64)
    return bool(np.ptp(wide, axis=0).max(initial=0) <= 1e-6 * np.abs(wide).max(initial=0))


def _pca(
    vectors: Float[np.ndarray, "point width"], dimensions: int
) -> tuple[Float[np.ndarray, "point axis"], tuple[float, ...]]:
    wide = vectors.astype(np.float64)
    wide -= wide.mean(axis=0)
    # The same directions and singular values, from a matrix that does not grow with the points.
    _, lengths, ways = np.linalg.svd(np.linalg.qr(wide, mode="r"), full_matrices=False)
    ways = ways[:dimensions]
    largest = ways[np.arange(len(ways)), np.abs(ways).argmax(axis=1)]
    points = wide @ (ways * np.sign(largest)[:, None]).T
    # What is left along an axis that the points do not have is rounding.
    is_axis = lengths > lengths[0] * max(wide.shape) * np.finfo(np.float64).eps
    points[:, ~is_axis[:dimensions]] = 0
    shares = np.where(is_axis, lengths, 0) ** 2 / (lengths[is_axis] ** 2).sum()
    missing = dimensions - len(ways)
    explained = [*shares[:dimensions].tolist(), *[0.0] * missing]
    return np.pad(points, ((0, 0), (0, missing))).astype(np.float32), tuple(explained)


def _umap(vectors: Float[np.ndarray, "point width"], dimensions: int, seed: int) -> Float[np.ndarray, "point axis"]:
    with one_at_a_time(), warnings.catch_warnings():
        # It warns that Tensorflow is not there, which is for something else.
        warnings.simplefilter("ignore", ImportWarning)
        import umap

    made = umap.UMAP(
        n_neighbors=min(15, len(vectors) - 1),
        n_components=dimensions,
        metric="cosine",
        init="pca",
        random_state=seed,
        n_jobs=1,
    )
    return np.asarray(made.fit_transform(vectors.astype(np.float32)), dtype=np.float32)


def _tsne(vectors: Float[np.ndarray, "point width"], dimensions: int, seed: int) -> Float[np.ndarray, "point axis"]:
    manifold = alone(lambda: import_module("sklearn.manifold"))
    with one_at_a_time():
        from threadpoolctl import threadpool_limits

    made = manifold.TSNE(
        n_components=dimensions,
        perplexity=min(30.0, (len(vectors) - 1) / 3),
        metric="cosine",
        init="pca",
        random_state=seed,
        n_jobs=1,
    )
    # Its threads wait for each other in a loop: beside a forward that made 50 points take seconds.
    with threadpool_limits(limits=1, user_api="openmp"):
        return made.fit_transform(vectors.astype(np.float32)).astype(np.float32)


_SLOW: dict[str, Callable[[Float[np.ndarray, "point width"], int, int], Float[np.ndarray, "point axis"]]] = {
    "umap": _umap,
    "t-sne": _tsne,
}


def _trust(
    vectors: Float[np.ndarray, "point width"], points: Float[np.ndarray, "point axis"], seed: int
) -> Trust | None:
    count = min(len(vectors), MOST_MEASURED)
    # Of fewer than half of the points: of more, most would be kept by chance.
    neighbours = min(NEIGHBOURS, (count - 1) // 2)
    if neighbours < 1:
        return None
    if count < len(vectors):
        chosen = np.sort(np.random.default_rng(seed).choice(len(vectors), count, replace=False))
        vectors, points = vectors[chosen], points[chosen]
    closeness = cosines(vectors)
    np.fill_diagonal(closeness, -np.inf)
    # Who is as close as the last of the nearest counts as one of them: equal vectors have no order.
    least = np.partition(closeness, count - neighbours, axis=1)[:, count - neighbours]
    wide = points.astype(np.float64)
    distances = np.linalg.norm(wide[:, None] - wide[None, :], axis=2)
    np.fill_diagonal(distances, np.inf)
    on_map = np.argsort(distances, axis=1, kind="stable")[:, :neighbours]
    kept = (np.take_along_axis(closeness, on_map, axis=1) >= least[:, None]).mean()
    return Trust(float(kept), neighbours, count)


def aligned_layers(
    points: Float[np.ndarray, "layer point axis"], same_size: bool = False
) -> Float[np.ndarray, "layer point axis"]:
    """Each layer's map centred, and turned or mirrored onto the one before, so that what moves is the points.

    The turn is the orthogonal Procrustes solution (Schoenemann 1966): no distance within a layer changes.
    same_size: each layer is also scaled, so that the root mean square distance from the middle is 1.
    A layer whose points are all in one place is passed over: the next one is turned onto the one before it.
    """
    wide = points.astype(np.float64)
    wide -= wide.mean(axis=1, keepdims=True)
    before: Float[np.ndarray, "point axis"] | None = None
    for layer in wide:
        size = np.sqrt((layer**2).sum(axis=1).mean())
        if size == 0:
            continue
        if same_size:
            layer /= size
        if before is not None:
            left, _, right = np.linalg.svd(layer.T @ before)
            layer[:] = layer @ (left @ right)
        before = layer
    return wide.astype(np.float32)


@dataclass(frozen=True, eq=False)
class NearVectors:
    """The vectors nearest to one, nearest first. values: their cosines with it."""

    indices: Int64[np.ndarray, " neighbour"]
    values: Float[np.ndarray, " neighbour"]


def nearest(vectors: Float[np.ndarray, "vector width"], index: int, count: int) -> NearVectors:
    """The `count` others nearest to vector `index` by cosine, among the vectors themselves and not on a map.

    Of equally near ones (in float32) the smaller index comes first. All others where there are fewer.

    Raises MapError for an index that is not there.
    """
    if not 0 <= index < len(vectors):
        raise MapError(f"There is no vector {index}: they go from 0 to {len(vectors) - 1}.")
    values = cosines(vectors[index][None], vectors)[0]
    closeness = values.copy()
    closeness[index] = -np.inf
    found = best_first(closeness, min(count, len(vectors) - 1))
    return NearVectors(found, values[found])
