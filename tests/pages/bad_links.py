"""Links that name what is not there, as a table."""

from urllib.parse import parse_qsl

import pytest


def bad_links(table):
    """Runs a test for each line of a table: a `query`, written as in an address, and what is `said` of it."""
    rows = [line.split(maxsplit=1) for line in table.strip().splitlines()]
    cases = [(dict(parse_qsl(query, keep_blank_values=True)), said) for query, said in rows]
    return pytest.mark.parametrize(("query", "said"), cases, ids=[query for query, _ in rows])
