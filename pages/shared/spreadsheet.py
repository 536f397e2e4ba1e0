"""Tables as CSV files, which people open with a spreadsheet: a cell is text or a number there, and never a formula; and
the same tables as JSON.
"""

import csv
import io
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence

# With these a formula begins, in the wide letters of East Asia as well, and alone they are none; apostrophes in front
# are what is put there.
_FORMULA = re.compile(r"'*[=+\-@\t\r＝＋－＠].", re.DOTALL)


def as_csv(rows: Iterable[Sequence[object]]) -> str:
    """The rows, the first of which is the head, as RFC 4180 has them.

    A text that a spreadsheet would take for a formula (it begins with = + - @, a tab or a carriage return, goes on, and
    is no number) has an apostrophe in front; so has one that begins with apostrophes and goes on like that. Whoever
    reads the file takes away the first apostrophe of those: re.sub(r"(?s)^'(?='*[=+\\-@\\t\\r＝＋－＠].)", "", cell).
    """
    file = io.StringIO()
    csv.writer(file).writerows([_cell(each) for each in row] for row in rows)
    return file.getvalue()


def as_json(rows: Sequence[Sequence[object]], about: Mapping[str, object], what: str) -> str:
    """An object with what is said about the table, and under the name `what` its rows as objects, the first row being
    their names. What is not finite is null.
    """
    names, *lines = rows
    told = [{name: _finite(value) for name, value in zip(names, line, strict=True)} for line in lines]
    return json.dumps({**about, what: told}, ensure_ascii=False, allow_nan=False)


def _finite(value: object) -> object:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _cell(value: object) -> object:
    is_formula = isinstance(value, str) and _FORMULA.match(value) and not _is_number(value)
    return f"'{value}" if is_formula else value


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
