"""A download as a job: how far it is, stopped when nobody wants it any more, and gone on with later."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from models.loading.file_download import RemoteFile, WrongSizeError, failure_in_words, fetch, is_as_listed
from models.loading.hub import Offer, is_fetched, look_up, open_fetched, repository_folder
from models.loading.hub import finish as put_in_place
from models.loading.hub_ids import HubError, HubId, hub_id, offline_choices
from models.loading.hub_limits import all_downloads

_OFTEN, _SELDOM, _OFTEN_FOR = 0.5, 2.0, 600.0
_PART = ".part"
_reserving = threading.Lock()
# Of the downloads that are under way here: the bytes that they will take, by the folder of the repository.
_reserved: dict[Path, int] = {}


@dataclass(frozen=True)
class Downloaded:
    """How far a download is. done, total: bytes. file: which one is coming, "" while another download is waited for."""

    done: int
    total: int
    file: str


@dataclass(frozen=True)
class DownloadRequest:
    """A model of the hub, to be on this machine afterwards; `MODELS` then knows it by its name.

    Steps are `Downloaded`. People who ask for the same one wait for one download, also those of another process. One
    that is stopped, or breaks off, goes on later where it was.

    Raises, in `steps`, HubError or ModelRefusedError.
    """

    model: str
    # People look at other pages while it comes; a closed browser ends it.
    patience = 180.0

    def steps(self, engine: Any) -> Iterator[Downloaded]:  # noqa: ARG002 - nothing is computed
        """Fetch what is not there yet."""
        which = hub_id(self.model)
        if not is_fetched(self.model):
            yield from _download(which, look_up(self.model))
        card = open_fetched(self.model)
        yield Downloaded(card.download, card.download, "")


def _download(which: HubId, offer: Offer) -> Iterator[Downloaded]:
    folder = repository_folder(which)
    total = offer.card.download
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / ".lock")
        while not lock.is_locked:
            try:
                lock.acquire(timeout=_OFTEN)
            except Timeout:
                yield Downloaded(0, total, "")
        try:
            if not is_fetched(which.name):
                with _reserve(folder, total):
                    yield from seldom(_files(folder / f".{offer.commit}", which, offer))
                    put_in_place(which, offer, folder / f".{offer.commit}")
        finally:
            lock.release()
    except OSError as error:
        raise HubError(failure_in_words(error)) from error


@contextmanager
def _reserve(folder: Path, size: int) -> Iterator[None]:
    """Have room on the disk for a download of so many bytes, parts of which may lie there, until the block ends.

    Raises HubError where all downloads together would have more than the operator allows.
    """
    with _reserving:
        others = sum(_bytes_in(each) for each in folder.parent.iterdir() if each not in {folder, *_reserved})
        others += sum(_reserved.values())
        most = all_downloads()
        if others + size > most:
            raise HubError(
                f"This model has {size / 1e9:,.2f} GB, and what was fetched here may have {most / 1e9:,.1f} GB "
                "together (HEADLIGHT_ALL_DOWNLOADS), which it would exceed: whoever runs this server can delete what "
                f"nobody uses. {offline_choices()}"
            )
        _reserved[folder] = size
    try:
        yield
    finally:
        with _reserving:
            _reserved.pop(folder, None)


def _bytes_in(folder: Path) -> int:
    return sum(each.stat().st_size for each in folder.rglob("*") if each.is_file())


def _files(work: Path, which: HubId, offer: Offer) -> Iterator[Downloaded]:
    """Fetch one file after the other into `work`, and leave there what is of use later."""
    work.mkdir(exist_ok=True)
    before = 0
    for file in offer.files:
        if not ((work / file.name).is_file() and (work / file.name).stat().st_size == file.size):
            for done in _file(work / file.name, which, offer.commit, file):
                yield Downloaded(before + done, offer.card.download, file.name)
        before += file.size
        yield Downloaded(before, offer.card.download, file.name)


def _file(path: Path, which: HubId, commit: str, file: RemoteFile) -> Iterator[int]:
    """One file: it has its name only when it is whole and what the hub's list says."""
    part = path.with_name(path.name + _PART)
    start = part.stat().st_size if part.is_file() else 0
    if start > file.size:
        part.unlink()
        start = 0
    try:
        with part.open("ab") as into:
            yield from fetch(which, commit, file, into, start)
    except WrongSizeError:
        part.unlink()
        raise
    if not is_as_listed(part, file):
        part.unlink()
        raise HubError(f"A file arrived damaged and was thrown away; start the download again. {offline_choices()}")
    part.replace(path)


def seldom(steps: Iterator[Downloaded]) -> Iterator[Downloaded]:
    """These steps some time apart: a download of hours has no more of them than a job may have."""
    began = last = time.monotonic()
    for step in steps:
        now = time.monotonic()
        if now - last >= (_OFTEN if now - began < _OFTEN_FOR else _SELDOM):
            last = now
            yield step
