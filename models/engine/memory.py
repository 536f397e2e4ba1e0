"""Memory that was given back stays with the process: keeping that little."""

import ctypes
import sys

# `mallopt` of the GNU C library, malloc.h.
_M_ARENA_MAX, _ARENAS = -8, 2
_M_MMAP_THRESHOLD, _THRESHOLD = -3, 256 * 1024


def give_memory_back() -> None:
    """Have what is freed go back to the system, where the C library is GNU's.

    It gives each new thread a heap of its own, up to eight for each processor core, and Streamlit runs every rerun in
    a new thread; and it comes to take ever larger blocks from these heaps. A cache that grows by one token at a time
    is freed and taken anew, a little larger, with each of them: that leaves holes. After a thousand tokens the process
    held hundreds of megabytes that nobody used. So threads share two heaps (Python's own lock lets one allocate at a
    time anyway), and blocks from 256 KiB on are the system's, which has them back when they are freed.
    """
    if sys.platform != "linux":
        return
    library = ctypes.CDLL(None)
    # Other C libraries of Linux have no such function, and no such heaps.
    if hasattr(library, "mallopt"):
        library.mallopt(_M_ARENA_MAX, _ARENAS)
        library.mallopt(_M_MMAP_THRESHOLD, _THRESHOLD)


def trim() -> None:
    """Hand what was freed and still lies between what is used back to the system, where the C library is GNU's.

    Takes some milliseconds for each gigabyte: for when much was let go of.
    """
    if sys.platform == "linux" and hasattr(library := ctypes.CDLL(None), "malloc_trim"):
        library.malloc_trim(0)
