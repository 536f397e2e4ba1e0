"""A library in Rust that gives up raises what is no `Exception`: a thread that does not expect it dies of it."""

from collections.abc import Iterator
from contextlib import contextmanager


class PanicError(RuntimeError):
    """A library gave up on what it was given."""


@contextmanager
def panics_as_failures() -> Iterator[None]:
    """Have a panic inside be an error like any other. Raises PanicError."""
    try:
        yield
    except BaseException as error:
        # Each library that was built with pyo3 has a class of its own by this name, and none hands it out.
        if type(error).__name__ != "PanicException":
            raise
        raise PanicError(str(error)) from error
