"""What a text costs: in the table and, in full, in a file."""

import csv
import io

from models.tokenization import Counts
from pages.shared.spreadsheet import as_csv
from viz.tokenizers_tables import CostLine, costs, costs_rows


def line(tokens, context, title="One"):
    return CostLine(title, Counts(tokens, 1, 7, 30, 33, 0.25, None, context))


def test_a_text_beyond_the_context_is_too_long_and_no_share():
    assert "too long: 471.8 times it" in costs([line(241_585, 512)])
    assert "%" not in costs([line(241_585, 512)]).split("</tr>")[1].split("width")[1].partition("%")[2]
    assert "50.0\N{NO-BREAK SPACE}%" in costs([line(256, 512)])
    assert "100.0\N{NO-BREAK SPACE}%" in costs([line(512, 512)])


def test_the_file_has_every_number():
    rows = list(csv.DictReader(io.StringIO(as_csv(costs_rows([line(8, 512, "=A"), line(9, None)])))))
    assert rows[0] == {
        "tokenizer": "'=A",
        "tokens": "8",
        "words": "7",
        "characters": "30",
        "bytes": "33",
        "unknown": "1",
        "context": "512",
        "round trip": "1",
        "seconds": "0.25",
    }
    assert rows[1]["context"] == ""
