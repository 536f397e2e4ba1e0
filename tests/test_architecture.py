"""The rules of the house: which way imports run, how long a file may be, and what it may not be called."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

# Whom of ours the code in each top-level folder may import; tests may import everything.
MAY_IMPORT = {
    "app.py": {"pages", "viz", "models"},
    "pages": {"pages", "viz", "models"},
    "viz": {"viz", "models"},
    "models": {"models"},
    "training": {"training", "models"},
    "benchmarks": {"benchmarks", "pages", "viz", "models"},
    "docs": set(),
    "tests": {"app", "pages", "viz", "models", "training", "benchmarks", "docs", "tests"},
}
OURS = MAY_IMPORT["tests"]

COMPUTING = ("models/", "training/", "benchmarks/", "tests/", "docs/")
ONLY_IN = {
    "streamlit": ("app.py", "pages/", "viz/components/", "benchmarks/", "tests/"),
    "torch": COMPUTING,
    "transformers": COMPUTING,
    "tokenizers": COMPUTING,
    "bertviz": COMPUTING,
    "ray": ("models/cluster/", "benchmarks/", "tests/"),
}

LONGEST = 400
SAYS_NOTHING = {"util", "utils", "helper", "helpers", "common", "misc"}

HEAVY = {"torch", "transformers", "bertviz", "ray"}


def project_files(*suffixes):
    """The project's files with these suffixes, as paths from its root; what was installed or generated is left out."""
    found = []
    for folder, folders, files in os.walk(ROOT):
        here = Path(folder)
        folders[:] = [
            each
            for each in folders
            if not each.startswith(".") and each != "__pycache__" and not (here / each / "pyvenv.cfg").exists()
        ]
        found += [(here / each).relative_to(ROOT) for each in files if Path(each).suffix in suffixes]
    return sorted(found)


def imports(source):
    """Each (line, module) that the source imports, lazily or not; a relative import cannot leave its own folder."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom) and node.module is not None and node.level == 0:
            yield node.lineno, node.module
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("importlib.import_module", "__import__"):
            yield node.lineno, str(getattr(node.args[0], "value", ""))


def forbidden_imports(path, source):
    """A sentence for each import in the file at this path that goes against the rules."""
    found = []
    for line, module in imports(source):
        top = module.partition(".")[0]
        if top in OURS and top not in MAY_IMPORT[path.parts[0]]:
            found.append(f"{path.as_posix()}:{line}: {path.parts[0]} must not import {module}")
        if path.parts[0] == "pages" and not is_of_its_page(path, module):
            found.append(f"{path.as_posix()}:{line}: a page imports itself and pages/shared, and not {module}")
        if top in ONLY_IN and not path.as_posix().startswith(ONLY_IN[top]):
            found.append(f"{path.as_posix()}:{line}: {module} is imported in {', '.join(ONLY_IN[top])} only")
    return found


def is_of_its_page(path, module):
    """Whether what is imported is the page's own, shared by all, or no page's at all."""
    top, _, rest = module.partition(".")
    return top != "pages" or not rest or rest.partition(".")[0] in ("shared", path.parts[1])


def wrong_with_file(path, source):
    """A sentence for each rule about its length and name that the file at this path breaks."""
    found = []
    lines = len(source.splitlines())
    if lines > LONGEST:
        found.append(f"{path.as_posix()} has {lines} lines: more than {LONGEST} hold two ideas")
    named = {part.partition(".")[0] for part in path.parts} & SAYS_NOTHING
    found += [f"{path.as_posix()}: the name {each} does not say what is in it" for each in sorted(named)]
    return found


def test_imports_run_one_way():
    paths = project_files(".py")
    found = [each for path in paths for each in forbidden_imports(path, (ROOT / path).read_text("utf-8"))]
    assert not found, "\n".join(found)


def test_files_are_short_and_named_for_what_they_hold():
    paths = project_files(".py", ".js", ".css")
    assert Path("app.py") in paths
    found = [each for path in paths for each in wrong_with_file(path, (ROOT / path).read_text("utf-8"))]
    assert not found, "\n".join(found)


def test_each_top_level_folder_has_a_rule():
    assert {path.parts[0] for path in project_files(".py")} <= MAY_IMPORT.keys()


@pytest.mark.parametrize("what", ["catalog and errors", "the engine", "app.py"])
def test_the_first_paint_does_not_wait_for_torch(what):
    statements = {
        "catalog and errors": ["import models.catalog, models.errors"],
        "the engine": ["import models.engine"],
        "app.py": [
            ast.unparse(node)
            for node in ast.parse((ROOT / "app.py").read_text("utf-8")).body
            if isinstance(node, ast.Import | ast.ImportFrom)
        ],
    }[what]
    program = "\n".join([*statements, "import sys", f"print(*{HEAVY} & sys.modules.keys())"])
    run = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.split() == []


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("models/attention/trace.py", "import viz.palette"),
        ("models/attention/trace.py", "from pages.shared import link"),
        ("viz/palette.py", "def late():\n    import streamlit as st"),
        ("viz/palette.py", "from pages import attention"),
        ("viz/components/attention_view/__init__.py", "import torch.nn.functional as F"),
        ("pages/attention/page.py", "from transformers import AutoModel"),
        ("pages/attention/page.py", "import tests.models.architectures"),
        ("pages/attention/page.py", "import importlib\nimportlib.import_module('bertviz')"),
        ("pages/attention/page.py", "from pages.sampling.choices import SEED"),
        ("pages/shared/page.py", "def late():\n    import pages.home.page"),
        ("app.py", "from tokenizers import Tokenizer"),
        ("docs/programs/attention_weights.py", "from models.attention import trace_attention"),
    ],
)
def test_an_import_against_the_rules_is_found(path, source):
    assert len(forbidden_imports(Path(path), source)) == 1


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("app.py", "import streamlit as st\nfrom pages.shared import thread\nfrom models.catalog import MODELS"),
        ("pages/attention/page.py", "from models.engine import engine\nfrom viz import palette\nimport streamlit"),
        ("pages/attention/page.py", "from pages.attention import choices\nfrom pages.shared.page import Page"),
        ("viz/components/picture_state/__init__.py", "import streamlit as st\nimport numpy as np"),
        ("models/loading/load.py", "import torch\nfrom models.catalog import MODELS"),
        ("tests/pages/test_attention.py", "from streamlit.testing.v1 import AppTest\nimport app"),
    ],
)
def test_an_import_within_the_rules_passes(path, source):
    assert forbidden_imports(Path(path), source) == []


@pytest.mark.parametrize(
    ("path", "lines"),
    [("viz/components/grid/index.js", 401), ("pages/shared/utils.py", 1), ("models/common/cards.py", 1)],
)
def test_a_long_file_or_an_empty_name_is_found(path, lines):
    assert len(wrong_with_file(Path(path), "x\n" * lines)) == 1
