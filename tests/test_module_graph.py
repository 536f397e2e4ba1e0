"""Which module imports which: no circle among them, and an engine that knows nothing of what it runs."""

import ast

import pytest

from tests.test_architecture import ROOT, project_files

TOPS = ("app.py", "pages", "viz", "models", "training", "benchmarks")

# What the engine may import of ours: the base of all errors, and two modules that import nothing of ours but that. What
# a size in the environment looks like and what a panic of a library is are asked before there is any engine.
LEAVES = {"models.errors", "models.rust_panics", "models.settings"}


def module_name(path):
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(source, known):
    """The modules of ours that the source imports, inside functions and for type checkers too."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names} & known
        elif isinstance(node, ast.ImportFrom):
            names = {f"{node.module}.{alias.name}": node.module for alias in node.names}
            found |= {whole if whole in known else module for whole, module in names.items()} & known
    return found


def graph():
    """For each module of ours those that it imports."""
    paths = {module_name(path): path for path in project_files(".py") if path.parts[0] in TOPS}
    return {name: imported((ROOT / path).read_text("utf-8"), paths.keys()) for name, path in paths.items()}


def circle(modules):
    """Some modules of the graph of which each imports the next, and the last the first; () where there are none."""
    left = dict(modules)
    while leaves := {name for name, others in left.items() if not others & left.keys()}:
        left = {name: others for name, others in left.items() if name not in leaves}
    if not left:
        return ()
    way = [min(left)]
    while (following := min(left[way[-1]] & left.keys())) not in way:
        way.append(following)
    return tuple(way[way.index(following) :])


def test_no_circle_among_modules():
    assert circle(graph()) == ()


def test_the_engine_imports_nothing_of_ours_but_what_stands_below_everything():
    modules = graph()
    engine = {name for name in modules if name.startswith("models.engine")}
    assert len(engine) > 5
    assert set().union(*(modules[name] for name in engine)) - engine <= LEAVES
    assert set().union(*(modules[name] for name in LEAVES)) <= LEAVES


@pytest.mark.parametrize(
    ("modules", "found"),
    [
        ({"a": {"b"}, "b": {"c"}, "c": set()}, ()),
        ({"a": {"b"}, "b": {"c"}, "c": {"b"}}, ("b", "c")),
        ({"a": {"a"}}, ("a",)),
        ({"z": {"a"}, "a": {"b"}, "b": {"a"}, "c": set()}, ("a", "b")),
    ],
)
def test_a_circle_is_found(modules, found):
    assert circle(modules) == found


@pytest.mark.parametrize(
    "source",
    [
        "import models.loading.packs",
        "from models.loading.packs import home",
        "from models.loading import packs",
        "def late():\n    from models.loading.packs import home",
        "if TYPE_CHECKING:\n    from models.loading.packs import home",
    ],
)
def test_an_import_is_seen_wherever_it_stands(source):
    assert imported(source, {"models.loading", "models.loading.packs"}) == {"models.loading.packs"}
