"""A chat as somebody wrote it: turns with roles, as lines or as the `messages` that programs send."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from models.errors import HeadlightError
from models.tokenization.pieces import check_is_text

ROLES = ("system", "developer", "user", "assistant", "tool")
# Each further turn is rendered with all before it, to see what it costs.
MOST_TURNS = 100
LONGEST_CHAT = 40_000
# Of a file, before it is read.
LARGEST_CHAT_FILE = 5_000_000
_MOST_TOOLS = 50
_DEEPEST = 12
_ROLE_LINE = re.compile(rf"({'|'.join(ROLES)}):[ \t]?", re.IGNORECASE)


class ChatError(HeadlightError):
    """A chat that cannot be read, or is more than is shown."""


class Turn(NamedTuple):
    """One message. content: its text; "" where it has none. message: all of it, as JSON."""

    role: str
    content: str
    message: str


@dataclass(frozen=True)
class Chat:
    """Turns in order; tools: the definitions that come with them, as JSON, "" for none."""

    turns: tuple[Turn, ...]
    tools: str = ""

    @property
    def messages(self) -> list[dict[str, Any]]:
        """As transformers takes them."""
        return [json.loads(turn.message) for turn in self.turns]


def chat_of(text: str) -> Chat:
    """A chat out of lines that begin with a role and a colon, or out of JSON: a list of messages, or an object that
    holds `messages` and perhaps `tools`.

    Raises ChatError with the turn that is at fault, TextError.
    """
    check_is_text(text)
    if not text.strip():
        raise ChatError("There is no chat yet: write a line such as “user: Hello”, or open a file.")
    if len(text) > LARGEST_CHAT_FILE:
        raise ChatError(f"This chat has {len(text):,} characters, and at most {LONGEST_CHAT:,} are shown; shorten it.")
    return _bounded(_of_json(text) if text.lstrip()[0] in "[{" else _of_lines(text))


def as_text(chat: Chat) -> str:
    """As it is typed: lines with roles where that says all of it, else JSON."""
    lines = "\n".join(f"{turn.role}: {turn.content}" for turn in chat.turns)
    if not chat.tools:
        try:
            if lines.lstrip()[:1] not in ("[", "{") and chat_of(lines) == chat:
                return lines
        except ChatError:
            pass
    return as_messages(chat)


def as_messages(chat: Chat, indent: int | None = 1) -> str:
    """As programs send it: JSON with `messages`, and `tools` where there are some."""
    said: dict[str, Any] = {"messages": chat.messages}
    if chat.tools:
        said["tools"] = json.loads(chat.tools)
    return json.dumps(said, ensure_ascii=False, indent=indent)


def _bounded(chat: Chat) -> Chat:
    if len(chat.turns) > MOST_TURNS:
        raise ChatError(f"This chat has {len(chat.turns):,} turns, and at most {MOST_TURNS:,} are shown; shorten it.")
    length = sum(len(turn.message) for turn in chat.turns) + len(chat.tools)
    if length > LONGEST_CHAT:
        raise ChatError(f"This chat has {length:,} characters, and at most {LONGEST_CHAT:,} are shown; shorten it.")
    return chat


def _of_lines(text: str) -> Chat:
    turns: list[tuple[str, list[str]]] = []
    for line in text.strip("\n").split("\n"):
        found = _ROLE_LINE.match(line)
        if found:
            turns.append((found[1].lower(), [line[found.end() :]]))
        elif turns:
            turns[-1][1].append(line)
        elif line.strip():
            raise ChatError(f"The first line says no role: begin it with one of {', '.join(ROLES)} and a colon.")
    made = ((role, "\n".join(lines)) for role, lines in turns)
    return Chat(tuple(Turn(role, content, _written({"role": role, "content": content})) for role, content in made))


def _of_json(text: str) -> Chat:
    try:
        said = json.loads(text)
    except (ValueError, RecursionError) as error:
        where = f" at line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise ChatError(
            f"This is not JSON{where}. A chat is a list of messages with a role and a content, or lines such as "
            "“user: Hello”."
        ) from error
    messages, tools = (said.get("messages"), said.get("tools")) if isinstance(said, dict) else (said, None)
    if not isinstance(messages, list) or not messages:
        raise ChatError("This JSON holds no messages: a chat is a list of objects with a role and a content.")
    if len(messages) > MOST_TURNS:
        raise ChatError(f"This chat has {len(messages):,} turns, and at most {MOST_TURNS:,} are shown; shorten it.")
    turns = tuple(_turn(place, each) for place, each in enumerate(messages, 1))
    return Chat(turns, _tools(tools))


def _turn(place: int, message: Any) -> Turn:
    if not isinstance(message, dict):
        raise ChatError(f"Turn {place} is no message: each is an object with a role and a content.")
    role = message.get("role")
    if not isinstance(role, str) or not role:
        raise ChatError(f"Turn {place} has no role; it takes one of {', '.join(ROLES)}.")
    if role not in ROLES:
        raise ChatError(f"Turn {place} has a role that is not known; it takes one of {', '.join(ROLES)}.")
    content = message.get("content")
    if content is None and not message.get("tool_calls"):
        raise ChatError(f"Turn {place} has neither a content nor a tool call.")
    check_is_plain(message, f"Turn {place}")
    return Turn(role, _text_of(content, place), _written(message))


def _text_of(content: Any, place: int) -> str:
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else [content]
    if not all(isinstance(part, dict) and isinstance(part.get("text"), str) for part in parts):
        raise ChatError(f"The content of turn {place} is no text; pictures and sounds are not shown here.")
    return "\n".join(part["text"] for part in parts)


def _tools(said: Any) -> str:
    if said in (None, []):
        return ""
    if not isinstance(said, list) or not all(isinstance(each, dict) for each in said):
        raise ChatError("The tools are no list of objects, as in [{“type”: “function”, “function”: {…}}].")
    if len(said) > _MOST_TOOLS:
        raise ChatError(
            f"This chat comes with {len(said):,} tools, and at most {_MOST_TOOLS} are shown; leave some out."
        )
    check_is_plain(said, "A tool")
    return _written(said)


def check_is_plain(value: Any, what: str, depth: int = 0) -> None:
    """Raise ChatError where a value is nested too deeply, TextError where a string of it is no text."""
    if depth > _DEEPEST:
        raise ChatError(f"{what} is nested more than {_DEEPEST} deep; simplify it.")
    if isinstance(value, str):
        check_is_text(value)
    elif isinstance(value, Mapping):
        for key, each in value.items():
            check_is_text(key)
            check_is_plain(each, what, depth + 1)
    elif isinstance(value, list):
        for each in value:
            check_is_plain(each, what, depth + 1)


def _written(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
