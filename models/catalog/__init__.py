"""What can be loaded: frozen cards. Light to import: no torch, no transformers."""

from models.catalog.models import DEFAULT_MODEL, EARLIER, MODELS, Family, ModelCard, UnknownModelError, model_card
from models.catalog.packs import D3, JQUERY, MESSAGES, NO_PACK, Pack, PackFile
from models.catalog.published_configs import ARCHITECTURES, KnownArchitecture
from models.catalog.tokenizers import (
    DEFAULT_TOKENIZERS,
    TOKENIZERS,
    Algorithm,
    TokenizerCard,
    TokenizerFormat,
    UnknownTokenizerError,
    tokenizer_card,
)
