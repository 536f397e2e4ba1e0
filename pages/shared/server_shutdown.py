"""How the server ends: soon after it is told to, with 0, whatever is computed, read or fetched meanwhile.

Threads that compute cannot be waited for, and an interpreter that takes itself apart beside them is aborted by what
they are in the middle of. So what has to be put in order is, and then the process ends without being taken apart.
"""

import logging
import os
import signal
import sys
import threading
from functools import partial
from types import FrameType
from typing import Any

_PATIENCE_SECONDS = 3.0
_told = threading.Event()


def end_when_told() -> None:
    """Have SIGINT and SIGTERM end the server; called when it imports the app, after it has set its own handlers."""
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, partial(_tell, signal.getsignal(number)))


def _tell(before: Any, number: int, frame: FrameType | None) -> None:
    """The server closes its sessions and calls `end_if_told`; whoever does not let go is not waited for."""
    if not _told.is_set():
        _told.set()
        last = threading.Timer(_PATIENCE_SECONDS, _end)
        last.daemon = True
        last.start()
    if callable(before):
        before(number, frame)
    else:
        _end()


def end_if_told() -> None:
    """Called last of all that the server does."""
    if _told.is_set():
        _end()


def _end() -> None:
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(0)
