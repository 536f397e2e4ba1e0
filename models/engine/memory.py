"""Memory that was given back stays with the process: keeping that little."""

import ctypes
import sys

# `mallopt` of the GNU C library, malloc.h.
_M_ARENA_MAX = -8
_ARENAS = 2


def few_arenas() -> None:
    """Have all threads share two heaps, where the C library is GNU's.

    It gives each new thread a heap of its own, up to eight for each processor core, and Streamlit runs every rerun in
    a new thread. A cache that grows by one token at a time leaves holes in each of them: after a thousand tokens the
    process held 400 MB that nobody used. Python's own lock lets one thread allocate at a time anyway.
    """
    if sys.platform != "linux":
        return
    library = ctypes.CDLL(None)
    # Other C libraries of Linux have no such function, and no such heaps.
    if hasattr(library, "mallopt"):
        library.mallopt(_M_ARENA_MAX, _ARENAS)
