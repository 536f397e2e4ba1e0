"""The one root of every error that a person may read, and what is said of all others."""

import secrets


class HeadlightError(Exception):
    """Something a person can mend: the message says what is wrong, what was expected and what to do.

    The message is one plain sentence or two, without markup, and never holds text that a person typed.
    """


def new_fault() -> str:
    """A number for what nobody foresaw: the person reads it, and the line of the log has it."""
    return secrets.token_hex(3)


def unforeseen(fault: str, then: str = "") -> str:
    """What a person reads of a fault. then: what may be tried, without a full stop."""
    ending = f"; {then}" if then else ""
    return f"Something went wrong here that was not foreseen. It is in the server's log as fault {fault}{ending}."
