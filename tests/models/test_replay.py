"""A run with a change begins where it begins to differ: the same numbers as a run of all blocks, and fewer that ran."""

import gc
import weakref
from dataclasses import replace

import numpy as np
import pytest
import torch
import transformers

from models.attention import HideToken, TraceRequest, ZeroHead, trace_attention, trace_rows
from models.engine import Engine
from models.forward import cached_block_outputs
from models.loading import load_model, wrap_model
from tests.models import architectures
from tests.models.architectures import HEADS, IDS, KINDS, NAMES, SEQ2SEQ, TARGET_IDS

# A batch is computed in another order than one row.
TIGHT = {"rtol": 0, "atol": 1e-5}


def traced(name, interventions=(), base=None):
    target = TARGET_IDS if name in SEQ2SEQ else None
    return trace_attention(architectures.loaded(name), IDS, target, interventions, base)


def assert_same(trace, expected):
    assert trace.calls.keys() == expected.calls.keys()
    np.testing.assert_allclose(trace.last_output, expected.last_output, **TIGHT)
    np.testing.assert_allclose(trace.outputs, expected.outputs, **TIGHT)
    for kind in expected.kinds:
        for layer in expected.layers(kind):
            np.testing.assert_allclose(trace.weights(kind, layer), expected.weights(kind, layer), **TIGHT)
            np.testing.assert_allclose(trace.values(kind, layer), expected.values(kind, layer), **TIGHT)
            np.testing.assert_array_equal(trace.visible(kind, layer, 1), expected.visible(kind, layer, 1))


def is_shared(trace, base, call):
    """Whether both hold the same memory."""
    return trace.calls[call].query.data_ptr() == base.calls[call].query.data_ptr()


def calls_of(cached):
    return [call for each in cached for call in each.calls]


@pytest.mark.parametrize("name", NAMES)
def test_every_block_is_kept_in_its_order(name):
    base = traced(name)
    assert calls_of(base.cached) == list(base.calls)
    kept = {tensor.data_ptr(): tensor.nbytes for each in base.cached for tensor in each.tensors}
    # T5's position bias is an argument of every call as well.
    assert 0 < base.nbytes - replace(base, cached=()).nbytes <= sum(kept.values())


@pytest.mark.quick(6)
@pytest.mark.parametrize(("name", "kind"), KINDS)
def test_a_head_off_in_any_layer_is_as_if_all_had_run(name, kind):
    base = traced(name)
    for layer in base.layers(kind):
        change = [ZeroHead(kind, layer, HEADS - 1)]
        trace = traced(name, change, base)
        assert_same(trace, traced(name, change))
        # What did not run again is not there twice.
        shared = [call for call in base.calls if is_shared(trace, base, call)]
        known = cached_block_outputs.unchanged(base.cached, change, is_seq2seq=name in SEQ2SEQ)
        assert shared == calls_of(known)
        assert (kind, layer) not in shared
    assert shared, "the last layer has something before it"


@pytest.mark.quick(4)
@pytest.mark.parametrize("name", NAMES)
def test_rows_of_a_batch_begin_where_the_first_of_them_differs(name):
    base = traced(name)
    kind = base.kinds[-1]
    last = base.layers(kind)[-1]
    rows = [(ZeroHead(kind, last, head),) for head in range(HEADS)]
    target = TARGET_IDS if name in SEQ2SEQ else None
    for trace, row in zip(trace_rows(architectures.loaded(name), IDS, rows, target, base), rows, strict=True):
        assert_same(trace, traced(name, row))


@pytest.mark.parametrize("name", NAMES)
def test_a_hidden_token_changes_every_layer_that_sees_it(name):
    base = traced(name)
    assert cached_block_outputs.unchanged(base.cached, [HideToken(2)], is_seq2seq=name in SEQ2SEQ) == ()
    assert_same(traced(name, [HideToken(2)], base), traced(name, [HideToken(2)]))
    if name in SEQ2SEQ:
        known = cached_block_outputs.unchanged(base.cached, [HideToken(2, in_target=True)], is_seq2seq=True)
        assert {kind for kind, _ in calls_of(known)} == {"encoder"}
        assert_same(traced(name, [HideToken(2, in_target=True)], base), traced(name, [HideToken(2, in_target=True)]))


def test_the_blocks_before_it_do_not_run(monkeypatch):
    loaded = architectures.loaded("llama")
    base = traced("llama")
    ran = []
    for number, layer in enumerate(loaded.model.model.layers):
        hook = layer.mlp.register_forward_hook(lambda *_, number=number: ran.append(number))
        monkeypatch.setattr(layer, "a_hook_of_this_test", hook, raising=False)
    try:
        traced("llama", [ZeroHead("decoder", 1, 0)], base)
    finally:
        for layer in loaded.model.model.layers:
            layer.a_hook_of_this_test.remove()
    assert ran == [1]


def test_a_base_of_another_text_or_model_is_not_used():
    base = trace_attention(architectures.loaded("llama"), IDS[:-1])
    change = [ZeroHead("decoder", 1, 0)]
    assert_same(traced("llama", change, base), traced("llama", change))
    assert_same(traced("llama", change, traced("mistral")), traced("llama", change))


@pytest.mark.quick(4)
@pytest.mark.parametrize("name", NAMES)
def test_of_a_long_stack_some_are_kept(name, monkeypatch):
    monkeypatch.setattr(cached_block_outputs, "_MOST_BLOCKS", 2)
    base = traced(name)
    for kind in base.kinds:
        for layer in base.layers(kind):
            change = [ZeroHead(kind, layer, HEADS - 1)]
            assert_same(traced(name, change, base), traced(name, change))


@pytest.mark.slow
def test_a_deep_model_begins_at_the_last_block_that_is_kept(smollm2):
    base = trace_attention(smollm2, IDS)
    assert [number for number, each in enumerate(base.cached) if each.is_kept] == list(range(4, 30, 5))
    for layer, first in ((0, 0), (4, 0), (5, 5), (11, 10), (17, 15), (29, 25)):
        change = [ZeroHead("decoder", layer, 4)]
        trace = trace_attention(smollm2, IDS, None, change, base)
        assert [is_shared(trace, base, ("decoder", each)) for each in range(30)] == [each < first for each in range(30)]
        assert_same(trace, trace_attention(smollm2, IDS, None, change))


def test_a_text_and_its_ids_are_the_same_run():
    loaded = load_model("minilm")
    base = trace_attention(loaded, "The cat sat.")
    change = [ZeroHead("encoder", 3, 1)]
    trace = trace_attention(loaded, base.inputs.ids, None, change, base)
    assert [is_shared(trace, base, call) for call in base.calls] == [True] * 3 + [False] * 3
    assert_same(trace, trace_attention(loaded, base.inputs.ids, None, change))


def test_what_is_replayed_is_a_copy():
    base = traced("llama")
    (kept,) = base.cached[0].tensors
    before = kept.clone()
    for batch in (1, 3):
        again = base.cached[0].replay(batch, is_used=True)
        assert again.shape == (batch, *kept.shape[1:])
        again += 1
    torch.testing.assert_close(kept, before)
    # What nobody looks at takes no memory.
    assert base.cached[0].replay(16, is_used=False).data_ptr() == kept.data_ptr()


def test_what_is_written_into_afterwards_is_not_kept(monkeypatch):
    loaded = architectures.loaded("llama")
    layer_class = type(loaded.model.model.layers[1])
    plain = layer_class.forward

    def into_its_input(self, hidden_states, *arguments, **keywords):
        if self is not loaded.model.model.layers[0]:
            hidden_states *= 1.5
        return plain(self, hidden_states, *arguments, **keywords)

    monkeypatch.setattr(layer_class, "forward", into_its_input)
    base = traced("llama")
    assert base.cached == ()
    change = [ZeroHead("decoder", 1, 0)]
    assert_same(traced("llama", change, base), traced("llama", change))


def test_what_is_handed_on_from_block_to_block_is_kept_once():
    base = traced("t5")
    biases = [each.tensors[-1] for each in base.cached if {kind for kind, _ in each.calls} == {"encoder"}]
    assert len(biases) == 3
    assert len({each.data_ptr() for each in biases}) == 1
    assert base.cached[0].tensors[0].data_ptr() != base.cached[1].tensors[0].data_ptr()


def test_what_a_run_held_goes_with_it():
    gc.collect()
    gc.disable()
    try:
        base = traced("llama")
        changed = traced("llama", [ZeroHead("decoder", 1, 0)], base)
        kept = [weakref.ref(base.cached[0]), weakref.ref(changed.calls["decoder", 1].query)]
        del base, changed
        assert [each() for each in kept] == [None, None]
    finally:
        gc.enable()


def test_of_a_batch_nothing_is_kept():
    first, second = trace_rows(architectures.loaded("llama"), IDS, [(), ()])
    assert first.cached == second.cached == ()


def test_rows_of_a_single_token():
    base = trace_attention(architectures.loaded("llama"), IDS[:1])
    rows = [(ZeroHead("decoder", 1, head),) for head in range(HEADS)]
    for trace, row in zip(trace_rows(architectures.loaded("llama"), IDS[:1], rows, None, base), rows, strict=True):
        assert_same(trace, trace_attention(architectures.loaded("llama"), IDS[:1], None, row))


SIZES = {
    "vocab_size": 64,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "num_local_experts": 4,
    "num_experts_per_tok": 2,
}


def test_a_model_that_takes_use_cache_without_naming_it_runs_without_a_cache():
    config = transformers.GraniteMoeConfig(**SIZES, num_hidden_layers=3)
    loaded = wrap_model(transformers.GraniteMoeForCausalLM(config).eval(), None, "decoder")
    base = trace_attention(loaded, IDS)
    assert calls_of(base.cached) == [("decoder", layer) for layer in range(3)]
    change = [ZeroHead("decoder", 2, 1)]
    assert_same(trace_attention(loaded, IDS, None, change, base), trace_attention(loaded, IDS, None, change))


def test_layers_that_share_keys_and_values_have_whole_maps():
    sizes = {name: each for name, each in SIZES.items() if "expert" not in name}
    more = {
        "num_hidden_layers": 4,
        "num_kv_shared_layers": 2,
        "head_dim": 8,
        "sliding_window": 4,
        "layer_types": ["sliding_attention", "full_attention"] * 2,
    }
    narrow = {"hidden_size_per_layer_input": 8, "vocab_size_per_layer_input": 64}
    config = transformers.Gemma4TextConfig(**sizes, **more, **narrow)
    loaded = wrap_model(transformers.Gemma4ForCausalLM(config).eval(), None, "decoder")
    base = trace_attention(loaded, IDS)
    assert [base.weights("decoder", layer).shape for layer in range(4)] == [(4, len(IDS), len(IDS))] * 4
    change = [ZeroHead("decoder", 3, 1)]
    assert_same(trace_attention(loaded, IDS, None, change, base), trace_attention(loaded, IDS, None, change))


def test_no_more_is_kept_than_there_is_room_for(monkeypatch):
    whole = traced("llama")
    monkeypatch.setattr(cached_block_outputs, "_MOST_BYTES", sum(each.nbytes for each in whole.cached[0].tensors))
    base = traced("llama")
    assert len(base.cached) == 1
    change = [ZeroHead("decoder", 1, 0)]
    assert_same(traced("llama", change, base), traced("llama", change))


def test_a_block_that_is_handed_a_dictionary_ends_what_is_kept(monkeypatch):
    loaded = architectures.loaded("llama")
    layer_class = type(loaded.model.model.layers[1])
    plain = layer_class.forward

    def with_state(self, *arguments, **keywords):
        keywords["past_key_values"] = None
        return plain(self, *arguments, **keywords)

    monkeypatch.setattr(layer_class, "forward", with_state)
    assert len(traced("llama").cached) == 2
    monkeypatch.setattr(cached_block_outputs, "_is_plain", lambda value: not isinstance(value, tuple))
    assert traced("llama").cached == ()
    assert not cached_block_outputs._is_made_of_tensors({"a": torch.zeros(1)})


def test_the_engine_takes_what_it_still_has(monkeypatch):
    loaded = architectures.loaded("llama")
    engine = Engine()
    monkeypatch.setattr(engine, "model", lambda _: loaded)
    request = TraceRequest("llama", IDS)
    changed = TraceRequest("llama", IDS, None, (ZeroHead("decoder", 1, 2),))
    alone = engine.run(changed)
    assert request not in engine.answers
    base = engine.run(request)
    with_base = TraceRequest("llama", IDS, None, (ZeroHead("decoder", 1, 2), ZeroHead("decoder", 1, 2)))
    shared = engine.run(with_base)
    assert is_shared(shared, base, ("decoder", 0))
    assert_same(shared, alone)
