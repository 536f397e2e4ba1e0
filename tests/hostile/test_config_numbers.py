"""Numbers of a stranger's JSON files are bounded before a class of transformers sees them."""

import json
import re
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

from models.loading import ModelRefusedError, load_model, open_folder
from models.loading import checks_before_reading as loading_checks
from models.loading.checks_before_reading import card_from, config_from
from models.loading.json_files import settings_in, without_other_places
from models.loading.model_files import model_files
from tests.hostile.folders import change, refusal, tiny

# Keys of many families; none of these configs has such a number, and each sizes something in one.
TOO_MUCH = {
    "num_hidden_layers": 100_000,
    "decoder_layers": 2_000_000,
    "n_layer": 10**9,
    "num_labels": 10**8,
    "num_attention_heads": 10**7,
    "num_key_value_heads": 10**7,
    "hidden_size": 2**40,
    "intermediate_size": 2**33,
    "vocab_size": 2**31,
    "max_position_embeddings": 2**40,
    "num_experts": 10**6,
    "n_routed_experts": 10**6,
    "conv_kernel": 10**9,
    "depths": [2, 10**8],
    "num_mtp_modules": 10**12,
    "relative_attention_num_buckets": 10**12,
    "layer_types": ["full_attention"] * 20_000,
    "id2label": {str(each): "x" for each in range(110_000)},
    "text_config": {"num_labels": 10**8},
    "encoder": {"model_type": "bert", "num_hidden_layers": 10**8},
    "vision_config": {"backbone_config": {"depths": [10**8]}},
    "per_layer_config": {"0": {"num_attention_heads": 10**9}},
    "problem": {"num_labels": 1e300},
}


@pytest.fixture
def folder(tmp_path):
    return tiny("llama", tmp_path)


@pytest.fixture
def no_class(monkeypatch):
    """Whatever makes a config of the settings fails the test."""

    class Mapping(dict):
        def __contains__(self, name):
            return True

        def __getitem__(self, name):
            raise AssertionError(f"a class of {name} was asked for")

    monkeypatch.setattr(loading_checks, "CONFIG_MAPPING", Mapping())


@pytest.mark.parametrize("key", TOO_MUCH)
@pytest.mark.usefixtures("no_class")
def test_a_number_is_refused_before_a_class_sees_it(folder, key):
    change(folder, **{key: TOO_MUCH[key]})
    said = refusal(folder)
    assert said.startswith("Its config.json names")
    assert "choose a smaller model" in said


def nested(levels):
    return json.loads('{"a":' * levels + "1" + "}" * levels)


@pytest.mark.parametrize(
    "more",
    [{"deep": nested(200)}, {"long": [[0] * 1_000] * 500}, {"wide": {str(n): [0] for n in range(9_000)} | {"b": {}}}],
    ids=["deep", "long", "wide"],
)
def test_so_is_one_that_is_nested_or_long(more):
    settings = json.dumps({"model_type": "llama"} | more).encode()
    begin = time.process_time()
    if "wide" in more:
        assert settings_in(settings, "config.json")
        return
    with pytest.raises(ModelRefusedError, match="nested deeper or longer"):
        settings_in(settings, "config.json")
    assert time.process_time() - begin < 2


@pytest.mark.parametrize(
    "data", [b"[" * 100_000, b'{"a": ' * 100_000, b'{"a": ' + b"9" * 10_000 + b"}", b"{" * 5_000_000]
)
def test_json_that_no_parser_should_see_is_damaged(data):
    with pytest.raises(ModelRefusedError, match="damaged"):
        settings_in(data, "config.json")


@pytest.mark.parametrize("key", ["hidden_size", "vocab_size", "attention_dropout"])
def test_a_number_of_hundreds_of_digits_is_a_sentence(key):
    with pytest.raises(ModelRefusedError, match=r"Its config\.json names"):
        settings_in(json.dumps({"model_type": "llama", key: -(10**400)}).encode(), "config.json")


@pytest.mark.parametrize("file", ["generation_config.json", "tokenizer_config.json", "special_tokens_map.json"])
def test_the_other_files_of_settings_are_bounded_too(folder, file):
    (folder / file).write_text(json.dumps({"num_beams": 10**12}))
    assert refusal(folder).startswith(f"Its {file} names")
    (folder / file).write_text("[" * 50_000)
    assert f"Its {file} is damaged" in refusal(folder)
    (folder / file).write_bytes(b" " * 5_000_000)
    assert f"Its {file} is larger than any real one" in refusal(folder)


def test_numbers_of_real_models_are_not_too_large():
    said = {
        "model_type": "llama4",
        "rope_theta": 500_000_000,
        "model_max_length": 10**30,
        "bos_token_id": 200_000,
        "pad_token_id": -1,
        "num_labels": 21_843,
        "time_step_limit": [0.0, float("inf")],
        "text_config": {
            "vocab_size": 262_208,
            "max_position_embeddings": 10_485_760,
            "num_local_experts": 512,
            "intermediate_size": 53_248,
            "num_hidden_layers": 126,
            "num_attention_heads": 128,
        },
    }
    assert settings_in(json.dumps(said).encode(), "config.json") == said


# Each with numbers that are possible alone and make more than the weights hold.
GROWN = {
    "wide": {"intermediate_size": 2**20, "hidden_size": 65_536, "num_attention_heads": 256, "head_dim": 256},
    "a vocabulary": {"vocab_size": 2**22, "hidden_size": 8_192},
    "layers": {"num_hidden_layers": 500},
    "twice the vocabulary": {"vocab_size": 400_000},
}


@pytest.mark.parametrize("what", GROWN)
def test_a_config_of_far_more_than_its_weights_hold_is_refused(folder, what):
    """Before the numbers that the files lack are allocated."""
    change(folder, **GROWN[what])
    begin = time.perf_counter()
    assert "its weights hold" in refusal(folder)
    assert time.perf_counter() - begin < 20


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_nothing_of_it_is_allocated_first(folder):
    """A feed-forward network of 800 MB, where the weights have 100 kB."""
    change(folder, intermediate_size=2**20)
    Path("/proc/self/clear_refs").write_text("5")
    before = most_memory()
    assert "its weights hold" in refusal(folder)
    assert most_memory() - before < 100_000_000


def most_memory():
    """Bytes that this process held at most since that was set back."""
    return 1024 * int(re.findall(r"VmHWM:\s*(\d+)", Path("/proc/self/status").read_text())[0])


def test_a_table_beside_the_weights_is_refused(tmp_path):
    folder = tiny("gpt2", tmp_path)
    change(folder, n_positions=2**17)
    said = refusal(folder)
    assert "its weights hold" in said or "tables of" in said


@pytest.mark.slow
def test_a_model_of_too_many_parts_is_refused_while_it_is_made(folder):
    """In NLLB-MoE each expert is a module of its own."""
    layers = {"encoder_layers": 400, "decoder_layers": 400, "encoder_sparse_step": 1, "decoder_sparse_step": 1}
    sizes = {"d_model": 8, "encoder_attention_heads": 2, "decoder_attention_heads": 2, "vocab_size": 64}
    said = layers | sizes | {"model_type": "nllb-moe", "num_experts": 1_000, "is_encoder_decoder": True}
    (folder / "config.json").write_text(json.dumps(said | {"encoder_ffn_dim": 8, "decoder_ffn_dim": 8}))
    begin = time.process_time()
    assert "more parts, layers and experts counted, than any that is known" in refusal(folder)
    assert time.process_time() - begin < 8


@pytest.mark.parametrize(("kind", "experts"), [("deepseek_v3", 256), ("deepseek_v3", 384), ("mixtral", 64)])
def test_models_of_many_experts_are_cards(kind, experts):
    """As many as DeepSeek-V3 and Kimi K2 have, in 61 layers; the card takes no time and is made once."""
    key = "num_local_experts" if kind == "mixtral" else "n_routed_experts"
    config = config_from({"model_type": kind, "num_hidden_layers": 61, key: experts})
    begin = time.process_time()
    card = card_from(config, name="a", title="A")
    assert card.layers == 61
    first = time.process_time() - begin
    assert card_from(config, name="b", title="B") == replace(card, name="b", title="B")
    assert time.process_time() - begin - first < first / 2


def test_a_config_that_grows_after_it_was_opened_is_refused_at_the_load(folder):
    """It is opened anew as it is now, with the checks of every opening: what they let pass is small."""
    name = open_folder(str(folder), anywhere=True).name
    change(folder, num_hidden_layers=40)
    with pytest.raises(ModelRefusedError, match="lack 342 of the tensors"):
        load_model(name)
    change(folder, num_hidden_layers=500)
    with pytest.raises(ModelRefusedError, match="its weights hold"):
        load_model(name)
    change(folder, num_hidden_layers=10**8)
    with pytest.raises(ModelRefusedError, match="more than 512 layers"):
        load_model(name)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_nothing_of_a_config_that_has_grown_is_allocated_first(folder):
    name = open_folder(str(folder), anywhere=True).name
    assert load_model(name)
    change(folder, intermediate_size=2**20)
    Path("/proc/self/clear_refs").write_text("5")
    before = most_memory()
    with pytest.raises(ModelRefusedError, match="its weights hold"):
        load_model(name)
    assert most_memory() - before < 100_000_000


def test_a_config_that_grows_between_the_card_and_the_reading_is_refused(folder):
    card = open_folder(str(folder), anywhere=True)
    change(folder, num_hidden_layers=40)
    with pytest.raises(ModelRefusedError, match="has changed on the disk"), model_files(card):
        pass


# What makes transformers read, fetch or run something else.
ELSEWHERE = {
    "attn_implementation": "strangers/kernel",
    "_attn_implementation": "strangers/kernel",
    "_attn_implementation_internal": "strangers/kernel",
    "experts_implementation": "strangers/kernel",
    "_name_or_path": "/etc/passwd",
    "name_or_path": "strangers/model",
    "transformers_weights": "../../other.safetensors",
    "fusion_config": {"patch_embeddings": True},
    "distributed_config": {"tp_size": 2},
    "backbone": "strangers/backbone",
    "use_pretrained_backbone": True,
    "use_timm_backbone": True,
    "vocab_file": "/etc/passwd",
    "tokenizer_file": "/etc/passwd",
    "fast_tokenizer_files": ["tokenizer.x/../../secret.json"],
    "sp_model_kwargs": {"model_file": "/etc/passwd"},
    "tokenizer_class": "strangers/tokenizer",
    "custom_generate": "strangers/generate",
    "init_inputs": ["/etc/passwd"],
    "to_dict": "x",
    "get_text_config": {"a": 1},
    "attribute_map": {"hidden_size": "vocab_size"},
    "extra_files": ["../../other.safetensors"],
    "dtype": "load",
    "torch_dtype": "hub",
}


@pytest.mark.parametrize("key", ELSEWHERE)
def test_what_names_another_place_is_taken_out(key):
    said = {"model_type": "llama", key: ELSEWHERE[key], "text_config": {key: ELSEWHERE[key], "hidden_size": 8}}
    assert without_other_places(said) == {"model_type": "llama", "text_config": {"hidden_size": 8}}


def test_a_model_loads_without_it(folder):
    for file in ("config.json", "tokenizer_config.json", "generation_config.json", "special_tokens_map.json"):
        change(folder, file, **ELSEWHERE)
    loaded = load_model(open_folder(str(folder), anywhere=True).name)
    assert loaded.model.config._attn_implementation.startswith("headlight")
    assert loaded.tokenizer("w5 w6").input_ids == [5, 6]


def test_what_is_said_in_plain_words_stays():
    said = {
        "architectures": ["LlamaForCausalLM"],
        "hidden_act": "gelu_new",
        "rope_scaling": {"rope_type": "llama3", "factor": 8.0},
        "layer_types": ["full_attention", "sliding_attention"],
        "dtype": "bfloat16",
        "drop_path_rate": 0.1,
        "id2label": {"0": "a/b: c"},
        "bos_token": "</s>",
        "chat_template": "{{ '../x' }}",
        "tie_word_embeddings": None,
    }
    assert without_other_places(said) == said


def test_tensors_that_nobody_asked_for_do_not_help(folder):
    """A file may be padded until it holds as many numbers as its config claims: then it is as large as it says."""
    change(folder, num_hidden_layers=40)
    file = folder / "model.safetensors"
    tensors = load_file(file)
    save_file(tensors | {"unused": tensors["model.embed_tokens.weight"].new_zeros(2_000_000)}, file)
    name = open_folder(str(folder), anywhere=True).name
    with pytest.raises(ModelRefusedError, match="lack"):
        load_model(name)
