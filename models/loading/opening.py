"""From a name to a card, wherever the model comes from."""

from models.catalog import MODELS, ModelCard, model_card
from models.loading.folders import FOLDER, open_folder


def card_of(name: str) -> ModelCard:
    """The card of this name; a folder is opened and checked if it was not yet in this process.

    Raises UnknownModelError, FolderError, ModelRefusedError.
    """
    if name.startswith(FOLDER) and name not in MODELS:
        return open_folder(name.removeprefix(FOLDER))
    return model_card(name)
