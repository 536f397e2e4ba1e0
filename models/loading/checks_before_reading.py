"""What is asked of a model before its weights are read or fetched: files that cannot run code, attention we can see."""

import re
from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Literal

import torch
from torch.nn.modules.module import register_module_module_registration_hook
from transformers import (
    CONFIG_MAPPING,
    MODEL_FOR_CAUSAL_LM_MAPPING,
    MODEL_FOR_MASKED_LM_MAPPING,
    MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING,
    MODEL_MAPPING,
    PreTrainedConfig,
    PreTrainedModel,
)
from transformers.models.auto.modeling_auto import (
    MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
    MODEL_FOR_MASKED_LM_MAPPING_NAMES,
    MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES,
)

from models.catalog import NO_PACK, Family, ModelCard
from models.engine.context import holding
from models.errors import HeadlightError
from models.loading.json_files import MOST_EXPERTS, MOST_LAYERS, without_other_places
from models.loading.position_limit import position_limit
from models.loading.refusals import ArchitectureNotSupportedError, ModelRefusedError
from models.loading.vision_towers import seeing_class, seeing_config
from models.loading.weights_files import SAFETENSORS, SHARDS_INDEX
from models.one_at_a_time import one_at_a_time

CONFIG, ADAPTER = "config.json", "adapter_config.json"
# Each of these is enough to cut a text with.
_WHOLE_TOKENIZERS = (
    *("tokenizer.json", "vocab.txt", "tokenizer.model", "spiece.model"),
    *("sentencepiece.bpe.model", "spm.model"),
)
_VOCABULARIES = (
    *({each} for each in _WHOLE_TOKENIZERS),
    {"vocab.json", "merges.txt"},
    {"vocab.json", "source.spm", "target.spm"},
)
TOKENIZER_FILES = (
    *_WHOLE_TOKENIZERS,
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
    "source.spm",
    "target.spm",
    "target_vocab.json",
    "chat_template.jinja",
)
_SHARD = re.compile(r"model-\d{5}-of-\d{5}\.safetensors")
_RUNS_CODE = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".msgpack", ".h5", ".ot")
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,60}")
# Making a module takes some 90 microseconds. Most classes keep all experts of a layer in one, so that DeepSeek-V3 with
# its 14,848 has 1,215 modules; where each is a module of its own, NLLB-MoE has 4,298.
_MOST_MODULES = 40_000
_MOST_REMEMBERED = 32
_MOST_BUFFER_BYTES = 2_000_000_000


@dataclass(frozen=True)
class WeightsFiles:
    """Which files hold the weights. files: their names, an index of shards among them."""

    kind: Literal["safetensors", "gguf"]
    files: tuple[str, ...]


def check_attention(model_class: type[PreTrainedModel]) -> None:
    """Raise ArchitectureNotSupportedError when the class does not look its attention up in the registry."""
    if not model_class._can_set_attn_implementation():
        raise ArchitectureNotSupportedError(
            f"{model_class.__name__} computes its attention by itself and not through transformers' attention "
            "registry, so its heads cannot be recorded; choose another architecture."
        )


def weights_among(names: Collection[str]) -> WeightsFiles:
    """Which of these files of one folder hold the weights.

    Of several GGUF files one in 8 bits, else the first by name, is taken. Raises ModelRefusedError.
    """
    if SAFETENSORS in names:
        return WeightsFiles("safetensors", (SAFETENSORS,))
    if SHARDS_INDEX in names:
        return WeightsFiles("safetensors", (SHARDS_INDEX, *sorted(each for each in names if _SHARD.fullmatch(each))))
    ggufs = sorted(
        (each for each in names if each.lower().endswith(".gguf")), key=lambda each: ("q8" not in each.lower(), each)
    )
    if ggufs:
        return WeightsFiles("gguf", (ggufs[0],))
    if any(each.lower().endswith(_RUNS_CODE) for each in names):
        raise ModelRefusedError(
            "Its weights are in pickle or another format that is not read here, since reading a pickle can run code; "
            "convert them to safetensors (save_pretrained of transformers does) and open that."
        )
    raise ModelRefusedError(
        "It has no weights: model.safetensors, its shards with their index, or a .gguf file is expected beside "
        "config.json."
    )


def check_no_adapter(names: Collection[str]) -> None:
    """Raise ModelRefusedError when the files of a folder are an adapter and no whole model."""
    if ADAPTER in names and CONFIG not in names:
        raise ModelRefusedError(
            "This is an adapter (LoRA) and no whole model: merge it into its base model first (merge_and_unload of "
            "peft, then save_pretrained), and open that."
        )


def check_tokenizer_files(names: Collection[str]) -> None:
    """Raise ModelRefusedError when no tokenizer is among these files of one folder."""
    if not any(each <= set(names) for each in _VOCABULARIES):
        raise ModelRefusedError(
            "It has no tokenizer: save one beside the weights (tokenizer.json; save_pretrained of the tokenizer does)."
        )


def missing_of_picture(missing: Collection[str]) -> list[str]:
    """Those of the tensors that were missing of which a picture is made: all but a pooler's."""
    return [each for each in missing if "pooler" not in each]


def check_whole(missing: Collection[str], title: str) -> None:
    """Raise ModelRefusedError when tensors were missing that a picture is made of.

    transformers fills those with random numbers. A pooler is none of them: it comes after all that is shown.
    """
    lacking = missing_of_picture(missing)
    if lacking:
        raise ModelRefusedError(
            f"The weights of {title} lack {len(lacking)} of the tensors that its architecture has, which would be "
            "filled with random numbers; get the files anew, or choose another model."
        )


def check_depth(model: PreTrainedModel, unexpected: Collection[str], title: str) -> None:
    """Raise ModelRefusedError when the files have layers that the config does not name: the model would be cut off.

    unexpected: the names of the tensors that the files have and the class has not.
    """
    stacks = {path: len(each) for path, each in model.named_modules() if isinstance(each, torch.nn.ModuleList)}
    for path, length in stacks.items():
        # A file of the model inside (AutoModel) has the same names without what stands before it.
        named = re.compile(rf"(?:^|\.){re.escape(path.removeprefix(model.base_model_prefix + '.'))}\.(\d+)\.")
        numbers = [int(found[1]) for each in unexpected if (found := named.search(each))]
        if max(numbers, default=-1) >= length:
            raise ModelRefusedError(
                f"The weights of {title} have {max(numbers) + 1} layers where its config.json names {length}: the two "
                "do not belong together. Get the files anew."
            )


def config_from(settings: Mapping[str, Any]) -> PreTrainedConfig:
    """The config that these settings of a config.json make. Raises ModelRefusedError."""
    kind = settings.get("model_type")
    if not isinstance(kind, str) or kind not in CONFIG_MAPPING:
        named = f" ({kind})" if isinstance(kind, str) and _PLAIN.fullmatch(kind) else ""
        raise ModelRefusedError(
            f"Its architecture{named} is none that the installed transformers knows; choose another model."
        )
    if settings.get("quantization_config"):
        raise ModelRefusedError(
            "Its weights are quantised in a format that is not read here; choose the model in its original precision, "
            "or as GGUF."
        )
    try:
        # transformers imports the class when it is asked for.
        with one_at_a_time():
            return CONFIG_MAPPING[kind].from_dict(without_other_places(settings))
    except Exception as error:
        raise ModelRefusedError(
            f"Its config.json does not fit its architecture ({kind}): {type(error).__name__} on reading it."
        ) from error


def family_of(config: PreTrainedConfig) -> Family:
    """Whether it reads (encoder), writes (decoder) or both (seq2seq). Raises ModelRefusedError where it is no text."""
    named = set(config.architectures or ())
    kind = type(config)
    is_alone = not getattr(config, "is_encoder_decoder", False)
    if not is_alone and kind in MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING:
        return "seq2seq"
    if (
        is_alone
        and kind in MODEL_FOR_CAUSAL_LM_MAPPING
        and (kind not in MODEL_FOR_MASKED_LM_MAPPING or named & set(MODEL_FOR_CAUSAL_LM_MAPPING_NAMES.values()))
    ):
        return "decoder"
    if is_alone and kind in MODEL_FOR_MASKED_LM_MAPPING and kind in MODEL_MAPPING:
        return "encoder"
    raise ModelRefusedError(
        f"Its architecture ({config.model_type}) is not one that reads or writes text; choose a language model."
    )


def config_has_masked_head(config: PreTrainedConfig) -> bool:
    """Whether an encoder's weights come with a head for masked language, as its config names the class."""
    return bool(set(config.architectures or ()) & set(MODEL_FOR_MASKED_LM_MAPPING_NAMES.values()))


def classifies_texts(named: Collection[str]) -> bool:
    """Whether a class among these has a head that classifies whole texts."""
    return bool(set(named) & set(MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES.values()))


def model_class_of(config: PreTrainedConfig) -> type[PreTrainedModel]:
    """The class that transformers loads it into. Raises ModelRefusedError, ArchitectureNotSupportedError."""
    model_class = text_class_of(config)
    check_attention(model_class)
    return model_class


def text_class_of(config: PreTrainedConfig) -> type[PreTrainedModel]:
    """The same, whether its attention can be seen or not. Raises ModelRefusedError."""
    mapping = {
        "encoder": MODEL_FOR_MASKED_LM_MAPPING if config_has_masked_head(config) else MODEL_MAPPING,
        "decoder": MODEL_FOR_CAUSAL_LM_MAPPING,
        "seq2seq": MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING,
    }[family_of(config)]
    found: Any = mapping[type(config)]
    model_class: type[PreTrainedModel] = found[0] if isinstance(found, tuple) else found
    if model_class.main_input_name != "input_ids":
        raise ModelRefusedError(
            f"Its architecture ({config.model_type}) does not read text as tokens; choose a language model."
        )
    return model_class


def card_from(config: PreTrainedConfig, **fields: Any) -> ModelCard:
    """A card with the figures of this config; nothing is allocated. `fields`: the others of the card.

    Raises ModelRefusedError, ArchitectureNotSupportedError.
    """
    try:
        return replace(_figures(_Config(type(config), config.to_json_string(use_diff=False), config)), **fields)
    except HeadlightError:
        raise
    except Exception as error:
        # A config may say anything under any key: its class and what reads it raise what they stumble on.
        raise ModelRefusedError(
            f"Its config.json makes no model ({type(error).__name__}): its numbers do not fit together."
        ) from error


@dataclass(frozen=True)
class _Config:
    """What a config says, and the config, which is compared by that."""

    kind: type[PreTrainedConfig]
    written: str
    config: PreTrainedConfig = field(compare=False)


@lru_cache(maxsize=_MOST_REMEMBERED)
def _figures(of: _Config) -> ModelCard:
    """A card without a name; a folder is looked at when it is opened, and again when it is loaded."""
    config = of.config
    seeing = seeing_class(config)
    if seeing is None:
        model_class, text = model_class_of(config), config.get_text_config()
    else:
        check_attention(seeing)
        model_class, text = seeing, seeing_config(config)
    layers, heads, width, vocabulary = (
        _number(text, each) for each in ("num_hidden_layers", "num_attention_heads", "hidden_size", "vocab_size")
    )
    if not (layers and heads and width and (vocabulary or seeing)):
        raise ModelRefusedError(
            f"Its architecture ({config.model_type}) has no attention heads of one number, so there is nothing to see; "
            "choose a transformer."
        )
    _check_size(text, layers)
    with torch.device("meta"), of_few_modules():
        model = model_class(config)
    _check_buffers(model)
    family = family_of(config) if seeing is None else "vision"
    return ModelCard(
        name="",
        title="",
        family=family,
        pack=NO_PACK,
        layers=(_number(text, "encoder_layers") or layers) if family == "seq2seq" else layers,
        decoder_layers=_decoder_layers(text, layers) if family == "seq2seq" else None,
        heads=heads,
        key_value_heads=_number(text, "num_key_value_heads") or heads,
        width=width,
        vocabulary=vocabulary if seeing is None else 0,
        positions=position_limit(model) or _number(text, "n_positions") or None if seeing is None else None,
        parameters=model.num_parameters(),
        licence="",
        source="",
        precision=f"Weights in {str(getattr(config, 'dtype', None) or 'float32').removeprefix('torch.')}.",
    )


def readable_title(text: str) -> str:
    """A name for a card: short, and without what Markdown would read as more than text."""
    clean = re.sub(r"[*`\[\]<>$|\\~:#]+|[\x00-\x1f]", " ", text)
    return " ".join(clean.split())[:60] or "A model"


def _number(text: Any, name: str) -> int:
    """The whole number of this name, or 0 where it is none."""
    found = getattr(text, name, None)
    return found if isinstance(found, int) and found > 0 else 0


def _decoder_layers(text: Any, otherwise: int) -> int:
    return _number(text, "decoder_layers") or _number(text, "num_decoder_layers") or otherwise


def _check_size(text: Any, layers: int) -> None:
    experts = max(_number(text, each) for each in ("num_experts", "num_local_experts", "n_routed_experts"))
    if max(layers, _decoder_layers(text, 0)) > MOST_LAYERS or experts > MOST_EXPERTS:
        raise ModelRefusedError(
            f"Its config.json names more than {MOST_LAYERS} layers or {MOST_EXPERTS:,} experts; choose a smaller model."
        )


_modules_left: ContextVar[list[int] | None] = ContextVar("headlight_modules_left", default=None)


def of_few_modules(most: int = _MOST_MODULES) -> AbstractContextManager[None]:
    """Raise ModelRefusedError where the models that are made inside get more modules together than any that is known.

    most: of them, where less than the time that many take is to be spent.
    """
    return holding(_modules_left, [most])


def _count_module(*_: object) -> None:
    """Raise ModelRefusedError where a model gets more modules than any that is known."""
    left = _modules_left.get()
    if left is not None:
        left[0] -= 1
        if left[0] < 0:
            raise ModelRefusedError(
                "Its config.json makes a model of more parts, layers and experts counted, than any that is known; "
                "choose a smaller model."
            )


# For good: torch walks through these hooks whenever a module is made, in whichever thread.
register_module_module_registration_hook(_count_module)


def _check_buffers(model: PreTrainedModel) -> None:
    """What a model keeps beside its weights (masks, tables of positions) is made of numbers of its config alone."""
    size = sum(each.nbytes for each in model.buffers())
    if size > _MOST_BUFFER_BYTES:
        raise ModelRefusedError(
            f"Its config.json makes tables of {size / 1e9:,.1f} GB beside its weights; choose one for shorter texts."
        )
