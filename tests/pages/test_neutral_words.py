"""What a person is told to do goes for a mouse, a finger and keys alike: nothing is clicked or pointed at."""

import ast
import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_MOUSE = re.compile(r"\b(?:(?:double.)?click\w*|point(?:ing)? at\b|hover\w*)", re.IGNORECASE)


def by_mouse(text):
    """The words in a sentence that only a mouse does."""
    return _MOUSE.findall(text) if " " in text else []


def said_in(path):
    """The texts of a Python file that are no docstrings, and no words of a program or a style sheet."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    doc = {id(each.value) for each in ast.walk(tree) if isinstance(each, ast.Expr)}
    for each in ast.walk(tree):
        if isinstance(each, ast.Constant) and isinstance(each.value, str) and id(each) not in doc:
            yield each.value


def said_in_lesson(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from said_in_lesson(each)


def test_a_word_of_the_mouse_is_found():
    said = [
        "Click a cell.",
        "It opens by double click.",
        "Point at a piece to read it.",
        "What hovering says, and more.",
    ]
    assert all(map(by_mouse, said))
    assert not any(map(by_mouse, ["Choose a cell.", "on_click", "at this point atoms", "16 bits points"]))


def test_no_sentence_is_for_a_mouse_alone():
    found = {
        f"{path.relative_to(ROOT)}: {text}"
        for folder in ("pages", "viz", "models")
        for path in (ROOT / folder).rglob("*.py")
        for text in said_in(path)
        if by_mouse(text)
    }
    assert found == set()


def test_no_lesson_is_for_a_mouse_alone():
    lessons = sorted((ROOT / "pages" / "lessons" / "course").glob("*.toml"))
    assert len(lessons) > 10
    said = [each for path in lessons for each in said_in_lesson(tomllib.loads(path.read_text(encoding="utf-8")))]
    assert [each for each in said if by_mouse(each)] == []
