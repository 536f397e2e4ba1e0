"""How much may be asked at once: no request is worked on, hashed or kept that holds more text than that."""

import dataclasses

from models.errors import HeadlightError

# Where strangers share the server: cut into tokens, it takes a third of a second in which nobody else is served.
MOST_CHARACTERS = 300_000
# Where one person has it to themselves.
MOST_CHARACTERS_ALONE = 2_000_000


class RequestTooLargeError(HeadlightError):
    """A request that holds more text, or more token ids, than is worked on at once."""


def check_size(request: object, most_characters: int) -> None:
    """Raise RequestTooLargeError for one with more text in it.

    A request whose work is cut into small steps says itself how much it may be, as `most_characters`.
    """
    most = getattr(request, "most_characters", most_characters)
    count = _characters(request)
    if count > most:
        raise RequestTooLargeError(
            f"This text has {count:,} characters, and at most {most:,} are read at once here; shorten it, or take a "
            "part of it."
        )


def models_asked(request: object) -> frozenset[str]:
    """The names of the models that a request is about, in itself or in a request inside of it."""
    if isinstance(request, tuple):
        return frozenset().union(*(models_asked(each) for each in request if not isinstance(each, str | int | float)))
    if not dataclasses.is_dataclass(request):
        return frozenset()
    own = getattr(request, "model", None)
    inner = models_asked(tuple(getattr(request, field.name) for field in dataclasses.fields(request)))
    return inner | {own} if isinstance(own, str) else inner


def _characters(value: object) -> int:
    """Characters of all texts in it; each element of what is a sequence, for instance of token ids, counts as one."""
    if isinstance(value, str | bytes):
        return len(value)
    if isinstance(value, tuple | list | frozenset):
        return len(value) + sum(_characters(each) for each in value if not isinstance(each, int | float))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return sum(_characters(getattr(value, field.name)) for field in dataclasses.fields(value))
    return 0
