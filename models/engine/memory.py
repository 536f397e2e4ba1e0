"""Memory that was given back stays with the process: keeping it while it is of use, and little of it afterwards."""

import ctypes
import gc
import sys
import threading
import time
from functools import cache

# `mallopt` of the GNU C library, malloc.h.
_M_ARENA_MAX, _ARENAS = -8, 2
_M_TRIM_THRESHOLD, _KEPT = -1, 256 * 1024**2
# More it does not take.
_M_MMAP_THRESHOLD, _THRESHOLD = -3, 32 * 1024**2
_REST_SECONDS = 2.0
_LONGEST_WORK_SECONDS = 6.0

_worked = threading.Event()
_lock = threading.Lock()


def share_heaps() -> None:
    """Have threads share two heaps, and keep in them what a forward takes and gives back, where the C library is GNU's.

    It gives each new thread a heap of its own, up to eight for each processor core, and Streamlit runs every rerun in
    a new thread; Python's own lock lets one allocate at a time anyway. And it asks the system anew for what is large:
    each page of that is cleared when it is first written to, which was a third of a forward of 512 tokens.
    """
    library = _library()
    if library is not None:
        library.mallopt(_M_ARENA_MAX, _ARENAS)
        library.mallopt(_M_MMAP_THRESHOLD, _THRESHOLD)
        library.mallopt(_M_TRIM_THRESHOLD, _KEPT)


def return_when_idle() -> None:
    """Have what is free go back to the system once nothing was computed for two seconds, and every six seconds of work
    that does not end; called after each forward.

    A cache that grows by one token at a time is freed and taken anew, a little larger, with each of them, and leaves
    holes: after a thousand tokens these were hundreds of megabytes that nobody used. Returning them takes some
    milliseconds.
    """
    if _library() is None:
        return
    _worked.set()
    with _lock:
        if not any(thread.name == _return.__name__ for thread in threading.enumerate()):
            threading.Thread(target=_return, name=_return.__name__, daemon=True).start()


def full(where: str) -> str:
    """What to say where there is no room for a computation."""
    return f"There is not enough memory on {where} for this; take a shorter text, or a smaller model."


def return_now() -> None:
    """Have what is free go back to the system."""
    library = _library()
    if library is not None:
        library.malloc_trim(0)


def hide_from_collector() -> None:
    """Take what was imported and loaded, which stays for long, out of the garbage collector's sight.

    Looking through what the libraries hold takes longer than a rerun, and nobody else computes meanwhile.
    """
    gc.collect()
    gc.freeze()


def collect_all() -> None:
    """Collect what lies in a circle of what was out of sight as well, which was let go of."""
    gc.unfreeze()
    hide_from_collector()


def _return() -> None:
    while True:
        _worked.wait()
        since = time.monotonic()
        while _worked.is_set() and time.monotonic() - since < _LONGEST_WORK_SECONDS:
            _worked.clear()
            time.sleep(_REST_SECONDS)
        return_now()


@cache
def _library() -> ctypes.CDLL | None:
    """The C library where it is GNU's; others have no such functions, and no such heaps."""
    library = ctypes.CDLL(None) if sys.platform == "linux" else None
    return library if library is not None and hasattr(library, "mallopt") else None
