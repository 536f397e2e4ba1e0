"""The check at load: what is broken on purpose is refused, and what was found is kept as long as it is true."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch

from models.attention import InterventionError, trace
from models.embeddings import LensError, logit_lens, read_out
from models.forward import capture, check_at_load, inputs, kept_findings, probe
from models.forward.interventions import HideToken
from models.loading import ModelRefusedError, load_model, open_folder, wrap_model
from tests.models import architectures, odd_architectures
from tests.models.architectures import ARCHITECTURES, IDS, NAMES
from tests.models.test_folders import save


def wrapped(name):
    return wrap_model(architectures.build(name, "eager"), None, ARCHITECTURES[name].family)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_right_is_found_exact(name):
    loaded = architectures.loaded(name)
    found = {each.part: each for each in loaded.findings}
    assert found["attention"].verdict == found["output"].verdict == found["hidden token"].verdict == "exact"
    assert found["lens"].verdict == ("none" if ARCHITECTURES[name].family == "encoder" else "exact")
    assert all(each.difference < 1e-5 for each in loaded.findings if each.difference is not None)
    layers = len(architectures.trace(name).layers(architectures.trace(name).kinds[0]))
    assert f"{layers} {architectures.trace(name).kinds[0]} layers" in found["attention"].sentence


def a_factor_on_the_weights(patch):
    right = trace.attended

    def larger(*given):
        output, weights = right(*given)
        return output, weights * 1.01

    patch.setattr(trace, "attended", larger)


def a_mask_that_is_dropped(patch):
    right = capture._sdpa

    def open_everywhere(module, query, key, value, _, **more):
        return right(module, query, key, value, None, **more | {"is_causal": False})

    patch.setattr(capture, "_sdpa", open_everywhere)


def a_mask_that_is_dropped_when_looked_at(patch):
    patch.setattr(trace, "full_mask", lambda _: None)


def two_layers_swapped(patch):
    right = capture.Run.address

    def swapped(run, module):
        kind, layer = right(run, module)
        return kind, 1 - layer if layer < 2 else layer

    patch.setattr(capture.Run, "address", swapped)


def a_wrong_kind(patch):
    right = probe._kind
    wrong = {"encoder": "decoder", "decoder": "encoder", "cross": "cross"}
    patch.setattr(probe, "_kind", lambda *given: wrong[right(*given)])


def a_head_that_is_lost(patch):
    right = capture._sdpa

    def without(*given, **more):
        output = right(*given, **more)[0].clone()
        output[:, :, 0] = 0
        return output, None

    patch.setattr(capture, "_sdpa", without)


BROKEN = (
    a_factor_on_the_weights,
    a_mask_that_is_dropped,
    a_mask_that_is_dropped_when_looked_at,
    two_layers_swapped,
    a_wrong_kind,
    a_head_that_is_lost,
)


@pytest.mark.quick(6)
@pytest.mark.parametrize("name", ["llama", "t5", "bart"])
@pytest.mark.parametrize("broken", BROKEN)
def test_a_broken_heart_is_refused(monkeypatch, name, broken):
    broken(monkeypatch)
    with pytest.raises(ModelRefusedError, match=r"transformers"):
        wrapped(name)


@pytest.mark.parametrize("broken", [a_factor_on_the_weights, two_layers_swapped, a_wrong_kind, a_head_that_is_lost])
def test_a_heart_that_breaks_after_the_model_was_checked_is_refused(monkeypatch, broken):
    assert load_model("minilm").findings
    broken(monkeypatch)
    with pytest.raises(ModelRefusedError):
        load_model("minilm")


def test_a_lens_that_is_stale_is_refused_and_nothing_else(monkeypatch):
    monkeypatch.setattr(logit_lens, "_with_last", lambda output, _: output)
    loaded = wrapped("llama")
    assert loaded.refusal("lens")
    with pytest.raises(LensError, match="lens"):
        read_out(loaded, torch.zeros(2, architectures.WIDTH))
    assert loaded.findings[0].verdict == "exact"


def test_a_lens_that_skips_the_final_norm_is_refused(monkeypatch):
    monkeypatch.setattr(check_at_load, "normed", lambda _, vectors: vectors * 1.1)
    monkeypatch.setattr(check_at_load, "read_out", lambda loaded, vectors: read_out(loaded, vectors) * 1.1)
    assert "off" in wrapped("llama").refusal("lens")


def test_a_hidden_token_that_is_still_seen_is_refused(monkeypatch):
    monkeypatch.setattr(capture, "hidden_keys", lambda *_, **__: None)
    monkeypatch.setattr(inputs, "_mask", lambda ids, *_, **__: torch.ones_like(ids))
    loaded = wrapped("llama")
    with pytest.raises(InterventionError, match="hidden"):
        trace.trace_attention(loaded, IDS, None, [HideToken(2)])
    assert np.isfinite(trace.trace_attention(loaded, IDS).last_output).all()


def test_a_hidden_token_that_layers_without_attention_still_see_is_refused(monkeypatch):
    monkeypatch.setattr(inputs, "_mask", lambda ids, *_, **__: torch.ones_like(ids))
    loaded = wrap_model(odd_architectures.build("qwen3_next"), None, "decoder")
    assert loaded.refusal("hidden token")


def test_weights_of_nan_are_a_sentence():
    model = architectures.build("llama", "eager")
    with torch.no_grad():
        model.model.layers[1].mlp.down_proj.weight[3] = torch.nan
    with pytest.raises(ModelRefusedError, match="NaN"):
        wrap_model(model, None, "decoder")


def test_a_cache_that_is_foretold_wrongly_is_refused(monkeypatch):
    right = check_at_load.cache_shape
    monkeypatch.setattr(
        check_at_load, "cache_shape", lambda *given: tuple(replace(each, heads=1) for each in right(*given))
    )
    sentence = wrapped("llama").refusal("cache")
    assert "2,304 bytes" in sentence
    assert "1,152 were predicted" in sentence


def test_what_a_cache_holds_is_said():
    found = {each.part: each for each in architectures.loaded("t5").findings}["cache"]
    assert (found.verdict, found.difference) == ("exact", 0)


@pytest.fixture
def home(monkeypatch, tmp_path):
    monkeypatch.setenv("HEADLIGHT_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def references(monkeypatch):
    """How often transformers' own forward was run for a comparison."""
    ran = []
    right = check_at_load.reference
    monkeypatch.setattr(check_at_load, "reference", lambda *given, **more: ran.append(1) or right(*given, **more))
    return ran


def test_the_same_weights_are_compared_in_full_once(home, tmp_path, references):
    card = open_folder(str(save("llama", tmp_path / "model")))
    first = load_model(card.name)
    assert (len(references), len(list((home / "checks").iterdir()))) == (1, 1)
    assert load_model(card.name).findings == first.findings
    assert len(references) == 1
    again = trace.trace_attention(load_model(card.name), "w5 w6 w7")
    np.testing.assert_array_equal(
        again.weights("decoder", 1), trace.trace_attention(first, "w5 w6 w7").weights("decoder", 1)
    )
    # Saved again: other weights under the same name.
    save("llama", tmp_path / "model")
    assert load_model(card.name).findings == first.findings
    assert len(references) == 2


def test_what_comes_back_otherwise_than_it_was_checked_is_refused(home, tmp_path, monkeypatch):
    from models.loading import load

    card = open_folder(str(save("llama", tmp_path / "model")))
    load_model(card.name)
    right = load.use_headlight

    def damaged(model):
        with torch.no_grad():
            model.lm_head.weight.normal_(generator=torch.Generator().manual_seed(1))
        right(model)

    monkeypatch.setattr(load, "use_headlight", damaged)
    with pytest.raises(ModelRefusedError, match="other numbers"):
        load_model(card.name)


def test_what_was_kept_is_not_believed_once_it_is_damaged(home, tmp_path, references):
    card = open_folder(str(save("bert", tmp_path / "model")))
    first = load_model(card.name)
    (file,) = (home / "checks").iterdir()
    file.write_bytes(file.read_bytes()[:100])
    assert load_model(card.name).findings == first.findings
    assert len(references) == 2


def test_what_is_kept_is_bounded(home, monkeypatch):
    monkeypatch.setattr(kept_findings, "_MOST_KEPT", 3)
    for number in range(5):
        kept_findings.keep_finding(f"{number}", kept_findings.Kept((), {"layer": (("encoder", 0),)}, "sample"))
    assert len(list((home / "checks").iterdir())) == 3
    assert kept_findings.kept_of("4") == kept_findings.Kept((), {"layer": (("encoder", 0),)}, "sample")


def test_a_home_that_nobody_may_write_to_is_checked_each_time(home, tmp_path, references):
    home.write_text("a file where the folder would be")
    card = open_folder(str(save("bert", tmp_path / "model")))
    load_model(card.name)
    load_model(card.name)
    assert len(references) == 2
    shutil.rmtree(tmp_path / "model")


def test_rounding_of_half_precision_is_no_fault():
    model = architectures.build("llama", "eager").to(torch.bfloat16)
    loaded = wrap_model(model, None, "decoder")
    assert loaded.findings[0].verdict in ("exact", "not checked")
    assert loaded.refusal("lens") == ""
    assert replace(loaded, findings=()).refusal("lens") == ""
