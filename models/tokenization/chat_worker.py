"""What the sandbox does with a chat template: transformers renders it there, with the sandboxed Jinja of its own."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from jinja2 import TemplateSyntaxError
from jinja2.exceptions import SecurityError

# Stand round each text of a turn while it is seen where a template puts it; private use, so that no template has them.
_BEGINS, _OF, _ENDS = "\U000f4a11", 0xF5000, "\U000f4a12"
_MARK = re.compile(f"{_BEGINS}(.)|{_ENDS}", re.DOTALL)
TOOLS = -2
_LONGEST_SENTENCE = 300
_NOT_SHOWN = ("role", "type", "id", "tool_call_id")


class Spoken(NamedTuple):
    """Where one text of a chat stands in what the template made: code points, the turn (TOOLS: a definition)."""

    turn: int
    start: int
    end: int


@dataclass(frozen=True)
class Rendered:
    """What a template makes of a chat.

    text: all of it; None where it raised, and `error` says what. spoken: where the texts of its turns stand, in order;
    None where that cannot be seen, since marks round them change what the template does.
    prompt: how many code points at the end of `text` are there for the answer to begin with.
    upto: of the first 1, 2, ... turns, without that; None where the template does not take so few. takes_tools: whether
    the template asks for tools at all. error_kind: "syntax", "sandbox" or "raised".
    """

    text: str | None
    spoken: tuple[Spoken, ...] | None = None
    prompt: int = 0
    upto: tuple[str | None, ...] = ()
    takes_tools: bool = False
    error: str = ""
    error_kind: str = ""


def rendered(
    jinja: str, special: Mapping[str, str], messages: str, tools: str, add_generation_prompt: bool
) -> Rendered:
    """A chat through a template. messages, tools: as JSON; "" for no tools."""
    # Pages that only cut texts know the types of this module; the sandbox has transformers from its start.
    from transformers.utils import chat_template_utils

    said = json.loads(messages)
    given = json.loads(tools) if tools else None
    variables: dict[str, Any] = dict(special)

    def through(some: Sequence[Any], of: Any = given, *, prompt: bool = False) -> str:
        chats, _ = chat_template_utils.render_jinja_template(
            conversations=[[{key: each for key, each in one.items() if each is not None} for one in some]],
            tools=of,
            chat_template=jinja,
            add_generation_prompt=prompt,
            **variables,
        )
        return chats[0]

    try:
        text = through(said, prompt=add_generation_prompt)
        takes_tools = "tools" in chat_template_utils._get_template_variables(jinja)
    except Exception as error:  # noqa: BLE001 - a template raises whatever it stumbles on, and its own word is shown
        return Rendered(None, error=str(error)[:_LONGEST_SENTENCE] or type(error).__name__, error_kind=_kind(error))
    upto = [_tried(lambda count=count: through(said[:count])) for count in range(1, len(said))]
    whole = _tried(lambda: through(said)) if add_generation_prompt else text
    marked = None
    if _BEGINS not in messages + tools and _ENDS not in messages + tools:
        own = [_marked(each, turn) for turn, each in enumerate(said)]
        of = given and [_marked(each, TOOLS) for each in given]
        marked = _tried(lambda: through(own, of, prompt=add_generation_prompt))
    return Rendered(
        text=text,
        spoken=None if marked is None else _spoken(marked, text),
        prompt=len(text) - len(whole) if whole is not None and text.startswith(whole) else 0,
        upto=(*upto, whole),
        takes_tools=takes_tools,
    )


def _kind(error: Exception) -> str:
    if isinstance(error, TemplateSyntaxError):
        return "syntax"
    return "sandbox" if isinstance(error, SecurityError | OverflowError) else "raised"


def _tried(make: Any) -> str | None:
    try:
        return make()
    except Exception:  # noqa: BLE001 - what a template does not take is no failure of ours
        return None


def _marked(value: Any, turn: int) -> Any:
    """The same with marks round every text, inside of the white space at its ends, which templates take off."""
    if isinstance(value, str):
        inner = value.strip()
        if not inner:
            return value
        start = value.index(inner[0])
        return f"{value[:start]}{_BEGINS}{chr(_OF + turn)}{inner}{_ENDS}{value[start + len(inner) :]}"
    if isinstance(value, Mapping):
        return {key: each if key in _NOT_SHOWN else _marked(each, turn) for key, each in value.items()}
    if isinstance(value, list):
        return [_marked(each, turn) for each in value]
    return value


def _spoken(marked: str, text: str) -> tuple[Spoken, ...] | None:
    """Where the marks stood; None where without them it is not the text."""
    found, plain, length, before = [], [], 0, 0
    begun: tuple[int, int] | None = None
    for mark in _MARK.finditer(marked):
        plain.append(marked[before : mark.start()])
        length, before = length + mark.start() - before, mark.end()
        is_begin = mark[1] is not None
        if is_begin == (begun is not None):
            return None
        if begun is not None:
            found.append(Spoken(begun[0], begun[1], length))
        begun = (ord(mark[1]) - _OF, length) if is_begin else None
    plain.append(marked[before:])
    return tuple(found) if begun is None and "".join(plain) == text else None
