"""Cosines, pooling, and what precision costs: against loops, and against what is known."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from models.embeddings import (
    EmbedRequest,
    PrecisionError,
    SimilarityError,
    TokenCosinesRequest,
    anisotropy,
    centred,
    cosines,
    precisions,
)
from models.embeddings.precision import FORMATS, MOST_VECTORS, rounded
from models.engine import Engine

TEXT = "The animal didn't cross the street because it was too tired."


@pytest.fixture(scope="module")
def engine(minilm):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("models.loading.load_model", {"minilm": minilm}.__getitem__)
        yield Engine(10**9)


def some(count, width, seed=0):
    return np.random.default_rng(seed).normal(size=(count, width)).astype(np.float32)


def loops(vectors, others):
    """Cosines, one number at a time."""
    rows = []
    for one in vectors.astype(float):
        row = []
        for other in others.astype(float):
            size = np.sqrt(sum(one * one)) * np.sqrt(sum(other * other))
            row.append(sum(one * other) / size if size else 0.0)
        rows.append(row)
    return np.array(rows)


# ----- Cosines


def test_cosines_are_what_a_loop_finds():
    ours, theirs = some(7, 12), some(5, 12, seed=1)
    ours[2] = 0
    np.testing.assert_allclose(cosines(ours, theirs), loops(ours, theirs), atol=1e-6)
    np.testing.assert_allclose(cosines(ours), loops(ours, ours), atol=1e-6)
    assert not cosines(ours)[2].any(), "with itself too"


numbers = st.floats(-(2.0**100), 2.0**100, width=32)


@given(arrays(np.float32, (4, 3), elements=numbers))
def test_cosines_are_never_beyond_1_nor_nan(vectors):
    vectors[3] = vectors[0]
    found = cosines(vectors)
    assert np.abs(found).max() <= 1
    np.testing.assert_array_equal(found, found.T)
    is_zero = ~vectors.any(axis=1)
    np.testing.assert_array_equal(np.diag(found), np.where(is_zero, 0, 1).astype(np.float32))
    assert found[0, 3] == found[0, 0]


def test_tokens_of_a_layer_are_compared(engine, minilm):
    found = engine.run(TokenCosinesRequest("minilm", TEXT, 3))
    ids = torch.tensor([minilm.tokenizer.backend_tokenizer.encode(TEXT).ids])
    with torch.inference_mode():
        states = minilm.model(ids, torch.ones_like(ids), output_hidden_states=True).hidden_states[3][0].numpy()
    np.testing.assert_allclose(found.matrix, loops(states, states), atol=1e-5)
    assert found.pieces[0] == "[CLS]"
    assert found.anisotropy == pytest.approx(found.matrix[np.triu_indices(len(states), k=1)].mean(), abs=1e-6)
    plain = engine.run(TokenCosinesRequest("minilm", TEXT, 3, centred=True))
    assert plain.is_centred
    assert abs(plain.anisotropy) < 0.15 < found.anisotropy


@pytest.mark.parametrize("layer", [7, -8])
def test_a_layer_that_is_not_there_is_said(engine, layer):
    with pytest.raises(SimilarityError, match="from 0 \\(the input\\) to 6"):
        engine.run(TokenCosinesRequest("minilm", TEXT, layer))


# ----- What all vectors share


def test_anisotropy_of_few_vectors_is_the_mean_of_all_pairs():
    vectors = some(9, 6) + 1
    pairs = [loops(vectors, vectors)[i, j] for i in range(9) for j in range(i + 1, 9)]
    assert anisotropy(vectors) == pytest.approx(np.mean(pairs), abs=1e-6)


def test_anisotropy_of_many_vectors_is_drawn_and_the_same_for_a_seed():
    vectors = some(400, 6) + 1
    exact = anisotropy(vectors, pairs=400 * 399 // 2)
    assert anisotropy(vectors) == anisotropy(vectors, seed=0) != anisotropy(vectors, seed=1)
    assert anisotropy(vectors, pairs=5_000) == pytest.approx(exact, abs=0.03)


def test_anisotropy_is_1_in_a_cone_and_0_without_the_mean():
    cone = np.tile(some(1, 30), (200, 1)) + 1e-4 * some(200, 30, seed=1)
    assert anisotropy(cone) > 0.999
    assert abs(anisotropy(centred(cone))) < 0.02
    np.testing.assert_allclose(centred(cone).mean(axis=0), 0, atol=1e-6)


def test_one_vector_has_nothing_to_be_compared_with():
    with pytest.raises(SimilarityError, match="only one"):
        anisotropy(some(1, 4))


# ----- Precision


def test_bytes_and_losses_of_each_format(engine):
    vectors = engine.run(EmbedRequest("minilm", TEXT)).hidden_states[-1]
    found = {each.name: each for each in precisions(vectors, neighbours=3)}
    assert tuple(found) == FORMATS
    assert [each.bytes_per_vector for each in found.values()] == [1536, 768, 768, 388]
    assert found["float16"].bytes_per_million == 768_000_000
    exact = found["float32"]
    assert (exact.mean_error, exact.max_error, exact.changed) == (0, 0, 0)
    for name in ("bfloat16", "float16", "int8"):
        kept, overflows = rounded(vectors, name)
        before, after = loops(vectors, vectors), loops(kept, kept)
        errors = np.abs(before - after)[~np.eye(len(vectors), dtype=bool)]
        assert found[name].mean_error == pytest.approx(errors.mean(), rel=1e-5)
        assert found[name].max_error == pytest.approx(errors.max(), rel=1e-5)
        changes = []
        for i in range(len(vectors)):
            others = [j for j in range(len(vectors)) if j != i]
            near = [set(sorted(others, key=lambda j: -matrix[i, j])[:3]) for matrix in (before, after)]
            changes.append(len(near[0] - near[1]) / 3)
        assert found[name].changed == pytest.approx(np.mean(changes))
        assert overflows == 0
    assert 0 < found["float16"].max_error < found["bfloat16"].max_error < 0.01


def test_blocks_of_rows_change_nothing(monkeypatch):
    vectors = some(50, 8)
    whole = precisions(vectors)
    monkeypatch.setattr("models.embeddings.precision._BLOCK", 7)
    for one, other in zip(whole, precisions(vectors), strict=True):
        assert one.changed == pytest.approx(other.changed)
        assert one.mean_error == pytest.approx(other.mean_error)
        assert one.max_error == pytest.approx(other.max_error)


def test_int8_has_one_scale_for_each_vector_and_16_bits_round_to_the_nearest():
    vectors = np.array([[1.0, -127.0, 0.4], [0.0, 0.0, 0.0], [0.0127, 0.01, 0.0]], dtype=np.float32)
    kept, _ = rounded(vectors, "int8")
    np.testing.assert_allclose(kept, [[1, -127, 0], [0, 0, 0], [0.0127, 0.01, 0]], atol=1e-6)
    for name, dtype in (("bfloat16", torch.bfloat16), ("float16", torch.float16)):
        np.testing.assert_array_equal(rounded(vectors, name)[0], torch.from_numpy(vectors).to(dtype).float().numpy())


def test_numbers_beyond_half_precision_are_counted_and_give_no_nan():
    vectors = some(6, 4)
    vectors[2, 1] = -1e6
    half = precisions(vectors)[FORMATS.index("float16")]
    assert half.overflows == 1
    assert np.isfinite([half.mean_error, half.max_error, half.changed]).all()


def test_too_few_and_too_many_vectors_are_said():
    with pytest.raises(PrecisionError, match="only one"):
        precisions(some(1, 4))
    with pytest.raises(PrecisionError, match="5,000"):
        precisions(np.zeros((MOST_VECTORS + 1, 1), dtype=np.float32))
