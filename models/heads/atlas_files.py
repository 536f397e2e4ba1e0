"""Atlases as files: those that come with this project, and those of other models beside what was fetched for them."""

import hashlib
import io
import json
import logging
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from models.catalog import ModelCard
from models.heads.atlas import Atlas
from models.heads.roles import RoleScores, role_of
from models.heads.sentence_bank import Bank
from models.loading.fingerprint import fingerprint_now
from models.loading.packs import bundled_folder, home, prepared_folder

log = logging.getLogger(__name__)

# Another one once anything is measured otherwise.
VERSION = 1
BUNDLED_MODELS = ("minilm", "smollm2", "spelling_to_sound")
_MOST_FILES = 100
_MOST_BYTES = 20_000_000
_GRIDS = ("scores", "low", "high", "baselines", "is_named", "detail")
_HABITS = ("by_offset", "on_first", "on_delimiters")
_HEAD = "head"
_DAMAGED = (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile)


@dataclass(frozen=True)
class AtlasSource:
    """What an atlas was measured of."""

    kind: str
    bank: Bank
    seed: int

    def stamp(self) -> dict[str, Any]:
        """As it stands in the file."""
        return {"version": VERSION, "kind": self.kind, "bank": self.bank.digest, "seed": self.seed}


def written(atlas: Atlas, origin: AtlasSource) -> bytes:
    """An atlas as the bytes of a .npz: numbers in float16, the rest as JSON in an array of bytes. Nothing in it can run
    code.
    """
    head = origin.stamp() | {
        "model": atlas.model,
        "title": atlas.bank,
        "layers": atlas.layers,
        "heads": atlas.heads,
        "roles": [[each.role.key, each.cases, each.best_place] for each in atlas.roles],
        "counts": [atlas.sentences, atlas.sequences],
        "note": atlas.note,
    }
    arrays: dict[str, np.ndarray] = {_HEAD: np.frombuffer(json.dumps(head).encode(), dtype=np.uint8)}
    for name in _GRIDS:
        stacked = np.stack([getattr(each, name) for each in atlas.roles])
        arrays[name] = stacked.astype(np.float16) if stacked.dtype.kind == "f" else stacked.astype(np.int8)
    for name in _HABITS:
        arrays[name] = getattr(atlas, name).astype(np.float16)
    file = io.BytesIO()
    np.savez_compressed(file, allow_pickle=False, **arrays)
    return file.getvalue()


def read(data: bytes, origin: AtlasSource) -> Atlas | None:
    """The atlas in these bytes; None where they are damaged, or were measured of something else."""
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            head = json.loads(bytes(file[_HEAD]))
            if any(head[name] != value for name, value in origin.stamp().items()):
                return None
            grids = {name: file[name] for name in _GRIDS}
            habits = {name: file[name].astype(np.float32) for name in _HABITS}
        roles = tuple(
            RoleScores(
                role=role_of(key),
                cases=cases,
                best_place=place,
                is_named=grids["is_named"][index].astype(bool),
                detail=grids["detail"][index].astype(np.int64),
                **{name: grids[name][index].astype(np.float32) for name in ("scores", "low", "high", "baselines")},
            )
            for index, (key, cases, place) in enumerate(head["roles"])
        )
        return Atlas(
            model=head["model"],
            kind=origin.kind,
            bank=head["title"],
            layers=tuple(head["layers"]),
            heads=tuple(head["heads"]),
            roles=roles,
            sentences=head["counts"][0],
            sequences=head["counts"][1],
            note=head["note"],
            **habits,
        )
    except _DAMAGED as error:
        log.warning("An atlas cannot be read (%s); it is measured again.", type(error).__name__)
        return None


def bundled_file(model: str, kind: str) -> Path:
    """Where the atlas of an offline model comes with this project."""
    return bundled_folder() / "head_atlases" / f"{model}.{kind}.npz"


def bundled_atlas(model: str, origin: AtlasSource) -> Atlas | None:
    """The one that comes with this project, where there is one of this bank and seed."""
    return _read_file(bundled_file(model, origin.kind), origin) if model in BUNDLED_MODELS else None


def kept_atlas(card: ModelCard, origin: AtlasSource) -> Atlas | None:
    """The one that was measured here before, of the same weights."""
    place = _kept_file(card, origin)
    return None if place is None else _read_file(place, origin)


def keep(card: ModelCard, origin: AtlasSource, atlas: Atlas) -> None:
    """Keep an atlas for the next start; of the oldest ones so many go that there are no more than `_MOST_FILES`.

    A disk that is full or cannot be written only costs the time to measure it again.
    """
    place = _kept_file(card, origin)
    if place is None:
        return
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=place.parent, suffix=".new", delete=False) as file:
            file.write(written(atlas, origin))
        Path(file.name).replace(place)
        files = sorted(place.parent.iterdir(), key=lambda each: each.stat().st_mtime)
        for each in files[:-_MOST_FILES]:
            each.unlink(missing_ok=True)
    except OSError as error:
        log.warning("An atlas could not be kept (%s).", type(error).__name__)


def _read_file(place: Path, origin: AtlasSource) -> Atlas | None:
    try:
        if not place.is_file() or place.stat().st_size > _MOST_BYTES:
            return None
        return read(place.read_bytes(), origin)
    except OSError:
        return None


def _kept_file(card: ModelCard, origin: AtlasSource) -> Path | None:
    """Named by the weights and all that was measured of them; None for weights that lie in no file."""
    if not (card.folder or card.pack.folder):
        return None
    places = [Path(card.folder) if card.folder else prepared_folder(card)]
    places += [Path(card.adapter)] if card.adapter else []
    stamps = [fingerprint_now(each) for each in places]
    if not all(stamps):
        return None
    said = json.dumps([card.name, card.revision, stamps, origin.stamp()])
    return home() / "atlases" / f"{hashlib.sha256(said.encode()).hexdigest()}.npz"
