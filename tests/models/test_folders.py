"""Models in folders: what opens, what is refused and why, and where one may look."""

import json
import os
import shutil

import numpy as np
import pytest
import torch
from gguf import GGUFWriter, TokenType
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import BertForMaskedLM, MambaConfig, PreTrainedTokenizerFast, WhisperConfig

from models.attention import InputError, trace_attention
from models.catalog import MODELS, UnknownModelError, model_card
from models.errors import HeadlightError
from models.loading import FolderError, ModelRefusedError, load_model, open_folder
from tests.models import architectures
from tests.models.architectures import IDS, NAMES, VOCABULARY

WORDS = ["<pad>", "<s>", "</s>", "<unk>", *(f"w{number}" for number in range(4, VOCABULARY))]


def tokenizer_of(name):
    """A tokenizer of words that has as many pieces as the tiny models."""
    backend = Tokenizer(models.WordLevel({word: number for number, word in enumerate(WORDS)}, unk_token="<unk>"))
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    if architectures.ARCHITECTURES[name].family != "decoder":
        backend.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 2)])
    special = {"pad_token": "<pad>", "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
    return PreTrainedTokenizerFast(tokenizer_object=backend, **special)


def save(name, folder, **more):
    """A tiny model of this architecture with its tokenizer, in a folder."""
    architectures.build(name, "eager").save_pretrained(folder, **more)
    tokenizer_of(name).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """One folder with a tiny Llama, to be copied and spoilt."""
    return save("llama", tmp_path_factory.mktemp("models") / "llama")


@pytest.fixture
def folder(saved, tmp_path):
    return shutil.copytree(saved, tmp_path / "llama")


def refusal(path, **more):
    with pytest.raises(HeadlightError) as refused:
        open_folder(str(path), **more)
    sentence = str(refused.value)
    assert sentence.endswith(".")
    assert str(path) not in sentence
    return sentence


def change(folder, file="config.json", **settings):
    path = folder / file
    path.write_text(json.dumps(json.loads(path.read_text()) | settings))


@pytest.mark.quick(3)
@pytest.mark.parametrize("name", NAMES)
def test_every_architecture_opens_with_its_own_weights_and_figures(name, tmp_path):
    folder = save(name, tmp_path / "Mein Modell, été")
    card = open_folder(str(folder))
    loaded = load_model(card.name)
    expected = architectures.loaded(name)
    for figure in ("family", "layers", "heads", "key_value_heads", "width", "vocabulary", "positions"):
        assert getattr(card, figure) == getattr(expected.card, figure), figure
    assert card.parameters == sum(each.numel() for each in expected.model.parameters())
    target = architectures.TARGET_IDS if card.family == "seq2seq" else None
    np.testing.assert_allclose(
        trace_attention(loaded, IDS, target).outputs, architectures.trace(name).outputs, atol=1e-5
    )


def test_a_folder_is_found_by_its_name(folder):
    card = open_folder(str(folder))
    assert card.name == f"folder:{folder}"
    assert MODELS[card.name] is card is model_card(card.name)
    assert card.name not in list(MODELS)
    assert card.title == "llama"
    with pytest.raises(UnknownModelError):
        load_model("folder")


def test_only_the_latest_are_kept(folder, monkeypatch):
    monkeypatch.setattr(MODELS, "MOST_OPENED", 2)
    cards = [open_folder(str(shutil.copytree(folder, folder.parent / str(number)))) for number in range(3)]
    assert [card.name in MODELS for card in cards] == [False, True, True]
    # It is opened again by its name.
    assert load_model(cards[0].name).card == cards[0]


def test_shards_open(tmp_path):
    folder = save("llama", tmp_path / "shards", max_shard_size="20KB")
    shards = sorted(folder.glob("model-*.safetensors"))
    assert len(shards) > 1
    loaded = load_model(open_folder(str(folder)).name)
    np.testing.assert_allclose(trace_attention(loaded, IDS).outputs, architectures.trace("llama").outputs, atol=1e-5)
    shards[1].unlink()
    assert "1 of the" in refusal(folder)


def test_an_index_does_not_lead_out_of_the_folder(folder, tmp_path):
    (folder / "model.safetensors").rename(tmp_path / "model.safetensors")
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": "../model.safetensors"}}))
    assert "missing" in refusal(folder)


def write_gguf(path):
    """A tiny Llama in GGUF with random weights and a byte-level vocabulary."""
    width, inner, heads = 32, 48, 4
    tokens = ["<s>", "</s>", *(chr(number) for number in range(97, 123)), "ab", "cd"]
    writer = GGUFWriter(path, "llama")
    writer.add_context_length(64)
    writer.add_embedding_length(width)
    writer.add_block_count(2)
    writer.add_feed_forward_length(inner)
    writer.add_head_count(heads)
    writer.add_head_count_kv(2)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(width // heads)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(tokens)
    writer.add_token_types([TokenType.CONTROL] * 2 + [TokenType.NORMAL] * 28)
    writer.add_token_merges(["a b", "c d"])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(1)
    draw = np.random.default_rng(1)

    def add(name, *shape):
        writer.add_tensor(name, draw.normal(size=shape).astype(np.float32) * 0.1)

    add("token_embd.weight", len(tokens), width)
    add("output.weight", len(tokens), width)
    add("output_norm.weight", width)
    for layer in range(2):
        for name, *shape in (
            ("attn_q", width, width),
            ("attn_k", width // 2, width),
            ("attn_v", width // 2, width),
            ("attn_output", width, width),
            ("ffn_gate", inner, width),
            ("ffn_up", inner, width),
            ("ffn_down", width, inner),
            ("attn_norm", width),
            ("ffn_norm", width),
        ):
            add(f"blk.{layer}.{name}.weight", *shape)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


@pytest.mark.parametrize("whole_folder", [True, False])
def test_gguf_opens(tmp_path, monkeypatch, whole_folder):
    monkeypatch.setenv("HEADLIGHT_HOME", str(tmp_path / "home"))
    path = tmp_path / "été 1" / "tiny.gguf"
    path.parent.mkdir()
    write_gguf(path)
    card = open_folder(str(path.parent if whole_folder else path))
    assert (card.layers, card.heads, card.key_value_heads, card.width, card.vocabulary) == (2, 4, 2, 32, 30)
    loaded = load_model(card.name)
    trace = trace_attention(loaded, "abcd")
    assert trace.tokens[-2:] == ("ab", "cd")
    assert sum(each.numel() for each in loaded.model.parameters()) == card.parameters
    path.write_bytes(path.read_bytes()[:100])
    assert "GGUF" in refusal(path)


def remove_weights(folder):
    (folder / "model.safetensors").unlink()


def only_pickle(folder):
    remove_weights(folder)
    (folder / "pytorch_model.bin").write_bytes(b"\x80\x02.")


def cut_weights(folder):
    (folder / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes()[:-10])


def empty_weights(folder):
    save_file({}, folder / "model.safetensors")


def link_out(folder):
    (folder / "model.safetensors").rename(folder.parent / "elsewhere.safetensors")
    (folder / "model.safetensors").symlink_to(folder.parent / "elsewhere.safetensors")


def link_config(folder):
    (folder / "config.json").unlink()
    (folder / "config.json").symlink_to("/etc/hostname")


def link_to_nothing(folder):
    remove_weights(folder)
    (folder / "model.safetensors").symlink_to(folder / "gone")


def without_tokenizer(folder):
    for file in folder.glob("tokenizer*"):
        file.unlink()


def an_adapter(folder):
    for file in folder.iterdir():
        file.unlink()
    (folder / "adapter_config.json").write_text('{"peft_type": "LORA"}')
    save_file({"a": torch.zeros(1)}, folder / "adapter_model.safetensors")


SPOILT = {
    "adapter (LoRA) and no whole model": an_adapter,
    "no config.json": lambda folder: (folder / "config.json").unlink(),
    "holds no JSON object": lambda folder: (folder / "config.json").write_text("[]"),
    "reading a pickle can run code": only_pickle,
    "has no weights": remove_weights,
    "damaged": cut_weights,
    "empty": empty_weights,
    "has no tokenizer": without_tokenizer,
    "symbolic link that leads out": link_out,
    "link that leads out of it": link_config,
    "symbolic link to nothing": link_to_nothing,
    "architecture (zebra) is none": lambda folder: change(folder, model_type="zebra"),
    "architecture is none": lambda folder: change(folder, model_type="<b>*zebra*</b>"),
    "run code of its own": lambda folder: change(folder, auto_map={"AutoModel": "modeling.Model"}),
    "own (auto_map in tokenizer_config.json)": lambda folder: change(
        folder, "tokenizer_config.json", auto_map={"AutoTokenizer": ["t.T", None]}
    ),
    "quantised": lambda folder: change(folder, quantization_config={"quant_method": "gptq"}),
    "do not fit together": lambda folder: change(folder, num_attention_heads=4, head_dim=-1),
    "more than 512 layers": lambda folder: change(folder, num_hidden_layers=100_000),
    "BloomForCausalLM computes its attention by itself": lambda folder: change(folder, model_type="bloom"),
    "GPTJForCausalLM computes its attention by itself": lambda folder: change(folder, model_type="gptj"),
    "(whisper) is not one that reads or writes text": lambda folder: WhisperConfig().save_pretrained(folder),
    "(wav2vec2) is not one that reads or writes text": lambda folder: change(folder, model_type="wav2vec2"),
    "no attention heads": lambda folder: MambaConfig().save_pretrained(folder),
}


@pytest.mark.parametrize("sentence", SPOILT)
def test_what_cannot_be_opened_is_refused_with_the_reason(folder, sentence):
    SPOILT[sentence](folder)
    assert sentence in refusal(folder)


def test_weights_of_another_model_are_refused(folder):
    """transformers would fill what is missing with random numbers."""
    change(folder, num_hidden_layers=3)
    name = open_folder(str(folder)).name
    with pytest.raises(ModelRefusedError, match=r"lack 9 of the tensors"):
        load_model(name)


def test_weights_with_more_layers_than_the_config_names_are_refused(folder):
    """transformers would leave them out without a word."""
    change(folder, num_hidden_layers=1)
    name = open_folder(str(folder)).name
    with pytest.raises(ModelRefusedError, match=r"have 2 layers where its config.json names 1"):
        load_model(name)


@pytest.mark.parametrize("stack", ["encoder_layers", "decoder_layers"])
def test_so_are_those_of_either_stack(stack, tmp_path):
    folder = save("bart", tmp_path / "bart")
    change(folder, **{stack: 1})
    name = open_folder(str(folder)).name
    with pytest.raises(ModelRefusedError, match=r"layers where its config.json names 1"):
        load_model(name)


def test_a_token_beyond_the_table_is_named(folder):
    file = folder / "tokenizer.json"
    tokenizer = Tokenizer.from_file(str(file))
    tokenizer.add_tokens(["elsewhere"])
    tokenizer.save(str(file))
    loaded = load_model(open_folder(str(folder)).name)
    with pytest.raises(InputError, match="'elsewhere' with the id 64, which is beyond the 64 rows"):
        trace_attention(loaded, "w5 elsewhere")
    assert trace_attention(loaded, "w5 w6").tokens


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("[]", "tokenizer.json is a JSON list"),
        ("7", "tokenizer.json is a JSON number"),
        ('{"model": {"vo', "tokenizer.json is cut off or damaged"),
        ('{"model": {}}', "tokenizer.json has no model"),
    ],
)
def test_a_tokenizer_that_is_none_is_named(folder, content, sentence):
    (folder / "tokenizer.json").write_text(content)
    name = open_folder(str(folder)).name
    with pytest.raises(ModelRefusedError, match=sentence):
        load_model(name)


def test_a_tokenizer_that_cuts_by_chance_does_not(folder):
    pieces = [*WORDS[:4], "a", "b", "ab", "aba", "abab"]
    backend = Tokenizer(
        models.BPE(
            {each: place for place, each in enumerate(pieces)}, [("a", "b"), ("ab", "a"), ("ab", "ab")], dropout=0.5
        )
    )
    backend.save(str(folder / "tokenizer.json"))
    loaded = load_model(open_folder(str(folder)).name)
    assert "dropout" in loaded.note
    assert len({trace_attention(loaded, "abab").tokens for _ in range(30)}) == 1


def test_weights_of_another_size_are_refused(folder):
    change(folder, intermediate_size=56)
    name = open_folder(str(folder)).name
    with pytest.raises(ModelRefusedError, match="do not fit together"):
        load_model(name)


def test_nothing_of_a_refused_folder_runs(folder, tmp_path):
    """A pickle beside the weights is not read, a program beside them is not run."""
    torch.save({"a": torch.ones(1)}, folder / "pytorch_model.bin")  # noqa: TID251 - what people's folders hold
    (folder / "modeling_llama.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    load_model(open_folder(str(folder)).name)
    assert not (tmp_path / "ran").exists()


def test_the_operator_says_where_one_may_look(folder, tmp_path, monkeypatch):
    outside = shutil.copytree(folder, tmp_path / "outside")
    root = tmp_path / "open to all"
    inside = shutil.copytree(folder, root / "inside")
    monkeypatch.setenv("HEADLIGHT_FOLDERS", os.pathsep.join([str(root), str(tmp_path / "none")]))
    for anywhere in (True, False):
        assert open_folder(str(inside), anywhere=anywhere).name == f"folder:{inside}"
        for path in (outside, root / ".." / "outside", "/etc", tmp_path / "not there", f"{root}-not"):
            assert "not below one" in refusal(path, anywhere=anywhere)
    (root / "way out").symlink_to(outside)
    assert "not below one" in refusal(root / "way out")
    assert "There is no such folder" in refusal(root / "gone")
    with pytest.raises(FolderError):
        load_model(f"folder:{outside}")


def test_a_server_for_others_is_closed_unless_folders_are_named(folder, monkeypatch):
    monkeypatch.delenv("HEADLIGHT_FOLDERS", raising=False)
    assert "HEADLIGHT_FOLDERS" in refusal(folder, anywhere=False)
    assert open_folder(str(folder), anywhere=True)


@pytest.mark.parametrize("path", ["", "  ", "llama", "../llama", "a\0b"])
def test_half_a_path_is_not_taken(path):
    with pytest.raises(FolderError, match="whole path"):
        open_folder(path)


@pytest.mark.parametrize("path", ["{}/round", "{}/round/model", "~nobody-of-this-name/model"])
def test_a_path_that_leads_nowhere_is_said(path, tmp_path):
    (tmp_path / "round").symlink_to(tmp_path / "round")
    with pytest.raises(FolderError):
        open_folder(path.format(tmp_path))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_may_not_be_read_is_said(folder):
    folder.chmod(0)
    try:
        assert "could not be read" in refusal(folder)
    finally:
        folder.chmod(0o700)


@pytest.mark.parametrize("has_head", [True, False], ids=["with its head", "without"])
def test_an_encoder_that_was_trained_on_masked_words_keeps_its_head(tmp_path, has_head):
    with torch.random.fork_rng():
        model = BertForMaskedLM(architectures.ARCHITECTURES["bert"].config()).eval()
    model.save_pretrained(tmp_path)
    tokenizer_of("bert").save_pretrained(tmp_path)
    if not has_head:
        file = tmp_path / "model.safetensors"
        save_file({name: each for name, each in load_file(file).items() if not name.startswith("cls.")}, file)
    loaded = load_model(open_folder(str(tmp_path)).name)
    assert (loaded.model.get_output_embeddings() is not None) == has_head
    with torch.inference_mode():
        whole = model(input_ids=torch.tensor([IDS]), output_hidden_states=True)
    expected = whole.logits if has_head else whole.hidden_states[-1]
    np.testing.assert_allclose(trace_attention(loaded, IDS).outputs, expected[0].numpy(), atol=1e-5)
