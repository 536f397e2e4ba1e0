"""What can be chosen on the room page: what every page has."""

from typing import Any

from pages.shared.link import Choice

CHOICES: tuple[Choice[Any], ...] = ()
