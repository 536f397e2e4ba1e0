"""The lines of the installed libraries that compute a part."""

import inspect
import sys
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

MOST_LINES = 20
_LIBRARIES = ("transformers", "torch")


@dataclass(frozen=True)
class SourceLines:
    """A piece of source. file: within its package. first: its first line there. left: how many more lines follow."""

    file: str
    first: int
    text: str
    left: int

    @property
    def last(self) -> int:
        """The number of its last line."""
        return self.first + self.text.count("\n")


@lru_cache(maxsize=256)
def source_lines(file: str, name: str) -> SourceLines | None:
    """What the `forward` of a class does, or a function: at most `MOST_LINES`, without its signature and docstring.

    file: the Python module, as a class says it. Only of transformers and torch, as they are installed; None for others.
    """
    if file.partition(".")[0] not in _LIBRARIES:
        return None
    found: Any = getattr(sys.modules.get(file), name, None)
    function = inspect.unwrap(getattr(found, "forward", found)) if found is not None else None
    if not inspect.isfunction(function):
        return None
    try:
        lines, start = inspect.getsourcelines(function)
    except (OSError, TypeError):
        return None
    begin = _body(lines)
    body = lines[begin : begin + MOST_LINES]
    indent = min((len(each) - len(each.lstrip()) for each in body if each.strip()), default=0)
    text = "\n".join(each[indent:].rstrip() for each in body)
    path = Path(inspect.getfile(function))
    parts = path.parts
    package = max(place for place, part in enumerate(parts) if part in _LIBRARIES)
    return SourceLines("/".join(parts[package:]), start + begin, text, max(0, len(lines) - begin - MOST_LINES))


def _body(lines: list[str]) -> int:
    """Where the first statement stands, behind the signature and the docstring."""
    depth, place = 0, 0
    while place < len(lines):
        line = lines[place]
        depth += sum(line.count(each) for each in "([{") - sum(line.count(each) for each in ")]}")
        if depth == 0 and line.split("#")[0].rstrip().endswith(":") and not line.lstrip().startswith("@"):
            break
        place += 1
    place += 1
    if place < len(lines) and lines[place].lstrip().startswith(('"""', 'r"""')):
        while lines[place].count('"""') < 2 and place + 1 < len(lines):
            place += 1
            if '"""' in lines[place]:
                break
        place += 1
    return min(place, len(lines) - 1)
