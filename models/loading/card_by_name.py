"""From a name to a card, wherever the model comes from."""

from models.catalog import MODELS, ModelCard, model_card
from models.loading.allowed_folders import FOLDER, FolderError, has_changed
from models.loading.folders import open_folder
from models.loading.hub_ids import is_of_hub


def card_of(name: str) -> ModelCard:
    """The card of this name; a folder, or what was fetched from the hub, is opened if it was not yet in this process,
    and a folder again where its files were saved again.

    Raises UnknownModelError, FolderError, HubError, ModelRefusedError.
    """
    if name in MODELS and not has_changed(MODELS[name]):
        return MODELS[name]
    if name.startswith(FOLDER):
        # Whoever calls this runs a program of their own; who asks a server goes through `check_is_open` first.
        return open_folder(name.removeprefix(FOLDER), anywhere=True)
    if is_of_hub(name):
        from models.loading.hub import open_fetched

        return open_fetched(name)
    return model_card(name)


def check_is_open(name: str) -> None:
    """Raise FolderError for a folder, or a bare path, that was not opened in this process: a computation opens none by
    itself.

    Who may look where is decided by whoever opens it, with `open_folder`.
    """
    if name not in MODELS and (name.startswith(FOLDER) or ("/" in name and not is_of_hub(name))):
        raise FolderError("This folder is not open here, or not any more; choose it again under “Another model”.")
