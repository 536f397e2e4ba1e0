"""The same sentences in many languages: a program's messages, or lines that somebody brings."""

import ast
import io
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from gettext import GNUTranslations

from models.catalog import MESSAGES
from models.engine import Engine
from models.errors import HeadlightError
from models.loading.packs import PackError, files_of
from models.tokenization.scripts import script_of

COUNT = 10
_FEWEST_WORDS = 4
# What is filled in later, tags, several lines, and the context that a catalogue puts before a message.
_NO_SENTENCE = re.compile(r"[%{}<>\n\x04]")
MOST_LINES = 200
_LONGEST_PASTED = 20_000
_BETWEEN = re.compile(r"\t+| \| ?|\|")


class ParallelTextError(HeadlightError):
    """Lines from which no pairs can be read."""


@dataclass(frozen=True)
class Language:
    """One language: its code as the package has it, its name in English and in itself, and the script of its sentences.

    sentences: in the order of those in English.
    """

    code: str
    name: str
    own_name: str
    script: str
    sentences: tuple[str, ...]


@dataclass(frozen=True)
class ParallelText:
    """Sentences in English, and every language that has all of them, by code; English is not among these.

    left_out: the codes of the languages that lack at least one.
    """

    english: tuple[str, ...]
    languages: tuple[Language, ...]
    left_out: tuple[str, ...]

    @cached_property
    def by_code(self) -> Mapping[str, Language]:
        """Of each code its language."""
        return {each.code: each for each in self.languages}


@dataclass(frozen=True)
class MessagesRequest:
    """The sentences of the package of messages (`models.catalog.MESSAGES`)."""

    def answer(self, engine: Engine) -> ParallelText:  # noqa: ARG002 - nothing is asked of it
        """Raises PackError where the package is missing or damaged."""
        return parallel_messages(files_of(MESSAGES))


def parallel_messages(files: Mapping[str, bytes]) -> ParallelText:
    """The sentences that most catalogues have, from the package's files by their paths in its folder.

    A sentence ends like one, has at least four words, one line, no place for what is filled in, and no tag. The ten in
    most languages are taken; of those in equally many the longer one, then by the alphabet. Raises PackError.
    """
    names: dict[str, tuple[str, str]] = {}
    catalogues: dict[str, dict[str, str]] = {}
    for path, data in files.items():
        code, *inside = path.split("/")
        if inside:
            catalogues[code] = _messages(data)
        else:
            names = _names(data.decode())
    count = Counter(message for each in catalogues.values() for message in each if is_sentence(message))
    chosen = sorted(count, key=lambda message: (-count[message], -len(message), message))[:COUNT]
    if len(chosen) < COUNT:
        raise PackError("The package of messages has too few sentences. Run `make models` and try again.")
    languages, left_out = [], []
    for code, messages in sorted(catalogues.items()):
        if any(message not in messages for message in chosen):
            left_out.append(code)
            continue
        name, own_name = names.get(code.lower().replace("_", "-"), (code, code))
        sentences = tuple(messages[message] for message in chosen)
        languages.append(Language(code, name, own_name, script_of("".join(sentences)), sentences))
    # English itself has an empty catalogue: its sentences are what the others are looked up by.
    return ParallelText(tuple(chosen), tuple(languages), tuple(each for each in left_out if catalogues[each]))


def is_sentence(message: str) -> bool:
    """Whether a message is a whole sentence, the same whatever the program shows; see `parallel_messages`."""
    is_whole = message.endswith((".", "!", "?")) and not _NO_SENTENCE.search(message)
    return is_whole and len(message.split()) >= _FEWEST_WORDS


def _messages(data: bytes) -> dict[str, str]:
    """What a catalogue says for what, without what it lacks and what has several forms."""
    try:
        # gettext looks up one message at a time; which there are it keeps to itself.
        catalogue = vars(GNUTranslations(io.BytesIO(data)))["_catalog"]
    except (OSError, ValueError, UnicodeError) as error:
        raise PackError("A catalogue of the package of messages cannot be read. Run `make models` again.") from error
    return {message: said for message, said in catalogue.items() if isinstance(message, str) and message and said}


def _names(source: str) -> dict[str, tuple[str, str]]:
    """What each language is called in English and in itself: LANG_INFO of a Python file, which is read and not run."""
    for statement in ast.parse(source).body:
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "LANG_INFO":
            about = ast.literal_eval(statement.value)
            return {code: (each["name"], each["name_local"]) for code, each in about.items() if "name" in each}
    return {}


def pasted_pairs(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The left and the right column of pasted lines, with a tab or | between the two; empty lines are left out.

    Raises ParallelTextError.
    """
    if len(text) > _LONGEST_PASTED:
        raise ParallelTextError(f"These are {len(text):,} characters; at most {_LONGEST_PASTED:,} are compared.")
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    if not lines:
        raise ParallelTextError("Paste lines in two columns, the same meaning left and right, with a tab or | between.")
    if len(lines) > MOST_LINES:
        raise ParallelTextError(f"These are {len(lines):,} lines; at most {MOST_LINES} are compared.")
    pairs = []
    for number, line in lines:
        parts = [part.strip() for part in _BETWEEN.split(line)]
        if len(parts) != 2 or not all(parts):
            raise ParallelTextError(f"Line {number} is not in two columns: put a tab or | between left and right.")
        pairs.append((parts[0], parts[1]))
    return tuple(left for left, _ in pairs), tuple(right for _, right in pairs)
