"""What the check at load costs, beside the load that it is a part of: of a model that was loaded before, and anew."""

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any
from unittest.mock import patch

from benchmarks.measuring import Limit, Row, alone, duration, interval
from models.forward import kept_findings
from models.loaded import LoadedModel
from models.loading import load, load_model

_NAMES = ("minilm", "smollm2", "spelling_to_sound")
_TIMES = 8
_SHARE = Limit(0.15, "ratio", "0.15 of the load")
_SECOND = Limit(1, "value", "1 s")


def measure(pairs: int) -> list[Row]:
    """Each model of the shelf, its finding kept and not."""
    rows = []
    for name in _NAMES:
        load_model(name)
        again = [_timed(name) for _ in range(min(pairs, _TIMES))]
        with _nothing_kept():
            first = [_timed(name)[0] for _ in range(min(pairs, _TIMES))]
            first = first[1:] or first
        rows += [
            Row(
                f"check at load, {name}, compared before (beside: the whole load)",
                duration(median(checked for checked, _ in again)),
                duration(median(whole for _, whole in again)),
                interval([checked / whole for checked, whole in again]),
                limit=_SHARE,
                raw={"ours": [checked for checked, _ in again], "beside": [whole for _, whole in again]},
            ),
            alone(
                f"check at load, {name}, for the first time (in the first process of these weights)",
                median(first),
                duration,
                _SECOND,
                first,
            ),
        ]
    return rows


def _timed(name: str) -> tuple[float, float]:
    """Seconds of the check, and of the whole load."""
    spent = 0.0
    right = load.checked

    def timed(*given: Any) -> LoadedModel:
        nonlocal spent
        start = time.perf_counter()
        try:
            return right(*given)
        finally:
            spent = time.perf_counter() - start

    began = time.perf_counter()
    with patch.object(load, "checked", timed):
        load_model(name)
    return spent, time.perf_counter() - began


@contextmanager
def _nothing_kept() -> Iterator[None]:
    with tempfile.TemporaryDirectory() as folder:
        # A file where the folder would be: nothing is kept, and each load is the first.
        file = Path(folder) / "home"
        file.touch()
        with patch.object(kept_findings, "home", lambda: file):
            yield
