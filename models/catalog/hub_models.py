"""Models of the hub that are known to open here, with their figures, before anything is fetched.

Layers, heads, widths and positions are those of the published configs, and parameters are counted from these by
transformers. Downloads are what the hub's file lists say of weights and tokenizer, rounded; where a list was not at
hand they are estimated from parameters and precision, and the card's `precision` says so. What the hub itself says is
shown before anything is fetched.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from models.catalog.models import Family, ModelCard
from models.catalog.packs import NO_PACK

_MEGABYTE = 1_000_000
# In a row, behind the id on the hub; megabytes are those of the download.
_ROW = ("layers", "heads", "width", "vocabulary", "parameters", "megabytes", "licence", "precision")


def _card(name: str, title: str, family: Family, hub: str, *row: int | str, **more: Any) -> ModelCard:
    given: dict[str, Any] = dict(zip(_ROW, row, strict=True))
    given["download"] = given.pop("megabytes") * _MEGABYTE
    settings: dict[str, Any] = {"key_value_heads": given["heads"], "positions": 512, "revision": "main"} | given | more
    return ModelCard(name, title, family=family, pack=NO_PACK, source=hub, hub=hub, **settings)


_FULL = "Weights as published, in float32."
_HALF = "Weights as published, in bfloat16."
_ABOUT = "The size of the download is an estimate."

_ALL = (
    _card(
        *("bert-base-uncased", "BERT base (encoder)", "encoder", "google-bert/bert-base-uncased"),
        *(12, 12, 768, 30_522, 109_482_240, 441, "Apache-2.0", _FULL),
    ),
    _card(
        *("distilbert-base-uncased", "DistilBERT (encoder)", "encoder", "distilbert/distilbert-base-uncased"),
        *(6, 12, 768, 30_522, 66_362_880, 269, "Apache-2.0", _FULL),
    ),
    _card(
        *("roberta-base", "RoBERTa base (encoder)", "encoder", "FacebookAI/roberta-base"),
        *(12, 12, 768, 50_265, 124_645_632, 502, "MIT", _FULL),
    ),
    _card(
        *("modernbert-base", "ModernBERT base (encoder)", "encoder", "answerdotai/ModernBERT-base"),
        *(22, 12, 768, 50_368, 149_014_272, 601, "Apache-2.0", f"{_FULL} {_ABOUT}"),
        positions=8_192,
    ),
    _card(
        *("gpt2", "GPT-2 (decoder)", "decoder", "openai-community/gpt2"),
        *(12, 12, 768, 50_257, 124_439_808, 551, "MIT", _FULL),
        positions=1_024,
    ),
    _card(
        *("distilgpt2", "DistilGPT-2 (decoder)", "decoder", "distilbert/distilgpt2"),
        *(6, 12, 768, 50_257, 81_912_576, 356, "Apache-2.0", f"{_FULL} {_ABOUT}"),
        positions=1_024,
    ),
    _card(
        *("pythia-70m", "Pythia 70M (decoder)", "decoder", "EleutherAI/pythia-70m"),
        *(6, 8, 512, 50_304, 70_426_624, 168, "Apache-2.0", "Weights as published, in float16."),
        positions=2_048,
    ),
    _card(
        *("qwen3-0.6b", "Qwen3 0.6B (decoder)", "decoder", "Qwen/Qwen3-0.6B"),
        *(28, 16, 1_024, 151_936, 596_049_920, 1_519, "Apache-2.0", f"{_HALF} {_ABOUT}"),
        key_value_heads=8,
        positions=40_960,
    ),
    _card(
        *("gemma-3-270m", "Gemma 3 270M (decoder)", "decoder", "google/gemma-3-270m"),
        *(18, 4, 640, 262_144, 268_098_176, 575, "Gemma terms of use", f"{_HALF} {_ABOUT}"),
        key_value_heads=1,
        positions=32_768,
        is_gated=True,
    ),
    _card(
        *("smollm2-360m", "SmolLM2 360M (decoder)", "decoder", "HuggingFaceTB/SmolLM2-360M"),
        *(32, 15, 960, 49_152, 361_821_120, 727, "Apache-2.0", f"{_HALF} {_ABOUT}"),
        key_value_heads=5,
        positions=8_192,
    ),
    _card(
        *("t5-small", "T5 small (seq2seq)", "seq2seq", "google-t5/t5-small"),
        *(6, 8, 512, 32_128, 60_506_624, 244, "Apache-2.0", _FULL),
        decoder_layers=6,
    ),
    _card(
        *("flan-t5-small", "Flan-T5 small (seq2seq)", "seq2seq", "google/flan-t5-small"),
        *(8, 6, 512, 32_128, 76_961_152, 311, "Apache-2.0", f"{_FULL} {_ABOUT}"),
        decoder_layers=8,
    ),
    # Its safetensors stand in a pull request only, which this commit is the end of; that of en-fr has none at all.
    _card(
        *("opus-mt-fi-en", "OPUS-MT Finnish to English (seq2seq)", "seq2seq", "Helsinki-NLP/opus-mt-fi-en"),
        *(6, 8, 512, 60_000, 75_000_000, 304, "Apache-2.0", f"{_FULL} Vocabulary and parameters are estimates."),
        decoder_layers=6,
        revision="97f67c6bcfdf477948cfe0330f663e3d7a46e7ce",
        reads="Finnish",
    ),
    _card(
        *("bart-base", "BART base (seq2seq)", "seq2seq", "facebook/bart-base"),
        *(6, 12, 768, 50_265, 139_420_416, 561, "Apache-2.0", _FULL),
        decoder_layers=6,
        positions=1_024,
    ),
)

HUB_MODELS: Mapping[str, ModelCard] = MappingProxyType({card.name: card for card in _ALL})
