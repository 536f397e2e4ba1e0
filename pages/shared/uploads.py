"""How many files, and how large ones, a session and all of them may hand to the server.

Streamlit keeps uploaded files in memory as long as the session lasts, and anybody may send them, with a widget or by
hand.
"""

import os
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus

from streamlit import config, runtime

from models.settings import parsed_size

_MIB = 1024**2
_MINUTE = 60.0
VARIABLE = "HEADLIGHT_MAX_FILE"
# Where one person has the server to themselves.
_LARGEST_ALONE = 100 * _MIB
# What a form has round a file.
_FRAME = 64 * 1024


@dataclass(frozen=True)
class UploadLimits:
    """files, file_bytes: that a session keeps. files_in_a_minute, bytes_in_a_minute: that it sends.
    all_bytes: that all sessions keep. at_once, all_at_once: uploads under way, of a session and of all.
    """

    files: int = 24
    file_bytes: int = 48 * _MIB
    files_in_a_minute: int = 40
    bytes_in_a_minute: int = 96 * _MIB
    all_bytes: int = 512 * _MIB
    at_once: int = 3
    all_at_once: int = 24


@dataclass
class _Sender:
    """What a session has under way, and sent in the last minute: when, and how many bytes."""

    under_way: int = 0
    bytes_under_way: int = 0
    sent: deque[tuple[float, int]] = field(default_factory=deque)


class Uploads:
    """Says what is over. What is kept is counted where Streamlit keeps it, so that it is right also when it goes."""

    def __init__(self, limits: UploadLimits = UploadLimits()) -> None:
        self._limits = limits
        self._senders: dict[str, _Sender] = {}

    def refusal(self, session: str, length: int | None) -> tuple[int, str] | None:
        """Status and sentence where this session may not send so many bytes now; None where it may.

        length: as the request says; None where it does not.
        """
        if length is None:
            return HTTPStatus.LENGTH_REQUIRED, "An upload says how long it is; this one does not."
        largest = int(config.get_option("server.maxUploadSize"))
        if length > largest * _MIB + _FRAME:
            return (
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                f"A file may have {largest} MB here; take a smaller one.",
            )
        limits, mine = self._limits, self._sender(session)
        # One file of the largest size fits in any case.
        most_bytes = max(limits.file_bytes, largest * _MIB + _FRAME)
        in_a_minute = max(limits.bytes_in_a_minute, 2 * largest * _MIB)
        every = tuple(self._senders.values())
        if mine.under_way >= limits.at_once or sum(each.under_way for each in every) >= limits.all_at_once:
            return HTTPStatus.TOO_MANY_REQUESTS, "Too many files are on their way; send the next when one has arrived."
        if len(mine.sent) >= limits.files_in_a_minute or sum(size for _, size in mine.sent) + length > in_a_minute:
            return HTTPStatus.TOO_MANY_REQUESTS, "These are many files within a minute; wait a minute and go on."
        kept = _kept()
        own = kept.get(session, [])
        coming = mine.bytes_under_way + length
        if len(own) + mine.under_way >= limits.files or sum(own) + coming > most_bytes:
            return (
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                f"This page has sent {len(own)} files already, and may keep {limits.files} with "
                f"{most_bytes // _MIB} MB together; take one away, or load the page anew.",
            )
        in_all = sum(map(sum, kept.values())) + sum(each.bytes_under_way for each in every) + length
        if in_all > limits.all_bytes:
            return HTTPStatus.INSUFFICIENT_STORAGE, "All visitors together have sent as much as fits; try in a minute."
        return None

    @contextmanager
    def under_way(self, session: str, length: int) -> Iterator[None]:
        """Count it while it arrives, and for a minute."""
        sender = self._senders.setdefault(session, _Sender())
        sender.under_way += 1
        sender.bytes_under_way += length
        sender.sent.append((time.monotonic(), length))
        try:
            yield
        finally:
            sender.under_way -= 1
            sender.bytes_under_way -= length

    def _sender(self, session: str) -> _Sender:
        """What this session has sent; those who sent nothing for a minute are forgotten."""
        old = time.monotonic() - _MINUTE
        for name, sender in tuple(self._senders.items()):
            while sender.sent and sender.sent[0][0] < old:
                sender.sent.popleft()
            if not sender.sent and not sender.under_way:
                del self._senders[name]
        return self._senders.get(session, _Sender())


def _kept() -> dict[str, list[int]]:
    """Bytes of each file that Streamlit keeps, for each session."""
    storage = getattr(runtime.get_instance().uploaded_file_mgr, "file_storage", {})
    return {session: [len(file.data) for file in tuple(files.values())] for session, files in tuple(storage.items())}


def take_largest_file(*, is_local: bool) -> None:
    """Have Streamlit take files as large as the operator says; else, where only this machine reaches the server, those
    of a person who has it to themselves.
    """
    given = parsed_size(os.environ.get(VARIABLE, "")) or (_LARGEST_ALONE if is_local else None)
    if given is not None:
        config.set_option("server.maxUploadSize", max(1, -(-given // _MIB)))


def largest_file() -> int:
    """How many bytes a file may have that somebody opens."""
    return int(config.get_option("server.maxUploadSize")) * _MIB
