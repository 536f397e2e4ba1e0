"""How many threads compute what is small."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from threadpoolctl import ThreadpoolController


@contextmanager
def on_one_thread() -> Iterator[None]:
    """Have torch compute in this thread alone, as long as the block lasts; others are left as they are.

    Streamlit runs every rerun in a new thread, and OpenMP gives each of those helpers of its own, with which every
    operation waits until the slowest has been given a core, which the browser or another session may have: ten
    milliseconds of work on a vocabulary took a hundred. A forward is worth it.
    """
    with _controller().limit(limits=1, user_api="openmp"):
        yield


@cache
def _controller() -> ThreadpoolController:
    # It looks through the libraries of the process: those of torch are among them when somebody computes.
    import torch  # noqa: F401

    return ThreadpoolController()
