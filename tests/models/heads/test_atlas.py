"""Atlases: the bundled ones, those that are kept, and models and banks of which there is none."""

from dataclasses import replace

import numpy as np
import pytest
import transformers

from models.catalog import MODELS
from models.engine import Engine, HowFar
from models.heads import AtlasError, AtlasRequest, bundled_bank, plain_bank
from models.heads.atlas_files import BUNDLED_MODELS, AtlasSource, bundled_file, read, written
from models.loading import wrap_model
from tests.models import architectures, odd_architectures
from tests.models.heads.measuring import EngineOf, measured, names
from tests.models.heads.random_models import SIZES, random_model
from training.head_atlases import ATLASES
from training.head_atlases import measured as measured_again

FAMILY_KIND = [("minilm", "encoder"), ("smollm2", "decoder")]
ENGLISH = plain_bank("The cat sat on the mat.\nA dog barks at the cat.\nNobody knows why they do it.")


def atlas_of(model, kind):
    return Engine(10**8).run(AtlasRequest(model, kind, bundled_bank()))


@pytest.mark.parametrize(
    ("model", "kind", "layer", "head", "role", "score"),
    [
        ("smollm2", "decoder", 10, 1, "dobj>head", 0.90),
        ("smollm2", "decoder", 10, 1, "pobj>head", 0.81),
        ("smollm2", "decoder", 7, 6, "head>det", 0.89),
        ("minilm", "encoder", 2, 0, "dobj>head", 0.79),
        ("minilm", "encoder", 1, 4, "head>pobj", 0.75),
    ],
)
def test_the_bundled_atlas_names_the_heads_that_find_words(model, kind, layer, head, role, score):
    atlas = atlas_of(model, kind)
    found = next(each for each in atlas.names(layer, head) if each.role.key == role)
    assert found.score == pytest.approx(score, abs=0.03)
    assert found.baseline < found.low < found.score < found.high
    assert found.cases > 150
    assert found.best_place


@pytest.mark.parametrize(
    ("layer", "head", "role"),
    [(18, 6, "induction"), (17, 3, "induction"), (17, 4, "induction"), (16, 0, "previous"), (14, 3, "duplicate")],
)
def test_the_bundled_atlas_names_heads_that_random_tokens_show(layer, head, role):
    assert atlas_of("smollm2", "decoder").names(layer, head)[0].role.key == role


def test_two_hundred_heads_rest_on_the_first_token():
    assert (atlas_of("smollm2", "decoder").role("first").scores > 0.3).sum() == pytest.approx(207, abs=5)


def test_a_bundled_atlas_needs_no_model_and_is_small(monkeypatch):
    monkeypatch.setattr(Engine, "model", None)
    for model, kind in ATLASES:
        assert list(AtlasRequest(model, kind, bundled_bank()).steps(Engine(10**8))) == []
        assert bundled_file(model, kind).stat().st_size < 60_000
    assert {model for model, _ in ATLASES} == set(BUNDLED_MODELS)


def test_names_are_in_order_and_rest_comes_last():
    atlas = atlas_of("smollm2", "decoder")
    for layer, count in enumerate(atlas.heads):
        for head in range(count):
            found = atlas.names(layer, head)
            assert [each.role.is_rest for each in found] == sorted(each.role.is_rest for each in found)
            strengths = [each.strength for each in found if not each.role.is_rest]
            assert strengths == sorted(strengths, reverse=True)
    assert len(atlas.scores_of(0, 0)) == len(atlas.roles)


def test_a_role_that_was_not_measured_is_said():
    with pytest.raises(AtlasError, match="'verb' was not measured"):
        atlas_of("minilm", "encoder").role("verb")


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(("model", "kind"), ATLASES)
def test_the_bundled_atlases_are_what_is_measured(model, kind):
    kept, again = atlas_of(model, kind), measured_again(model, kind)
    assert (kept.keys, kept.heads, kept.note) == (again.keys, again.heads, again.note)
    for one, other in zip(kept.roles, again.roles, strict=True):
        np.testing.assert_allclose(one.scores, other.scores, atol=2e-3, err_msg=one.role.key)
        assert one.cases == other.cases
    assert names(kept) == names(again)


# Models in memory and on disk


@pytest.fixture(scope="module")
def small(minilm):
    loaded = random_model("encoder", 0, minilm.tokenizer, minilm.vocabulary)
    return loaded, measured(loaded, "encoder", ENGLISH)


def test_a_file_holds_the_atlas(small):
    _, atlas = small
    origin = AtlasSource("encoder", ENGLISH, 0)
    data = written(atlas, origin)
    found = read(data, origin)
    assert (found.keys, found.heads, found.layers, found.note) == (atlas.keys, atlas.heads, atlas.layers, atlas.note)
    for one, other in zip(found.roles, atlas.roles, strict=True):
        np.testing.assert_allclose(one.scores, other.scores, atol=5e-4)
        np.testing.assert_array_equal(one.is_named, other.is_named)
    np.testing.assert_allclose(found.by_offset, atlas.by_offset, atol=5e-4)


DAMAGES = {"cut": lambda data: data[: len(data) // 2], "empty": lambda data: b"", "other": lambda data: b"PK" + data}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_or_one_of_something_else_is_not_taken(small, damage):
    _, atlas = small
    origin = AtlasSource("encoder", ENGLISH, 0)
    assert read(DAMAGES[damage](written(atlas, origin)), origin) is None
    assert read(written(atlas, origin), replace(origin, seed=1)) is None
    assert read(written(atlas, origin), replace(origin, bank=bundled_bank())) is None


def test_an_atlas_is_kept_for_the_next_start(monkeypatch, tmp_path, minilm):
    monkeypatch.setenv("HEADLIGHT_HOME", str(tmp_path / "home"))
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(b"weights")
    loaded = random_model("encoder", 0, minilm.tokenizer, minilm.vocabulary)
    loaded = replace(loaded, card=replace(MODELS["minilm"], name="folder:x", folder=str(folder)))
    request = AtlasRequest("folder:x", "encoder", ENGLISH)
    steps = list(request.steps(EngineOf(loaded)))
    assert steps[-1] == HowFar(19, 19)
    assert list(request.steps(EngineOf(loaded))) == []
    assert [each.suffix for each in (tmp_path / "home" / "atlases").iterdir()] == [".npz"]
    (folder / "model.safetensors").write_bytes(b"other weights")
    assert list(request.steps(EngineOf(loaded)))[-1] == HowFar(19, 19)


def test_kept_atlases_are_bounded(monkeypatch, tmp_path, small):
    from models.heads import atlas_files

    monkeypatch.setenv("HEADLIGHT_HOME", str(tmp_path))
    monkeypatch.setattr(atlas_files, "_MOST_FILES", 3)
    for seed in range(5):
        atlas_files.keep(MODELS["spelling_to_sound"], AtlasSource("encoder", ENGLISH, seed), small[1])
    assert len(list((tmp_path / "atlases").iterdir())) == 3
    assert atlas_files.kept_atlas(MODELS["spelling_to_sound"], AtlasSource("encoder", ENGLISH, 4)) is not None


def test_a_disk_that_cannot_be_written_is_no_error(monkeypatch, tmp_path, small):
    from models.heads import atlas_files

    (tmp_path / "atlases").write_text("a file where a folder should be")
    monkeypatch.setenv("HEADLIGHT_HOME", str(tmp_path))
    atlas_files.keep(MODELS["spelling_to_sound"], AtlasSource("encoder", ENGLISH, 0), small[1])


# What is bad or odd


def test_a_kind_that_the_model_has_not_is_said(small):
    with pytest.raises(AtlasError, match="no cross attention; it has encoder"):
        measured(small[0], "cross", ENGLISH)


def test_too_many_heads_are_said(small, monkeypatch):
    monkeypatch.setattr("models.heads.atlas_measurement.MOST_HEADS", 7)
    with pytest.raises(AtlasError, match="has 8 heads, and an atlas is made of at most 7"):
        measured(small[0], "encoder", ENGLISH)


def test_a_bank_that_the_tokenizer_cannot_read_is_said(small):
    thai = plain_bank("สวัสดี ครับ ผม ชื่อ สมชาย\nวันนี้ อากาศ ดี มาก")
    with pytest.raises(AtlasError, match=r"cannot read your sentences: .* unknown to it"):
        measured(small[0], "encoder", thai)


def test_a_model_of_one_head_and_few_positions(minilm):
    sizes = SIZES | {"num_hidden_layers": 1, "num_attention_heads": 1, "max_position_embeddings": 24}
    config = transformers.BertConfig(**sizes, vocab_size=minilm.vocabulary)
    loaded = wrap_model(transformers.BertModel(config).eval(), minilm.tokenizer, "encoder")
    atlas = measured(loaded, "encoder", ENGLISH)
    assert atlas.heads == (1,)
    assert (atlas.sentences, atlas.sequences) == (3, 16)
    assert atlas.names(0, 0) == ()


def test_layers_without_attention_have_no_scores():
    loaded = odd_architectures.loaded("qwen3_next")
    atlas = measured(loaded, "decoder", ENGLISH)
    assert atlas.heads[:3] == (0, 0, 0)
    assert np.isnan(atlas.role("first").scores[:3]).all()
    assert np.isfinite(atlas.role("first").scores[3]).all()
    assert "without a tokenizer" in atlas.note
    # What its heads return is gated before the output projection.
    assert "copying" not in atlas.keys


@pytest.mark.parametrize(
    ("name", "kind"), [("bart", "encoder"), ("bart", "decoder"), ("t5", "cross"), ("mistral", "decoder")]
)
def test_every_kind_of_attention_is_measured(name, kind):
    atlas = measured(architectures.loaded(name), kind, ENGLISH)
    first = atlas.role("first")
    assert np.isfinite(first.scores).all()
    assert (first.low <= first.scores).all()
    assert (first.scores <= first.high).all()
    assert ("previous" in atlas.keys) == (kind != "cross")
