"""Sharing the plan: a link, its numbers as files, the program."""

from pages.anatomy.choices import CHOICES
from pages.shared.export import program, share_and_download


def take_along() -> None:
    """The link, and the files."""
    share_and_download(CHOICES, [])


def code() -> None:
    """The program that counts the same."""
    program("anatomy.py")
