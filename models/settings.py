"""What the operator sets with HEADLIGHT_... in the environment: how it is written, and whether it can be meant."""

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path

from models.errors import HeadlightError

_UNITS = {"": 1, **{name: 1000**power for power, name in enumerate("KMGT", 1)}}
_BINARY_UNITS = {name: 1024**power for power, name in enumerate("KMGT", 1)}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(?:([KMGT])(i?))?B?", re.IGNORECASE | re.ASCII)
_COUNT = re.compile(r"0*[1-9]\d{0,8}", re.ASCII)
_DEVICE = re.compile(r"cpu|mps|cuda(:\d{1,3})?", re.ASCII)
_SWITCH = re.compile(r"1|0|true|false|yes|no|on|off", re.IGNORECASE)


class SettingError(HeadlightError):
    """A setting of the operator's that means nothing."""


def parsed_size(text: str) -> int | None:
    """Bytes of 2147483648, 800MB, 5 GB (thousands) or 2GiB (1,024s); None for what is no size."""
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        return None
    unit = (found[2] or "").upper()
    return int(float(found[1]) * (_BINARY_UNITS if found[3] else _UNITS)[unit]) or None


def count_of(text: str) -> int | None:
    """A whole number from 1 on; None for what is none."""
    return int(text) if _COUNT.fullmatch(text.strip()) else None


def _are_whole_paths(text: str) -> bool:
    return all(Path(each.strip()).is_absolute() for each in text.split(os.pathsep) if each.strip())


# Of the benchmarks' own server.
_MEASURING = "HEADLIGHT_BENCH_"

_Rule = tuple[Callable[[str], object], str]
_A_SIZE: _Rule = (parsed_size, "a number of bytes, or of units as in 800MB, 2 GB or 2GiB")
_RULES: Mapping[str, _Rule] = {
    "HEADLIGHT_DEVICE": (_DEVICE.fullmatch, "cpu, mps, cuda, or cuda and a number as in cuda:1"),
    "HEADLIGHT_HOME": (str.strip, "a folder"),
    "HEADLIGHT_CACHE_BYTES": _A_SIZE,
    "HEADLIGHT_MODEL_BYTES": _A_SIZE,
    "HEADLIGHT_MAX_DOWNLOAD": _A_SIZE,
    "HEADLIGHT_ALL_DOWNLOADS": _A_SIZE,
    "HEADLIGHT_MAX_FILE": _A_SIZE,
    "HEADLIGHT_MOST_MODELS": (count_of, "a whole number from 1 on"),
    "HEADLIGHT_OFFLINE": (_SWITCH.fullmatch, "1 or 0"),
    "HEADLIGHT_MODELS": (re.compile("shelf|any", re.IGNORECASE).fullmatch, "shelf, or any"),
    "HEADLIGHT_FOLDERS": (_are_whole_paths, f"folders with their whole paths, with {os.pathsep} between them"),
}


def check_settings(environment: Mapping[str, str]) -> None:
    """See that every setting can be meant; one that is empty is as if it were not there. Raises SettingError."""
    for name, (is_right, expected) in _RULES.items():
        given = environment.get(name, "").strip()
        if given and not is_right(given):
            raise SettingError(f"{name} is “{given[:60]}”, which means nothing here: it takes {expected}.")


def unknown_settings(environment: Mapping[str, str]) -> list[str]:
    """Names that look like settings of Headlight and are none, as one that was misspelt."""
    named = {each for each in environment if each.startswith("HEADLIGHT_") and not each.startswith(_MEASURING)}
    return sorted(named - _RULES.keys())
