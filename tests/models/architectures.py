"""Tiny models of seventeen architectures with random weights, made in memory from a Config and never downloaded."""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
import transformers
from transformers import PreTrainedConfig, PreTrainedModel

from models.attention import AttentionTrace, Intervention, trace_attention
from models.catalog import Family
from models.loading import LoadedModel, wrap_model
from tests.models.config_settings import (
    BART,
    BART_LAYERS,
    ENCODER_LAYERS,
    HEADS,
    LATENT,
    PLAIN,
    POSITIONS,
    T5,
    T5_LAYERS,
    VOCABULARY,
    WIDE_GROUPED,
    WIDTH,
    WINDOW,
)
from tests.models.drawn_weights import with_drawn_weights

# Nothing here is a padding, start or end token of any of the configs below (those are 0 to 3).
IDS = (11, 23, 5, 42, 17, 5, 31, 60, 9)
TARGET_IDS = (2, 33, 14, 51, 20, 44)

Builder = Callable[[], PreTrainedConfig]


@dataclass(frozen=True)
class Architecture:
    """One architecture.

    model: the transformers class.
    projections: for each kind of attention, how the names of the modules end that join its heads; the names of a
        seq2seq model's encoder and decoder are told apart by their beginning.
    windows: for each layer how far a query looks back (in both directions for an encoder), None for no limit.
    """

    name: str
    family: Family
    model: str
    config: Builder
    projections: dict[str, str]
    windows: tuple[int | None, ...] = (None, None)
    has_sinks: bool = False
    supports_sdpa: bool = True


def _small(config_class: str, **more: object) -> Builder:
    """The Config class of this name with the names that most of them share."""
    return lambda: getattr(transformers, config_class)(**PLAIN | more)


def _grouped(config_class: str, **more: object) -> Builder:
    """A decoder in which two query heads share one key and value head."""
    return _small(config_class, **WIDE_GROUPED | more)


def _bart_like(config_class: str) -> Builder:
    return lambda: getattr(transformers, config_class)(**BART | BART_LAYERS, forced_eos_token_id=3)


def _encoder(name: str, model: str, config: Builder, projection: str, **more: object) -> Architecture:
    return Architecture(name, "encoder", model, config, {"encoder": projection}, **more)


def _decoder(name: str, model: str, config: Builder, projection: str = "self_attn.o_proj", **more) -> Architecture:
    return Architecture(name, "decoder", model, config, {"decoder": projection}, **more)


def _seq2seq(name: str, model: str, config: Builder, own: str, cross: str) -> Architecture:
    projections = {"encoder": own, "decoder": own, "cross": cross}
    return Architecture(name, "seq2seq", model, config, projections)


# Its own default (YaRN) does not fit so few positions.
_PLAIN_ROTARY = {"rope_type": "default", "rope_theta": 10_000.0}
_MIXED = {"sliding_window": WINDOW, "layer_types": ["sliding_attention", "full_attention"]}

_ALL = (
    _encoder("bert", "BertModel", _small("BertConfig"), "attention.output.dense"),
    _encoder(
        "distilbert",
        "DistilBertModel",
        lambda: transformers.DistilBertConfig(
            vocab_size=VOCABULARY,
            max_position_embeddings=POSITIONS,
            dim=WIDTH,
            hidden_dim=48,
            n_layers=2,
            n_heads=HEADS,
        ),
        "attention.out_lin",
    ),
    _encoder("roberta", "RobertaModel", _small("RobertaConfig", pad_token_id=1), "attention.output.dense"),
    _encoder("albert", "AlbertModel", _small("AlbertConfig", embedding_size=16), "attention.dense"),
    _encoder(
        "modernbert",
        "ModernBertModel",
        # Its window is written as the whole width: 4 is two tokens to either side.
        _small(
            "ModernBertConfig", global_attn_every_n_layers=2, local_attention=WINDOW, cls_token_id=1, sep_token_id=3
        ),
        "attn.Wo",
        windows=(None, WINDOW // 2),
    ),
    _decoder("gpt2", "GPT2LMHeadModel", _small("GPT2Config"), "attn.c_proj"),
    _decoder("gpt_neox", "GPTNeoXForCausalLM", _small("GPTNeoXConfig"), "attention.dense"),
    _decoder("llama", "LlamaForCausalLM", _grouped("LlamaConfig")),
    _decoder("qwen3", "Qwen3ForCausalLM", _grouped("Qwen3Config")),
    _decoder(
        "mistral", "MistralForCausalLM", _grouped("MistralConfig", sliding_window=WINDOW), windows=(WINDOW, WINDOW)
    ),
    _decoder(
        "gemma2",
        "Gemma2ForCausalLM",
        # A cap as low as this one bends the scores of the tiny model, so that leaving it out is seen.
        _grouped("Gemma2Config", attn_logit_softcapping=2.0, query_pre_attn_scalar=8, **_MIXED),
        windows=(WINDOW, None),
        supports_sdpa=False,
    ),
    _decoder(
        "gemma3",
        "Gemma3ForCausalLM",
        _grouped("Gemma3TextConfig", query_pre_attn_scalar=8, **_MIXED),
        windows=(WINDOW, None),
    ),
    _decoder(
        "gpt_oss",
        "GptOssForCausalLM",
        _grouped("GptOssConfig", num_local_experts=4, num_experts_per_tok=2, rope_parameters=_PLAIN_ROTARY, **_MIXED),
        windows=(WINDOW, None),
        has_sinks=True,
        supports_sdpa=False,
    ),
    _decoder("deepseek_v3", "DeepseekV3ForCausalLM", _small("DeepseekV3Config", **LATENT)),
    _seq2seq(
        "t5",
        "T5ForConditionalGeneration",
        lambda: transformers.T5Config(**T5 | T5_LAYERS),
        "SelfAttention.o",
        "EncDecAttention.o",
    ),
    _seq2seq(
        "bart", "BartForConditionalGeneration", _bart_like("BartConfig"), "self_attn.out_proj", "encoder_attn.out_proj"
    ),
    _seq2seq("marian", "MarianMTModel", _bart_like("MarianConfig"), "self_attn.out_proj", "encoder_attn.out_proj"),
)

ARCHITECTURES = {each.name: each for each in _ALL}
NAMES = tuple(ARCHITECTURES)
KINDS = tuple((name, kind) for name in NAMES for kind in ARCHITECTURES[name].projections)
DECODERS = tuple(name for name in NAMES if ARCHITECTURES[name].family == "decoder")
SEQ2SEQ = tuple(name for name in NAMES if ARCHITECTURES[name].family == "seq2seq")


def build(name: str, implementation: str) -> PreTrainedModel:
    """A new model of this architecture, with the same weights every time."""
    architecture = ARCHITECTURES[name]
    model = getattr(transformers, architecture.model)._from_config(
        architecture.config(), attn_implementation=implementation
    )
    return with_drawn_weights(model, name)


@cache
def eager(name: str) -> PreTrainedModel:
    """The reference: transformers' own eager attention, nothing of ours."""
    return build(name, "eager")


@cache
def plain(name: str) -> PreTrainedModel:
    """The model as a person would load it: SDPA where it is supported."""
    return build(name, "sdpa" if ARCHITECTURES[name].supports_sdpa else "eager")


@cache
def loaded(name: str, dtype: torch.dtype = torch.float32) -> LoadedModel:
    """The same weights, taken over by Headlight."""
    return wrap_model(build(name, "eager").to(dtype), None, ARCHITECTURES[name].family)


def trace(name: str, interventions: Sequence[Intervention] = ()) -> AttentionTrace:
    """A trace of `IDS`, and of `TARGET_IDS` where the model has a decoder beside its encoder."""
    target = TARGET_IDS if ARCHITECTURES[name].family == "seq2seq" else None
    return trace_attention(loaded(name), IDS, target, interventions)


def forward(
    model: PreTrainedModel, ids: Sequence[int] = IDS, target: Sequence[int] | None = TARGET_IDS, **more: Any
) -> Any:
    """What transformers itself returns for these ids; the target is left out where there is no decoder for it."""
    if model.config.is_encoder_decoder:
        more["decoder_input_ids"] = torch.tensor([target])
    if "use_cache" in inspect.signature(model.forward).parameters:
        more["use_cache"] = False
    with torch.inference_mode():
        return model(input_ids=torch.tensor([ids]), return_dict=True, **more)


def run(
    model: PreTrainedModel, ids: Sequence[int] = IDS, target: Sequence[int] | None = TARGET_IDS, **more: Any
) -> np.ndarray:
    """The logits, or the last hidden state of a model without a head: [position, output]."""
    result = forward(model, ids, target, **more)
    return (result["logits"] if "logits" in result else result["last_hidden_state"])[0].numpy()


def projections(model: PreTrainedModel, name: str, kind: str) -> list[torch.nn.Module]:
    """The module that joins the heads, for each layer of this kind; ALBERT's layers share one."""
    architecture = ARCHITECTURES[name]
    stack = "decoder." if kind == "cross" else f"{kind}."
    found = [
        module
        for path, module in model.named_modules()
        if path.endswith(architecture.projections[kind])
        and (architecture.family != "seq2seq" or path.removeprefix("model.").startswith(stack))
    ]
    layers = ENCODER_LAYERS if architecture.family == "seq2seq" and kind == "encoder" else 2
    return found * layers if len(found) == 1 else found
