"""What an example of a page is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from pages.shared.link import Choice


class Example(Protocol):
    """Something ready-made that is worth a look.

    label: on its button. look: what there is to see. chosen: what is chosen once it is opened; every other choice of
    the page is the default then.
    """

    @property
    def label(self) -> str: ...  # noqa: D102
    @property
    def look(self) -> str: ...  # noqa: D102
    @property
    def chosen(self) -> Mapping[Choice[Any], Any]: ...  # noqa: D102


@dataclass(frozen=True, eq=False)
class ReadyMade:
    """An example that lists what it chooses; a page with examples of its own kind has a class for them."""

    label: str
    chosen: Mapping[Choice[Any], Any]
    look: str
