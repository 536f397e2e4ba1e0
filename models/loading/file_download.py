"""One file from the hub, as it comes: in pieces, resumed after a break, and never waited for without an end.

huggingface_hub makes the request, with its session, its addresses and its errors. Its own `hf_hub_download` is not used
for the body: since 2.0 it throws a broken download away, reports in steps of 10 MB, and cannot be stopped in between.
"""

import errno
import logging
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from io import BufferedIOBase
from pathlib import Path

import httpx2
from huggingface_hub import constants, hf_hub_url
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.utils import hf_raise_for_status, http_stream_backoff

from models.loading.hub_ids import HubError, HubId, offline_choices
from models.loading.packs import sha256_of

log = logging.getLogger(__name__)

RETRIES = 3
PAUSE_SECONDS = 0.5
_DENIED = {401, 403}


@dataclass(frozen=True)
class RemoteFile:
    """A file of a commit. size: in bytes. sha256: of its bytes, "" where the hub does not say (small files)."""

    name: str
    size: int
    sha256: str = ""


def endpoint() -> str:
    """The address of the hub: HF_ENDPOINT as it is now, else huggingface_hub's."""
    return (os.environ.get("HF_ENDPOINT") or constants.ENDPOINT).rstrip("/")


def seconds() -> float:
    """How long a silent server is waited for: HF_HUB_DOWNLOAD_TIMEOUT, else huggingface_hub's 10 seconds."""
    try:
        given = float(os.environ.get("HF_HUB_DOWNLOAD_TIMEOUT", ""))
    except ValueError:
        given = 0.0
    return given if given > 0 else float(constants.HF_HUB_DOWNLOAD_TIMEOUT)


def headers() -> dict[str, str]:
    """What every request carries: the operator's HF_TOKEN, which opens gated models; no token stored on the disk."""
    token = os.environ.get("HF_TOKEN", "").strip()
    return {"user-agent": "headlight", "accept-encoding": "identity"} | (
        {"authorization": f"Bearer {token}"} if token else {}
    )


def fetch(which: HubId, commit: str, file: RemoteFile, into: BufferedIOBase, start: int = 0) -> Iterator[int]:
    """Write a file's bytes from `start` on; yields how many there are, each time some more have come.

    into: a file opened for appending, or `io.BytesIO`.

    Raises HubError, after RETRIES vain attempts to go on where it broke off, and OSError where it cannot be written.
    """
    url = hf_hub_url(which.repository, file.name, revision=commit, endpoint=endpoint())
    done, furthest, vain = start, start, 0
    while done < file.size:
        try:
            for now in _pieces(url, file, into, done):
                done = now
                yield done
        except httpx2.TransportError as error:
            log.info("A transfer broke off: %s", type(error).__name__)
            vain = 0 if done > furthest else vain + 1
            furthest = max(done, furthest)
            if vain >= RETRIES:
                raise HubError(failure_in_words(error)) from error
            time.sleep(PAUSE_SECONDS)
        except HfHubHTTPError as error:
            raise HubError(failure_in_words(error)) from error


def _pieces(url: str, file: RemoteFile, into: BufferedIOBase, start: int) -> Iterator[int]:
    """One request. Raises WrongSizeError, and what the library raises."""
    more = {"range": f"bytes={start}-"} if start else {}
    with http_stream_backoff(
        "GET", url, headers=headers() | more, timeout=seconds(), retry_on_exceptions=(), retry_on_status_codes=()
    ) as response:
        if start and response.status_code == httpx2.codes.RANGE_NOT_SATISFIABLE:
            raise WrongSizeError
        hf_raise_for_status(response)
        done = start
        if start and response.status_code != httpx2.codes.PARTIAL_CONTENT:
            # The server does not resume: from the beginning.
            done = 0
            into.seek(0)
            into.truncate()
        for chunk in response.iter_bytes():
            done += len(chunk)
            if done > file.size:
                raise WrongSizeError
            into.write(chunk)
            yield done
        if done < file.size:
            if "content-length" in response.headers:
                raise WrongSizeError
            raise httpx2.RemoteProtocolError("The transfer ended early.")


class WrongSizeError(HubError):
    """A file that is longer or shorter than the hub's own list says; what came of it is of no use."""

    def __init__(self) -> None:
        super().__init__(
            "The hub sent a file of another size than its own list says, so it was thrown away; try again later. "
            + offline_choices()
        )


def is_as_listed(found: Path | bytes, file: RemoteFile) -> bool:
    """Whether what was fetched has the hash that the hub's list gives; true where it gives none."""
    if not file.sha256:
        return True
    return (sha256_of(found) if isinstance(found, Path) else sha256(found).hexdigest()) == file.sha256


def failure_in_words(error: BaseException) -> str:
    """What went wrong, in a sentence, and what there is without the hub."""
    return f"{_reason(error)} {offline_choices()}"


def _reason(error: BaseException) -> str:
    status = error.response.status_code if isinstance(error, HfHubHTTPError) and error.response is not None else 0
    if isinstance(error, RevisionNotFoundError):
        return "The model has no such revision on the hub; leave it out, or name a branch, a tag or a commit."
    if isinstance(error, RemoteEntryNotFoundError):
        return "A file of this model is missing on the hub; choose another model."
    if isinstance(error, GatedRepoError) or status in _DENIED:
        return (
            "The hub gives this model only to those who agreed to its terms (gated), or not to everybody (private): "
            "whoever runs this server can agree there and set HF_TOKEN."
        )
    if isinstance(error, RepositoryNotFoundError) or status == httpx2.codes.NOT_FOUND:
        return "There is no such model on the hub, or not for everybody; check how its id is written."
    if status == httpx2.codes.TOO_MANY_REQUESTS:
        return "The hub was asked too often from here; try again in some minutes."
    if status:
        return f"The hub does not work at the moment (it answers {status}); try again later."
    if isinstance(error, httpx2.TimeoutException):
        return f"The hub did not answer for {seconds():.0f} seconds; try again later."
    if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return "The disk of this server is full: make room below HEADLIGHT_HOME, then go on where it stopped."
    if isinstance(error, OSError):
        return f"What was fetched cannot be written below HEADLIGHT_HOME ({type(error).__name__})."
    return "The hub is out of reach from this server; check its connection, or try again later."
