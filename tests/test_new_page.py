"""What docs/new_page.md shows is added to a copy of the project, opened and tested, as it stands there."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
BLOCK = re.compile(r"```python\n# (\S+)\n(.*?)```", re.DOTALL)
# What a page may cost at the most, its tests included.
MOST_FILES, MOST_LINES = 8, 200


@pytest.fixture(scope="module")
def files():
    """What the document shows, by where it is put."""
    return dict(BLOCK.findall((ROOT / "docs" / "new_page.md").read_text("utf-8")))


@pytest.fixture(scope="module")
def copy(tmp_path_factory, files):
    """The project with the page in it."""
    folder = tmp_path_factory.mktemp("project")
    for each in ("app.py", "models", "pages", "viz", "tests", "docs", ".streamlit", "pyproject.toml"):
        source = ROOT / each
        if source.is_dir():
            shutil.copytree(source, folder / each, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / each)
    for name, code in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(code)
    (line,) = re.findall(r"^PageEntry\(.*\),$", (ROOT / "docs" / "new_page.md").read_text("utf-8"), re.MULTILINE)
    registry = folder / "pages" / "shared" / "registry.py"
    registry.write_text(registry.read_text().replace("\nPAGES = (\n", f"\nPAGES = (\n    {line}\n"))
    (folder / ".headlight").symlink_to(ROOT / ".headlight")
    return folder


def run(copy, *command):
    run = subprocess.run([sys.executable, "-m", *command], cwd=copy, capture_output=True, text=True, check=False)
    assert run.returncode == 0, (run.stdout + run.stderr)[-3_000:]


def test_a_page_is_a_few_short_files(files):
    assert len(files) <= MOST_FILES
    assert sum(len(code.splitlines()) for code in files.values()) <= MOST_LINES


@pytest.mark.slow
def test_its_own_tests_pass_and_it_is_whole_and_has_its_place_on_home(copy):
    files = ("tests/models/test_lengths.py", "tests/pages/test_lengths.py", "tests/pages/test_registry.py")
    run(copy, "pytest", "-q", "-p", "no:cacheprovider", "-k", "lengths or folder or no_two", *files)


def test_its_code_is_written_as_ours(copy, files):
    run(copy, "ruff", "check", *files)
    run(copy, "ruff", "format", "--check", *files)
