"""The one root of every error that a person may read."""


class HeadlightError(Exception):
    """Something a person can mend: the message says what is wrong, what was expected and what to do.

    The message is one plain sentence or two, without markup, and never holds text that a person typed.
    """
