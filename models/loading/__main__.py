"""`python -m models.loading`: verify every pack and expand what needs expanding, before the app starts."""

import logging
import sys

from models.catalog import MODELS, TOKENIZERS
from models.loading.packs import PackError, model_folder
from models.tokenization.shelf import tokenizer_folder

logging.basicConfig(level=logging.INFO, format="%(message)s")
try:
    for card in MODELS.values():
        print(f"{card.name}: {model_folder(card)}")
    for card in TOKENIZERS.values():
        if card.pack is not None:
            print(f"{card.name}: {tokenizer_folder(card)}")
except PackError as error:
    sys.exit(f"{card.name}: {error}")
