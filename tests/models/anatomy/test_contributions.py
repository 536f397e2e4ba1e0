"""The parts of a logit add up to it, and a head's part is what the logit loses without it while the norms are held."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import transformers

from models.anatomy.contributions import ContributionsError, ContributionsRequest
from models.anatomy.direct_path import Source
from models.attention import TraceRequest, ZeroHead
from models.engine import engine
from models.heads.measured_quantity import Quantity, QuantityError
from models.loading import wrap_model
from tests.in_each_run import only
from tests.models import architectures, odd_architectures
from tests.models.architectures import ARCHITECTURES, HEADS, IDS, NAMES, WIDTH
from tests.models.config_settings import PLAIN
from tests.models.drawn_weights import with_drawn_weights
from tests.models.heads.small import REPRESENTATIVES, engine_of, trace_of
from tests.models.test_query_key import own_engine

# One of each family, and those whose output is made otherwise: by bent logits, by layers that are one module.
QUICK = (*REPRESENTATIVES, "gemma2", "albert")
EACH = only(QUICK, NAMES)
QUANTITIES = {
    "encoder": Quantity("vector", position=2),
    "decoder": Quantity("next token"),
    "seq2seq": Quantity("output", position=3),
}


def contributions(name, quantity=None, **more):
    quantity = quantity or QUANTITIES[ARCHITECTURES[name].family]
    return engine_of(name).run(ContributionsRequest(trace_of(name), quantity, **more))


def of(found, *names):
    return {each: float(value) for each, value in zip(found.sources, found.values, strict=True) if each.of in names}


@pytest.mark.parametrize("name", EACH)
def test_the_parts_add_up_to_the_model_s_own_number(name):
    found = contributions(name)
    assert abs(found.values.sum() - found.aimed) <= 1e-4 * abs(found.aimed)
    assert found.is_bent == (name == "gemma2")
    if not found.is_bent:
        assert found.output == found.aimed
    kinds = {"encoder", "decoder", "cross"} & set(ARCHITECTURES[name].projections)
    read = kinds - {"encoder"} if len(kinds) > 1 else kinds
    assert {(each.kind, each.layer, each.head) for each in of(found, "head")} == {
        (kind, layer, head) for kind in read for layer in range(2) for head in range(HEADS)
    }
    assert {(each.layer) for each in of(found, "mlp")} == {0, 1}


@pytest.mark.parametrize("name", ["llama", pytest.param("gpt2", marks=pytest.mark.slow)])
def test_the_difference_of_two_tokens_is_that_of_their_sums(name):
    trace = engine_of(name).run(trace_of(name))
    one, other = np.argsort(-trace.last_output, kind="stable")[:2]
    found = contributions(name, Quantity("difference"))
    assert found.aimed == pytest.approx(float(trace.last_output[one] - trace.last_output[other]), rel=1e-5)
    assert found.total == pytest.approx(found.aimed, rel=1e-4)


def test_bent_logits_are_said_to_be_so():
    found = contributions("gemma2")
    cap = ARCHITECTURES["gemma2"].config().final_logit_softcapping
    assert found.output == pytest.approx(cap * np.tanh(found.aimed / cap), rel=1e-5)


def seen(model, modules, ids=IDS):
    """What each module is given and gives in transformers' own run."""
    calls = {}
    handles = [
        module.register_forward_hook(lambda _, given, output, name=name: calls.update({name: (given[0][0], output[0])}))
        for name, module in modules.items()
    ]
    with torch.inference_mode():
        output = model(torch.tensor([ids]))
    for each in handles:
        each.remove()
    return calls, output


@pytest.mark.parametrize(
    ("name", "joins", "norm"),
    [
        ("llama", "model.layers.{}.self_attn.o_proj", "model.norm"),
        ("gpt2", "transformer.h.{}.attn.c_proj", "transformer.ln_f"),
    ],
)
def test_a_head_s_part_is_what_the_logit_loses_without_it_while_the_norm_is_held(name, joins, norm):
    model = architectures.eager(name)
    modules = dict(model.named_modules())
    norm = modules[norm]
    calls, output = seen(model, {"norm": norm} | {layer: modules[joins.format(layer)] for layer in range(2)})
    token = int(output.logits[0, -1].argmax())
    stream = calls["norm"][0][-1].double()
    takes_mean = isinstance(norm, torch.nn.LayerNorm)

    def centred(vector):
        return vector - vector.mean() if takes_mean else vector

    spread = centred(stream).pow(2).mean().sqrt()
    row = model.get_output_embeddings().weight[token].detach().double() * norm.weight.detach().double()
    found = of(contributions(name), "head")
    for layer in range(2):
        given, _ = calls[layer]
        for head in range(HEADS):
            alone = torch.zeros_like(given)
            size = given.shape[1] // HEADS
            alone[-1, head * size : (head + 1) * size] = given[-1, head * size : (head + 1) * size]
            with torch.inference_mode():
                project = modules[joins.format(layer)]
                written = (project(alone[None]) - project(torch.zeros_like(alone)[None]))[0, -1].double()
            without = row @ centred(stream - written) / spread
            lost = float(row @ centred(stream) / spread - without)
            assert found[Source("head", kind="decoder", layer=layer, head=head)] == pytest.approx(
                lost, rel=1e-3, abs=1e-5
            )


def test_of_norms_after_each_sum_all_are_held():
    """BERT's: a head's vector passes four norms on its way up from the first layer."""
    model = architectures.eager("bert")
    modules = dict(model.named_modules())
    names = [f"encoder.layer.{layer}.{part}.LayerNorm" for layer in range(2) for part in ("attention.output", "output")]
    joins = "encoder.layer.0.attention.output.dense"
    calls, output = seen(model, {each: modules[each] for each in (*names, joins)})
    position, towards = 2, 5
    direction = output.last_hidden_state[0, towards].double()
    found = contributions("bert", towards=towards)
    for head in range(HEADS):
        size = WIDTH // HEADS
        place = slice(head * size, (head + 1) * size)
        vector = modules[joins].weight.detach().double()[:, place] @ calls[joins][0][position, place].double()
        for name in names:
            given = calls[name][0][position].double()
            spread = (given.var(unbiased=False) + modules[name].eps).sqrt()
            vector = modules[name].weight.detach().double() * (vector - vector.mean()) / spread
        expected = float(vector @ direction / direction.norm())
        source = Source("head", kind="encoder", layer=0, head=head)
        assert of(found, "head")[source] == pytest.approx(expected, rel=1e-3, abs=1e-5)


@pytest.fixture(scope="module")
def masked():
    config = transformers.BertConfig(**PLAIN)
    model = with_drawn_weights(transformers.BertForMaskedLM(config).eval(), "masked")
    return own_engine("masked", wrap_model(model, None, "encoder"))


def test_a_head_with_a_curve_of_its_own_has_its_gates_held(masked):
    found = masked.run(ContributionsRequest(TraceRequest("masked", IDS), Quantity("masked token", position=3)))
    assert found.has_held_curve
    assert found.total == pytest.approx(found.aimed, rel=1e-4)
    assert not contributions("bert").has_held_curve


def test_a_head_whose_curve_no_module_computes_is_held_as_well():
    model = with_drawn_weights(transformers.RobertaForMaskedLM(transformers.RobertaConfig(**PLAIN)).eval(), "roberta")
    own = own_engine("roberta_masked", wrap_model(model, None, "encoder"))
    found = own.run(ContributionsRequest(TraceRequest("roberta_masked", IDS), Quantity("masked token", position=3)))
    assert found.has_held_curve
    assert found.total == pytest.approx(found.aimed, rel=1e-4)


def test_smollm2_s_paris_is_a_sum_in_one_forward_beside_the_text_s_own(monkeypatch):
    """The example of the page: whose figures stand in its sentence."""
    request = ContributionsRequest(TraceRequest("smollm2", "The capital of France is"), Quantity("next token", "Paris"))
    engine.run(request.trace)
    model = engine.model("smollm2").model
    runs = []
    forward = type(model).forward
    monkeypatch.setattr(type(model), "forward", lambda *given, **named: runs.append(1) or forward(*given, **named))
    # What is seen of a model once is known by then.
    engine.run(replace(request, quantity=Quantity("next token")))
    before = len(runs)
    found = engine.run(replace(request, quantity=Quantity("difference", "Paris", "London")))
    assert len(runs) - before == 1
    assert found.error < 1e-4
    found = engine.run(request)
    first = found.sources[found.by_size()[0]]
    assert (first.of, first.layer, len(found.sources)) == ("mlp", 29, 301)
    assert float(found.values.max()) == pytest.approx(6.98, abs=0.01)
    assert found.total == pytest.approx(17.37, abs=0.01)


@pytest.mark.parametrize(
    ("name", "others"), [("opt", [0, 1]), pytest.param("qwen3_next", [0, 1, 2], marks=pytest.mark.slow)]
)
def test_what_is_neither_attention_nor_a_seen_mlp_is_a_part_as_well(name, others):
    """An MLP that works on rows of another shape; linear attention."""
    own = own_engine(name, odd_architectures.loaded(name))
    found = own.run(ContributionsRequest(TraceRequest(name, IDS), Quantity("next token")))
    assert found.total == pytest.approx(found.aimed, rel=1e-4)
    assert [each.layer for each in of(found, "other")] == others


def test_in_half_precision_the_sum_is_as_exact_as_the_model_s_own():
    own = own_engine("half", architectures.loaded("llama", torch.bfloat16))
    found = own.run(ContributionsRequest(TraceRequest("half", IDS), Quantity("next token")))
    assert found.rounded == "bfloat16"
    assert found.total == pytest.approx(found.aimed, rel=0.05)
    assert contributions("llama").rounded == ""


def test_what_is_changed_in_the_text_stays_so():
    trace = replace(trace_of("llama"), interventions=(ZeroHead("decoder", 1, 2),))
    found = engine_of("llama").run(ContributionsRequest(trace, Quantity("next token")))
    assert of(found, "head")[Source("head", kind="decoder", layer=1, head=2)] == 0
    assert found.total == pytest.approx(found.aimed, rel=1e-4)


@pytest.mark.parametrize("count", [1, 2])
def test_a_text_of_one_token_has_parts_as_well(count):
    found = engine_of("llama").run(ContributionsRequest(TraceRequest("llama", IDS[:count]), Quantity("next token")))
    assert found.total == pytest.approx(found.aimed, rel=1e-4)


def test_what_is_not_there_is_said(monkeypatch):
    with pytest.raises(ContributionsError, match="no token 99"):
        contributions("bert", towards=99)
    with pytest.raises(QuantityError):
        contributions("llama", Quantity("vector"))
    monkeypatch.setattr("models.anatomy.contributions.MOST_TOKENS", 5)
    with pytest.raises(ContributionsError, match="9 tokens"):
        contributions("llama", Quantity("next token", other="x"))


def test_a_model_whose_output_is_no_sum_is_said_to_have_none():
    """Were its last layer's stream squared on the way to the head, no sum of parts would be drawn for it."""
    loaded = wrap_model(architectures.build("llama", "eager"), None, "decoder")
    layer = loaded.model.model.layers[-1]

    class Squared(type(layer)):
        def forward(self, *given, **named):
            return super().forward(*given, **named) ** 2

    layer.__class__ = Squared
    own = own_engine("squared", loaded)
    with pytest.raises(ContributionsError, match="do not add up"):
        own.run(ContributionsRequest(TraceRequest("squared", IDS), Quantity("next token")))
