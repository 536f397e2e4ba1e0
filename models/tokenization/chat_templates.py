"""Which chat template a tokenizer has: its own file's, or the format that its publisher describes, written here."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from models.catalog import MODELS, TokenizerCard
from models.loading.packs import model_folder

LONGEST_TEMPLATE = 100_000
_FILE = "chat_template.jinja"
_CONFIG = "tokenizer_config.json"

_LOOP = "{% for message in messages %}"
_END = "{% endfor %}"
_ALTERNATE = (
    "{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('After an optional system message, user and assistant take turns.') }}{% endif %}"
)
# The system prompt stands in no turn of its own.
_WITHOUT_SYSTEM = (
    "{% if messages[0]['role'] == 'system' %}{% set system = messages[0]['content'] + '\\n\\n' %}"
    "{% set turns = messages[1:] %}{% else %}{% set system = '' %}{% set turns = messages %}{% endif %}"
    "{{ bos_token }}{% for message in turns %}" + _ALTERNATE
)


def _headers(start: str, end: str, over: str) -> str:
    head = f"{{{{ '{start}' + message['role'] + '{end}\\n\\n' }}}}"
    return (
        "{{ bos_token }}"
        + _LOOP
        + head
        + f"{{{{ message['content'] | trim + '{over}' }}}}"
        + _END
        + f"{{% if add_generation_prompt %}}{{{{ '{start}assistant{end}\\n\\n' }}}}{{% endif %}}"
    )


@dataclass(frozen=True)
class ChatTemplate:
    """A template in Jinja.

    special: the tokenizer's special tokens by their roles (bos_token), as transformers hands them to a template.
    source: where it is from, in words. is_own: whether it lies in the tokenizer's own files.
    """

    jinja: str
    special: Mapping[str, str]
    source: str
    is_own: bool


_CHATML = (
    _LOOP
    + "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}"
    + _END
    + "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
_MISTRAL_V1 = (
    _WITHOUT_SYSTEM
    + "{% if message['role'] == 'user' %}{{ ' [INST] ' + (system if loop.first else '') + message['content'] "
    + "+ ' [/INST]' }}{% else %}{{ ' ' + message['content'] + eos_token }}{% endif %}"
    + _END
)
_TEKKEN = (
    _WITHOUT_SYSTEM
    + "{% if message['role'] == 'user' %}{% if tools and loop.last %}{{ '[AVAILABLE_TOOLS]' + (tools | tojson) + "
    + "'[/AVAILABLE_TOOLS]' }}{% endif %}{{ '[INST]' + (system if loop.last else '') + message['content'] "
    + "+ '[/INST]' }}{% else %}{{ message['content'] + eos_token }}{% endif %}"
    + _END
)
_DEEPSEEK = (
    "{{ bos_token }}"
    + _LOOP
    + "{% if message['role'] == 'system' %}{{ message['content'] }}"
    + "{% elif message['role'] == 'user' %}{{ '<｜User｜>' + message['content'] }}"
    + "{% elif message['role'] == 'assistant' %}{{ '<｜Assistant｜>' + message['content'] + eos_token }}"
    + "{% else %}{{ raise_exception('Only system, user and assistant take part.') }}{% endif %}"
    + _END
    + "{% if add_generation_prompt %}{{ '<｜Assistant｜>' }}{% endif %}"
)
_LLAMA3_SPECIAL = {"bos_token": "<|begin_of_text|>", "eos_token": "<|eot_id|>"}
_LLAMA4_SPECIAL = {"bos_token": "<|begin_of_text|>", "eos_token": "<|eot|>"}
_MISTRAL_SPECIAL = {"bos_token": "<s>", "eos_token": "</s>"}
_DEEPSEEK_SPECIAL = {"bos_token": "<｜begin▁of▁sentence｜>", "eos_token": "<｜end▁of▁sentence｜>"}


def _described(jinja: str, special: dict[str, str], after: str) -> ChatTemplate:
    source = f"its package has none; written here after {after}"
    return ChatTemplate(jinja, MappingProxyType(special), source, is_own=False)


# Where a package holds a tokenizer without a template: what its publisher says that a chat looks like.
DESCRIBED: Mapping[str, ChatTemplate] = MappingProxyType(
    {
        "llama3": _described(
            _headers("<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"),
            _LLAMA3_SPECIAL,
            "llama_models/llama3/chat_format.py",
        ),
        "llama4": _described(
            _headers("<|header_start|>", "<|header_end|>", "<|eot|>"),
            _LLAMA4_SPECIAL,
            "llama_models/llama4/chat_format.py",
        ),
        "qwen": _described(_CHATML, {"eos_token": "<|im_end|>"}, "ChatML, as Qwen describes it"),
        "mistral": _described(_MISTRAL_V1, _MISTRAL_SPECIAL, "mistral-common, instruct tokenizer v1"),
        "tekken": _described(_TEKKEN, _MISTRAL_SPECIAL, "mistral-common, instruct tokenizer v3"),
        "deepseek": _described(_DEEPSEEK, _DEEPSEEK_SPECIAL, "the chats that DeepSeek-V3 is published with"),
    }
)


def template_of(card: TokenizerCard) -> ChatTemplate | None:
    """The template that comes with a tokenizer, else the format that is described for it; None where there is none.

    Raises PackError where the files of its model are not here.
    """
    if card.name in DESCRIBED:
        return DESCRIBED[card.name]
    if not card.model:
        return None
    folder = model_folder(MODELS[card.model])
    if not (folder / _FILE).is_file():
        return None
    jinja = (folder / _FILE).read_text("utf-8")
    config = folder / _CONFIG
    special = special_in(config.read_text("utf-8")) if config.is_file() else {}
    return ChatTemplate(jinja, special, "its own, from its files", is_own=True)


def special_in(config: str) -> dict[str, str]:
    """The special tokens by their roles in the text of a tokenizer_config.json."""
    said = json.loads(config)
    named = {role: said[role] for role in said if role.endswith("_token")}
    texts = {role: each.get("content") if isinstance(each, dict) else each for role, each in named.items()}
    return {role: each for role, each in texts.items() if isinstance(each, str)}


def pasted(jinja: str, of: ChatTemplate | None) -> ChatTemplate:
    """Somebody's own template, with the special tokens of the tokenizer that it is used with."""
    return ChatTemplate(jinja, {} if of is None else of.special, "pasted here", is_own=False)
