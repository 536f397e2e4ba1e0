"""A lesson as a TOML file: read with bounds and checks, since it may come from anybody, and written."""

import json
import math
import re
import tomllib
import urllib.parse
from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields
from typing import Any

from models.catalog import MODELS
from models.lesson_summary import SUMMARY_NAMES
from models.lessons.ask import ASK_KINDS, OPTIONS, Ask
from models.lessons.lesson import Claim, Lesson, LessonError, Step, View
from models.lessons.question_registry import arguments_of, question_of
from models.lessons.readings import QuestionError

LARGEST_LESSON_FILE = 200_000
MOST_STEPS = 24
LONGEST = 2_000
LONGEST_ADDRESS = 8_000
_ADDRESS = re.compile(r"/?([a-z_]{1,40})(?:\?(.*))?", re.DOTALL)
_HEAD = {*SUMMARY_NAMES, "step"}
_STEP = {"say", "view", "ask", "prompt", "options", "by", "of", "borders", "least", "most"} | {
    *("truth", "after", "after_view", "claims", "covered", "in_picture")
}
_CLAIM = {"says", "of", "above", "below", "equals", "times", "within", "is_largest"}


def read_lesson(data: bytes, name: str, pages: Collection[str]) -> Lesson:
    """The lesson of a file. name: by which it is known. pages: the addresses of pages that a view may open.

    Raises LessonError, whose sentence says what is wrong and in which step.
    """
    if len(data) > LARGEST_LESSON_FILE:
        raise LessonError(f"A lesson has at most {LARGEST_LESSON_FILE // 1000} kB; this file is larger, so it is none.")
    try:
        said = tomllib.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise LessonError("This file is no lesson: it cannot be read as TOML in UTF-8.") from error
    where = "The lesson"
    _known(said, _HEAD, where)
    steps = said.get("step")
    if not isinstance(steps, list) or not 1 <= len(steps) <= MOST_STEPS:
        raise LessonError(f"A lesson has 1 to {MOST_STEPS} steps, each under [[step]].")
    read: list[Step] = []
    for number, each in enumerate(steps, start=1):
        read.append(_step(each, f"Step {number}", _view_before(read), pages))
    if read[0].view is None:
        raise LessonError("The first step opens no view; give it one.")
    return Lesson(
        name=name,
        title=_text(said, "title", where, least=1),
        theme=_text(said, "theme", where),
        minutes=int(_number(said, "minutes", where, 5)),
        aim=_text(said, "aim", where),
        cures=_text(said, "cures", where),
        sources=_texts(said, "sources", where),
        steps=tuple(read),
    )


def read_view(address: str, pages: Collection[str]) -> View:
    """The view of an address on this server, as in attention?model=minilm. Raises LessonError."""
    found = _ADDRESS.fullmatch(address) if len(address) <= LONGEST_ADDRESS else None
    if found is None or found[1] not in pages:
        raise LessonError("A view is the address of a page of this server, as in attention?model=minilm&layer=3.")
    query = urllib.parse.parse_qsl(found[2] or "", keep_blank_values=True, max_num_fields=200)
    return View(found[1], tuple(query))


def view_address(view: View) -> str:
    """As a file has it, and a link behind the server's address."""
    said = urllib.parse.urlencode(view.query, quote_via=urllib.parse.quote)
    return f"{view.page}?{said}" if said else view.page


def _view_before(steps: list[Step]) -> View | None:
    views = [each.after_view or each.view for each in steps if each.view or each.after_view]
    return views[-1] if views else None


def _step(said: object, where: str, before: View | None, pages: Collection[str]) -> Step:
    if not isinstance(said, dict):
        raise LessonError(f"{where} is no table.")
    _known(said, _STEP, where)
    view, after_view = (_view(said, each, where, pages) for each in ("view", "after_view"))
    shown = view or before
    ask = truth = None
    if "ask" in said:
        ask = _ask(said, where)
        truth = _truth(said.get("truth"), shown, where)
    elif "truth" in said:
        raise LessonError(f"{where} has a truth and asks nothing.")
    claims = said.get("claims", [])
    if not isinstance(claims, list) or len(claims) > 8 or (claims and truth is None):
        raise LessonError(f"{where} has claims that are none: a list of at most 8, in a step that asks.")
    return Step(
        say=_text(said, "say", where, least=0 if view is not None and ask is None else 1),
        view=view,
        ask=ask,
        truth=truth,
        after=_text(said, "after", where),
        after_view=after_view,
        claims=tuple(_claim(each, where) for each in claims),
        is_covered=said.get("covered", True) is True and (ask is None or not ask.in_picture),
    )


def _ask(said: Mapping[str, Any], where: str) -> Ask:
    kind = said["ask"]
    if kind not in ASK_KINDS:
        raise LessonError(f"{where} asks in a way that is not known; the ways are {', '.join(ASK_KINDS)}.")
    options, borders = _texts(said, "options", where), said.get("borders", [])
    low, high = OPTIONS[kind]
    if len(set(options)) < len(options) or (options and not low <= len(options) <= high):
        raise LessonError(f"{where} has options that are none: {low} to {high} different ones.")
    if not (isinstance(borders, list) and all(_is_number(each) for each in borders) and borders == sorted(borders)):
        raise LessonError(f"{where} has borders that are no numbers in their order.")
    if borders and len(options) != len(borders) + 1:
        raise LessonError(f"{where} needs one option more than it has borders.")
    by = said.get("by", "largest")
    if by not in ("largest", "smallest"):
        raise LessonError(f"{where} takes neither the largest nor the smallest.")
    least, most = (_number(said, each, where, default) for each, default in (("least", 0), ("most", 1)))
    if least >= most:
        raise LessonError(f"{where} has a slider whose ends are not in their order.")
    in_picture = said.get("in_picture", False) is True
    if in_picture and (kind != "choose" or not options or borders):
        raise LessonError(f"{where} has a guess in the picture; that is for choosing one of its options.")
    prompt, of = _text(said, "prompt", where, least=1), _text(said, "of", where)
    return Ask(kind, prompt, options, by, of, tuple(borders), least, most, in_picture)


def _truth(said: object, view: View | None, where: str) -> Any:
    if not isinstance(said, dict) or not isinstance(said.get("question"), str):
        raise LessonError(f"{where} asks something and names no question for its truth.")
    model, text = ("", "") if view is None else (view.said("model", "minilm"), view.said("text"))
    given = {key: value for key, value in said.items() if key != "question"}
    try:
        found = question_of(said["question"], given, model, text)
    except QuestionError as error:
        raise LessonError(f"{where}: {error}") from error
    if found.model not in MODELS:
        raise LessonError(f"{where} asks a model that is not always here; it can be asked of {', '.join(MODELS)}.")
    return found


def _claim(said: object, where: str) -> Claim:
    if not isinstance(said, dict):
        raise LessonError(f"{where} has a claim that is no table.")
    _known(said, _CLAIM, where)
    compared = {each: said[each] for each in ("above", "below", "equals") if each in said}
    if not all(_is_number(each) or (isinstance(each, str) and len(each) <= LONGEST) for each in compared.values()):
        raise LessonError(f"{where} has a claim that compares with no number and no name.")
    factors = {each: _number(said, each, where, default) for each, default in (("times", 1), ("within", 0))}
    return Claim(
        _text(said, "says", where, least=1),
        _text(said, "of", where, least=1),
        **compared,
        **factors,
        is_largest=said.get("is_largest") is True,
    )


def _view(said: Mapping[str, Any], name: str, where: str, pages: Collection[str]) -> View | None:
    address = said.get(name)
    if address is None:
        return None
    if not isinstance(address, str):
        raise LessonError(f"{where} has a view that is no address.")
    try:
        return read_view(address, pages)
    except (LessonError, ValueError) as error:
        raise LessonError(f"{where} opens no page of this server; a view is as in attention?layer=3&head=1.") from error


def _known(said: Mapping[str, Any], names: set[str], where: str) -> None:
    if not set(said) <= names:
        raise LessonError(f"{where} says something that no lesson has; it may say {', '.join(sorted(names))}.")


def _text(said: Mapping[str, Any], name: str, where: str, least: int = 0) -> str:
    value = said.get(name, "")
    if not isinstance(value, str) or not least <= len(value.strip()) <= len(value) <= LONGEST:
        raise LessonError(f"{where}: “{name}” is a text of {least} to {LONGEST:,} characters.")
    return value.strip()


def _texts(said: Mapping[str, Any], name: str, where: str) -> tuple[str, ...]:
    value = said.get(name, [])
    if not isinstance(value, list) or len(value) > 40 or not all(isinstance(each, str) for each in value):
        raise LessonError(f"{where}: “{name}” is a list of at most 40 texts.")
    if any(len(each) > LONGEST for each in value):
        raise LessonError(f"{where}: a text of “{name}” has at most {LONGEST:,} characters.")
    return tuple(value)


def _is_number(value: object) -> bool:
    return type(value) in (int, float) and abs(value) < 1e15 and math.isfinite(value)  # ty: ignore[invalid-argument-type]


def _number(said: Mapping[str, Any], name: str, where: str, default: float | int) -> float | int:
    value = said.get(name, default)
    if not _is_number(value):
        raise LessonError(f"{where}: “{name}” is a number.")
    return value


# ----- And back


def lesson_text(lesson: Lesson) -> str:
    """The file of a lesson, from which `read_lesson` makes the same."""
    head = {name: getattr(lesson, name) for name in SUMMARY_NAMES}
    return file_text(head, [said_of(step) for step in lesson.steps])


def file_text(head: Mapping[str, Any], steps: Sequence[Mapping[str, Any]]) -> str:
    """A file of what the lesson and each of its steps say, whether or not they make a lesson."""
    lines = [*_lines(head), *(line for step in steps for line in ("", "[[step]]", *_lines(step)))]
    return "\n".join(lines) + "\n"


def said_of(step: Step) -> dict[str, Any]:
    """What a file says of a step, by name."""
    said: dict[str, Any] = {"view": view_address(step.view) if step.view else "", "say": step.say}
    if step.ask is not None and step.truth is not None:
        plain = Ask(step.ask.kind, "")
        said |= {"ask": step.ask.kind, "prompt": step.ask.prompt}
        more = {each.name: getattr(step.ask, each.name) for each in fields(Ask)}
        said |= {name: value for name, value in more.items() if value != getattr(plain, name)}
        name, given = arguments_of(step.truth)
        said["truth"] = {"question": name, **given}
    said |= {"after": step.after, "after_view": view_address(step.after_view) if step.after_view else ""}
    if not step.is_covered and not (step.ask and step.ask.in_picture):
        said["covered"] = False
    plain_claim = Claim("", "")
    said["claims"] = [
        {name: value for name in sorted(_CLAIM) if (value := getattr(each, name)) != getattr(plain_claim, name)}
        for each in step.claims
    ]
    return {name: value for name, value in said.items() if value not in ("", []) or value is False}


def _lines(said: Mapping[str, Any]) -> list[str]:
    return [f"{name} = {_toml(value)}" for name, value in said.items()]


def _toml(value: Any) -> str:
    if isinstance(value, str):
        # As JSON writes it, TOML reads it, but for one sign.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return "{ " + ", ".join(_lines(value)) + " }"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_toml, value))}]"
    return repr(value)
