"""What changes a run, against the same change made to transformers' own model by other means."""

import numpy as np
import pytest
import torch

from models.attention import CutLink, HideToken, InterventionError, ReplacePattern, ZeroHead, trace_rows
from models.loading import wrap_model
from tests.models import architectures
from tests.models.architectures import ARCHITECTURES, DECODERS, HEADS, IDS, KINDS, NAMES, SEQ2SEQ, TARGET_IDS

LAST = HEADS - 1
# The reference computes with the eager function and the trace with SDPA, where the class supports it.
CLOSE = {"rtol": 0, "atol": 5e-5}
TIGHT = {"rtol": 0, "atol": 1e-5}
# What an intervention must change at least in some output, lest the test would pass if it did nothing.
SEEN = 1e-2


def run_with_head(name, kind, layer, head, change):
    """The eager model's output when `change` is put in place of one head's part of what its projection receives."""
    model = architectures.eager(name)
    modules = architectures.projections(model, name, kind)
    is_shared = len(modules) > 1 and modules[0] is modules[1]
    calls = []

    def replace(_, arguments):
        calls.append(1)
        if is_shared and len(calls) != layer + 1:
            return None
        joined = arguments[0].clone()
        width = joined.shape[-1] // HEADS
        joined[..., head * width : (head + 1) * width] = change
        return (joined, *arguments[1:])

    hook = modules[layer].register_forward_pre_hook(replace)
    try:
        return architectures.run(model)
    finally:
        hook.remove()
        assert calls


def mask_without(ids, position):
    mask = torch.ones(1, len(ids), dtype=torch.long)
    mask[0, position] = 0
    return mask


@pytest.mark.quick(6)
@pytest.mark.parametrize(("name", "kind"), KINDS)
def test_zero_head_is_zeroing_what_the_output_projection_receives(name, kind):
    plain = architectures.run(architectures.eager(name))
    for layer in architectures.trace(name).layers(kind):
        for head in (0, LAST):
            expected = run_with_head(name, kind, layer, head, 0)
            assert abs(expected - plain).max() > SEEN
            trace = architectures.trace(name, [ZeroHead(kind, layer, head)])
            np.testing.assert_allclose(trace.outputs, expected, **CLOSE)
            np.testing.assert_allclose(trace.last_output, expected[-1], **CLOSE)


@pytest.mark.parametrize(("name", "kind"), KINDS)
def test_zero_head_leaves_the_maps_of_its_own_layer(name, kind):
    trace = architectures.trace(name, [ZeroHead(kind, 0, 1)])
    np.testing.assert_allclose(trace.weights(kind, 0), architectures.trace(name).weights(kind, 0), **TIGHT)


@pytest.mark.parametrize("name", NAMES)
def test_hide_token_is_a_zero_in_the_attention_mask(name):
    position = 4
    # The model that has no window reaches every position; with a window the last ones may not notice.
    plain = architectures.run(architectures.eager(name))
    expected = architectures.run(architectures.eager(name), attention_mask=mask_without(IDS, position))
    assert abs(expected - plain).max() > SEEN
    trace = architectures.trace(name, [HideToken(position)])
    np.testing.assert_allclose(trace.outputs, expected, **CLOSE)
    for kind in trace.kinds:
        for layer in trace.layers(kind):
            if kind != "decoder" or name in DECODERS:
                assert not trace.visible(kind, layer)[:, position].any()
                assert (trace.weights(kind, layer)[:, :, position] == 0).all()


@pytest.mark.parametrize("name", NAMES)
def test_hide_the_first_token(name):
    expected = architectures.run(architectures.eager(name), attention_mask=mask_without(IDS, 0))
    trace = architectures.trace(name, [HideToken(0)])
    # A decoder's first query has then no key left: transformers looks at all keys alike there, Headlight at none.
    first = 1 if name in DECODERS else 0
    np.testing.assert_allclose(trace.outputs[first:], expected[first:], **CLOSE)
    assert np.isfinite(trace.outputs).all()


@pytest.mark.parametrize("name", SEQ2SEQ)
@pytest.mark.parametrize("position", [0, 2])
def test_hide_a_token_of_the_target(name, position):
    mask = mask_without(TARGET_IDS, position)
    expected = architectures.run(architectures.eager(name), decoder_attention_mask=mask)
    trace = architectures.trace(name, [HideToken(position, in_target=True)])
    first = 1 if position == 0 else 0
    assert abs(expected - architectures.run(architectures.eager(name)))[first:].max() > SEEN
    np.testing.assert_allclose(trace.outputs[first:], expected[first:], **CLOSE)
    assert np.isfinite(trace.outputs).all()
    for layer in (0, 1):
        assert not trace.visible("decoder", layer)[:, position].any()
        assert trace.visible("cross", layer).all()
        assert trace.visible("encoder", layer).all()


@pytest.mark.parametrize(("name", "kind"), [(name, "decoder") for name in (*DECODERS, *SEQ2SEQ)])
def test_a_query_without_a_key_attends_to_nothing(name, kind):
    received = []
    modules = architectures.projections(architectures.loaded(name).model, name, kind)
    hooks = [
        module.register_forward_pre_hook(lambda _, arguments: received.append(arguments[0][0].clone()))
        for module in modules
    ]
    trace = architectures.trace(name, [HideToken(0, in_target=name in SEQ2SEQ)])
    for hook in hooks:
        hook.remove()
    assert len(received) == 2
    for layer, joined in enumerate(received):
        assert (joined[0] == 0).all()
        assert (joined[1:] != 0).any()
        weights = trace.weights(kind, layer)
        assert np.isfinite(weights).all()
        assert (weights[:, 0] == 0).all()
        assert (weights[:, 1:].sum(axis=-1) > 0).all()
        assert not trace.visible(kind, layer)[0].any()
    assert np.isfinite(trace.outputs).all()
    assert np.isfinite(trace.last_output).all()


@pytest.mark.parametrize("name", NAMES)
def test_every_token_hidden(name):
    trace = architectures.trace(name, [HideToken(position) for position in range(len(IDS))])
    assert np.isfinite(trace.outputs).all()
    for kind in {"encoder", "cross"} & set(trace.kinds) or {"decoder"}:
        for layer in trace.layers(kind):
            assert (trace.weights(kind, layer) == 0).all()
            assert not trace.visible(kind, layer).any()


@pytest.mark.quick(6)
@pytest.mark.parametrize(("name", "kind"), KINDS)
def test_cut_link_takes_one_weight_and_shares_it_out(name, kind):
    plain = architectures.trace(name).weights(kind, 0)
    # A link that matters, and is not all there is in its row.
    head, query, key = map(int, np.unravel_index(abs(plain - 0.4).argmin(), plain.shape))
    trace = architectures.trace(name, [CutLink(kind, 0, query, key, head)])
    expected = plain.copy()
    expected[head, query, key] = 0
    # What is left keeps its proportions; a sink keeps its share too, so this holds for gpt-oss as well.
    expected[head, query] /= 1 - plain[head, query, key]
    assert 0.1 < plain[head, query, key] < 0.9
    np.testing.assert_allclose(trace.weights(kind, 0), expected, **TIGHT)
    assert trace.weights(kind, 0)[head, query, key] == 0
    assert not trace.visible(kind, 0, head)[query, key]
    assert trace.visible(kind, 0, (head + 1) % HEADS)[query, key]
    # The change reaches the output: the joined heads are the new weights on the old values.
    joined = expected[head] @ architectures.trace(name).values(kind, 0)[head]
    reference = run_with_head(name, kind, 0, head, torch.from_numpy(joined))
    np.testing.assert_allclose(trace.outputs, reference, **CLOSE)


@pytest.mark.quick(6)
@pytest.mark.parametrize(("name", "kind"), KINDS)
def test_cut_link_in_every_head(name, kind):
    query, key = 5, 5
    plain = architectures.trace(name).weights(kind, 0)
    expected = plain.copy()
    expected[:, query, key] = 0
    expected[:, query] /= 1 - plain[:, query, key, None]
    trace = architectures.trace(name, [CutLink(kind, 0, query, key)])
    np.testing.assert_allclose(trace.weights(kind, 0), expected, **TIGHT)


@pytest.mark.parametrize("name", DECODERS)
def test_cutting_a_link_that_was_not_there_changes_nothing(name):
    trace = architectures.trace(name, [CutLink("decoder", 0, 2, 6)])
    np.testing.assert_allclose(trace.outputs, architectures.trace(name).outputs, **TIGHT)


@pytest.mark.quick(6)
@pytest.mark.parametrize(("name", "kind"), KINDS)
def test_a_heads_own_pattern_changes_nothing(name, kind):
    plain = architectures.trace(name)
    for layer in plain.layers(kind):
        for head in (0, LAST):
            own = tuple(map(tuple, plain.weights(kind, layer, head).tolist()))
            trace = architectures.trace(name, [ReplacePattern(kind, layer, head, own)])
            np.testing.assert_allclose(trace.outputs, plain.outputs, **TIGHT)


@pytest.mark.quick(6)
@pytest.mark.parametrize(("name", "kind"), KINDS)
def test_replace_pattern_gives_pattern_times_values(name, kind):
    plain = architectures.trace(name)
    for layer in plain.layers(kind):
        _, queries, keys = plain.weights(kind, layer).shape
        # Every query looks at the last key, half of it lost: rows are used as they are.
        pattern = np.zeros((queries, keys), dtype=np.float32)
        pattern[:, -1] = 0.5
        for head in (1, LAST):
            joined = torch.from_numpy(pattern @ plain.values(kind, layer)[head])
            expected = run_with_head(name, kind, layer, head, joined)
            assert abs(expected - plain.outputs).max() > SEEN
            trace = architectures.trace(name, [ReplacePattern(kind, layer, head, tuple(map(tuple, pattern.tolist())))])
            np.testing.assert_allclose(trace.outputs, expected, **CLOSE)


def rows_for(name):
    """Rows of a batch that each change something else, two of them nothing."""
    kinds = tuple(ARCHITECTURES[name].projections)
    first, last = kinds[0], kinds[-1]
    _, queries, keys = architectures.trace(name).weights(last, 1).shape
    even = tuple((1 / keys,) * keys for _ in range(queries))
    target = (HideToken(1, in_target=True),) if name in SEQ2SEQ else ()
    return (
        (),
        (ZeroHead(first, 0, 0), ZeroHead(last, 1, LAST)),
        (HideToken(0), *target),
        (CutLink(last, 0, 4, 3, 1), CutLink(last, 1, 5, 5)),
        (ReplacePattern(last, 1, 2, even), HideToken(3)),
        (),
    )


@pytest.mark.quick(4)
@pytest.mark.parametrize("name", NAMES)
def test_changes_are_the_same_through_the_eager_function(name):
    """Classes that SDPA cannot serve are computed by their own function, which adds its mask instead of asking it."""
    architecture = ARCHITECTURES[name]
    loaded = wrap_model(architectures.build(name, "eager"), None, architecture.family)
    loaded.model.set_attn_implementation("headlight_eager")
    target = TARGET_IDS if name in SEQ2SEQ else None
    kind = loaded.card.family if name not in SEQ2SEQ else "cross"
    for interventions in ((), (HideToken(3),), (CutLink(kind, 0, 5, 4, 1),), (ZeroHead(kind, 1, 0),)):
        expected = architectures.trace(name, interventions)
        trace = trace_rows(loaded, IDS, (interventions,), target)[0]
        np.testing.assert_allclose(trace.outputs, expected.outputs, **CLOSE)
        for layer in (0, 1):
            np.testing.assert_allclose(trace.weights(kind, layer), expected.weights(kind, layer), **CLOSE)
            np.testing.assert_array_equal(trace.visible(kind, layer, 1), expected.visible(kind, layer, 1))


# Four rows are as many as there are heads, which no shape may be mistaken for.
@pytest.mark.quick(9)
@pytest.mark.parametrize("count", [4, 6])
@pytest.mark.parametrize("name", NAMES)
def test_rows_of_a_batch_are_those_traced_one_by_one(name, count):
    rows = rows_for(name)[:count]
    target = TARGET_IDS if name in SEQ2SEQ else None
    traces = trace_rows(architectures.loaded(name), IDS, rows, target)
    assert len(traces) == count
    outputs = []
    for together, interventions in zip(traces, rows, strict=True):
        alone = architectures.trace(name, interventions)
        assert together.interventions == interventions
        np.testing.assert_allclose(together.outputs, alone.outputs, **TIGHT)
        np.testing.assert_allclose(together.last_output, alone.last_output, **TIGHT)
        for kind in alone.kinds:
            assert together.layers(kind) == alone.layers(kind)
            for layer in alone.layers(kind):
                np.testing.assert_allclose(together.weights(kind, layer), alone.weights(kind, layer), **TIGHT)
                np.testing.assert_array_equal(together.visible(kind, layer, 1), alone.visible(kind, layer, 1))
                for vectors in ("queries", "keys", "values"):
                    np.testing.assert_allclose(
                        getattr(together, vectors)(kind, layer), getattr(alone, vectors)(kind, layer), **TIGHT
                    )
        outputs.append(together.outputs)
    for changed in range(1, min(count, 5)):
        assert abs(outputs[changed] - outputs[0]).max() > 1e-3


def test_a_run_leaves_no_trace_in_the_model():
    before = architectures.run(architectures.loaded("llama").model)
    architectures.trace("llama", [ZeroHead("decoder", 0, 0), HideToken(2)])
    with pytest.raises(InterventionError):
        architectures.trace("llama", [ZeroHead("decoder", 0, 9)])
    np.testing.assert_array_equal(architectures.run(architectures.loaded("llama").model), before)


EVEN = ((0.5, 0.5), (0.5, 0.5))


@pytest.mark.parametrize(
    ("name", "intervention", "said"),
    [
        ("bert", ZeroHead("encoder", 2, 0), ["layer 2", "2 encoder"]),
        ("bert", ZeroHead("encoder", -1, 0), ["layer -1", "2 encoder"]),
        ("bert", ZeroHead("decoder", 0, 0), ["decoder layer 0", "2 encoder", "0 decoder"]),
        ("bert", ZeroHead("encoder", 1, 4), ["head 4", "0 to 3"]),
        ("bert", ZeroHead("encoder", 1, -1), ["head -1", "0 to 3"]),
        ("bert", HideToken(9), ["token 9", "0 to 8"]),
        ("bert", HideToken(-1), ["token -1", "0 to 8"]),
        ("llama", CutLink("decoder", 2, 0, 0), ["layer 2", "2 decoder"]),
        ("llama", CutLink("decoder", 0, 9, 0), ["query 9", "0 to 8"]),
        ("llama", CutLink("decoder", 0, -1, 0), ["query -1", "0 to 8"]),
        ("llama", CutLink("decoder", 0, 0, 9), ["key 9", "0 to 8"]),
        ("llama", CutLink("decoder", 0, 0, -1), ["key -1", "0 to 8"]),
        ("llama", CutLink("decoder", 0, 0, 0, 4), ["head 4", "0 to 3"]),
        ("llama", CutLink("decoder", 0, 0, 0, -1), ["head -1", "0 to 3"]),
        ("llama", ReplacePattern("decoder", 5, 0, EVEN), ["layer 5", "2 decoder"]),
        ("llama", ReplacePattern("decoder", 0, 4, EVEN), ["head 4", "0 to 3"]),
        ("llama", ReplacePattern("decoder", 0, 0, EVEN), ["9 rows", "9 weights"]),
        ("llama", ReplacePattern("decoder", 0, 0, ((0.5, 0.5), (1.0,))), ["9 rows", "9 weights"]),
        ("llama", ReplacePattern("decoder", 0, 0, ()), ["9 rows", "9 weights"]),
        ("t5", HideToken(6, in_target=True), ["token 6", "0 to 5"]),
        ("t5", HideToken(9), ["token 9", "0 to 8"]),
        ("t5", ZeroHead("cross", 2, 0), ["cross layer 2", "2 cross"]),
        ("t5", ZeroHead("encoder", 3, 0), ["encoder layer 3", "3 encoder"]),
        ("bart", CutLink("cross", 0, 6, 0), ["query 6", "0 to 5"]),
        ("bart", CutLink("cross", 0, 0, 9), ["key 9", "0 to 8"]),
    ],
)
def test_what_is_not_there_cannot_be_changed(name, intervention, said):
    with pytest.raises(InterventionError) as refusal:
        architectures.trace(name, [intervention])
    for part in said:
        assert part in str(refusal.value)


@pytest.mark.parametrize("name", ["bert", "llama"])
def test_a_model_without_a_target_has_no_token_to_hide_in_it(name):
    with pytest.raises(InterventionError):
        architectures.trace(name, [HideToken(2, in_target=True)])
