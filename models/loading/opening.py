"""From a name to a card, wherever the model comes from."""

from models.catalog import MODELS, ModelCard, model_card
from models.loading.folders import FOLDER, open_folder
from models.loading.hub_ids import is_of_hub


def card_of(name: str) -> ModelCard:
    """The card of this name; a folder, or what was fetched from the hub, is opened if it was not yet in this process.

    Raises UnknownModelError, FolderError, HubError, ModelRefusedError.
    """
    if name in MODELS:
        return MODELS[name]
    if name.startswith(FOLDER):
        return open_folder(name.removeprefix(FOLDER))
    if is_of_hub(name):
        from models.loading.hub import open_fetched

        return open_fetched(name)
    return model_card(name)
