"""What is asked about a picture, by hand: maps, rollout, distances, components, likeness, lengths, hiding."""

import io

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.decomposition import PCA

from models.engine import Engine
from models.forward.interventions import HideToken
from models.heads.rank_correlation import rank_correlation
from models.vision import (
    DEFAULT_PICTURE,
    STEPS,
    ClassesRequest,
    ComponentsRequest,
    CutPictureRequest,
    DistancesRequest,
    HidingRequest,
    LayerLooksRequest,
    LayerWeightsRequest,
    LengthsRequest,
    LikenessRequest,
    LookGridRequest,
    NoSuchPartError,
    PictureError,
    PictureRequest,
    PictureTraceRequest,
    PlaceProductsRequest,
    PositionsLikenessRequest,
    RegionHiddenRequest,
    RolloutRequest,
    TextsFitRequest,
    VisionFactsRequest,
    keep_picture,
)
from tests.models.vision.towers import HEADS, LAYERS, PATCH, SIDE, TOWERS, WIDTH, classifier, tower

GRID = SIDE // PATCH


@pytest.fixture(scope="module")
def engine():
    """An engine whose models are the tiny ones, by their names."""
    known = {"classifier": classifier}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("models.loading.load_model", lambda name: known[name]() if name in known else tower(name))
        yield Engine(10**8)


def of(name="vit", **more):
    return PictureTraceRequest(name, DEFAULT_PICTURE, **more)


def exact(engine, layer, name="vit"):
    return engine.run(LayerWeightsRequest(of(name), layer))


def test_a_layer_is_packed_within_half_a_step(engine):
    packed = engine.run(LayerLooksRequest(of(), 1))
    weights = exact(engine, 1)
    assert packed.steps.max() <= STEPS
    np.testing.assert_allclose(packed.most, weights.max(axis=-1), rtol=1e-6)
    off = np.sqrt(weights / packed.most[..., None]) - packed.steps / STEPS
    assert np.abs(off).max() <= 0.5 / STEPS + 1e-6


@pytest.mark.parametrize("name", TOWERS)
def test_rows_of_a_head_are_those_of_the_layer(engine, name):
    whole = exact(engine, 1, name)
    (row,) = engine.run(LayerWeightsRequest(of(name), 1, head=2, query=3))
    np.testing.assert_allclose(row, whole[2, 3:4], rtol=0, atol=1e-6)
    np.testing.assert_allclose(whole.sum(axis=-1), 1, rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", ["vit", "dinov2_with_registers", "siglip"])
def test_thumbnails_are_the_mean_over_the_places(engine, name):
    cut = engine.run(CutPictureRequest(of(name)))
    grid = engine.run(LookGridRequest(of(name), (0, 5)))
    assert grid.steps.shape == (LAYERS, HEADS, GRID, GRID)
    for layer in grid.layers:
        expected = exact(engine, layer, name)[:, [0, 5]].mean(axis=1)[:, len(cut.specials) :]
        shown = grid.most[layer][:, None, None] * (grid.steps[layer] / STEPS) ** 2
        np.testing.assert_allclose(grid.on_patches[layer], expected.sum(axis=-1), rtol=1e-5)
        np.testing.assert_allclose(
            np.sqrt(shown), np.sqrt(expected.reshape(shown.shape)), rtol=0, atol=0.51 / STEPS * np.sqrt(grid.most.max())
        )


def test_products_add_up_to_the_scores_of_the_weights(engine):
    found = engine.run(PlaceProductsRequest(of("beit"), 1, 2, 7))
    np.testing.assert_allclose(found.products, found.query * found.keys)
    again = np.exp(found.scores - found.scores.max())
    np.testing.assert_allclose(again / again.sum(), found.weights, rtol=0, atol=1e-5)
    np.testing.assert_allclose(found.weights, exact(engine, 1, "beit")[2, 7], rtol=0, atol=1e-6)


def test_rollout_is_the_product_of_the_halves(engine):
    product = np.eye(GRID * GRID + 1)
    for layer in range(LAYERS):
        product = (0.5 * exact(engine, layer).mean(axis=0) + 0.5 * np.eye(len(product))) @ product
        for place in (0, 9):
            found = engine.run(RolloutRequest(of(), place))
            np.testing.assert_allclose(found[layer], product[place], rtol=0, atol=1e-6)
            assert found[layer].sum() == pytest.approx(1, abs=1e-5)


def test_distances_are_the_weighted_means_over_patches(engine):
    found = engine.run(DistancesRequest(of("deit")))
    patches = [(row, column) for row in range(GRID) for column in range(GRID)]
    apart = np.array([[np.hypot(a - c, b - d) for c, d in patches] for a, b in patches])
    weights = exact(engine, 1, "deit")[3, 2:, 2:]
    by_hand = np.mean([(row / row.sum()) @ far for row, far in zip(weights, apart, strict=True)])
    assert found.means[1, 3] == pytest.approx(by_hand, abs=1e-5)
    assert found.even == pytest.approx(apart.mean(), abs=1e-5)


@pytest.mark.parametrize("layer", range(LAYERS + 1))
def test_components_are_those_of_scikit_learn(engine, layer):
    other = PictureTraceRequest("vit", "example:china")
    found = engine.run(ComponentsRequest((of(), other), layer))
    vectors = np.concatenate([engine.run(each).states[layer, 1:] for each in (of(), other)])
    known = PCA(3).fit(vectors)
    theirs = known.transform(vectors)
    ours = np.concatenate([each.reshape(-1, 3) for each in found.values])
    signs = np.sign((ours * theirs).sum(axis=0))
    np.testing.assert_allclose(ours, theirs * signs, rtol=0, atol=1e-3 * np.abs(theirs).max())
    np.testing.assert_allclose(found.shares, known.explained_variance_ratio_, rtol=1e-3)
    axes = known.components_ * signs[:, None]
    assert (axes[np.arange(3), np.abs(axes).argmax(axis=1)] > 0).all()
    low, high = np.percentile(ours, (1, 99), axis=0)
    colours = np.concatenate([each.reshape(-1, 3) for each in found.colours])
    np.testing.assert_allclose(colours, np.clip((ours - low) / (high - low), 0, 1), rtol=0, atol=1e-5)


def test_likeness_is_the_cosine_also_in_another_picture(engine):
    other = PictureTraceRequest("dinov2", "example:china", side=6 * PATCH)
    ours, theirs = (engine.run(each).states[1, 1:] for each in (of("dinov2"), other))
    found = engine.run(LikenessRequest(of("dinov2"), 1, 5, other))
    assert found.shape == (1, 6, 6)
    by_hand = [vector @ ours[5] / np.linalg.norm(vector) / np.linalg.norm(ours[5]) for vector in theirs]
    np.testing.assert_allclose(found.ravel(), by_hand, rtol=0, atol=1e-5)
    own = engine.run(LikenessRequest(of("dinov2"), 1)).reshape(GRID**2, GRID**2)
    np.testing.assert_allclose(np.diag(own), 1, atol=1e-5)
    np.testing.assert_allclose(own, own.T, atol=1e-5)


@pytest.mark.parametrize("name", ["vit", "deit", "dinov2", "dinov2_with_registers", "clip", "siglip"])
@pytest.mark.parametrize("side", [None, 6 * PATCH])
def test_positions_are_what_two_equal_patches_differ_by(engine, name, side):
    found = engine.run(PositionsLikenessRequest(of(name, side=side)))
    from models.vision.features import added_positions

    trace = engine.run(of(name, side=side))
    assert found.shape == (trace.rows * trace.columns, trace.rows, trace.columns)
    if name == "clip":
        # A norm stands before its first block.
        return
    added = added_positions(trace)
    embeddings = trace.loaded.model.embeddings
    given = torch.zeros(1, 3, *trace.cut.pixels.shape[:2])
    more = {} if "dinov2" in name else {"interpolate_pos_encoding": side is not None}
    with torch.inference_mode():
        blank = embeddings(given, **more)[0][len(trace.specials) :].numpy()
    np.testing.assert_allclose(blank - blank[0], added - added[0], rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", ["beit", "dinov3"])
def test_models_without_rows_of_positions_say_so(engine, name):
    with pytest.raises(NoSuchPartError, match="adds nothing to patches"):
        engine.run(PositionsLikenessRequest(of(name)))


def test_lengths_and_what_is_outlying(engine):
    found = engine.run(LengthsRequest(of("dinov2_with_registers")))
    states = engine.run(of("dinov2_with_registers")).states
    np.testing.assert_allclose(found.lengths, np.linalg.norm(states, axis=-1), rtol=1e-6)
    assert not found.outlying[:, :4].any()
    from models.vision.features import lengths

    vectors = np.ones((1, 11, 4), dtype=np.float32)
    vectors[0, 7] = 10
    vectors[0, 0] = 50
    assert lengths(vectors, 1).outlying.nonzero()[1].tolist() == [7]


def masked_by_hand(name, given, hidden):
    """The output of transformers' own eager code with a row of -inf added to the scores of every layer."""
    from transformers import AttentionInterface

    model = TOWERS[name]()

    def by_hand(module, query, key, value, attention_mask, scaling=None, **_):
        scores = query @ key.transpose(2, 3) * scaling
        scores = scores if attention_mask is None else scores + attention_mask
        scores[..., list(hidden)] = -torch.inf
        return (scores.softmax(dim=-1) @ value).transpose(1, 2), None

    AttentionInterface.register("by_hand", by_hand)
    for each in [model.config, *(part.config for part in model.modules() if hasattr(part, "config"))]:
        each._attn_implementation_internal = "by_hand"
    with torch.inference_mode():
        return model(torch.from_numpy(given)[None]).last_hidden_state[0].numpy()


@pytest.mark.parametrize("name", TOWERS)
def test_hiding_is_a_mask_by_hand(engine, name):
    found = engine.run(HidingRequest(of(name)))
    trace = engine.run(of(name))
    first, shifts = len(trace.specials), []
    whole = masked_by_hand(name, trace.cut.given, ())
    for patch in (0, 6, GRID**2 - 1):
        output = masked_by_hand(name, trace.cut.given, (first + patch,))
        hidden = np.delete(output, first + patch, axis=0)
        one, other = (output[0], whole[0]) if first else (hidden.mean(axis=0), whole.mean(axis=0))
        shifts.append(1 - one @ other / np.linalg.norm(one) / np.linalg.norm(other))
    assert max(shifts) > 1e-4
    np.testing.assert_allclose(found.shifts.ravel()[[0, 6, GRID**2 - 1]], shifts, rtol=0, atol=1e-5)


def test_beside_it_stand_attention_and_rollout_with_their_rank_correlation(engine):
    found = engine.run(HidingRequest(of()))
    np.testing.assert_allclose(found.attention.ravel(), exact(engine, LAYERS - 1)[:, 0, 1:].mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(found.rollout.ravel(), engine.run(RolloutRequest(of()))[-1, 1:], atol=1e-6)
    assert found.with_attention == pytest.approx(rank_correlation(found.shifts.ravel(), found.attention.ravel()))
    assert found.with_rollout == pytest.approx(rank_correlation(found.shifts.ravel(), found.rollout.ravel()))
    assert found.answer is None


def test_steps_say_how_far_hiding_is(engine):
    request = HidingRequest(of("dinov2", side=5 * PATCH))
    steps = list(request.steps(engine))
    assert [each.done for each in steps] == [16, 25]
    assert {each.of for each in steps} == {25}
    assert engine.run(request).shifts.shape == (5, 5)


def test_a_hidden_place_has_no_weight(engine):
    weights = engine.run(LayerWeightsRequest(of(hidden=(0, 7)), 1))
    assert (weights[..., [0, 7]] == 0).all()
    trace = engine.run(of(hidden=(0, 7)))
    assert trace.interventions == (HideToken(0), HideToken(7))


def test_a_region_with_classes(engine):
    found = engine.run(RegionHiddenRequest(of("classifier"), (0, 1, 5)))
    classes = engine.run(ClassesRequest(of("classifier"), 7))
    assert found.classes == classes.names[:5]
    np.testing.assert_allclose(found.before, classes.probabilities[:5], rtol=1e-4)
    hidden = engine.run(ClassesRequest(of("classifier", hidden=(1, 2, 6)), 7))
    after = dict(zip(hidden.names, hidden.probabilities, strict=True))
    np.testing.assert_allclose(found.after, [after[each] for each in found.classes], rtol=1e-4)
    assert found.shift > 0
    one = engine.run(HidingRequest(of("classifier")))
    assert one.answer is not None
    assert np.abs(one.answer).max() > 0
    for patches in ((), (99,), tuple(range(GRID**2))):
        with pytest.raises(NoSuchPartError):
            engine.run(RegionHiddenRequest(of("classifier"), patches))


@pytest.mark.parametrize("name", TOWERS)
def test_what_a_model_does_not_have_is_said(engine, name):
    facts = engine.run(VisionFactsRequest(name))
    assert (facts.has_classes, facts.has_texts) == (False, False)
    assert facts.sides[0] == SIDE
    assert (facts.layers, facts.heads) == (LAYERS, HEADS)
    with pytest.raises(NoSuchPartError, match="no head that tells classes"):
        engine.run(ClassesRequest(of(name)))
    with pytest.raises(NoSuchPartError, match="not trained with texts"):
        engine.run(TextsFitRequest(of(name), ("a flower",)))


@pytest.mark.parametrize(
    "request_",
    [
        LayerLooksRequest(of(), LAYERS),
        LayerWeightsRequest(of(), 0, head=HEADS),
        LayerWeightsRequest(of(), 0, query=17),
        LookGridRequest(of(), ()),
        LookGridRequest(of(), (-1,)),
        PlaceProductsRequest(of(), 0, -1, 0),
        RolloutRequest(of(), 17),
        ComponentsRequest((of(),), LAYERS + 1),
        ComponentsRequest((), 0),
        ComponentsRequest((of(), of("deit")), 0),
        LikenessRequest(of(), 0, 16),
        LikenessRequest(of(), 0, 0, of("deit")),
    ],
    ids=repr,
)
def test_what_is_not_there_is_one_sentence(engine, request_):
    with pytest.raises(NoSuchPartError) as said:
        engine.run(request_)
    assert str(said.value).endswith(".")


def test_own_pictures_are_kept_by_name(engine):
    image = Image.fromarray(np.random.default_rng(3).integers(0, 256, (50, 80, 3), dtype=np.uint8))
    file = io.BytesIO()
    image.save(file, "PNG")
    kept = keep_picture(engine, file.getvalue())
    assert keep_picture(engine, file.getvalue()) is kept
    assert engine.run(PictureRequest(kept.name)).pixels.shape == (50, 80, 3)
    whole = engine.run(CutPictureRequest(PictureTraceRequest("dinov2", kept.name, is_whole=True)))
    assert (whole.rows, whole.columns) == (4, 6)
    assert whole.place_name(0) == "CLS"
    assert whole.place_name(1 + 6 + 2) == "1, 2"
    for name in ("own:" + "0" * 64, "example:none", "example:../../etc/passwd"):
        with pytest.raises(PictureError):
            engine.run(PictureRequest(name))


def test_a_side_is_a_whole_number_of_patches_and_bounded(engine):
    assert engine.run(CutPictureRequest(of("dinov2", side=6 * PATCH + 1))).pixels.shape == (24, 24, 3)
    with pytest.raises(PictureError, match="at most"):
        engine.run(CutPictureRequest(of("dinov2", side=100_000)))
    assert engine.run(CutPictureRequest(of("dinov2"))).width == WIDTH
