"""What a model of the hub is called here: no network, no torch."""

import re
from dataclasses import dataclass

from models.catalog.hub_models import HUB_MODELS
from models.catalog.models import MODELS
from models.errors import HeadlightError

HUB = "hub:"
# huggingface_hub.utils.validate_repo_id; a revision is a branch, a tag, a commit or refs/pr/N.
_REPOSITORY = re.compile(r"(?!.*(\.\.|--))[A-Za-z0-9][\w.-]{0,95}(/[A-Za-z0-9][\w.-]{0,95})?", re.ASCII)
_REVISION = re.compile(r"(?!.*\.\.)[\w][\w./-]{0,119}", re.ASCII)


class HubError(HeadlightError):
    """What could not be had from the hub, and why."""


@dataclass(frozen=True)
class HubId:
    """A repository of the hub at a revision: a branch, a tag or a commit."""

    repository: str
    revision: str

    @property
    def name(self) -> str:
        """What the model is called in links: the short name where it is in the catalog."""
        for card in HUB_MODELS.values():
            if (card.hub, card.revision) == (self.repository, self.revision):
                return card.name
        return f"{HUB}{self.repository}" + ("" if self.revision == "main" else f"@{self.revision}")


def is_of_hub(name: str) -> bool:
    """Whether this is the name of a model of the hub, in the catalog or not."""
    return name in HUB_MODELS or name.startswith(HUB)


def hub_id(name: str) -> HubId:
    """The repository and revision of a name: one of the catalog, "hub:ORG/NAME" or "hub:ORG/NAME@REVISION".

    Raises HubError when it is none of them.
    """
    if name in HUB_MODELS:
        return HubId(HUB_MODELS[name].hub, HUB_MODELS[name].revision)
    repository, _, revision = name.removeprefix(HUB).strip().partition("@")
    revision = revision.strip() or "main"
    if not _REPOSITORY.fullmatch(repository) or not _REVISION.fullmatch(revision):
        raise HubError(
            "This is no id of a model on the hub: it reads ORGANISATION/NAME, as in openai-community/gpt2, and a "
            "revision is a branch, a tag or a commit."
        )
    return HubId(repository, revision)


def offline_choices() -> str:
    """The models that are there without a network, as the end of a sentence about one that is not."""
    return f"Here without it: {', '.join(card.title for card in MODELS.values())}."
