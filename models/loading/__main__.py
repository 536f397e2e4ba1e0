"""`python -m models.loading`: verify every pack, expand and check what needs it, before the app starts."""

import logging
import sys

from models.catalog import D3, JQUERY, MODELS, TOKENIZERS
from models.loading.packs import PackError, home, model_folder, packs_folder, verify_files
from models.tokenization.loading import tokenizer_folder

logging.basicConfig(level=logging.INFO, format="%(message)s")
try:
    for card in MODELS.values():
        print(f"{card.name}: {model_folder(card)}")
    if not (home() / "checks").is_dir():
        # Whoever first opens a model does not wait for its being compared with transformers' own.
        from models.loading.load import load_model

        for name in MODELS:
            print(f"{name}: {load_model(name).findings[0].sentence}")
    for card in TOKENIZERS.values():
        if card.pack is not None:
            print(f"{card.name}: {tokenizer_folder(card)}")
    for pack in (D3, JQUERY):
        verify_files(pack)
        print(f"{pack.distribution}: {packs_folder() / pack.folder}")
except PackError as error:
    sys.exit(str(error))
