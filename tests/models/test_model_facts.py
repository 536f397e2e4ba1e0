"""The card's numbers and words against what each architecture is written to be."""

import pytest
import torch
import transformers

from models.engine import Engine
from models.loading import load_model, wrap_model
from models.model_facts import ModelFactsRequest, model_facts
from tests.models import architectures
from tests.models.architectures import ARCHITECTURES, HEADS, NAMES, POSITIONS, VOCABULARY, WIDTH
from tests.models.config_settings import LINEAR, PLAIN, WIDE_GROUPED

PRE, POST, BOTH = "before each part", "after each sum", "before and after each part"
SIDE_BY_SIDE = "before both parts, which run side by side"

# From the papers and the classes' documentation: norm and its place, positions, activation, MLP width.
WRITTEN = {
    "bert": ("LayerNorm", POST, "learned", "GELU", 48),
    "distilbert": ("LayerNorm", POST, "learned", "GELU", 48),
    "roberta": ("LayerNorm", POST, "learned", "GELU", 48),
    "albert": ("LayerNorm", POST, "learned", "GELU (tanh approximation)", 48),
    "modernbert": ("LayerNorm", PRE, "rotary", "GELU, gated", 48),
    "gpt2": ("LayerNorm", PRE, "learned", "GELU (tanh approximation)", 4 * WIDTH),
    "gpt_neox": ("LayerNorm", SIDE_BY_SIDE, "rotary", "GELU", 48),
    "llama": ("RMSNorm", PRE, "rotary", "SiLU, gated", 48),
    "qwen3": ("RMSNorm", PRE, "rotary", "SiLU, gated", 48),
    "mistral": ("RMSNorm", PRE, "rotary", "SiLU, gated", 48),
    "gemma2": ("RMSNorm", BOTH, "rotary", "GELU (tanh approximation), gated", 48),
    "gemma3": ("RMSNorm", BOTH, "rotary", "GELU (tanh approximation), gated", 48),
    "gpt_oss": ("RMSNorm", PRE, "rotary", "silu", 0),
    "deepseek_v3": ("RMSNorm", PRE, "rotary", "SiLU, gated", 48),
    "t5": ("RMSNorm", PRE, "relative bias", "ReLU", 48),
    "bart": ("LayerNorm", POST, "learned", "GELU", 48),
    "marian": ("LayerNorm", POST, "sinusoidal", "GELU", 48),
}
TIED = {"gpt2", "gemma2", "gemma3", "t5", "bart", "marian"}
WITH_FINAL_NORM = set(NAMES) - {"bert", "distilbert", "roberta", "albert", "bart", "marian"}
GROUPED = {"llama", "qwen3", "mistral", "gemma2", "gemma3", "gpt_oss"}
NORMS_INSIDE = {"qwen3", "gemma3", "deepseek_v3"}


@pytest.mark.parametrize("name", NAMES)
def test_norms_positions_and_activations(name):
    facts = model_facts(architectures.loaded(name))
    norm, place, positions, activation, inner = WRITTEN[name]
    for stack in facts.stacks:
        assert (stack.norm, stack.norm_placement) == (norm, place)
        assert (stack.activation, stack.inner_width) == (activation, inner)
        assert stack.inner_norm == ("RMSNorm" if name in NORMS_INSIDE else "")
    assert facts.position_kind == positions
    assert facts.final_norm == (name in WITH_FINAL_NORM)


@pytest.mark.quick(6)
@pytest.mark.parametrize("name", NAMES)
def test_shape(name):
    facts = model_facts(architectures.loaded(name))
    family = ARCHITECTURES[name].family
    assert [stack.name for stack in facts.stacks] == (["encoder", "decoder"] if family == "seq2seq" else [family])
    depths = {"encoder": 3, "decoder": 2} if family == "seq2seq" else {family: 2}
    for stack in facts.stacks:
        assert stack.layers == depths[stack.name]
        assert stack.with_maps == tuple(range(stack.layers))
        assert stack.heads.queries == (HEADS,)
        assert stack.heads.keys == ((2,) if name in GROUPED else (HEADS,))
        assert stack.heads.size == (8,)
        assert stack.heads.value_size == ((6,) if name == "deepseek_v3" else (8,))
    assert (facts.width, facts.vocabulary) == (WIDTH, VOCABULARY)
    assert facts.table_width == (16 if name == "albert" else WIDTH)
    limit = {"t5": None, "roberta": POSITIONS - 2}.get(name, POSITIONS)
    assert facts.positions == limit
    assert facts.architecture == ARCHITECTURES[name].model
    assert (facts.experts, facts.experts_used, facts.expert_width) == {
        "gpt_oss": (4, 2, 48),
        "deepseek_v3": (4, 2, 24),
    }.get(name, (0, 0, 0))


@pytest.mark.quick(6)
@pytest.mark.parametrize("name", NAMES)
def test_masks(name):
    """What each layer's tokens may look at is what its window in the tables of the tests says."""
    facts, architecture = model_facts(architectures.loaded(name)), ARCHITECTURES[name]
    for stack in facts.stacks:
        own = {layer: mask.mask for mask in stack.masks if mask.kind == stack.name for layer in mask.layers}
        windows = architecture.windows if architecture.family != "seq2seq" else (None,) * stack.layers
        for layer, window in enumerate(windows):
            plain = "causal: itself and those before" if stack.name == "decoder" else "full: every token"
            sliding = (
                f"sliding: itself and the {(window or 0) - 1} before"
                if stack.name == "decoder"
                else f"sliding: {window} to either side"
            )
            assert own[layer] == (plain if window is None else sliding)
        crossing = [mask for mask in stack.masks if mask.kind == "cross"]
        assert bool(crossing) == (architecture.family == "seq2seq" and stack.name == "decoder")


@pytest.mark.quick(6)
@pytest.mark.parametrize("name", NAMES)
def test_parameters(name):
    """The parts add up, and each holds what an independent count by the modules' names finds."""
    loaded = architectures.loaded(name)
    facts = model_facts(loaded)
    parts = dict(facts.parts)
    assert sum(parts.values()) == facts.parameters == loaded.model.num_parameters()
    assert facts.head == (
        "none" if facts.family == "encoder" else "the same matrix" if name in TIED else "another matrix"
    )
    assert parts["head"] == (VOCABULARY * WIDTH if facts.head == "another matrix" else 0)
    norms = sum(
        each.numel()
        for path, each in loaded.model.named_parameters()
        if "norm" in path.lower() or ".ln_" in path or "layer_norm" in path
    )
    assert parts["norms"] == norms
    words = ("attn", "attention", "selfattention", "encdecattention")
    attention = sum(
        each.numel()
        for path, each in loaded.model.named_parameters()
        if any(word in path.lower() for word in words) and not any(word in path.lower() for word in ("norm", ".ln_"))
    )
    assert parts["attention"] == attention
    # The pooler of BERT and its like, and ALBERT's map from the table to the model's width.
    other = {"bert": 32 * 33, "roberta": 32 * 33, "albert": 32 * 33 + 16 * 32 + 32}
    assert parts["other"] == other.get(name, 0)


def small(config_class, **more):
    return getattr(transformers, config_class)(**PLAIN | {"num_hidden_layers": 4} | more)


def facts_of(model_class, config, family="decoder"):
    return model_facts(wrap_model(getattr(transformers, model_class)._from_config(config).eval(), None, family))


@pytest.mark.parametrize(
    ("model_class", "config", "norm", "place"),
    [
        ("Olmo2ForCausalLM", "Olmo2Config", "RMSNorm", "after each part, before the sum"),
        ("CohereForCausalLM", "CohereConfig", "LayerNorm", SIDE_BY_SIDE),
        ("PhiForCausalLM", "PhiConfig", "LayerNorm", SIDE_BY_SIDE),
    ],
)
def test_other_places_of_norms(model_class, config, norm, place):
    (stack,) = facts_of(model_class, small(config)).stacks
    assert (stack.norm, stack.norm_placement) == (norm, place)


def test_layers_without_maps():
    """Three layers in four of Qwen3-Next are linear attention; what stands there for it counts as attention."""
    config = small("Qwen3NextConfig", **WIDE_GROUPED | LINEAR)
    model = transformers.Qwen3NextForCausalLM._from_config(config).eval()
    facts = model_facts(wrap_model(model, None, "decoder"))
    (stack,) = facts.stacks
    assert (stack.layers, stack.with_maps) == (4, (3,))
    attention = sum(
        each.numel() for path, each in model.named_parameters() if "_attn." in path and "norm" not in path.lower()
    )
    assert dict(facts.parts)["attention"] == attention
    assert facts.parameters == model.num_parameters() == sum(count for _, count in facts.parts)


def test_rotation_and_its_scaling():
    scaled = {"rope_type": "linear", "rope_theta": 50_000.0, "factor": 4.0}
    assert facts_of("LlamaForCausalLM", small("LlamaConfig", rope_parameters=scaled)).rotary == (
        "theta 50,000, scaling “linear”, factor 4",
    )
    assert model_facts(architectures.loaded("gemma3")).rotary == (
        "sliding attention: theta 10,000, no scaling",
        "full attention: theta 1,000,000, no scaling",
    )
    assert model_facts(architectures.loaded("bert")).rotary == ()


@pytest.mark.parametrize("name", ["llama", "gemma2", "bert", "t5"])
def test_half_precision_says_the_same(name):
    model = architectures.build(name, "eager").to(torch.bfloat16)
    half = model_facts(wrap_model(model, None, ARCHITECTURES[name].family))
    whole = model_facts(architectures.loaded(name))
    assert half.computed == "bfloat16"
    assert (half.stacks, half.parts, half.final_norm) == (whole.stacks, whole.parts, whole.final_norm)


def test_the_shared_model_is_left_as_it_was():
    model = architectures.build("llama", "eager")
    loaded = wrap_model(model, None, "decoder")
    before = [(dict(each.__dict__), len(each._forward_hooks), len(each._forward_pre_hooks)) for each in model.modules()]
    model_facts(loaded)
    after = [(dict(each.__dict__), len(each._forward_hooks), len(each._forward_pre_hooks)) for each in model.modules()]
    assert [row[1:] for row in after] == [row[1:] for row in before]
    assert [row[0].keys() for row in after] == [row[0].keys() for row in before]


@pytest.fixture(scope="module")
def real(minilm, smollm2):
    engine = Engine()
    known = {"minilm": minilm, "smollm2": smollm2, "spelling_to_sound": load_model("spelling_to_sound")}
    for name, loaded in known.items():
        engine._models.get(name, lambda loaded=loaded: loaded)
    return {name: (engine.run(ModelFactsRequest(name)), loaded) for name, loaded in known.items()}


@pytest.mark.parametrize("name", ["minilm", "smollm2", "spelling_to_sound"])
def test_the_offline_models_are_what_their_cards_say(real, name):
    facts, loaded = real[name]
    card = loaded.card
    first = facts.stacks[0]
    assert first.layers == card.layers
    assert (first.heads.queries, first.heads.keys) == ((card.heads,), (card.key_value_heads,))
    assert (facts.width, facts.vocabulary, facts.positions) == (card.width, card.vocabulary, card.positions)
    assert facts.parameters == card.parameters == sum(count for _, count in facts.parts)
    assert (facts.title, facts.stored, facts.computed) == (card.title, card.precision, "float32")


def test_smollm2_by_hand(real):
    facts, loaded = real["smollm2"]
    (stack,) = facts.stacks
    assert (stack.heads.size, stack.inner_width, stack.activation) == ((64,), 1536, "SiLU, gated")
    assert (stack.norm, stack.norm_placement, facts.head) == ("RMSNorm", PRE, "the same matrix")
    assert dict(facts.parts) == {
        "embeddings": 49152 * 576,
        "attention": 30 * (576 * 576 * 2 + 576 * 192 * 2),
        "MLP": 30 * 3 * 576 * 1536,
        "norms": 61 * 576,
        "head": 0,
        "other": 0,
    }
    assert facts.rotary == ("theta 100,000, no scaling",)
    roles = {token.text: token.roles for token in facts.special_tokens}
    assert set(roles["<|im_end|>"]) >= {"eos"}
    assert all(loaded.tokenizer.convert_tokens_to_ids(token.text) == token.id for token in facts.special_tokens)
    assert facts.chat_template == loaded.tokenizer.chat_template
    assert dict(facts.generation)["eos_token_id"] == str(loaded.model.generation_config.eos_token_id)


def test_minilm_by_hand(real):
    facts, _ = real["minilm"]
    assert {(token.text, token.id) for token in facts.special_tokens} == {
        ("[UNK]", 100),
        ("[SEP]", 102),
        ("[PAD]", 0),
        ("[CLS]", 101),
        ("[MASK]", 103),
    }
    assert (facts.chat_template, facts.generation, facts.head) == ("", (), "none")
    assert dict(facts.parts)["other"] == 384 * 385
