"""What docs/new_page.md shows is added to a copy of the project and opened, as it stands there."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
BLOCK = re.compile(r"```python\n(.*?)```", re.DOTALL)
PROGRAM = r"""
import sys
from tests.pages.screen import Screen
screen = Screen("pages/lengths/page.py")
assert screen.problems == [], screen.problems
assert screen.query["of_layer"] == "20"
assert len(screen.blocks("lengths")) == 1
assert any("The longest: Once" in each.proto.body for each in screen.test.get("html")), "the inspector"
screen = Screen("pages/lengths/page.py", text="A short text", model="minilm", of_layer="99")
assert screen.problems == [] and len(screen.notes) == 1
import contextlib, io, runpy
import numpy as np
from models.catalog import model_card
from models.engine import engine
from models.embeddings.lengths import LengthsRequest
from models.loading.packs import prepared_folder
sys.argv = ["docs/programs/lengths.py", str(prepared_folder(model_card("minilm"))), "A short text"]
# In this process, which has imported torch and transformers.
with contextlib.redirect_stdout(io.StringIO()) as said:
    runpy.run_path(sys.argv[0], run_name="__main__")
theirs = np.array([line.split("\t")[1:] for line in said.getvalue().splitlines()], dtype=float).T
np.testing.assert_allclose(engine.run(LengthsRequest("minilm", "A short text")).norms, theirs, atol=1e-3)
home = Screen("pages/home/page.py")
assert home.problems == [] and len(home.blocks("open_lengths")) == 1
"""


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """The project with the page in it."""
    folder = tmp_path_factory.mktemp("project")
    for each in ("app.py", "models", "pages", "viz", "tests", "docs", ".streamlit", "pyproject.toml"):
        source = ROOT / each
        if source.is_dir():
            shutil.copytree(source, folder / each, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / each)
    document = (ROOT / "docs" / "new_page.md").read_text("utf-8")
    (line,) = re.findall(r"^PageEntry\(.*\),$", document, re.MULTILINE)
    for each in BLOCK.findall(document):
        name, _, code = each.partition("\n")
        file = folder / name.removeprefix("# ")
        file.parent.mkdir(exist_ok=True)
        file.write_text(code)
    (folder / "pages" / "lengths" / "__init__.py").touch()
    registry = folder / "pages" / "shared" / "registry.py"
    registry.write_text(registry.read_text().replace("\nPAGES = (\n", f"\nPAGES = (\n    {line}\n"))
    (folder / ".headlight").symlink_to(ROOT / ".headlight")
    return folder


def test_the_page_of_the_document_opens(copy):
    run = subprocess.run([sys.executable, "-c", PROGRAM], cwd=copy, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr[-3_000:]


def test_its_code_is_written_as_ours(copy):
    made = [*sorted((copy / "pages" / "lengths").glob("*.py")), copy / "models" / "embeddings" / "lengths.py"]
    run = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--ignore", "D104,B905", *map(str, made)],
        cwd=copy,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout
