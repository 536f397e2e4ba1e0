"""Maps of vectors: the axes, the figures of trust, layers laid over each other, and neighbours among the vectors."""

import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.decomposition import PCA
from sklearn.manifold import trustworthiness

from models.embeddings import (
    EmbedRequest,
    MapError,
    VectorMaps,
    VectorMapsRequest,
    aligned_layers,
    nearest,
    project,
    projections,
)
from models.engine import Engine, HowFar

ROOT = Path(__file__).resolve().parents[2]
SENTENCES = ("She opened an account at the bank.", "", "An otter slept on the muddy bank.", "The Bank and the bank.")


@pytest.fixture(scope="module")
def engine(minilm, smollm2):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("models.loading.load_model", {"minilm": minilm, "smollm2": smollm2}.__getitem__)
        yield Engine(10**9)


def some(count, width=12, seed=0):
    scales = np.linspace(3, 0.3, width)
    return (np.random.default_rng(seed).normal(size=(count, width)) * scales + 0.5).astype(np.float32)


def turn(axes, seed):
    """A random rotation or reflection."""
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(axes, axes)))[0]


# ----- PCA


@pytest.mark.parametrize("shape", [(60, 12), (5, 12), (3, 40)])
@pytest.mark.parametrize("dimensions", [2, 3])
def test_pca_is_scikit_learns_but_for_the_sign(shape, dimensions):
    vectors = some(*shape)
    found = project(vectors, "pca", dimensions)
    theirs = PCA(dimensions, svd_solver="full").fit(vectors.astype(float))
    expected = theirs.transform(vectors.astype(float))
    signs = np.sign((found.points * expected).sum(axis=0))
    rank = min(dimensions, len(vectors) - 1)
    np.testing.assert_allclose(found.points[:, :rank], (expected * signs)[:, :rank], atol=1e-4)
    assert not found.points[:, rank:].any(), "there is no more than that"
    np.testing.assert_allclose(found.explained, theirs.explained_variance_ratio_, atol=1e-6)
    assert found.points.dtype == np.float32


def test_the_largest_loading_of_each_axis_is_positive():
    vectors = some(30)
    for sign in (1, -1):
        points = project(sign * vectors, "pca", 3).points
        loadings = (sign * vectors - (sign * vectors).mean(axis=0)).T @ points
        assert all(loadings[np.abs(loadings[:, axis]).argmax(), axis] > 0 for axis in range(3))


def test_two_points_lie_on_one_axis_and_a_third_axis_may_be_missing():
    found = project(np.float32([[1, 2], [3, 2]]), "pca", 3)
    np.testing.assert_allclose(found.points, [[-1, 0, 0], [1, 0, 0]], atol=1e-6)
    assert found.explained == (1, 0, 0)
    assert found.trust is None


# ----- The figures of trust


def brute_preserved(vectors, points, count):
    shares = []
    for i in range(len(vectors)):
        others = [j for j in range(len(vectors)) if j != i]
        cosine = {j: vectors[i] @ vectors[j] / np.linalg.norm(vectors[i]) / np.linalg.norm(vectors[j]) for j in others}
        near = sorted(others, key=lambda j: -cosine[j])[:count]
        on_map = sorted(others, key=lambda j: np.linalg.norm(points[i] - points[j]))[:count]
        shares.append(len(set(near) & set(on_map)) / count)
    return np.mean(shares)


@pytest.mark.parametrize(
    ("method", "count", "neighbours"),
    [("pca", 3, 1), ("pca", 4, 1), ("pca", 6, 2), ("pca", 50, 5), ("t-sne", 4, 1), ("t-sne", 50, 5)],
)
def test_preserved_is_what_a_loop_finds(method, count, neighbours):
    vectors = some(count)
    found = project(vectors, method)
    assert (found.trust.neighbours, found.trust.measured) == (neighbours, count)
    wide = vectors.astype(float), found.points.astype(float)
    assert found.trust.preserved == pytest.approx(brute_preserved(*wide, neighbours), abs=1e-9)


def test_many_points_are_measured_on_some_of_them_and_say_so(monkeypatch):
    monkeypatch.setattr(projections, "MOST_MEASURED", 40)
    vectors = some(200)
    found = project(vectors, "pca")
    assert found.trust.measured == 40
    assert found.trust == project(vectors, "pca").trust


def test_equal_vectors_count_as_equally_near():
    vectors = some(10)[np.arange(40) % 10]
    found = project(np.hstack([vectors[:, :2], np.zeros((40, 10), dtype=np.float32)]), "pca")
    assert found.trust.preserved > 0.6


# ----- t-SNE, and UMAP in a process of its own: two at once would take it down


def test_tsne_keeps_groups_together_and_is_the_same_each_time():
    groups = np.random.default_rng(1).normal(size=(3, 12)) * 9
    vectors = np.concatenate([each + some(12, seed=k) for k, each in enumerate(groups)]).astype(np.float32)
    found = project(vectors, "t-sne", 2, seed=3)
    again = project(vectors, "t-sne", 2, seed=3)
    np.testing.assert_array_equal(found.points, again.points)
    assert found.explained == ()
    assert trustworthiness(vectors, found.points, n_neighbors=5, metric="cosine") > 0.8
    assert project(some(4), "t-sne", 3).points.shape == (4, 3)


UMAP_AT_ONCE = """
import threading, warnings
warnings.simplefilter("error")
import numpy as np
from sklearn.manifold import trustworthiness
from models.embeddings.projections import project
draw = np.random.default_rng(0)
vectors = [draw.normal(size=(40, 16)).astype(np.float32) for _ in range(4)]
found = [None] * 8
def work(place):
    found[place] = project(vectors[place % 4], "umap", 2 + place % 2, seed=5).points
threads = [threading.Thread(target=work, args=(place,)) for place in range(8)]
[each.start() for each in threads]
[each.join() for each in threads]
for place in range(4):
    assert found[place].shape == (40, 2 + place % 2) and np.isfinite(found[place]).all()
    np.testing.assert_array_equal(found[place], found[place + 4])
for count, dimensions in ((4, 2), (4, 3), (5, 2)):
    assert np.isfinite(project(vectors[0][:count], "umap", dimensions).points).all()
groups = np.repeat(draw.normal(size=(3, 16)) * 6, 12, axis=0) + draw.normal(size=(36, 16))
trusted = trustworthiness(groups, project(groups.astype(np.float32), "umap").points, n_neighbors=5, metric="cosine")
assert trusted > 0.8, trusted
twins = np.concatenate([vectors[0][:4], np.tile(vectors[0][5], (30, 1))])
assert np.isfinite(project(twins, "umap").points).all()
print("alive")
"""


@pytest.mark.slow
def test_eight_umaps_at_once_stay_alive_and_the_same_each_time():
    run = subprocess.run([sys.executable, "-c", UMAP_AT_ONCE], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.stdout.strip() == "alive", run.stderr[-2_000:]


def test_one_projection_is_made_at_a_time(monkeypatch):
    under_way, most = [], []

    def slow(vectors, dimensions):
        under_way.append(1)
        most.append(len(under_way))
        threading.Event().wait(0.01)
        under_way.pop()
        return np.zeros((len(vectors), dimensions), dtype=np.float32), ()

    monkeypatch.setattr(projections, "_pca", slow)
    threads = [threading.Thread(target=project, args=(some(2), "pca")) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert most == [1] * 8


@pytest.mark.slow
def test_nothing_slow_is_imported_before_a_map_is_asked_for():
    program = "import models.embeddings, sys; print(*{'sklearn', 'umap', 'numba'} & sys.modules.keys())"
    run = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.split() == []


# ----- What cannot be mapped


@pytest.mark.parametrize(
    ("vectors", "method", "said"),
    [
        (some(0), "pca", "One point makes no map"),
        (some(1), "umap", "One point makes no map"),
        (some(2), "umap", "UMAP needs 4 points and there are 2; choose PCA"),
        (some(3), "t-sne", "t-SNE needs 4 points and there are 3; choose PCA"),
        (np.ones((2_001, 2), dtype=np.float32), "umap", "UMAP takes at most 2,000 points and these are 2,001"),
        (np.ones((20_001, 2), dtype=np.float32), "pca", "PCA takes at most 20,000 points"),
        (np.tile(some(1), (9, 1)), "pca", "All these vectors are equal"),
        (np.zeros((9, 3), dtype=np.float32), "t-sne", "All these vectors are equal"),
        (np.float32([[1, np.nan], [1, 2]]), "pca", "not finite"),
    ],
)
def test_what_cannot_be_mapped_is_said(vectors, method, said):
    with pytest.raises(MapError, match=said):
        project(vectors, method)


# ----- Layers laid over each other


seeds = st.integers(0, 10_000)


@given(seeds, st.sampled_from([2, 3]), st.integers(1, 3))
def test_turning_a_layer_changes_nothing_in_the_aligned_picture(seed, axes, layer):
    draw = np.random.default_rng(seed)
    points = draw.normal(size=(4, 7, axes)).astype(np.float32)
    turned = points.copy()
    turned[layer] = points[layer] @ turn(axes, seed) + draw.normal(size=axes) * 5
    np.testing.assert_allclose(aligned_layers(turned), aligned_layers(points), atol=2e-4)


@given(seeds, st.booleans())
def test_no_distance_within_a_layer_changes_but_for_one_scale(seed, same_size):
    points = np.random.default_rng(seed).normal(size=(3, 5, 2)).astype(np.float32) * 4

    def distances(layer):
        return np.linalg.norm(layer[:, None] - layer[None], axis=-1)

    found = aligned_layers(points, same_size)
    for before, after in zip(points, found, strict=True):
        size = np.sqrt(((before - before.mean(axis=0)) ** 2).sum(axis=1).mean()) if same_size else 1
        np.testing.assert_allclose(distances(after) * size, distances(before), atol=1e-4)
        np.testing.assert_allclose(after.mean(axis=0), 0, atol=1e-5)


@given(seeds, st.sampled_from([1, 2, 3]))
def test_two_equal_layers_do_not_move(seed, rank):
    draw = np.random.default_rng(seed)
    flat = draw.normal(size=(6, rank)) @ draw.normal(size=(rank, 3))
    points = np.stack([draw.normal(size=(6, 3)), flat, flat]).astype(np.float32)
    found = aligned_layers(points)
    np.testing.assert_allclose(found[2], found[1], atol=1e-6)


@given(seeds)
def test_no_other_turn_would_move_the_points_less(seed):
    points = np.random.default_rng(seed).normal(size=(2, 6, 2)).astype(np.float32)
    first, second = aligned_layers(points).astype(float)
    moved = ((second - first) ** 2).sum()
    for angle in np.linspace(0, 2 * np.pi, 40):
        cos, sin = np.cos(angle), np.sin(angle)
        for matrix in ([[cos, -sin], [sin, cos]], [[cos, sin], [sin, -cos]]):
            assert ((second @ np.array(matrix) - first) ** 2).sum() >= moved - 1e-4


def test_a_layer_in_one_place_is_passed_over():
    points = np.random.default_rng(0).normal(size=(6, 2)).astype(np.float32)
    found = aligned_layers(np.stack([points, np.zeros_like(points) + 3, points @ turn(2, 1).astype(np.float32)]))
    assert not found[1].any()
    np.testing.assert_allclose(found[2], found[0], atol=1e-5)


# ----- A map of every layer


def test_every_layer_is_mapped_and_turned_onto_the_one_before(engine):
    found = engine.run(VectorMapsRequest("minilm", SENTENCES))
    labels = [(label.sentence, label.piece) for label in found.labels]
    assert labels[:3] == [(0, "she"), (0, "opened"), (0, "an")]
    assert {label.sentence for label in found.labels} == {0, 2, 3}
    assert not any(label.is_special for label in found.labels)
    assert found.points.shape == (7, len(labels), 2)
    each = []
    for layer in range(7):
        states = [engine.run(EmbedRequest("minilm", SENTENCES[place])).hidden_states[layer] for place in (0, 2, 3)]
        each.append(project(np.concatenate([rows[1:-1] for rows in states]), "pca"))
    np.testing.assert_allclose(found.points, aligned_layers(np.stack([one.points for one in each])), atol=1e-5)
    assert found.explained == tuple(one.explained for one in each)
    assert found.trust == tuple(one.trust for one in each)


def test_one_word_is_mapped_wherever_it_stands(engine):
    found = engine.run(VectorMapsRequest("minilm", SENTENCES, word="BANK", dimensions=3, same_size=True))
    assert [(label.sentence, label.tokens, label.piece) for label in found.labels] == [
        (0, (7,), "bank"),
        (2, (7,), "bank"),
        (3, (2,), "bank"),
        (3, (5,), "bank"),
    ]
    assert found.points.shape == (7, 4, 3)
    np.testing.assert_allclose((found.points.astype(float) ** 2).sum(axis=2).mean(axis=1), 1, atol=1e-5)


def test_where_no_position_is_in_the_input_its_points_are_one(engine):
    found = engine.run(VectorMapsRequest("smollm2", ("The bank is shut.", "A muddy bank.", "My bank"), word="bank"))
    assert found.is_one_point == (True, *[False] * (len(found.points) - 1))
    assert not found.points[0].any()
    assert found.trust[0] is None
    assert found.explained[0] == ()
    assert np.isfinite(found.points).all()


def test_special_tokens_are_mapped_where_they_are_asked_for(engine):
    found = engine.run(VectorMapsRequest("minilm", SENTENCES[:1], with_special=True, method="t-sne", seed=2))
    assert [label.piece for label in found.labels if label.is_special] == ["[CLS]", "[SEP]"]


def test_as_a_job_it_says_how_far_it_is_and_is_kept(engine):
    request = VectorMapsRequest("minilm", SENTENCES, word="the")
    assert list(request.steps(engine)) == [HowFar(done, 7) for done in range(8)]
    kept = engine.answers.peek(request)
    assert isinstance(kept, VectorMaps)
    assert engine.run(request) is kept
    assert list(request.steps(engine)) == []


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"word": "river"}, "in none of these sentences"),
        ({"sentences": ("bank",), "word": "bank"}, "One point makes no map"),
        ({"sentences": ("", " ")}, "One point makes no map"),
        ({"sentences": ("a",) * 1_001}, "At most 1,000 sentences"),
        (
            {"sentences": ("a b c d " * 60,) * 9, "method": "umap"},
            "UMAP takes at most 2,000 points and these are 2,160",
        ),
    ],
)
def test_what_has_no_map_is_said_before_anything_is_computed(engine, more, said, monkeypatch):
    monkeypatch.setattr(EmbedRequest, "answer", None)
    with pytest.raises(MapError, match=said):
        engine.run(VectorMapsRequest(**({"model": "minilm", "sentences": SENTENCES} | more)))


def test_many_layers_leave_room_for_fewer_points(engine, monkeypatch):
    monkeypatch.setattr("models.embeddings.vector_maps._MOST_SLOW_POINTS", 70)
    with pytest.raises(MapError, match="With the 7 layers of this model at most 10 points"):
        engine.run(VectorMapsRequest("minilm", SENTENCES, method="t-sne"))


# ----- Neighbours among the vectors


@given(seeds, st.integers(2, 30), st.integers(0, 40))
def test_neighbours_are_what_a_loop_finds_with_ties_by_index(seed, size, count):
    draw = np.random.default_rng(seed)
    # Small whole numbers, so that there are many ties.
    vectors = draw.integers(-1, 2, size=(size, 3)).astype(np.float32)
    index = int(draw.integers(size))
    found = nearest(vectors, index, count)

    def far(j):
        one, other = vectors[index].astype(float), vectors[j].astype(float)
        lengths = np.sqrt((one @ one) * (other @ other))
        return -round(float(one @ other / lengths) if lengths else 0.0, 5)

    expected = sorted((j for j in range(size) if j != index), key=lambda j: (far(j), j))[:count]
    assert found.indices.tolist() == expected
    np.testing.assert_allclose(-found.values, [far(j) for j in expected], atol=1e-5)


def test_a_vector_that_is_not_there_has_no_neighbours():
    with pytest.raises(MapError, match="from 0 to 4"):
        nearest(some(5), 5, 3)
