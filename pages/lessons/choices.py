"""What can be chosen on the lessons page."""

from typing import Any

from pages.shared.link import Choice

CHOICES: tuple[Choice[Any], ...] = ()
