"""Classes that keep something else than the fields of their config say: predicted, or said not to be predicted."""

import contextlib
import copy
import threading
from functools import cache

import pytest
import torch
import transformers

from models.decoding import DecodingSettings, beam_search, decode, decode_batch
from models.errors import HeadlightError
from models.kv_cache import CacheFormulaError, cache_shape, fresh_cache, measure_cache, predict_cache
from models.kv_cache.shape_from_config import ShapesOnly
from models.loading import wrap_model
from tests.models import architectures
from tests.models.architectures import IDS
from tests.models.config_settings import BART, LINEAR, PLAIN, T5

BASE = PLAIN | {"max_position_embeddings": 64}
GROUPED = BASE | {"num_key_value_heads": 2, "head_dim": 8}
WINDOWED = GROUPED | {"sliding_window": 4, "layer_types": ["sliding_attention", "full_attention"]}
EXPERTS = {"n_routed_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 16, "n_group": 2, "topk_group": 1}
_BART = BART | {"max_position_embeddings": 64, "forced_eos_token_id": None}


def encoder_decoder():
    encoder = transformers.BertConfig(**BASE)
    decoder = transformers.BertConfig(**BASE | {"num_hidden_layers": 3}, is_decoder=True, add_cross_attention=True)
    config = transformers.EncoderDecoderConfig.from_encoder_decoder_configs(encoder, decoder)
    config.decoder_start_token_id, config.pad_token_id = 2, 0
    return config


def made(config_class, **settings):
    return lambda: getattr(transformers, config_class)(**settings)


def t5gemma(decoder_layers):
    encoder = WINDOWED | {"query_pre_attn_scalar": 8}
    decoder = encoder | {"num_hidden_layers": decoder_layers, "num_key_value_heads": 1}
    decoder["layer_types"] = ["full_attention"] * (decoder_layers - 1) + ["sliding_attention"]
    return made("T5GemmaConfig", encoder=encoder, decoder=decoder, vocab_size=64)


# What a formula by fields of the config says otherwise, or said so once.
CASES = {
    "windows with heads of their own": (
        "MiMoV2FlashForCausalLM",
        made(
            "MiMoV2FlashConfig",
            **WINDOWED | EXPERTS,
            v_head_dim=6,
            swa_num_attention_heads=4,
            swa_num_key_value_heads=4,
            swa_head_dim=8,
            swa_v_head_dim=6,
        ),
    ),
    "falcon, new": ("FalconForCausalLM", made("FalconConfig", **BASE, new_decoder_architecture=True, num_kv_heads=4)),
    "falcon, one head": ("FalconForCausalLM", made("FalconConfig", **BASE, multi_query=True)),
    "falcon, many": ("FalconForCausalLM", made("FalconConfig", **BASE, multi_query=False)),
    "a decoder with a window": ("T5GemmaForConditionalGeneration", t5gemma(2)),
    "a deeper decoder with a window": ("T5GemmaForConditionalGeneration", t5gemma(4)),
    "bart's decoder alone": ("BartForCausalLM", made("BartConfig", **_BART, encoder_layers=3, decoder_layers=2)),
    "bart's deeper decoder alone": ("BartForCausalLM", made("BartConfig", **_BART, encoder_layers=2, decoder_layers=4)),
    "mbart's, with other heads": (
        "MBartForCausalLM",
        made("MBartConfig", **_BART | {"decoder_attention_heads": 2}, encoder_layers=1, decoder_layers=2),
    ),
    "a decoder with other heads": (
        "MarianMTModel",
        made("MarianConfig", **_BART | {"decoder_attention_heads": 2}, encoder_layers=2, decoder_layers=3),
    ),
    "a deeper t5": ("T5ForConditionalGeneration", made("T5Config", **T5, num_layers=2, num_decoder_layers=4)),
    "a deeper umt5": ("UMT5ForConditionalGeneration", made("UMT5Config", **T5, num_layers=1, num_decoder_layers=3)),
    "two models in one": ("EncoderDecoderModel", encoder_decoder),
    "states": ("Qwen3NextForCausalLM", made("Qwen3NextConfig", **GROUPED | LINEAR)),
    "states beside keys": (
        "FalconH1ForCausalLM",
        made(
            "FalconH1Config",
            **GROUPED,
            mamba_d_ssm=64,
            mamba_n_heads=4,
            mamba_d_head=16,
            mamba_n_groups=1,
            mamba_d_state=8,
            mamba_chunk_size=8,
        ),
    ),
    "states of another kind": (
        "JambaForCausalLM",
        made(
            "JambaConfig",
            **BASE | {"num_hidden_layers": 4, "num_key_value_heads": 2},
            attn_layer_offset=1,
            attn_layer_period=2,
            num_experts=2,
            mamba_d_state=8,
            mamba_dt_rank=4,
        ),
    ),
    "chunks": (
        "Llama4ForCausalLM",
        made(
            "Llama4TextConfig",
            **GROUPED,
            intermediate_size_mlp=48,
            num_local_experts=2,
            attention_chunk_size=4,
            layer_types=["chunked_attention", "full_attention"],
        ),
    ),
    "layers that read another's": (
        "Gemma4ForCausalLM",
        made(
            "Gemma4TextConfig",
            **GROUPED
            | {
                "num_hidden_layers": 4,
                "sliding_window": 4,
                "layer_types": ["sliding_attention", "full_attention"] * 2,
                "num_kv_shared_layers": 2,
                "global_head_dim": 16,
                "hidden_size_per_layer_input": 8,
                "vocab_size_per_layer_input": 64,
            },
        ),
    ),
    "a layer without attention": (
        "LlamaForCausalLM",
        made("LlamaConfig", **GROUPED, per_layer_config={1: {"skip": ["self_attn"]}}),
    ),
    "text in a nested config": (
        "Gemma3ForConditionalGeneration",
        made(
            "Gemma3Config",
            text_config=WINDOWED | {"query_pre_attn_scalar": 8},
            vision_config=BASE | {"num_hidden_layers": 1, "image_size": 28, "patch_size": 14},
            image_token_index=63,
            mm_tokens_per_image=4,
        ),
    ),
}
DEEPER = [name for name in CASES if "deeper" in name]


@cache
def model_of(name, dtype=torch.float32):
    model_class, config = CASES[name]
    found = config()
    if model_class.endswith(("BartForCausalLM", "MBartForCausalLM")):
        found.is_decoder = True
    # With one matrix for both ends, many a random model says the token that it just read for ever.
    found.tie_word_embeddings = False
    model = getattr(transformers, model_class)(found)
    draw = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for path, parameter in model.named_parameters():
            if parameter.requires_grad:
                middle = 1 if parameter.dim() == 1 and path.endswith("weight") else 0
                parameter.copy_(torch.randn(parameter.shape, generator=draw) * 0.3 + middle)
    model.generation_config.eos_token_id = None
    return model.to(dtype).eval()


def filled(model, prompt, rows, tokens):
    """Measurements of a cache as it grows in transformers' own forwards, the first with the whole prompt."""
    store = fresh_cache(model)
    more = {"past_key_values": store, "use_cache": True}
    source = torch.tensor([IDS[:prompt]] * rows)
    is_seq2seq = model.config.is_encoder_decoder
    if is_seq2seq:
        more["encoder_outputs"] = model.get_encoder()(input_ids=source, return_dict=True)
    ids = source[:, :1] if is_seq2seq else source
    for _ in range(tokens):
        with torch.inference_mode():
            model(**{"decoder_input_ids" if is_seq2seq else "input_ids": ids}, **more)
        yield measure_cache(store)
        ids = source[:, :1]


@pytest.mark.quick(5)
@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=["fp32", "bf16"])
def test_what_is_predicted_is_what_is_kept(name, dtype):
    """Shorter and longer than every window; in half precision too, where some states stay whole."""
    model = model_of(name, dtype)
    is_seq2seq = model.config.is_encoder_decoder
    for prompt, rows in ((1, 1), (9, 2)):
        for step, measured in enumerate(filled(model, prompt, rows, 4)):
            began = 1 if is_seq2seq else prompt
            assert measured == predict_cache(
                model.config,
                began + step,
                rows,
                dtype,
                source_positions=prompt if is_seq2seq else 0,
                newest=began if step == 0 else 1,
            )


@pytest.mark.quick(3)
@pytest.mark.parametrize("name", [name for name in CASES if "falcon" not in name])
def test_our_loop_keeps_what_is_predicted(name):
    loaded = wrap_model(copy.deepcopy(model_of(name)), None, "decoder")
    is_seq2seq = loaded.model.config.is_encoder_decoder
    for step, _ in decode_batch(loaded, [IDS] * 2, DecodingSettings(max_new_tokens=3)):
        began = 1 if is_seq2seq else len(IDS)
        assert step.cache == predict_cache(
            loaded.model.config,
            began + step.index,
            2,
            source_positions=len(IDS) if is_seq2seq else 0,
            newest=began if step.index == 0 else 1,
        )


def generated(model, **more):
    """What `generate` writes without a cache, with which it breaks off; no token twice, so that each is a proof."""
    ids = torch.tensor([IDS])
    found = model.generate(
        ids, attention_mask=torch.ones_like(ids), do_sample=False, use_cache=False, pad_token_id=0, **more
    )
    return found[0].tolist()[1 if model.config.is_encoder_decoder else len(IDS) :]


@pytest.mark.quick(5)
@pytest.mark.parametrize("name", DEEPER)
@pytest.mark.parametrize("kept", ["dynamic", "static", "none"])
def test_a_decoder_deeper_than_its_encoder_writes_what_generate_writes(name, kept):
    """transformers' cache is as deep as the encoder."""
    loaded = wrap_model(copy.deepcopy(model_of(name)), None, "decoder")
    settings = DecodingSettings(12, cache=kept, no_repeat_ngram_size=1)
    expected = generated(model_of(name), max_new_tokens=12, no_repeat_ngram_size=1)
    assert len(set(expected)) == 12
    assert [step.token_id for step in decode(loaded, IDS, settings)] == expected
    assert [each[1].token_id for each in decode_batch(loaded, [IDS] * 2, settings)] == expected


@pytest.mark.parametrize("name", DEEPER)
def test_beams_of_a_deeper_decoder(name):
    loaded = wrap_model(copy.deepcopy(model_of(name)), None, "decoder")
    expected = generated(model_of(name), max_new_tokens=6, num_beams=3)
    assert list(beam_search(loaded, IDS, beams=3, max_new_tokens=6).beams[0].ids) == expected


def test_an_8_bit_cache_of_a_deeper_decoder():
    loaded = wrap_model(copy.deepcopy(model_of("bart's deeper decoder alone")), None, "decoder")
    for step in decode(loaded, IDS, DecodingSettings(4, cache="fp8")):
        assert step.cache == predict_cache(loaded.model.config, len(IDS) + step.index, dtype="fp8")


NOT_PREDICTED = {
    "rwkv": made("RwkvConfig", vocab_size=64, hidden_size=32, num_hidden_layers=2, attention_hidden_size=32),
    "mamba": made("MambaConfig", vocab_size=64, hidden_size=32, num_hidden_layers=2),
    "xlstm": made("xLSTMConfig", vocab_size=64, hidden_size=32, num_hidden_layers=2, num_heads=4),
    "minimax": made("MiniMaxConfig", **GROUPED, num_local_experts=2),
    "experts that are counted": made("JetMoeConfig", **BASE, num_local_experts=4),
    "what is compressed": made("DeepseekV4Config", **BASE),
    "what speaks": made("CsmConfig"),
    "a picture's": made("SpeechEncoderDecoderConfig", encoder=BASE, decoder=BASE | {"model_type": "bert"}),
    "no such depth": made("LlamaConfig", **GROUPED | {"num_hidden_layers": 100_000}),
    "figures that do not fit": made("LlamaConfig", **GROUPED | {"num_key_value_heads": 3}),
}


@pytest.mark.parametrize("name", NOT_PREDICTED)
def test_what_is_not_predicted_is_said(name):
    try:
        config = NOT_PREDICTED[name]()
    except (ValueError, KeyError):
        pytest.skip("the config itself refuses these figures")
    with pytest.raises(CacheFormulaError, match="not predicted for this architecture") as found:
        predict_cache(config, 3)
    assert "\n" not in str(found.value)
    # A second time it is said from memory.
    with pytest.raises(HeadlightError, match="not predicted for this architecture"):
        predict_cache(config, 3)


@pytest.mark.parametrize("config_class", ["ChameleonConfig", "Glm4vConfig", "IdeficsConfig", "Kosmos2Config"])
def test_what_reads_pictures_and_writes_is_not_taken_for_a_reader(config_class):
    """None of the mappings for text names its class; a reader keeps nothing."""
    with contextlib.suppress(CacheFormulaError):
        assert cache_shape(getattr(transformers, config_class)())


def test_seeing_changes_nothing():
    """Neither the config, nor what another thread computes meanwhile."""
    config = architectures.ARCHITECTURES["gemma3"].config()
    written, implementation = config.to_json_string(use_diff=False), config._attn_implementation
    before = architectures.run(architectures.plain("llama"))
    stop, results = threading.Event(), []

    def compute():
        while not stop.is_set():
            results.append(architectures.run(architectures.plain("llama")))

    thread = threading.Thread(target=compute)
    thread.start()
    for layers in (3, 5, 7):
        other = copy.deepcopy(config)
        other.num_hidden_layers, other.layer_types = layers, ["full_attention"] * layers
        assert len(cache_shape(other)) == layers
    stop.set()
    thread.join()
    assert cache_shape(config)
    assert (config.to_json_string(use_diff=False), config._attn_implementation) == (written, implementation)
    assert results
    assert all((each == before).all() for each in results)


def test_shapes_from_memory_are_those_that_torch_says():
    left, right = torch.empty((3, 4), device="meta"), torch.empty((4, 5), device="meta")
    with ShapesOnly(), torch.inference_mode():
        for _ in range(2):
            product = (left @ right).transpose(0, 1)
            assert (product.shape, product.stride(), product.dtype) == ((5, 3), (1, 5), torch.float32)
            assert (left + 1).dtype == torch.float32
            assert (left > 1).dtype == torch.bool
            assert (left.long() + 1).dtype == torch.int64
            assert (left.long() + 1.0).dtype == torch.float32
            assert not (left > 0).all()
            assert left.sum().item() == 0
            assert left.nonzero().shape == (0, 2)
