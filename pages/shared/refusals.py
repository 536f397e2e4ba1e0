"""How often something was refused since the server began, by where and why: in names of ours."""

import threading
from collections import Counter
from collections.abc import Mapping

_lock = threading.Lock()
_counted: Counter[tuple[str, str]] = Counter()


def refused(where: str, why: str) -> None:
    """Once more. where: "page" or "server"."""
    with _lock:
        _counted[where, why] += 1


def refusals() -> Mapping[tuple[str, str], int]:
    """All of them by (where, why)."""
    with _lock:
        return dict(_counted)
