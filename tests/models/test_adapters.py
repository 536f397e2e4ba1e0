"""LoRA adapters: weights are the base and the product of the factors, and what is not understood is refused.

The numbers were compared with peft 0.21's own (`merge_and_unload`) when this was written, on the same files.
"""

import json
import math
import shutil
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from transformers import BertConfig, BertForMaskedLM

from models.attention import trace_attention
from models.catalog import MODELS
from models.errors import HeadlightError
from models.loading import load_model, open_folder
from models.loading.allowed_folders import has_changed
from tests.models import architectures
from tests.models.architectures import IDS
from tests.models.drawn_weights import with_drawn_weights
from tests.models.test_folders import save, tokenizer_of

pytestmark = pytest.mark.usefixtures("no_folders")

RANK, ALPHA = 3, 7
SETTINGS = {
    "peft_type": "LORA",
    "task_type": "CAUSAL_LM",
    "r": RANK,
    "lora_alpha": ALPHA,
    "lora_dropout": 0.1,
    "bias": "none",
    "init_lora_weights": True,
    "target_modules": ["q_proj", "v_proj"],
    "megatron_core": "megatron.core",
    "qalora_group_size": 16,
    "loftq_config": {},
    "modules_to_save": None,
    "use_dora": False,
    "rank_pattern": {},
    "alpha_pattern": {},
}
LLAMA = ("model.layers.0.self_attn.q_proj", "model.layers.1.self_attn.v_proj", "model.layers.1.mlp.down_proj")
GPT2 = ("transformer.h.0.attn.c_attn", "transformer.h.1.mlp.c_proj")


def factors(model, paths, ranks=None, embedding=()):
    """Drawn factors for these modules of a model, as peft names them."""
    draw = torch.Generator().manual_seed(5)
    modules, tensors = dict(model.named_modules()), {}
    for path in paths:
        weight = modules[path].weight
        wide, tall = weight.shape if type(modules[path]).__name__ == "Conv1D" else weight.T.shape
        rank = (ranks or {}).get(path, RANK)
        tensors[f"base_model.model.{path}.lora_A.weight"] = torch.randn(rank, wide, generator=draw) * 0.3
        tensors[f"base_model.model.{path}.lora_B.weight"] = torch.randn(tall, rank, generator=draw) * 0.3
    for path in embedding:
        rows, width = modules[path].weight.shape
        tensors[f"base_model.model.{path}.lora_embedding_A"] = torch.randn(RANK, rows, generator=draw) * 0.3
        tensors[f"base_model.model.{path}.lora_embedding_B"] = torch.randn(width, RANK, generator=draw) * 0.3
    return tensors


def write(folder, base, tensors, **settings):
    folder.mkdir(exist_ok=True)
    said = SETTINGS | {"base_model_name_or_path": str(base)} | settings
    (folder / "adapter_config.json").write_text(json.dumps(said))
    save_file(tensors, folder / "adapter_model.safetensors")
    return folder


def by_hand(model, tensors, scales):
    """The weights that are right: base + scale x B A."""
    modules = dict(model.named_modules())
    with torch.no_grad():
        for path, scale in scales.items():
            start = f"base_model.model.{path}.lora_"
            if f"{start}embedding_A" in tensors:
                added = (tensors[f"{start}embedding_B"] @ tensors[f"{start}embedding_A"]).T
            else:
                added = tensors[f"{start}B.weight"] @ tensors[f"{start}A.weight"]
                added = added.T if type(modules[path]).__name__ == "Conv1D" else added
            modules[path].weight += scale * added
    return model


def same(loaded, model):
    mine = dict(loaded.model.named_parameters())
    for name, weight in model.named_parameters():
        torch.testing.assert_close(mine[name], weight, rtol=0, atol=1e-6)


CASES = {
    "plain": ("llama", LLAMA, {}, dict.fromkeys(LLAMA, ALPHA / RANK)),
    "transposed": ("gpt2", GPT2, {"fan_in_fan_out": True}, dict.fromkeys(GPT2, ALPHA / RANK)),
    "rank-stabilised": ("llama", LLAMA, {"use_rslora": True}, dict.fromkeys(LLAMA, ALPHA / math.sqrt(RANK))),
    "patterns": (
        "llama",
        LLAMA,
        {"rank_pattern": {"down_proj": 2}, "alpha_pattern": {"^model.layers.0.self_attn.q_proj": 20, "v_proj": 1}},
        dict(zip(LLAMA, (20 / RANK, 1 / RANK, ALPHA / 2), strict=True)),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_weights_are_the_base_s_and_the_product_of_the_factors(case, tmp_path):
    name, paths, settings, scales = CASES[case]
    base = save(name, tmp_path / "base")
    model = architectures.build(name, "eager")
    ranks = {LLAMA[2]: 2} if "rank_pattern" in settings else None
    tensors = factors(model, paths, ranks)
    folder = write(tmp_path / "adapter", base, tensors, **settings)
    loaded = load_model(str(folder))
    same(loaded, by_hand(architectures.build(name, "eager"), tensors, scales))
    # The base stays what it is, and both are there side by side.
    same(load_model(str(base)), model)
    assert loaded.card.title == "base with adapter"
    assert loaded.card.name == f"folder:{folder}"
    assert "LoRA" in loaded.card.precision
    assert {each.verdict for each in loaded.findings} <= {"exact", "partial", "none", "not checked"}


def test_a_table_and_an_encoder_that_was_trained_with_a_head(tmp_path):
    config = BertConfig(vocab_size=64, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=48)
    model: Any = with_drawn_weights(BertForMaskedLM(config), "bert")
    model.bert.save_pretrained(tmp_path / "base")
    tokenizer_of("bert").save_pretrained(tmp_path / "base")
    table, query = "bert.embeddings.token_type_embeddings", "bert.encoder.layer.1.attention.self.query"
    tensors = factors(model, [query], embedding=[table])
    loaded = load_model(str(write(tmp_path / "adapter", tmp_path / "base", tensors)))
    same(loaded, by_hand(model, tensors, dict.fromkeys((table, query), ALPHA / RANK)).bert)


def test_a_base_of_the_shelf_is_found_by_its_id(tmp_path, minilm):
    query = "encoder.layer.0.attention.self.query"
    tensors = factors(minilm.model, [query])
    folder = write(tmp_path / "mine", "sentence-transformers/all-MiniLM-L6-v2", tensors)
    loaded = load_model(str(folder))
    assert loaded.card.title == "MiniLM-L6 (encoder) with mine"
    weights = [dict(each.model.named_modules())[query].weight for each in (loaded, minilm)]
    added = tensors[f"base_model.model.{query}.lora_B.weight"] @ tensors[f"base_model.model.{query}.lora_A.weight"]
    torch.testing.assert_close(weights[0], weights[1] + ALPHA / RANK * added)
    one, other = (trace_attention(each, "The cat sat.").weights("encoder", 0) for each in (loaded, minilm))
    assert abs(one - other).max() > 1e-3


def test_an_adapter_and_its_base_are_seen_when_they_are_saved_again(tmp_path):
    base = save("llama", tmp_path / "base")
    tensors = factors(architectures.build("llama", "eager"), LLAMA)
    folder = write(tmp_path / "adapter", base, tensors)
    before = trace_attention(load_model(str(folder)), IDS).outputs
    card = MODELS[f"folder:{folder}"]
    assert not has_changed(card)
    save_file(
        {name: -each if "_B" in name else each for name, each in tensors.items()}, folder / "adapter_model.safetensors"
    )
    assert has_changed(card)
    assert abs(trace_attention(load_model(str(folder)), IDS).outputs - before).max() > 1e-3
    card = MODELS[f"folder:{folder}"]
    shutil.copy(base / "config.json", tmp_path / "config.json")
    (base / "config.json").unlink()
    shutil.copy(tmp_path / "config.json", base / "config.json")
    assert has_changed(card)


def another(**settings):
    return lambda folder, base, tensors: write(folder, base, tensors, **settings)


def with_tensor(name, tensor):
    return lambda folder, base, tensors: write(folder, base, tensors | {name: tensor})


def in_another_size(folder, base, tensors):
    return write(folder, base, {name: each[:, :-1].contiguous() for name, each in tensors.items()})


def without_one(folder, base, tensors):
    return write(folder, base, dict(list(tensors.items())[1:]))


REFUSED = {
    "sets use_dora": another(use_dora=True),
    "sets modules_to_save": another(modules_to_save=["score"]),
    "sets bias": another(bias="all"),
    "sets init_lora_weights": another(init_lora_weights="pissa"),
    "sets peft_type": another(peft_type="IA3"),
    "sets something unknown": another(**{"<b>new</b>": 1}),
    "sets trainable_token_indices": another(trainable_token_indices=[1]),
    "has a alpha_pattern that is not read": another(alpha_pattern={"(a+)+$": 2}),
    "has a rank_pattern that is not read": another(rank_pattern={"q_proj": "x"}),
    "another rank than": another(r=5),
    "does not name its base model": another(base_model_name_or_path=None),
    "not on this server": another(base_model_name_or_path="nobody/nothing"),
    "not in the folder that it names": another(base_model_name_or_path="/not/there"),
    "holds base_model.model.lm_head.weight": with_tensor("base_model.model.lm_head.weight", torch.zeros(64, 32)),
    "no factor of LoRA": with_tensor("a b", torch.zeros(2, 2)),
    "of another size": in_another_size,
    "of two factors one is missing": without_one,
    "which its base model has not": with_tensor("base_model.model.x.lora_A.weight", torch.zeros(3, 32)),
}


@pytest.mark.quick(6)
@pytest.mark.parametrize("sentence", REFUSED)
def test_what_is_not_understood_is_refused_in_a_sentence(sentence, tmp_path):
    base = save("llama", tmp_path / "base")
    tensors = factors(architectures.build("llama", "eager"), LLAMA)
    if sentence == "which its base model has not":
        tensors["base_model.model.x.lora_B.weight"] = torch.zeros(32, 3)
    folder = REFUSED[sentence](tmp_path / "adapter", base, tensors)
    with pytest.raises(HeadlightError) as refused:
        load_model(str(folder))
    assert sentence in str(refused.value)
    assert str(tmp_path) not in str(refused.value)


def test_a_table_that_is_shared_is_refused(tmp_path):
    base = save("gpt2", tmp_path / "base")
    tensors = factors(architectures.build("gpt2", "eager"), [], embedding=["transformer.wte"])
    with pytest.raises(HeadlightError, match="another part of the model shares"):
        load_model(str(write(tmp_path / "adapter", base, tensors)))


def test_a_base_lies_where_one_may_look(tmp_path, monkeypatch):
    base = save("llama", tmp_path / "closed" / "base")
    tensors = factors(architectures.build("llama", "eager"), LLAMA)
    folder = write(tmp_path / "open", base, tensors)
    monkeypatch.setenv("HEADLIGHT_FOLDERS", str(folder))
    with pytest.raises(HeadlightError, match="not below one"):
        open_folder(str(folder))
