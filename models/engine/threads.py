"""How many threads compute what is small."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from threadpoolctl import ThreadpoolController


def wait_asleep() -> None:
    """Have OpenMP's threads sleep while they wait for each other, unless the environment says otherwise.

    They wait in a busy loop as they come. Streamlit's reruns are threads with helpers of their own, and the browser
    wants a core as well: whoever waits then keeps the core from the one that it waits for, and a forward of 0.3 seconds
    took 5. Alone on a machine both ways are as fast. It must be said before torch is imported, which loads OpenMP.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")


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
