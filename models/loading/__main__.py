"""`python -m models.loading`: verify every pack and expand what needs expanding, before the app starts."""

import logging
import sys

from models.catalog import MODELS
from models.loading.packs import PackError, model_folder

logging.basicConfig(level=logging.INFO, format="%(message)s")
for card in MODELS.values():
    try:
        print(f"{card.name}: {model_folder(card)}")
    except PackError as error:
        sys.exit(f"{card.name}: {error}")
