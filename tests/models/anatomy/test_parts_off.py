"""Parts that are off give what hooks give that are written by hand on transformers' own models."""

import numpy as np
import pytest
import torch

from models.anatomy.part_switches import OffPart, SwitchError, switchable, switched_forward
from models.anatomy.parts_off import OthersOffRequest, PartsOffRequest, SwitchableRequest
from models.anatomy.position_sources import order_hooks, places_in
from models.attention import TraceRequest, trace_attention
from models.forward.recorded_run import recorded_forward
from tests.in_each_run import only
from tests.models import architectures, odd_architectures
from tests.models.anatomy.by_hand import NAMED, norm_off, residual_off
from tests.models.architectures import ARCHITECTURES, IDS, eager, loaded, run, trace

ONE_OF_EACH = ("bert", "gpt_neox", "gemma2", "t5")


def _off(name, *parts, base=True):
    whole = trace(name)
    return switched_forward(whole, [parts], base=whole if base else None, last_only=False)[0].numpy()


def _near(one, other):
    np.testing.assert_allclose(one, other, atol=2e-4 * np.abs(other).max())


@pytest.mark.parametrize("name", only(ONE_OF_EACH, NAMED))
def test_norms_and_residual_connections_are_off_as_by_hand(name):
    named, whole = NAMED[name], run(eager(name))
    with norm_off(eager(name), named.norm):
        _near(_off(name, OffPart("norms", *named.norm_place)), by_hand := run(eager(name)))
    assert np.abs(by_hand - whole).max() > 1e-2
    # ALBERT's layers are one module, whose every run is off.
    places = [named.place] if named.place else [("encoder", layer, 0) for layer in range(2)]
    with residual_off(eager(name), named.part, named.stream):
        _near(_off(name, *(OffPart("residuals", *each) for each in places)), by_hand := run(eager(name)))
    assert np.abs(by_hand - whole).max() > 1e-2


@pytest.mark.parametrize("name", only(ONE_OF_EACH, ["llama", "bert", "bart", "gpt_neox", "deepseek_v3", "modernbert"]))
def test_each_row_has_its_own_parts_off_and_replayed_layers_change_nothing(name):
    whole = trace(name)
    kind = "encoder" if "encoder" in whole.kinds else "decoder"
    rows = [
        (OffPart("norms", kind, 1, 0),),
        (),
        (OffPart("residuals", kind, 1, 0), OffPart("heads", kind, 0, 2)),
        (OffPart("mlps", kind, 1), OffPart("layers", kind, 0)),
    ]
    together = switched_forward(whole, rows, base=whole, last_only=False).numpy()
    for row, parts in zip(together, rows, strict=True):
        _near(row, _off(name, *parts, base=False))
    _near(together[1], run(eager(name)))


@pytest.mark.quick(3)
@pytest.mark.parametrize("name", only(ONE_OF_EACH, [name for name in NAMED if ARCHITECTURES[name].family != "seq2seq"]))
@pytest.mark.parametrize("order", ["off", "shuffled"])
def test_other_places_are_those_of_a_model_that_is_given_them(name, order):
    places = torch.tensor([places_in(order, len(IDS), seed=3)]) + (2 if name == "roberta" else 0)
    more = {"position_ids": places, "attention_mask": torch.ones(1, len(IDS), dtype=torch.long)}
    _near(_placed(name, order), run(eager(name), **more))


@pytest.mark.parametrize(
    ("name", "tables", "first"),
    [
        ("t5", "relative_attention_bias", 0),
        pytest.param("bart", "embed_positions", 2, marks=pytest.mark.slow),
        pytest.param("marian", "embed_positions", 0, marks=pytest.mark.slow),
    ],
)
def test_positions_off_are_those_of_a_model_with_one_position(name, tables, first):
    model = architectures.build(name, "eager")
    with torch.no_grad():
        for path, module in model.named_modules():
            if path.endswith(tables):
                module.weight[:] = module.weight[first].clone()
    _near(_placed(name, "off"), run(model))
    assert np.abs(run(model) - run(eager(name))).max() > 1e-2


def _placed(name, order):
    hooks = order_hooks(loaded(name), order, 3)
    inputs = trace(name).inputs
    _, output, _ = recorded_forward(loaded(name), inputs, ((),), last_only=False, base=None, hooks=hooks)
    return output[0].numpy()


def test_the_shared_model_is_left_as_it_is():
    before = run(loaded("llama").model)
    _off("llama", OffPart("norms", "decoder", 0, 0), OffPart("residuals", "decoder", 1, 1))
    _placed("llama", "off")
    assert np.array_equal(run(loaded("llama").model), before)
    assert not any(each._forward_hooks or each._forward_pre_hooks for each in loaded("llama").model.modules())


def test_a_part_that_is_not_there_is_said():
    with pytest.raises(SwitchError, match="no norm 9"):
        _off("llama", OffPart("norms", "decoder", 0, 9))
    with pytest.raises(SwitchError, match="no residual connection 0"):
        _off("gpt_neox", OffPart("residuals", "decoder", 7, 0))


def test_every_part_is_offered():
    found = {sort: len(parts) for sort, parts in switchable(trace("gemma2")).items()}
    assert found == {"heads": 8, "mlps": 2, "layers": 2, "norms": 9, "residuals": 4, "tokens": 9, "positions": 1}


@pytest.mark.parametrize(
    ("model", "text", "unit"),
    [
        pytest.param("smollm2", "The capital of France is", "nats", marks=pytest.mark.slow),
        ("minilm", "A short text", "1 - cosine"),
    ],
)
def test_a_change_stands_beside_that_of_other_parts(engine, model, text, unit):
    request = TraceRequest(model, text)
    kind = "decoder" if model == "smollm2" else "encoder"
    off = PartsOffRequest(request, (OffPart("mlps", kind, 1),))
    found = engine.run(off)
    assert (found.unit, found.is_finite) == (unit, True)
    others = engine.run(OthersOffRequest(off, draws=3))
    assert len(others.changes) == 3
    assert all(off.off[0] not in parts for parts in others.parts)
    again = engine.run(PartsOffRequest(request, others.parts[0]))
    assert others.changes[0] == pytest.approx(again.change, rel=1e-3, abs=1e-6)
    assert engine.run(PartsOffRequest(request, ())).change == pytest.approx(0, abs=1e-6)


@pytest.mark.slow
def test_what_a_decoder_says_next_is_compared(engine):
    request = TraceRequest("smollm2", "The capital of France is")
    found = engine.run(PartsOffRequest(request, (OffPart("positions"),)))
    assert found.next_tokens[0].text == "␣Paris"
    assert found.next_tokens[0].before > 2 * found.next_tokens[0].after
    assert engine.run(OthersOffRequest(PartsOffRequest(request, (OffPart("positions"),)), draws=2)).changes.shape == (
        2,
    )


@pytest.mark.parametrize("model", ["smollm2", "minilm", "spelling_to_sound"])
def test_one_token_is_enough(engine, model):
    request = TraceRequest(model, (100,) if model != "spelling_to_sound" else (5,))
    for parts in engine.run(SwitchableRequest(request)).values():
        if len(parts) > 1:
            assert engine.run(PartsOffRequest(request, (parts[0].part,))).parts == 1


def test_a_layer_may_put_the_tokens_of_all_rows_one_below_the_other():
    model = odd_architectures.eager("opt")
    whole = trace_attention(odd_architectures.loaded("opt"), IDS)
    rows = [(), (OffPart("norms", "decoder", 1, 1),), (OffPart("residuals", "decoder", 1, 1),)]
    found = switched_forward(whole, rows, base=whole, last_only=False).numpy()
    layer = "model.decoder.layers.1"
    _near(found[0], run(model))
    with norm_off(model, f"{layer}.final_layer_norm"):
        _near(found[1], run(model))
    with residual_off(model, f"{layer}.fc2", f"{layer}.final_layer_norm"):
        _near(found[2], run(model))
