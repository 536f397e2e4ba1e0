"""The tokenizer of a model of the hub by itself: one file, fetched into memory."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from models.loading.checks_before_reading import ModelRefusedError
from models.loading.downloads import Downloaded, seldom
from models.loading.file_download import RemoteFile, fetch, is_as_listed
from models.loading.hub import listing, sized
from models.loading.hub_ids import HubError, hub_id, offline_choices
from models.loading.hub_limits import check_allowed
from models.loading.tokenizer_files import ALONE
from models.tokenization import LARGEST_TOKENIZER_FILE


class FetchedTokenizer(NamedTuple):
    """A tokenizer's file, to be opened with `models.tokenization.open_tokenizer_file`. file: what it was called."""

    file: str
    data: bytes


@dataclass(frozen=True)
class FetchTokenizerRequest:
    """The tokenizer of a model: one of the catalog, "hub:ORG/NAME" or "hub:ORG/NAME@REVISION".

    Steps are `Downloaded`, and the last one is a `FetchedTokenizer`. Nothing of it stays on the disk.

    Raises, in `steps`, HubError or ModelRefusedError.
    """

    model: str

    def steps(self, engine: Any) -> Iterator[Downloaded | FetchedTokenizer]:  # noqa: ARG002 - nothing is computed
        """Fetch it."""
        which = hub_id(self.model)
        check_allowed(which)
        commit, listed, _ = listing(which)
        file = sized(which, commit, _tokenizer_among(listed))
        if file.size > LARGEST_TOKENIZER_FILE:
            raise ModelRefusedError(
                f"Its tokenizer has {file.size / 1e6:,.0f} MB; one of at most {LARGEST_TOKENIZER_FILE // 1_000_000} MB "
                "can be opened."
            )
        data = io.BytesIO()
        yield from seldom(Downloaded(done, file.size, file.name) for done in fetch(which, commit, file, data))
        if not is_as_listed(data.getvalue(), file):
            raise HubError(f"The file arrived damaged; try again. {offline_choices()}")
        yield FetchedTokenizer(file.name, data.getvalue())


def _tokenizer_among(listed: Any) -> RemoteFile:
    for name in ALONE:
        if name in listed:
            return listed[name]
    raise ModelRefusedError(
        "It has no tokenizer that can be opened by itself: tokenizer.json, tekken.json, a SentencePiece .model or "
        "vocab.txt."
    )
