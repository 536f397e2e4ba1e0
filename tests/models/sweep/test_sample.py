"""The sweep's own tools, and a class for each kind of fault that was reported, in this process."""

import os
import time
import warnings
from dataclasses import replace

import numpy as np
import pytest
import torch

from models.attention import trace_attention
from models.loading import wrap_model
from tests.models.sweep import references
from tests.models.sweep.classes import one
from tests.models.sweep.comparisons import compare_maps, outcome_of
from tests.models.sweep.configs import tiny_config
from tests.models.sweep.figures import IDS
from tests.models.sweep.known import KNOWN
from tests.models.sweep.outcome import NotCheckedError, Outcome, Part, WrongError
from tests.models.sweep.pool import outcomes
from tests.models.sweep.table import names_in, word_of, words_in, written

# What each was reported for.
SAMPLE = {
    "BertForMaskedLM": "nothing",
    "GPT2LMHeadModel": "nothing",
    "NllbMoeForConditionalGeneration": "a kind that was guessed from a flag",
    "DeepseekV32ForCausalLM": "code that asks for the name of the attention function",
    "DiffLlamaForCausalLM": "two calls in one layer",
    "OPTForCausalLM": "a lens that says the same whatever it reads",
    "SwitchTransformersForConditionalGeneration": "a head that asks for more than the last hidden state",
    "LayoutLMForMaskedLM": "an encoder taken for a decoder",
    "EncoderDecoderModel/BERT and BERT": "a part with a config of its own",
    "Qwen3NextForCausalLM": "layers without attention that see what is hidden",
    "MiMoV2FlashForCausalLM": "a cache with other heads in some layers",
    "BartForCausalLM": "a cache as deep as an encoder that is not there",
    "T5ForConditionalGeneration/2 + 4": "a decoder deeper than its cache",
    "T5GemmaForConditionalGeneration/no start token": "a config without a token to start with",
    "MambaForCausalLM": "a config without heads",
    "FNetModel": "an encoder without attention",
    "XmodModel/no language": "a forward that asks for more than a text",
}


def quietly(name):
    with warnings.catch_warnings():
        # Of transformers, about configs of its own.
        warnings.simplefilter("ignore")
        return outcome_of(one(name))


@pytest.mark.quick(3)
@pytest.mark.parametrize("name", SAMPLE)
def test_a_class_of_each_fault_is_exact_or_refused(name):
    outcome = quietly(name)
    failed = outcome.of("wrong") + outcome.of("crash")
    if failed and name in KNOWN:
        pytest.xfail(f"known: {failed[0].detail}")
    assert not failed


def test_each_kind_of_outcome_is_reached():
    assert word_of(quietly("BertModel")) == "exact"
    assert word_of(quietly("ReformerModelWithLMHead")) == "refused"
    assert word_of(quietly("Gemma4AssistantForCausalLM")) == "cannot be built"


# ----- Comparisons that can fail


@pytest.fixture(scope="module")
def maps():
    """A trace, and transformers' own maps of it."""
    swept = one("GPT2LMHeadModel")
    model = references.build(swept)
    trace = trace_attention(wrap_model(references.twin(swept, model), None, "decoder"), IDS)
    return trace, references.reference_maps(model)


def test_maps_that_are_the_same_pass(maps):
    trace, theirs = maps
    assert compare_maps(trace, theirs) <= 1e-5


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda maps: {"decoder": [each * 1.001 for each in maps]}, "layer 0 is off by"),
        (lambda maps: {"decoder": maps[::-1]}, "layer 0 is off by"),
        (lambda maps: {"decoder": maps[:1]}, "decoder 2 instead of decoder 1"),
        (lambda maps: {"encoder": maps}, "decoder 2 instead of encoder 2"),
        (lambda maps: {"decoder": maps, "cross": maps}, "instead of decoder 2, cross 2"),
        (lambda maps: {"decoder": [each[:2] for each in maps]}, r"has the shape \[4, 9, 9\] instead of \[2, 9, 9\]"),
        (lambda maps: {"decoder": [np.where(each > 0, each, np.nan) for each in maps]}, "off by nan"),
    ],
    ids=["a factor", "swapped", "one left out", "another kind", "a kind too few", "heads", "no numbers"],
)
def test_maps_that_differ_do_not(maps, change, what):
    trace, theirs = maps
    with pytest.raises(WrongError, match=what):
        compare_maps(trace, change(theirs["decoder"]))


def test_maps_without_a_reference_are_not_checked(maps):
    with pytest.raises(NotCheckedError, match="missing"):
        compare_maps(maps[0], {"decoder": "attentions is missing"})


def test_weights_make_patterns_that_tell_something():
    maps = references.reference_maps(references.build(one("LlamaForCausalLM")))["decoder"]
    last = np.stack([layer[:, -1] for layer in maps])
    assert last.max() > 0.5
    assert np.abs(last - 1 / len(IDS)).max(axis=-1).min() > 0.05


@pytest.mark.parametrize("name", ["GPT2LMHeadModel", "T5ForConditionalGeneration", "Qwen3NextForCausalLM"])
def test_a_twin_has_the_same_weights_in_a_config_of_its_own(name):
    swept = one(name)
    model = references.build(swept)
    twin = references.twin(swept, model)
    assert twin.config is not model.config
    assert all(torch.equal(each, twin.state_dict()[path]) for path, each in model.state_dict().items())


def test_one_layer_of_each_kind_is_made():
    config = references.config_of(one("Qwen3NextForCausalLM"))
    assert config.layer_types == ["linear_attention", "full_attention"]
    assert (config.hidden_size, config.num_attention_heads, config.vocab_size) == (32, 4, 64)


def test_exceptions_reach_configs_inside_of_others():
    config = references.config_of(one("T5GemmaForConditionalGeneration"))
    assert config.encoder.hidden_size == config.decoder.hidden_size == 32
    changed = tiny_config(type(config), {type(config.decoder).__name__: {"hidden_size": 16, "head_dim": 4}})
    assert changed.decoder.hidden_size == 16


# ----- Child processes


def _look(swept):
    if swept.name == "BertModel":
        time.sleep(60)
    if swept.name == "GPT2Model":
        os._exit(7)
    return Outcome(swept.name, parts=(Part("load", "exact"),))


@pytest.mark.slow  # three processes that import torch
def test_a_hang_and_an_abort_end_one_class_each():
    names = ("BertModel", "GPT2Model", "LlamaModel", "T5Model")
    found = {each.name: each for each in outcomes([one(name) for name in names], _look, seconds=1, to_start=20)}
    assert set(found) == set(names)
    assert found["BertModel"].parts[0].detail == "not ready after 1 seconds"
    assert found["GPT2Model"].parts[0].detail == "the process ended with 7"
    assert found["LlamaModel"].verdict == found["T5Model"].verdict == "exact"


# ----- The table


def test_the_table_tells_each_outcome_and_does_not_depend_on_the_order():
    exact = Outcome("A/b", "decoder", "a", (("decoder", 2),), (Part("load", "exact"),))
    refused = Outcome("B", "encoder", "b", (), (Part("load", "refused", "B has no heads; choose another."),))
    partly = replace(exact, name="C", parts=(Part("load", "exact"), Part("lens", "refused", "C has no lens.")))
    wrong = replace(exact, name="D", parts=(Part("maps", "wrong", "a | b"),))
    built = Outcome("E", reason="transformers does not build it: E")
    text = written([exact, refused, partly, wrong, built])
    assert written([built, wrong, partly, refused, exact]) == text
    assert names_in(text) == ["A/b", "B", "C", "D", "E"]
    words = ["exact", "refused", "exact in part", "wrong", "cannot be built"]
    assert words_in(text) == dict(zip(names_in(text), words, strict=True))
    assert "… has no heads; choose another. (1)" in text
    assert "maps wrong: a \\| b |" in text
