"""A stranger's JSON files, bounded and without what names another place before transformers sees them.

The classes allocate what a number says (as many labels, as many layers), read files and fetch repositories that a text
names, and put every key that they do not know on themselves, also in place of a method. So what is handed on is made
anew of what is understood: numbers within bounds, plain words, and keys that are no name of a class's own.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import fields
from functools import lru_cache
from inspect import getattr_static
from typing import Any

from transformers import PreTrainedConfig

from models.loading.refusals import ModelRefusedError

LARGEST = 4_000_000
_DEEPEST, _MOST_VALUES, _MOST_IN_LIST = 16, 120_000, 10_000
_MOST_ENDS = 64
MOST_LAYERS, MOST_EXPERTS, MOST_LABELS = 512, 1_024, 50_000
# Larger than those of any model that there is; the first kind whose pattern is found in a key is that of its numbers.
_KINDS: tuple[tuple[str, re.Pattern[str], int], ...] = tuple(
    (kind, re.compile(pattern), most)
    for kind, pattern, most in (
        # What these say sizes nothing; tokenizers without a longest text say 10 to the 30th.
        ("anything", r"^model_max_length$|^max_len", 10**31),
        ("anything", r"_id$|_ids$|theta|seed|^total_|_flos$|_count$", 2**63),
        ("labels", r"label", MOST_LABELS),
        ("entries of a vocabulary", r"vocab", 2**22),
        ("experts", r"experts?$|experts_per|expert_(groups?|num)|^n_group|^topk", MOST_EXPERTS),
        ("heads", r"heads?(_kv)?$|head_num|^num_key_value_groups$", 2_048),
        ("kernel sizes", r"kernel|stride|dilation|padding", 2_048),
        ("numbers of a width", r"size|dim|width|channels|rank|d_model|d_ff|d_kv|d_inner|d_state|embd|inner|ffn", 2**20),
        ("layers", r"layers?(_count)?$|^n_layer|^num_layers|depths?$|blocks?$|stages?$|stacks?$|repeats?", MOST_LAYERS),
        ("tokens of a place", r"position|length|window|context|max_seq|seq_len|block|chunk|_len$", 2**24),
        ("anything", r"", 2**24),
    )
)
_WORDS = re.compile(r"[\w.+ -]{0,120}", re.ASCII)
_OF_A_FILE = re.compile(
    r"(^|_)(file|files|path|paths|dir|folder|repo|repository|url|uri|spm|from|hub|checkpoint)s?($|_)"
)
# What makes transformers read another file, fetch a repository, or replace parts of a model by other code.
_ELSEWHERE = frozenset(
    re.findall(
        r"\w+",
        """
        attn_implementation experts_implementation attn_kernel kernel_config kernels use_kernels fusion_config
        distributed_config transformers_weights adapter_kwargs peft_config backbone backbone_kwargs use_timm_backbone
        use_pretrained_backbone timm_model_name model_name custom_generate custom_pipelines auto_map trust_remote_code
        code_revision revision token gguf_file quantization_config assistant_model init_inputs tokenizer_object vocab
        merges sp_model_kwargs sp_model tokenizer_type config is_local local_files_only use_auth_token subfolder
        task_specific_params
        """,
    )
)
# Where a person's own words stand.
_TEXTS = re.compile(r"_tokens?$|^additional_special_tokens$|^chat_template$|token.*decoder$|^id2|2id$|lang|^prefix$")
# Names of the class itself: its methods, and what it says of all its configs.
_OF_THE_CLASS = frozenset(
    name
    for name in dir(PreTrainedConfig)
    if name not in {each.name for each in fields(PreTrainedConfig)} | {"model_type"}
    and not isinstance(getattr_static(PreTrainedConfig, name), property)
)
_FLOATS = frozenset(("float16", "float32", "float64", "bfloat16"))


def settings_in(data: bytes, file: str) -> dict[str, Any]:
    """What a JSON file of a model says, its numbers within bounds.

    file: its name, for the sentence. Raises ModelRefusedError, also where it asks for code of its own.
    """
    try:
        settings = json.loads(data) if len(data) <= LARGEST else None
    except (ValueError, RecursionError):
        settings = None
    if not isinstance(settings, dict):
        raise ModelRefusedError(f"Its {file} is damaged: it holds no JSON object; get the file anew.")
    if settings.get("auto_map") or settings.get("custom_pipelines"):
        raise ModelRefusedError(
            f"It asks to run code of its own (auto_map in {file}), and Headlight runs none but transformers'; choose a "
            "model that transformers knows."
        )
    _check_numbers(settings, file)
    return settings


def without_other_places(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings without keys that name another file, repository or code, or text that is none of plain words."""
    return {
        key: clean
        for key, value in settings.items()
        if not ((key.startswith("_") and key != "__float__") or key in _ELSEWHERE or key in _OF_THE_CLASS)
        and not (isinstance(value, str | dict | list) and _OF_A_FILE.search(key))
        and ((clean := _clean(key, value)) is not None or value is None)
    }


def _clean(key: str, value: Any) -> Any:
    """The value, or None where it is text that may be a path or an id of a repository."""
    if key.endswith("_token_id"):
        ids = value if isinstance(value, list) and key.startswith(("eos", "decoder", "forced")) else [value]
        return value if len(ids) <= _MOST_ENDS and all(type(each) is int for each in ids) else None
    if key == "architectures":
        return value if isinstance(value, list) and all(isinstance(each, str) for each in value) else None
    if _TEXTS.search(key) or not isinstance(value, str | dict | list):
        return value
    if isinstance(value, str):
        if key in {"dtype", "torch_dtype"}:
            return value if value.removeprefix("torch.") in _FLOATS else None
        return value if _WORDS.fullmatch(value) and ".." not in value else None
    if isinstance(value, dict):
        return without_other_places(value)
    cleaned = [_clean(key, each) for each in value]
    return value if all(new is not None or old is None for new, old in zip(cleaned, value, strict=True)) else None


def _check_numbers(settings: Mapping[str, Any], file: str) -> None:
    """Raise ModelRefusedError where a number, a list or the nesting is beyond what any model has."""
    for count, (key, value, depth) in enumerate(_values(settings, "", 0)):
        kind, most = _kind_of(key)
        if isinstance(value, dict | list):
            amount = len(value)
            most = max(most if kind == "labels" or "token" in key else 0, _MOST_IN_LIST)
        else:
            # Of a whole number of hundreds of digits nothing else can be asked.
            is_amount = isinstance(value, int) or (math.isfinite(value) and kind != "anything")
            amount = abs(value) if is_amount else 0
        if amount > most:
            raise ModelRefusedError(_too_many(kind, most, file))
        if depth > _DEEPEST or count > _MOST_VALUES:
            raise ModelRefusedError(
                f"Its {file} is nested deeper or longer than that of any model; get the file anew, or choose another."
            )


def _too_many(kind: str, most: int, file: str) -> str:
    if kind in {"layers", "experts"}:
        what = f"more than {MOST_LAYERS} layers or {MOST_EXPERTS:,} experts"
    else:
        what = f"more than {most:,} {kind}" if kind != "anything" else "a number or a list beyond those of any model"
    return f"Its {file} names {what}; choose a smaller model."


@lru_cache(maxsize=4_096)
def _kind_of(key: str) -> tuple[str, int]:
    return next((kind, most) for kind, pattern, most in _KINDS if pattern.search(key))


def _values(value: Any, key: str, depth: int) -> Iterator[tuple[str, Any, int]]:
    """Every number, list and object with the key that it stands under and how deep; no deeper than is looked at."""
    if isinstance(value, dict | list):
        yield key, value, depth
        if depth > _DEEPEST:
            return
        # The entries of a list are of the list's kind, and so are those of an object whose keys are numbers.
        inner = value.items() if isinstance(value, dict) else ((key, each) for each in value)
        for name, each in inner:
            yield from _values(each, key if name.isdigit() else name.lower(), depth + 1)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield key, value, depth
