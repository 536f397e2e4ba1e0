"""How a folder of sentence-transformers makes one vector of a text: modules.json and the folders that it names."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from models.loading.json_files import LARGEST, settings_in
from models.loading.refusals import ModelRefusedError
from models.loading.regular_files import OpenFolder, open_folder_at

_MODULES, _POOLING, _CONFIG = "modules.json", "1_Pooling", "config.json"
# As sentence-transformers writes them, today's names and those of before version 6, by ours.
_WAYS = {
    "mean": "mean",
    "cls": "cls",
    "max": "max",
    "lasttoken": "last",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_lasttoken": "last",
}


def pooling_in(here: OpenFolder, folder: Path) -> dict[str, Any]:
    """The fields `pooling` and `is_unit` of a card; empty where the folder does not say it, or says what is not done
    here (a further layer, several ways at once). Raises OSError.
    """
    try:
        kinds = _kinds(json.loads(here.read(_MODULES, LARGEST))) if _MODULES in here.names else []
        if kinds[:2] != ["Transformer", "Pooling"] or kinds[2:] not in ([], ["Normalize"]):
            return {}
        with open_folder_at(folder / _POOLING) as inner:
            way = _way(settings_in(inner.read(_CONFIG, LARGEST), _CONFIG))
    except (ModelRefusedError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}
    return {"pooling": way, "is_unit": kinds[2:] == ["Normalize"]} if way else {}


def _kinds(modules: Any) -> list[str]:
    """The classes in order; a pooling that lies elsewhere is none."""
    return [
        str(each["type"]).rpartition(".")[2]
        for each in modules
        if not str(each["type"]).endswith(".Pooling") or each["path"] == _POOLING
    ]


def _way(settings: Mapping[str, Any]) -> str:
    said = settings.get("pooling_mode")
    if said is None:
        said = [name for name, value in settings.items() if name.startswith("pooling_mode_") and value is True]
    names = [said] if isinstance(said, str) else said
    return _WAYS.get(names[0], "") if len(names) == 1 else ""
