"""What the small pictures on Home are of: the sentence of the thread, or a page's first example."""

from collections.abc import Collection

from models.catalog import MODELS
from pages.shared import thread
from pages.shared.page import Example


def is_of_the_thread(families: Collection[str] = ("encoder", "decoder", "seq2seq")) -> bool:
    """Whether somebody chose a text, in a model of one of these families, that is short enough for a glance."""
    text = thread.TEXT.value
    return (
        (thread.TEXT.is_chosen or thread.MODEL.is_chosen)
        and MODELS[thread.MODEL.value].family in families
        and 0 < len(text.strip()) <= 500
    )


def subject(first: Example, families: Collection[str] = ("encoder", "decoder", "seq2seq")) -> tuple[str, str]:
    """Model and text: the thread's, where a page of these families can show it, else the first example's."""
    if is_of_the_thread(families):
        return thread.MODEL.value, thread.TEXT.value
    return first.chosen[thread.MODEL], first.chosen[thread.TEXT]
