"""Models of the hub: what the hub says of one, whether it can be opened, and those that were fetched before."""

import io
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import httpx2
from huggingface_hub import ModelInfo, get_session, hf_hub_url
from huggingface_hub.errors import HfHubHTTPError
from huggingface_hub.utils import hf_raise_for_status

from models.catalog import MODELS, ModelCard
from models.catalog.hub_models import HUB_MODELS
from models.loading.checks_before_reading import (
    CONFIG,
    TOKENIZER_FILES,
    ModelRefusedError,
    card_from,
    check_no_adapter,
    check_tokenizer_files,
    config_from,
    readable_title,
    weights_among,
)
from models.loading.file_download import RemoteFile, endpoint, failure_in_words, fetch, headers, seconds
from models.loading.hub_ids import HubError, HubId, hub_id, offline_choices
from models.loading.hub_limits import check_allowed, largest_download
from models.loading.json_files import LARGEST, settings_in
from models.loading.model_files import card_in
from models.loading.packs import home
from models.loading.picture_processing import PROCESSOR_FILES
from models.loading.vision_towers import seeing_class

_SMALL = (CONFIG, "generation_config.json", *PROCESSOR_FILES, *TOKENIZER_FILES)
_LARGEST_SMALL = 4_000_000
_SPARE = 200_000_000
_WHOLE = "headlight.json"
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")


@dataclass(frozen=True)
class Offer:
    """A model that the hub has and that can be opened here, once it is fetched.

    card: with the size of the download. commit: which state of the repository. files: all that is fetched.
    """

    card: ModelCard
    commit: str
    files: tuple[RemoteFile, ...]


def look_up(name: str) -> Offer:
    """Ask the hub about a model, and read its config.json: nothing large is fetched.

    Raises HubError (not allowed, out of reach, gated, not there, too large) or ModelRefusedError (what it is).
    """
    which = hub_id(name)
    check_allowed(which)
    commit, listed, info = listing(which)
    check_no_adapter(listed)
    weights = weights_among(listed)
    if weights.kind == "safetensors" and CONFIG not in listed:
        raise ModelRefusedError("It has no config.json, so nobody knows its architecture; choose another model.")
    files = tuple(sized(which, commit, listed[each]) for each in (*_SMALL, *weights.files) if each in listed)
    by_name = {each.name: each for each in files}
    settings = {
        each: settings_in(_small_file(which, commit, by_name[each]), each)
        for each in (CONFIG, "tokenizer_config.json")
        if each in by_name
    }
    size = sum(each.size for each in files)
    # A GGUF says itself what it is, in a header that comes with its weights.
    config = config_from(settings.get(CONFIG) or {"model_type": _of_gguf(info)})
    if weights.kind == "safetensors" and seeing_class(config) is None:
        check_tokenizer_files(listed)
    card = card_from(
        config,
        name=which.name,
        title=readable_title(which.repository.rpartition("/")[2]),
        licence=_licence(info),
        source=which.repository,
        hub=which.repository,
        revision=which.revision,
        download=size,
        is_gated=bool(info.gated),
    )
    if CONFIG not in settings:
        card = replace(card, layers=0, heads=0, parameters=int((info.gguf or {}).get("total") or 0))
    _check_room(size)
    return Offer(_as_in_catalog(card), commit, files)


def _of_gguf(info: ModelInfo) -> Any:
    """The architecture that the hub read from a GGUF. Raises ModelRefusedError where it did not."""
    found = (info.gguf or {}).get("architecture")
    if not found:
        raise ModelRefusedError(
            "It has neither a config.json nor a GGUF whose architecture the hub knows; choose another model."
        )
    return found


def model_folder_of(which: HubId, commit: str) -> Path:
    """Where the files of a commit lie once all are there."""
    return repository_folder(which) / commit


def repository_folder(which: HubId) -> Path:
    """The folder of everything that was fetched of a repository."""
    return home() / "hub" / which.repository.replace("/", "--")


def is_fetched(name: str) -> bool:
    """Whether a model of the hub is on this machine; the hub is not asked."""
    return _fetched_folder(hub_id(name)) is not None


def open_fetched(name: str) -> ModelCard:
    """The card of a model that was fetched before, which `MODELS` then knows; the hub is not asked.

    Raises HubError where it was not, ModelRefusedError where its files are damaged.
    """
    which = hub_id(name)
    folder = _fetched_folder(which)
    if folder is None:
        raise HubError(
            f"This model is not on this server yet: choose it under “Another model” to fetch it. {offline_choices()}"
        )
    manifest = json.loads((folder / _WHOLE).read_text("utf-8"))
    card = card_in(
        folder.resolve(),
        name=which.name,
        title=readable_title(which.repository.rpartition("/")[2]),
        licence=str(manifest.get("licence", "")),
        source=which.repository,
        hub=which.repository,
        revision=which.revision,
        download=sum(manifest["files"].values()),
    )
    return MODELS.keep(_as_in_catalog(card))


@dataclass(frozen=True)
class FetchedConfig:
    """The config.json of a model that was fetched."""

    of: HubId
    text: str


def fetched_configs(most: int) -> tuple[FetchedConfig, ...]:
    """Of the models that are on this machine, in the order of their ids, so many at the most; the hub is not asked.

    What has no config.json, as a GGUF file, is left out.
    """
    found = []
    for revision in sorted((home() / "hub").glob("*/revisions/*")):
        which = HubId(revision.parent.parent.name.replace("--", "/", 1), unquote(revision.name))
        folder = _fetched_folder(which)
        if folder is None or not (folder / CONFIG).is_file():
            continue
        found.append(FetchedConfig(which, (folder / CONFIG).read_bytes()[:LARGEST].decode("utf-8", "replace")))
        if len(found) == most:
            break
    return tuple(found)


def finish(which: HubId, offer: Offer, work: Path) -> None:
    """Put a folder in which every file has arrived in its place, and remember which commit the revision is."""
    manifest = {"files": {each.name: each.size for each in offer.files}, "licence": offer.card.licence}
    (work / _WHOLE).write_text(json.dumps(manifest), "utf-8")
    target = model_folder_of(which, offer.commit)
    if target.exists():
        shutil.rmtree(target)
    work.rename(target)
    revisions = _revision_file(which)
    revisions.parent.mkdir(parents=True, exist_ok=True)
    new = revisions.with_name(f"{revisions.name}.new")
    new.write_text(offer.commit, "utf-8")
    new.replace(revisions)


def _fetched_folder(which: HubId) -> Path | None:
    """The folder of a model whose files are all there with their sizes, else None."""
    try:
        commit = _revision_file(which).read_text("utf-8")
        folder = model_folder_of(which, _safe(commit))
        files = json.loads((folder / _WHOLE).read_text("utf-8"))["files"]
        whole = all((folder / name).stat().st_size == size for name, size in files.items())
    except (OSError, ValueError, KeyError, AttributeError):
        return None
    return folder if whole and files else None


def _revision_file(which: HubId) -> Path:
    return repository_folder(which) / "revisions" / _safe(which.revision)


def _safe(text: str) -> str:
    """As the name of a file; what else may stand in a branch's name is written as its number."""
    return "".join(each if each in _PLAIN else f"%{ord(each):02x}" for each in text).lstrip(".") or "-"


def listing(which: HubId) -> tuple[str, Mapping[str, RemoteFile], ModelInfo]:
    """The commit of a revision and the files at the top of it; size -1 where the list does not say. Raises HubError."""
    # `HfApi.model_info` does the same, and asks another address of the hub which program it is used by.
    revision = "" if which.revision == "main" else f"/revision/{quote(which.revision, safe='')}"
    url = f"{endpoint()}/api/models/{which.repository}{revision}"
    try:
        answer = get_session().get(url, headers=headers(), timeout=seconds(), params={"blobs": True})
        hf_raise_for_status(answer)
        info = ModelInfo(**answer.json())
    except (httpx2.HTTPError, HfHubHTTPError) as error:
        raise HubError(failure_in_words(error)) from error
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise HubError(f"What answers as the hub is none. {offline_choices()}") from error
    if info.gated and "authorization" not in headers():
        raise HubError(
            "This model is gated: the hub gives it only to those who agreed to its terms. Whoever runs this server can "
            f"agree there and set HF_TOKEN. {offline_choices()}"
        )
    listed = {}
    for each in info.siblings or ():
        # What lies in a folder of its own is no part of the model, and a strange name would lead out of ours.
        if _safe(each.rfilename) == each.rfilename:
            sha256 = each.lfs.sha256 if each.lfs is not None else ""
            listed[each.rfilename] = RemoteFile(each.rfilename, -1 if each.size is None else each.size, sha256)
    if not info.sha or _safe(info.sha) != info.sha:
        raise HubError(f"The hub does not say which commit this is. {offline_choices()}")
    return info.sha, listed, info


def sized(which: HubId, commit: str, file: RemoteFile) -> RemoteFile:
    """The file with its size, asked for by itself where the list did not say. Raises HubError."""
    if file.size >= 0:
        return file
    url = hf_hub_url(which.repository, file.name, revision=commit, endpoint=endpoint())
    try:
        answer = get_session().head(url, headers=headers(), timeout=seconds())
        hf_raise_for_status(answer)
    except (httpx2.HTTPError, HfHubHTTPError) as error:
        raise HubError(failure_in_words(error)) from error
    size = answer.headers.get("content-length", "")
    if not size.isdecimal():
        raise HubError(f"The hub does not say how large this model is. {offline_choices()}")
    return replace(file, size=int(size))


def _small_file(which: HubId, commit: str, file: RemoteFile) -> bytes:
    """A file that is read before anything large is fetched. Raises HubError."""
    if file.size > _LARGEST_SMALL:
        raise ModelRefusedError(f"Its {file.name} is larger than any real one; choose another model.")
    data = io.BytesIO()
    for _ in fetch(which, commit, file, data):
        pass
    return data.getvalue()


def _check_room(size: int) -> None:
    """Raise HubError when a download is larger than the operator allows or the disk has room for."""
    most = largest_download()
    if size > most:
        raise HubError(
            f"This model has {size / 1e9:,.1f} GB, and at most {most / 1e9:,.1f} GB are fetched here "
            f"(HEADLIGHT_MAX_DOWNLOAD). {offline_choices()}"
        )
    place = home()
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free - _SPARE
    if size > free:
        raise HubError(
            f"This model has {size / 1e6:,.0f} MB, and the disk of this server has room for {max(0, free) / 1e6:,.0f} "
            f"MB. {offline_choices()}"
        )


def _licence(info: ModelInfo) -> str:
    data: Any = info.card_data
    found = getattr(data, "license", None) if data is not None else None
    return readable_title(found) if isinstance(found, str) and found else "not stated"


def _as_in_catalog(card: ModelCard) -> ModelCard:
    """With the title and the licence of the catalog, where it is in there."""
    known = HUB_MODELS.get(card.name)
    if known is None:
        return card
    return replace(card, title=known.title, licence=known.licence, is_gated=known.is_gated, reads=known.reads)
